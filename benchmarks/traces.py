"""Mean colours without pictures: any folder of traces, with or without a contact sensor.

Each file of the kinds .csv, .tsv, .parquet, .npz, .mat in the folder or below it is the trace of
one face region in one recording (`extraction.trace_files` names its columns: `time_s` or `fs`,
`red`, `green`, `blue`). Sets whose faces may not be shown can be given so. The region is called
`whole_frame`, whatever it shows.

A trace in a sub-folder belongs to the person of that name, the first folder below the root. A trace
at the top of the folder is a person of its own.

The contact sensor is in columns `pulse` and `heart_rate_bpm` of the trace, at the times of its
rows, or in a file `contact` of these kinds in the same folder, such as `anna/contact.csv` for all
traces of `anna/`. Its `time_s` are on the clock of the traces, so it may begin earlier and end
later; with `fs` it begins at 0 s, and another length than the trace's is a warning. A trace that
has both is refused. A trace without a sensor has no ground truth: methods estimate its pulse, but
it is not scored.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, TraceSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.layout import MARKER, files_below
from rppgbench.datasets.simulated_writers import SimulatedSession, resting_rates, write_lines
from rppgbench.extraction.trace_files import TRACE_SUFFIXES, read_contact, read_trace
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import BenchError, RecordingError

CONTACT = "contact"
CONTACT_HZ = 60.0
SIDE = 96  # of the simulated frames, in pixels
MAX_NAMES = 5
ORDER = tuple(f"person{n:02d}" for n in range(1, 49))


def _recordings(root: Path) -> Iterator[Recording]:
    traces, contacts = _files(root)
    for trace in traces:
        inside = trace.relative_to(root)
        name = inside.with_suffix("").as_posix()
        contact = contacts.get(trace.parent)
        yield Recording(
            dataset="traces",
            name=name,
            subject=inside.parts[0] if len(inside.parts) > 1 else name,
            video=partial(_source, trace),
            ground_truth=partial(_ground_truth, trace, contact),
            files=(trace, contact) if contact else (trace,),
            part="test",
        )


def _files(root: Path) -> tuple[list[Path], dict[Path, Path]]:
    """The traces, and the file of the contact sensor of each folder that has one."""
    files = [file for file in files_below(root) if file.suffix.lower() in TRACE_SUFFIXES]
    contacts: dict[Path, Path] = {}
    for file in files:
        if file.stem.lower() == CONTACT:
            if file.parent in contacts:
                raise BenchError(
                    f"{file.parent}: holds {contacts[file.parent].name} and {file.name}; keep one"
                )
            contacts[file.parent] = file
    return [file for file in files if file.stem.lower() != CONTACT], contacts


def _source(trace: Path) -> TraceSource:
    return read_trace(trace).source


def _ground_truth(trace: Path, contact: Path | None) -> GroundTruth:
    own = read_trace(trace)
    has_own = own.pulse is not None or own.heart_rate is not None
    if contact is not None and has_own:
        raise RecordingError(
            f"{trace}: has a contact sensor of its own, and {contact.name} is beside it; keep one"
        )
    if contact is None and not has_own:
        return GroundTruth()
    if contact is None:
        return clean_labels(trace, pulse=own.pulse, heart_rate=own.heart_rate, one_clock=True)
    sensor = read_contact(contact)
    lines = [f"{contact.name}: {line}" for line in sensor.warnings]
    return clean_labels(
        contact,
        pulse=sensor.pulse,
        heart_rate=sensor.heart_rate,
        one_clock=True if sensor.has_times else None,
        warnings=lines,
    )


def _leftovers(root: Path) -> Iterator[str]:
    """One line for sensors without a trace, for columns and for files that are not read."""
    traces, contacts = _files(root)
    with_traces = {trace.parent for trace in traces}
    alone = [file for folder, file in contacts.items() if folder not in with_traces]
    known = {*traces, *contacts.values(), root / MARKER}
    others = [file for file in files_below(root) if file not in known]
    for files, why in (
        (alone, "no trace in its folder"),
        (others, "no trace by its name"),
    ):
        if files:
            names = [repr(file.relative_to(root).as_posix()) for file in files[:MAX_NAMES]]
            more = f" and {len(files) - MAX_NAMES} more" if len(files) > MAX_NAMES else ""
            yield f"not read: {', '.join(names)}{more}: {why}"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session for each subject, who sits still in office light."""
    for name, rate in resting_rates("traces", ORDER, plan).items():
        scene = Scene(
            width=SIDE,
            height=SIDE,
            times_s=frame_times(plan.seconds, 30.0),
            difficulty=plan.difficulty,
            light="indoor",
            face_height=0.9,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(name, "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The mean of the middle third of the frames, and the sensor at 60 Hz in a file of its own."""
    scene, folder = recording.scene, root / recording.subject
    middle = slice(SIDE // 3, 2 * SIDE // 3)
    means = [frame[middle, middle].reshape(-1, 3).mean(axis=0) for frame in recording.frames()]
    lines = [
        f"{time_s:.6f},{red:.6f},{green:.6f},{blue:.6f}"
        for time_s, (red, green, blue) in zip(scene.times_s, means, strict=True)
    ]
    write_lines(folder / "cheeks.csv", ["time_s,red,green,blue", *lines])
    times_s = np.arange(round(plan.seconds * CONTACT_HZ)) / CONTACT_HZ
    pulse, rate_bpm = recording.pulse_at(times_s), recording.heart_rate_at(times_s)
    rows_of_sensor = [
        f"{time_s:.6f},{value:.6f},{bpm:.3f}"
        for time_s, value, bpm in zip(times_s, pulse, rate_bpm, strict=True)
    ]
    write_lines(folder / "contact.csv", ["time_s,pulse,heart_rate_bpm", *rows_of_sensor])


traces = folder_dataset(
    name="traces",
    title="A folder of mean colours, with or without a contact sensor",
    cite="none: your own",
    licence="yours",
    url="--data traces=DIR",
    expected={},
    example="PERSON/REGION.csv with the columns time_s, red, green, blue (bench data show traces)",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
    mean_colours=True,
)
