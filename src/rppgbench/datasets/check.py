"""Is a data set whole, and what is it fit for?

Every label file is read, and of every video the first, middle and last frame, so that thousands of
videos take minutes. Nothing is repaired and nothing is hidden: each fault is a `Finding`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import numpy as np

from rppgbench.core.recording import Dataset, GroundTruth, Recording, VideoSource
from rppgbench.core.validation import list_recordings, read_ground_truth, read_video
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.frame_clock import FrameClock, check_against_frames
from rppgbench.datasets.ground_truth import plausible_ground_truth
from rppgbench.datasets.splits import FoldAssignment, assign_by_folds
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.system.fault_kinds import attempt
from rppgbench.video.container import describe_dropped_frames
from rppgbench.video.container_length import missing_bytes
from rppgbench.video.stream import Frame, VideoInfo, open_video, sample_frames

Severity = Literal["error", "warning", "note"]
"""error: the recording cannot be used; warning: it can, with care; note: for information."""

Need = Callable[[Sequence[Recording]], str]
"""Given the usable recordings, why a protocol cannot run on them, or "" if it can."""

NO_NEEDS: Mapping[str, Need] = MappingProxyType({})

Share = Callable[[Sequence[Recording]], str]
"""Given the usable recordings, which part of a protocol's test side they are; "" if all of it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was noticed: at which recording and file ("" for the whole set), and what."""

    severity: Severity
    recording: str
    file: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """What a check found.

    `counts` holds for each kind (subjects, recordings) what is there and what the whole set holds;
    `protocols` why each protocol cannot run, or "" if it can, and `shares` on how much of its test
    side each that can run would.
    """

    dataset: str
    root: str
    fingerprint: str
    simulated: bool
    counts: Mapping[str, tuple[int, int | None]]
    usable: int
    findings: tuple[Finding, ...]
    protocols: Mapping[str, str]
    shares: Mapping[str, str] = field(default_factory=dict)

    @property
    def fit(self) -> bool:
        """Whether every recording that is there can be used."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The last line: fit or not, and for which protocols."""
        found = self.counts["recordings"][0]
        line = f"{self.dataset}: {'fit' if self.fit else 'not fit'}: {self.usable} of {found}"
        expected = self.counts["recordings"][1]
        line += " recordings usable"
        if expected is not None and expected != found:
            line += f" (the whole set has {expected})"
        fit = [name for name, why in self.protocols.items() if not why]
        able = [name for name in fit if not self.shares.get(name)]
        unable = [f"{name} ({why})" for name, why in self.protocols.items() if why]
        if able:
            line += f"; fit for {', '.join(able)}"
        for name in fit:
            line += f"; fit for {name}: {share}" if (share := self.shares.get(name)) else ""
        if unable:
            line += f"; not fit for {', '.join(unable)}"
        return line + (" [SIMULATED]" if self.simulated else "")

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return {
            "dataset": self.dataset,
            "root": self.root,
            "fingerprint": self.fingerprint,
            "simulated": self.simulated,
            "fit": self.fit,
            "verdict": self.verdict,
            "usable": self.usable,
            "counts": {
                kind: {"found": found, "expected": expected}
                for kind, (found, expected) in self.counts.items()
            },
            "findings": [asdict(finding) for finding in self.findings],
            "protocols": dict(self.protocols),
            "shares": dict(self.shares),
        }


def check_data(
    dataset: Dataset,
    root: Path,
    *,
    protocols: Mapping[str, Need] = NO_NEEDS,
    shares: Mapping[str, Share] = MappingProxyType({}),
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cache: Path | None = None,
) -> DataCheck:
    """Check everything of a data set that is under `root`.

    Args:
        dataset: its declaration.
        root: where it lies.
        protocols: what each protocol needs (`protocol_need` makes a need of a split).
        shares: which part of each protocol's test side there is (`describe_share` makes one).
        jobs: how many recordings are checked at once.
        progress: told how many of how many recordings are done, from this thread.
        cache: where digests of files are kept.

    Raises:
        BenchError: the root cannot be listed, or holds no recording of the set.
    """
    recordings = list_recordings(dataset, root)
    found: list[Finding] = list(_of_the_set(dataset, root, recordings))
    bad: set[str] = set()
    total = len(recordings)
    progress(0, total)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for done, findings in enumerate(pool.map(check_recording, recordings), start=1):
            found += findings
            bad |= {finding.recording for finding in findings if finding.severity == "error"}
            progress(done, total)
    usable = [recording for recording in recordings if recording.name not in bad]
    return DataCheck(
        dataset=dataset.name,
        root=str(root),
        fingerprint=fingerprint(recordings, cache),
        simulated=any(recording.simulated for recording in recordings),
        counts=_counts(dataset, recordings),
        usable=len(usable),
        findings=tuple(found),
        protocols={name: need(usable) for name, need in protocols.items()},
        shares={name: share(usable) for name, share in shares.items()},
    )


