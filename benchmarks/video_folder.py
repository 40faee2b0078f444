"""Any folder of videos, with or without labels.

Layout: videos in the folder or below it (links to folders and hidden files aside), by the names of
`video.suffixes`: .mp4 .m4v .mov .3gp, .mkv .webm, .avi, .mpg .mpeg .ts .mts .vob, .wmv .asf, .flv,
.mxf, .ogv and others. Each is a recording, and a subject of its own unless the labels say
otherwise.

`heart_rates.csv` beside them is optional. Its first line names the columns, in any order: `video`
(the path from the folder), `heart_rate_bpm` and, if there is one, `subject`; commas, semicolons or
tabs separate. A video without a line, or with an empty rate, has no ground truth: methods estimate
its pulse, but it is not scored. Test sets of challenges have this form (RePSS 2024, track 1).

Names are case-sensitive; a backslash counts as a slash where no video has one in its name. A video
named twice is refused. `bench data check` and the notes of a run report lines without a video,
videos without a line, rates outside 30 to 240 bpm (no ground truth), columns and files that are not
read, such as `face.csv` beside `face.mp4`.
"""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rppgbench.core.recording import Recording, VideoSource
from rppgbench.core.waveform import Array
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import HIGHEST_BPM, LOWEST_BPM, hz_hint, whole_video_rate
from rppgbench.datasets.label_sheets import Sheet, read_sheet
from rppgbench.datasets.layout import (
    MARKER,
    files_below,
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import special_file_kind
from rppgbench.video.suffixes import VIDEO_SUFFIXES

LABELS = "heart_rates.csv"
VIDEO, RATE, SUBJECT = "video", "heart_rate_bpm", "subject"
MAX_NAMES = 5
ORDER = tuple(f"video{n:02d}" for n in range(1, 49))


class _Line(NamedTuple):
    """One line of the labels; `video` is the path from the root, or "" without such a video."""

    video: str
    written: str
    rate_bpm: float
    subject: str


def _recordings(root: Path) -> Iterator[Recording]:
    videos = _videos(root)
    known = {line.video: line for line in _lines(_sheet(root), videos)}
    for name, video in videos.items():
        line = known.get(name, _Line(name, name, float("nan"), ""))
        yield Recording(
            dataset="video_folder",
            name=name,
            subject=line.subject or name,
            video=partial(VideoSource, video),
            ground_truth=partial(whole_video_rate, root / LABELS, line.rate_bpm),
            files=(video,),
            part="test",
            shared_label=f"{RATE} {line.rate_bpm!r}" if name in known else "",
        )


def _videos(root: Path) -> dict[str, Path]:
    """The videos by their path from the root, with slashes."""
    files = (file for file in files_below(root) if file.suffix.lower() in VIDEO_SUFFIXES)
    return {video.relative_to(root).as_posix(): video for video in files}


def _sheet(root: Path) -> Sheet | None:
    """The labels with their columns checked, None where there are none."""
    file = root / LABELS
    if not (is_file(file) or is_folder(file) or special_file_kind(file)):
        return None
    sheet = read_sheet(file)
    names = [name.lower() for name in sheet.names]
    counts = Counter(names)
    repeated = [name for name in (VIDEO, RATE, SUBJECT) if counts[name] > 1]
    if repeated or not counts[VIDEO] or not counts[RATE]:
        twice = f" (it names {repeated[0]} twice)" if repeated else ""
        raise RecordingError(
            f"{file}: line 1 must name the columns {VIDEO} and {RATE}, and {SUBJECT} if there is "
            f"one, each once and in any order; it is {', '.join(sheet.names)[:60]!r}{twice}"
        )
    return sheet._replace(names=names)


def _lines(sheet: Sheet | None, videos: Collection[str]) -> list[_Line]:
    """The lines of the labels, each with the video that it names."""
    if sheet is None:
        return []
    rates = sheet.numbers(sheet.names.index(RATE))
    lines: dict[str, _Line] = {}
    for (at, cells), rate in zip(sheet.rows, rates, strict=True):
        written = cells[sheet.names.index(VIDEO)]
        subject = cells[sheet.names.index(SUBJECT)] if SUBJECT in sheet.names else ""
        plain = written.strip().replace("\\", "/").removeprefix("./")
        if not plain:
            raise RecordingError(f"{sheet.file}: line {at} names no video; repair that line")
        video = next((name for name in (written, written.strip(), plain) if name in videos), "")
        key = video or plain
        if key in lines:
            raise RecordingError(
                f"{sheet.file}: line {at} names {key!r}, as a line above it does; keep one of them"
            )
        lines[key] = _Line(video, written.strip(), float(rate), subject.strip())
    return list(lines.values())


def _leftovers(root: Path) -> Iterator[str]:
    """One line for each file that is not read, and for labels and videos without each other."""
    videos, sheet = _videos(root), _sheet(root)
    lines = _lines(sheet, videos)
    matched = {line.video for line in lines}
    free = [name for name in videos if name not in matched]
    for line in [line for line in lines if not line.video][:MAX_NAMES]:
        near = _near(line.written, free)
        hint = f"; did you mean {near!r}?" if near else ""
        yield f"{LABELS} names {line.written!r}, which is not there{hint}"
    strays = sum(not line.video for line in lines)
    if strays > MAX_NAMES:
        yield f"{LABELS} names {strays - MAX_NAMES} more videos that are not there"
    if sheet is not None:
        if free:
            yield f"{len(free)} of {len(videos)} videos have no line in {LABELS}: {_some(free)}"
        odd = [name for name in sheet.names if name not in {VIDEO, RATE, SUBJECT}]
        if odd:
            yield f"{LABELS}: columns that are not read: {_some(odd)}"
        yield from _odd_rates(np.array([line.rate_bpm for line in lines]))
    yield from _unread(root, videos)


def _odd_rates(rates_bpm: Array) -> Iterator[str]:
    known = rates_bpm[np.isfinite(rates_bpm)]
    outside = int(np.count_nonzero((known < LOWEST_BPM) | (known > HIGHEST_BPM)))
    if outside:
        yield (
            f"{LABELS}: {outside} of {len(known)} heart rates are outside {LOWEST_BPM:.0f} to "
            f"{HIGHEST_BPM:.0f} bpm: no truth there{hz_hint(known)}"
        )


def _unread(root: Path, videos: dict[str, Path]) -> Iterator[str]:
    """Files without the suffix of a video, and folders that are links."""
    stems = {video.with_suffix("") for video in videos.values()}
    known = {root / LABELS, root / MARKER, *videos.values()}
    others = [file for file in files_below(root) if file not in known]
    tables = [file for file in others if file.suffix.lower() == ".csv"]
    beside = [file for file in tables if file.with_suffix("") in stems]
    alike = [file for file in tables if file.name.lower() == LABELS]
    for files, why in (
        (beside, f"the labels of all videos belong in {LABELS}"),
        (alike, f"the labels belong in {LABELS} at the top of the folder"),
        ([file for file in others if file not in {*beside, *alike}], "no videos by their names"),
        ([*_links(root)], "links to folders are not followed"),
    ):
        if files:
            names = [file.relative_to(root).as_posix() for file in files]
            yield f"not read: {_some(names)}: {why}"


def _links(folder: Path) -> Iterator[Path]:
    for entry, _ in matching(folder, r".+"):
        if is_folder(entry):
            if entry.is_symlink():
                yield entry
            else:
                yield from _links(entry)


def _near(name: str, videos: Sequence[str]) -> str:
    """The video whose name is closest to a name, or ""."""

    def plain(text: str) -> str:
        return unicodedata.normalize("NFC", text.replace("\\", "/")).casefold()

    by_plain = {plain(video): video for video in videos}
    by_end = {plain(video).rsplit("/", 1)[-1]: video for video in videos}
    if plain(name) in by_plain:
        return by_plain[plain(name)]
    if plain(name).rsplit("/", 1)[-1] in by_end:
        return by_end[plain(name).rsplit("/", 1)[-1]]
    close = difflib.get_close_matches(plain(name), list(by_plain), n=1, cutoff=0.8)
    return by_plain[close[0]] if close else ""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(map(repr, names[:MAX_NAMES])) + more


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session for each subject, who sits still in office light."""
    for name, rate in resting_rates("video_folder", ORDER, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, 30.0),
            difficulty=plan.difficulty,
            light="indoor",
            face_height=0.62,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(name, "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> tuple[str, float]:
    """H.264 in MP4."""
    write_clip(root / f"{recording.subject}.mp4", recording, "libx264")
    return recording.subject, float(recording.heart_rate_at(recording.scene.times_s).mean())


def _finish(root: Path, plan: SimulationPlan, rates: list[tuple[str, float]]) -> None:
    """The labels: every second video has its mean rate, the others have none."""
    lines = [
        f"{name}.mp4,{f'{mean_bpm:.3f}' if number % 2 == 0 else ''},{name}"
        for number, (name, mean_bpm) in enumerate(rates)
    ]
    write_lines(root / LABELS, ["video,heart_rate_bpm,subject", *lines])


video_folder = folder_dataset(
    name="video_folder",
    title="A folder of videos, with or without heart rates",
    cite="none: your own",
    licence="yours",
    redistribution="owner",
    url="--data video_folder=DIR",
    expected={},
    example="videos such as .avi, .mkv, .mov, .mp4 (bench data show video_folder names more)",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
    leftovers=_leftovers,
)
