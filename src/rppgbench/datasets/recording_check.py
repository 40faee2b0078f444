"""The check of one recording: its labels and three of its frames."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from rppgbench.core.guarded_calls import read_video
from rppgbench.core.recording import GroundTruth, Recording, Source, TraceSource, VideoSource
from rppgbench.core.waveform import Array
from rppgbench.datasets.checked_labels import read_labels
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.system.errors import RecordingError
from rppgbench.system.fault_kinds import attempt
from rppgbench.video.container import describe_dropped_frames
from rppgbench.video.container_length import missing_bytes
from rppgbench.video.stream import Frame, VideoInfo, open_video, sample_frames

Severity = Literal["error", "warning", "note"]
"""error: the recording cannot be used; warning: it can, with care; note: for information."""


SHORTEST_S, MOST_GAP_S = 3.0, 0.5
"""A run takes a pulse from frames over this time, without a gap longer than that."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault or note; `recording` and `file` are "" where it concerns the whole set."""

    severity: Severity
    recording: str
    file: str
    text: str


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
    checked = _check_source(source, report) if source is not None else None
    truth = _attempt(
        lambda: read_labels(recording),
        report,
        f"the labels of {name}",
    )
    if truth is not None:
        for line in truth.warnings:
            report("warning", line)
        if checked is not None:
            _check_clock(truth, checked.clock, checked.path, report)
            _check_files(recording, report)
    if checked is not None and all(f.severity != "error" for f in findings):
        _check_length(checked, report)
    return findings


@dataclass(frozen=True, eq=False, kw_only=True)
class _CheckedSource:
    """What a check knows of frames: their clock, and their times where the source states them."""

    path: Path
    clock: FrameClock | None
    times_s: Array | None


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


def _check_source(source: Source, report: Report) -> _CheckedSource | None:
    """Check frames or mean colours; None where they cannot be read."""
    if isinstance(source, TraceSource):
        for line in source.warnings:
            report("warning", line, source.path)
        times_s = source.times_s[np.isfinite(source.rgb).all(axis=1)]
        clock = FrameClock.from_times(source.times_s)
        return _CheckedSource(path=source.path, clock=clock, times_s=times_s)
    video = _check_video(source, report)
    if video is None:
        return None
    clock = _container_clock(source, *video)
    return _CheckedSource(path=source.path, clock=clock, times_s=source.times_s)


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


def _check_length(source: _CheckedSource, report: Report) -> None:
    """Check that a run can take a pulse: frames over `SHORTEST_S` without a gap."""
    clock = source.clock
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


def clock_of_video(source: Source) -> FrameClock | None:
    """The clock of the frames, from the frame times or the container, without decoding all frames.

    Raises:
        RecordingError: the video cannot be read.
    """
    if source.times_s is not None:
        return FrameClock.from_times(source.times_s)
    assert isinstance(source, VideoSource)
    with open_video(source) as reader:
        info = reader.info
    return _container_clock(source, info, sample_frames(source)[-1])


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