def protocol_need(
    lay_out: Callable[[Sequence[Recording]], Sequence[FoldAssignment]], *, trains: bool = False
) -> Need:
    """A protocol's need by its split: every fold has someone to test, and to learn from if asked.

    `lay_out` gives the sides of the recordings it gets, as `splits.by_lists` and its kin do.
    """

    def why_not(recordings: Sequence[Recording]) -> str:
        try:
            sides = lay_out(recordings)
        except BenchError as error:
            return str(error)
        untested = [side.fold for side in sides if not side.test]
        if len(untested) == len(sides):
            return "no usable recording is on the test side"
        if untested:
            return f"nothing to test in fold {', '.join(untested)}"
        unlearned = [side.fold for side in sides if trains and not side.train]
        return f"nothing to learn from in fold {', '.join(unlearned)}" if unlearned else ""

    return why_not


def describe_share(
    lay_out: Callable[[Sequence[Recording]], Sequence[FoldAssignment]],
    *,
    entries: Collection[str] = (),
    number: int = 0,
) -> Share:
    """How much of a protocol's test side is here, in words.

    Args:
        lay_out: gives the sides of the recordings it gets.
        entries: the subjects (or recordings) that the split's lists test, where it has lists.
        number: how many recordings the protocol tests, where it fixes a number.

    Returns:
        "2 of its 12 test subjects are here", or "" where all are, or the protocol says no number.
    """

    def share(recordings: Sequence[Recording]) -> str:
        try:
            tested = {(r.subject, r.name) for side in lay_out(recordings) for r in side.test}
        except BenchError:
            return ""  # why it cannot run says more
        if entries:
            here = {entry for pair in tested for entry in pair} & set(entries)
            if len(here) < len(entries):
                return f"{len(here)} of its {len(entries)} test subjects are here"
        if number and len(tested) != number:
            return f"{len(tested)} of its {number} test recordings are here"
        return ""

    return share


def check_recording(recording: Recording) -> list[Finding]:
    """Read the labels and three frames of one recording; every fault is one finding.

    A fault of a recording that is listed as known to be bad is a warning with that reason.
    """
    found: list[Finding] = []

    def say(severity: Severity, text: str, file: Path | str = "") -> None:
        if severity == "error" and recording.known_bad:
            severity, text = "warning", f"{text} (known: {recording.known_bad})"
        found.append(
            Finding(severity=severity, recording=recording.name, file=str(file), text=text)
        )

    name = f"{recording.dataset}/{recording.name}"
    source = _attempt(lambda: read_video(recording), say, f"the extraction of {name}")
    looked = _check_video(source, say) if source is not None else None
    truth = _attempt(
        lambda: plausible_ground_truth(read_ground_truth(recording)), say, f"the labels of {name}"
    )
    if truth is not None:
        for line in truth.warnings:
            say("warning", line)
        if source is not None and looked is not None:
            _check_clock(truth, _container_clock(source, *looked), source.path, say)
            _check_files(recording, say)
    return found


Say = Callable[..., None]
T = TypeVar("T")


def _attempt(read: Callable[[], T], say: Say, doing: str = "what the reader gives") -> T | None:
    """What a step gives, or None and a finding; MachineError where the machine is at fault."""
    made = attempt(read, doing)
    if made.fault is not None:
        if made.fault.kind in {"machine", "user"}:
            raise made.fault.error()
        file, _, text = made.fault.reason.partition(": ")
        if made.fault.trace or not text:  # a bug of the reader, which names no file
            file, text = "", made.fault.reason
        say("error", text, file)
    return made.value


