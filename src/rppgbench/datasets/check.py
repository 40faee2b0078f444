"""The check of a data set: whether it is complete and usable, and for which protocols.

Every label file is read, and of every video the first, middle and last frame, so that thousands of
videos take minutes. Nothing is repaired; each fault is a `Finding`.
"""

import os
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
"""Takes the usable recordings; returns why a protocol cannot run on them, or ""."""

NO_NEEDS: Mapping[str, Need] = MappingProxyType({})

Share = Callable[[Sequence[Recording]], str]
"""Takes the usable recordings; returns which part of a protocol's test set they are, or ""."""


SHORTEST_S, MOST_GAP_S = 3.0, 0.5
"""A run takes a pulse from frames over this time, without a gap longer than that."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault or note; `recording` and `file` are "" where it concerns the whole set."""

    severity: Severity
    recording: str
    file: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """The result of a check.

    `counts` holds the number that is there and the number of the whole set, for subjects and for
    recordings. `protocols` holds why each protocol cannot run, or "". `shares` holds which part of
    its test set each protocol would use.
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
        """The last line of the answer: whether the set is fit, and for which protocols."""
        present = self.counts["recordings"][0]
        line = f"{self.dataset}: {'fit' if self.fit else 'not fit'}: {self.usable} of {present}"
        expected = self.counts["recordings"][1]
        line += " recordings usable"
        if expected is not None and expected != present:
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
        """The result as plain values for JSON."""
        return {
            "dataset": self.dataset,
            "root": self.root,
            "fingerprint": self.fingerprint,
            "simulated": self.simulated,
            "fit": self.fit,
            "verdict": self.verdict,
            "usable": self.usable,
            "counts": {
                kind: {"found": present, "expected": expected}
                for kind, (present, expected) in self.counts.items()
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
    progress: Callable[[int, int], None] = lambda count, total: None,
    cache: Path | None = None,
) -> DataCheck:
    """Check all files of a data set under `root`.

    Args:
        dataset: the declaration.
        root: the folder of the set.
        protocols: the need of each protocol (see `protocol_need`).
        shares: the share of each protocol's test set that is there (see `describe_share`).
        jobs: the number of recordings that are checked at once.
        progress: called in this thread with the number of recordings done, and of all.
        cache: the folder for digests of files.

    Raises:
        BenchError: the root cannot be listed, or holds no recording of the set.
    """
    recordings = list_recordings(dataset, root)
    findings: list[Finding] = list(_check_set(dataset, root, recordings))
    bad: set[str] = set()
    total = len(recordings)
    progress(0, total)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for count, faults in enumerate(pool.map(check_recording, recordings), start=1):
            findings += faults
            bad |= {finding.recording for finding in faults if finding.severity == "error"}
            progress(count, total)
    usable = [recording for recording in recordings if recording.name not in bad]
    return DataCheck(
        dataset=dataset.name,
        root=str(root),
        fingerprint=fingerprint(recordings, cache),
        simulated=any(recording.simulated for recording in recordings),
        counts=_counts(dataset, recordings),
        usable=len(usable),
        findings=tuple(findings),
        protocols={name: need(usable) for name, need in protocols.items()},
        shares={name: share(usable) for name, share in shares.items()},
    )


def protocol_need(
    assign: Callable[[Sequence[Recording]], Sequence[FoldAssignment]], *, trains: bool = False
) -> Need:
    """The need of a protocol: every fold has test subjects and, if it trains, training subjects.

    Args:
        assign: assigns recordings to folds, as `splits.assign_by_lists` does.
        trains: whether methods are trained.
    """

    def describe_obstacle(recordings: Sequence[Recording]) -> str:
        try:
            sides = assign(recordings)
        except BenchError as error:
            return str(error)
        untested = [side.fold for side in sides if not side.test]
        if len(untested) == len(sides):
            return "no usable recording is on the test side"
        if untested:
            return f"nothing to test in fold {', '.join(untested)}"
        unlearned = [side.fold for side in sides if trains and not side.train]
        return f"nothing to learn from in fold {', '.join(unlearned)}" if unlearned else ""

    return describe_obstacle


def describe_share(
    assign: Callable[[Sequence[Recording]], Sequence[FoldAssignment]],
    *,
    entries: Collection[str] = (),
    number: int = 0,
) -> Share:
    """The share of a protocol's test set that is here, as text.

    Args:
        assign: assigns recordings to folds.
        entries: the subjects (or recordings) in the test lists of the split, where there are lists.
        number: the number of test recordings, where the protocol fixes it.

    Returns:
        "2 of its 12 test subjects are here", or "" where all are, or the protocol says no number.
    """

    def share(recordings: Sequence[Recording]) -> str:
        try:
            tested = {(r.subject, r.name) for side in assign(recordings) for r in side.test}
        except BenchError:
            return ""  # the protocol cannot run, which is reported already
        if entries:
            present = {entry for pair in tested for entry in pair} & set(entries)
            if len(present) < len(entries):
                return f"{len(present)} of its {len(entries)} test subjects are here"
        if number and len(tested) != number:
            return f"{len(tested)} of its {number} test recordings are here"
        return ""

    return share


def check_recording(recording: Recording) -> list[Finding]:
    """Check one recording: read the labels and three frames; each fault is one finding.

    A fault of a recording that is listed as known to be bad is a warning with that reason.
    """
    findings: list[Finding] = []

    def report(severity: Severity, text: str, file: Path | str = "") -> None:
        if severity == "error" and recording.known_bad:
            severity, text = "warning", f"{text} (known: {recording.known_bad})"
        findings.append(
            Finding(severity=severity, recording=recording.name, file=str(file), text=text)
        )

    name = f"{recording.dataset}/{recording.name}"
    source = _attempt(lambda: read_video(recording), report, f"the extraction of {name}")
    video = _check_video(source, report) if source is not None else None
    truth = _attempt(
        lambda: plausible_ground_truth(read_ground_truth(recording)),
        report,
        f"the labels of {name}",
    )
    if truth is not None:
        for line in truth.warnings:
            report("warning", line)
        if source is not None and video is not None:
            _check_clock(truth, _container_clock(source, *video), source.path, report)
            _check_files(recording, report)
    if source is not None and video is not None and all(f.severity != "error" for f in findings):
        _check_length(source, _container_clock(source, *video), report)
    return findings


Report = Callable[..., None]
T = TypeVar("T")


def _attempt(
    step: Callable[[], T], report: Report, doing: str = "the output of the reader"
) -> T | None:
    """The value of a step, or None and a finding.

    Raises:
        MachineError: the fault is of the machine, not of the recording.
    """
    outcome = attempt(step, doing)
    if outcome.fault is not None:
        if outcome.fault.kind in {"machine", "user"}:
            raise outcome.fault.error()
        file, _, text = outcome.fault.reason.partition(": ")
        if outcome.fault.trace or os.sep not in file:  # the reason names no file
            file, text = "", outcome.fault.reason
        report("error", text, file)
    return outcome.value


def _check_video(source: VideoSource, report: Report) -> tuple[VideoInfo, Frame] | None:
    """Check three frames by seeking, the container's count and end, and the frame times.

    Returns the container's information and the last frame; None where the video cannot be read.
    """
    _check_times(source, report)
    _attempt(lambda: _check_end(source, report), report)

    def read_frames() -> tuple[VideoInfo, list[int], Frame]:
        with open_video(source) as reader:
            info, dropped = reader.info, reader.dropped_frames()
        return info, dropped, sample_frames(source)[-1]

    video = _attempt(read_frames, report)
    if video is None:
        return None
    info, dropped, last = video
    if dropped:
        report("warning", describe_dropped_frames(len(dropped)), source.path)
    count = len(source.images) or info.frames
    if source.times_s is not None and count is not None:
        times = len(source.times_s)
        if abs(times - count) > max(3, 0.01 * count):
            report("error", f"has {count} frames, but {times} times are given", source.path)
    length_s = info.duration_s
    present = last.index + 1 + sum(position > last.index for position in dropped)
    if count is not None and present < count - max(3, 0.01 * count):
        report("error", f"is cut off after {last.index + 1} of {count} frames", source.path)
    elif (
        count is None
        and source.times_s is None
        and length_s is not None
        and last.time_s < length_s - max(0.5, 0.01 * length_s)
    ):
        report("error", f"is cut off at {last.time_s:.1f} of {length_s:.1f} s", source.path)
    for line in info.warnings:
        report("warning", line, source.path)
    return info, last


def _check_end(source: VideoSource, report: Report) -> None:
    """Check for missing bytes, also where all frames can be read."""
    if source.images or source.frames is not None:
        return
    with suppress(OSError):  # the reader reports this fault
        missing = missing_bytes(source.path)
        if missing:
            line = f"is at least {missing:,} bytes shorter than its container says; copy it again"
            report("warning", line, source.path)


def _check_files(recording: Recording, report: Report) -> None:
    """Check for files that are missing or empty although the reader did not fail."""
    empty = []
    for file in recording.files:
        try:
            if not file.stat().st_size:
                empty.append(file)
        except OSError:
            report("warning", "is missing; the check did not need the file", file)
    if empty:
        report("warning", f"{len(empty)} of {len(recording.files)} files are empty", empty[0])


def _check_times(source: VideoSource, report: Report) -> None:
    if source.times_s is None:
        return
    unknown = int(np.count_nonzero(~np.isfinite(source.times_s)))
    steps = np.diff(source.times_s)
    repeated, backward = int(np.count_nonzero(steps == 0)), int(np.count_nonzero(steps < 0))
    for count, description in (
        (unknown, "are not numbers"),
        (repeated, "repeat the one before"),
        (backward, "go backward"),
    ):
        if count:
            report(
                "warning",
                f"{count} of {len(source.times_s)} frame times {description}",
                source.path,
            )


def _check_length(source: VideoSource, clock: FrameClock | None, report: Report) -> None:
    """Check that a run can take a pulse: frames over `SHORTEST_S` without a gap."""
    lasts_s = SHORTEST_S if clock is None else clock.lasts_s - clock.interval_s
    if lasts_s < SHORTEST_S:
        text = f"is too short: its frames span {lasts_s:.1f} s, and {SHORTEST_S:g} s are needed"
        report("error", text, source.path)
        return
    if source.times_s is None or not np.isfinite(source.times_s).any():
        return
    times_s = source.times_s[np.isfinite(source.times_s)]
    times_s = times_s[times_s >= np.maximum.accumulate(times_s)]
    starts = np.flatnonzero(np.append(True, np.diff(times_s) > MOST_GAP_S))
    ends = np.append(starts[1:], len(times_s)) - 1
    longest_s = float((times_s[ends] - times_s[starts]).max())
    if longest_s < SHORTEST_S:
        text = (
            f"its frame times go on for at most {longest_s:.1f} s without a gap of {MOST_GAP_S:g} "
            f"s, and {SHORTEST_S:g} s are needed"
        )
        report("error", text, source.path)


def _container_clock(source: VideoSource, info: VideoInfo, last: Frame) -> FrameClock | None:
    """The clock of the frames without decoding: the frame times, else the container's clock.

    Where the container has no frame count (Matroska) the count follows from the duration, and
    where it has no duration (a bare stream) from the last frame.
    """
    if source.times_s is not None:
        return FrameClock.from_times(source.times_s)
    if not info.fps > 0:
        return None
    duration_s = info.duration_s or last.time_s + 1 / info.fps
    count = info.frames or round(duration_s * info.fps)
    return FrameClock(0.0, count / info.fps, count)


def _check_clock(truth: GroundTruth, frames: FrameClock | None, file: Path, report: Report) -> None:
    """Compare labels and frames as a run does, by the times that are known without decoding."""
    try:
        compared = check_against_frames(truth, frames)
    except RecordingError as error:
        report("error", str(error), file)
        return
    for line in compared.warnings[len(truth.warnings) :]:
        report("warning", line, file)


def _check_set(dataset: Dataset, root: Path, recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Check names, counts and folds of the whole set."""
    names: set[str] = set()
    for recording in recordings:
        if recording.name in names:
            yield Finding(
                severity="error",
                recording=recording.name,
                file="",
                text="two recordings have this name",
            )
        names.add(recording.name)
        if recording.known_bad:
            yield Finding(
                severity="note",
                recording=recording.name,
                file="",
                text=f"known to be bad: {recording.known_bad}",
            )
    simulated = any(recording.simulated for recording in recordings)
    for kind, (present, expected) in _counts(dataset, recordings).items():
        if expected is not None and present != expected:
            severity: Severity = "note" if simulated else "warning"
            yield Finding(
                severity=severity,
                recording="",
                file="",
                text=f"{present} {kind}, where the whole set has {expected}",
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
    counts = {"subjects": len({r.subject for r in recordings}), "recordings": len(recordings)}
    return {kind: (number, dataset.expected.get(kind)) for kind, number in counts.items()}
