"""UBFC-rPPG, set 1: eight people who sit still.

Layout: `DATASET_1/NAME/{vid.avi, gtdump.xmp}`. `gtdump.xmp` has, in spite of its name, lines of
four numbers with commas: time (ms), heart rate (bpm), SpO2 (%) and the photoplethysmogram, about
62 a second. Times count from the first line. `vid.avi` is as in set 2 (`ubfc_rppg`).

No bad recordings are published. Sources: the set's own description; Bobbia et al. 2019; pyVHR's
reader.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.datasets.labels import read_table
from rppgbench.datasets.sensor import sensed
from rppgbench.datasets.takes import (
    Take,
    device_times,
    resting_rates,
    shoot,
    write_clip,
    write_lines,
)
from rppgbench.datasets.tree import (
    first_folder,
    is_file,
    is_folder,
    is_simulated,
    matching,
    nothing_found,
)
from rppgbench.recording import Dataset, Recording, Truth, VideoSource
from rppgbench.waveform import Signal

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

ORDER = tuple(f"{n}-gt" for n in range(5, 13))
"""Names of simulated people; those of the set end in -gt or after-exercise."""


def _recordings(root: Path) -> Iterator[Recording]:
    folder = first_folder(root, "DATASET_1")
    made = is_simulated(root)
    found = False
    for place, match in matching(folder, r"[\w-]+"):
        labels, video = place / "gtdump.xmp", place / "vid.avi"
        if not (is_folder(place) and (is_file(labels) or is_file(video))):
            continue
        found = True
        yield Recording(
            dataset="ubfc_rppg_1",
            name=match[0],
            subject=match[0],
            video=partial(VideoSource, video),
            truth=partial(_truth, labels),
            files=(video, labels),
            scenario="after exercise" if "exercise" in match[0] else "rest",
            simulated=made,
        )
    if not found:
        layout = "DATASET_1/5-gt/vid.avi and gtdump.xmp"
        raise nothing_found(root, ubfc_rppg_1.title, layout, ubfc_rppg_1.url)


def _truth(file: Path) -> Truth:
    table = read_table(file, columns=4)
    times_s = (table[:, 0] - table[0, 0]) / 1000
    return sensed(file, pulse=Signal(table[:, 3], times_s), heart_rate=Signal(table[:, 1], times_s))


def takes(plan: "SimulationPlan") -> Iterator[Take]:
    """One recording a person, who sits still."""
    from rppgbench.simulation import Scene, frame_times

    for subject, rate in resting_rates("ubfc_rppg_1", ORDER, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, 30.0),
            difficulty=plan.difficulty,
            face_height=0.62,
            heart_rate_bpm=rate,
        )
        yield Take(subject, "1", scene)


def _simulate(root: Path, plan: "SimulationPlan") -> None:
    """The native layout, 320 x 240; HuffYUV in AVI keeps every pixel."""
    shoot("ubfc_rppg_1", root, plan, takes(plan), _write)


def _write(root: Path, plan: "SimulationPlan", take: Take, filmed: "SimulatedRecording") -> None:
    folder = root / "DATASET_1" / take.subject
    write_clip(folder / "vid.avi", filmed.frames(), take.scene.times_s, "huffyuv", plan)
    times_s = np.round(device_times(plan.seconds, 62.0), 3)
    rate, pulse = filmed.heart_rate_at(times_s), filmed.pulse_at(times_s)
    saturation = filmed.oxygen_saturation_at(times_s)
    lines = (
        f"{1000 * t:.0f},{r:.0f},{s:.0f},{p:.6f}"
        for t, r, s, p in zip(times_s, rate, saturation, pulse, strict=True)
    )
    write_lines(folder / "gtdump.xmp", lines)


ubfc_rppg_1 = Dataset(
    name="ubfc_rppg_1",
    title="UBFC-rPPG, set 1",
    version="1",
    cite="10.1016/j.patrec.2017.10.017",
    licence="free for research on request",
    url="https://sites.google.com/view/ybenezeth/ubfcrppg",
    expected={"subjects": 8, "recordings": 8},
    recordings=_recordings,
    simulate=_simulate,
)