def _check_video(source: VideoSource, say: Say) -> tuple[VideoInfo, Frame] | None:
    """Three frames by seeking, the container's count and end, the given times.

    Returns what the container says and the last frame; None where the video cannot be read.
    """
    _check_times(source, say)
    _check_end(source, say)

    def look() -> tuple[VideoInfo, list[int], Frame]:
        with open_video(source) as reader:
            info, dropped = reader.info, reader.dropped_frames()
        return info, dropped, sample_frames(source)[-1]

    looked = _attempt(look, say)
    if looked is None:
        return None
    info, dropped, last = looked
    if dropped:
        say("warning", describe_dropped_frames(len(dropped)), source.path)
    count = len(source.images) or info.frames
    if source.times_s is not None and count is not None:
        given = len(source.times_s)
        if abs(given - count) > max(3, 0.01 * count):
            say("error", f"has {count} frames, but {given} times are given", source.path)
    length_s = info.duration_s
    there = last.index + 1 + sum(position > last.index for position in dropped)
    if count is not None and there < count - max(3, 0.01 * count):
        say("error", f"is cut off after {last.index + 1} of {count} frames", source.path)
    elif (
        count is None
        and source.times_s is None
        and length_s is not None
        and last.time_s < length_s - max(0.5, 0.01 * length_s)
    ):
        say("error", f"is cut off at {last.time_s:.1f} of {length_s:.1f} s", source.path)
    for line in info.warnings:
        say("warning", line, source.path)
    return info, last


def _check_end(source: VideoSource, say: Say) -> None:
    """Bytes that are missing show here also where frames can be read from the first to the last."""
    if source.images or source.frames is not None:
        return
    with suppress(OSError):  # the reader says it better
        missing = missing_bytes(source.path)
        if missing:
            line = f"is at least {missing:,} bytes shorter than its container says; copy it again"
            say("warning", line, source.path)


def _check_files(recording: Recording, say: Say) -> None:
    """What no reader stumbled over: files that are not there, pictures without a byte."""
    empty = []
    for file in recording.files:
        try:
            if not file.stat().st_size:
                empty.append(file)
        except OSError:
            say("warning", "is missing; nothing that was read needs it", file)
    if empty:
        say("warning", f"{len(empty)} of {len(recording.files)} files are empty", empty[0])


def _check_times(source: VideoSource, say: Say) -> None:
    if source.times_s is None:
        return
    unknown = int(np.count_nonzero(~np.isfinite(source.times_s)))
    steps = np.diff(source.times_s)
    repeated, backward = int(np.count_nonzero(steps == 0)), int(np.count_nonzero(steps < 0))
    for count, what in (
        (unknown, "are not numbers"),
        (repeated, "repeat the one before"),
        (backward, "go backward"),
    ):
        if count:
            say("warning", f"{count} of {len(source.times_s)} frame times {what}", source.path)


def _container_clock(source: VideoSource, info: VideoInfo, last: Frame) -> FrameClock | None:
    """When the frames were taken, without decoding them: by given times, else by the container.

    Where it counts no frames (Matroska) its duration says how many there are, and where it has
    none (a bare stream) the last frame does.
    """
    if source.times_s is not None:
        return FrameClock.from_times(source.times_s)
    if not info.fps > 0:
        return None
    lasts_s = info.duration_s or last.time_s + 1 / info.fps
    count = info.frames or round(lasts_s * info.fps)
    return FrameClock(0.0, count / info.fps, count)


def _check_clock(truth: GroundTruth, frames: FrameClock | None, file: Path, say: Say) -> None:
    """What a run says of labels and frames, by the times that are known without decoding."""
    try:
        held = check_against_frames(truth, frames)
    except RecordingError as error:
        say("error", str(error), file)
        return
    for line in held.warnings[len(truth.warnings) :]:
        say("warning", line, file)


def _of_the_set(dataset: Dataset, root: Path, recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Names, counts and folds."""
    seen: set[str] = set()
    for recording in recordings:
        if recording.name in seen:
            yield Finding(
                severity="error",
                recording=recording.name,
                file="",
                text="two recordings have this name",
            )
        seen.add(recording.name)
        if recording.known_bad:
            yield Finding(
                severity="note",
                recording=recording.name,
                file="",
                text=f"known to be bad: {recording.known_bad}",
            )
    simulated = any(recording.simulated for recording in recordings)
    for kind, (found, expected) in _counts(dataset, recordings).items():
        if expected is not None and found != expected:
            severity: Severity = "note" if simulated else "warning"
            yield Finding(
                severity=severity,
                recording="",
                file="",
                text=f"{found} {kind}, where the whole set has {expected}",
            )
    for line in dataset.leftovers(root) if dataset.leftovers is not None else ():
        yield Finding(severity="warning", recording="", file="", text=line)
    if dataset.folds is not None:
        try:
            assign_by_folds(recordings, dataset.folds(root), str(root))
        except BenchError as error:
            yield Finding(
                severity="warning", recording="", file="", text=f"the set's own folds: {error}"
            )


def _counts(dataset: Dataset, recordings: Sequence[Recording]) -> dict[str, tuple[int, int | None]]:
    found = {"subjects": len({r.subject for r in recordings}), "recordings": len(recordings)}
    return {kind: (number, dataset.expected.get(kind)) for kind, number in found.items()}
