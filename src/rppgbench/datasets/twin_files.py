"""Write the recordings of a twin as traces: mean colours with a contact sensor, one file each."""

from pathlib import Path

import numpy as np

from rppgbench.datasets.layout import mark_simulated
from rppgbench.datasets.simulated_writers import write_lines
from rppgbench.simulation.twin import TwinRecording, twin_recordings
from rppgbench.simulation.twin_declaration import Twin

COLUMNS = "time_s,red,green,blue,pulse,heart_rate_bpm"


def write_twin(root: Path, twin: Twin, *, dataset: str, name: str, seed: int, people: int) -> int:
    """Write the recordings of a twin, marked as simulated.

    Args:
        root: A new folder.
        twin: The declaration.
        dataset: The data set whose layout the folder has; the mark names it.
        name: Its name with the version; the mark repeats it.
        seed: Separates draws of one twin.
        people: The number of people.

    Returns:
        The number of recordings.

    Raises:
        BenchError: The folder holds something that was not simulated, or cannot be written.
    """
    mark_simulated(root, dataset, {"twin": name, "people": people, "seed": seed})
    count = 0
    for recording in twin_recordings(twin, name=name, seed=seed, people=people):
        file = root / recording.person / f"{recording.name}.csv"
        write_lines(file, [COLUMNS, *_rows(recording)])
        count += 1
    return count


def _rows(recording: TwinRecording) -> list[str]:
    table = np.column_stack(
        [recording.times_s, recording.rgb, recording.pulse, recording.heart_rate_bpm]
    )
    return [",".join(f"{value:.6f}" for value in row) for row in table]
