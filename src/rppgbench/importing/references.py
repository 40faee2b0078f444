"""The references of imported predictions, as what was seen of recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.core.guarded_calls import read_video
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.core.waveform import Array
from rppgbench.datasets.checked_labels import read_labels
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.datasets.recording_check import clock_of_video
from rppgbench.importing.signals import digest_of, ground_truth_of
from rppgbench.predictions.record import PredictedRecording, PredictedSignal, PredictionSource
from rppgbench.store.schema import RecordingInfo
from rppgbench.system.errors import BenchError, one_line
from rppgbench.system.fault_kinds import attempt

if TYPE_CHECKING:  # a record alone; its module leads to the planner, which is in no digest
    from rppgbench.importing.targets import Target

FS_TOLERANCE = 1e-3
"""A rate that differs from the frame rate by more than this share is told."""

NO_VIDEO = "the video cannot be read here: the labels are not compared with its frames"


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenRecording:
    """A recording as the store keeps it, and the clock of its frames where there is a video."""

    info: RecordingInfo
    clock: FrameClock | None = None

    @property
    def duration_s(self) -> float:
        """The duration of the video, else of the reference, in seconds; 0 where neither is."""
        if self.clock is not None:
            return self.clock.lasts_s
        truth = self.info.ground_truth
        signals = [s for s in (truth.pulse, truth.heart_rate) if s is not None and len(s.times_s)]
        return max((float(signal.times_s[-1]) for signal in signals), default=0.0)


def of_data_set(target: Target, condition: str, fs: float | None = None) -> SeenRecording:
    """A recording of a data set with the labels of its reader, compared with its frames.

    Args:
        target: the recording.
        condition: the name of the untouched condition.
        fs: samples per second of the prediction, compared with the frame rate.

    Returns:
        The recording; where its labels cannot be used, with the reason.

    Raises:
        MachineError: the machine prevents the reading.
    """
    assert target.recording is not None
    recording = target.recording
    labels = attempt(lambda: read_labels(recording), f"the labels of {target.name}")
    if labels.fault is not None and labels.fault.kind == "machine":
        raise labels.fault.error()
    truth = labels.value or GroundTruth()
    reason = "" if labels.fault is None else f"labels: {labels.fault.reason}"
    clock, notes = _clock(recording)
    notes = (*notes, *_rate_notes(clock, fs))
    return _seen(target, condition, truth, reason=reason, clock=clock, notes=notes)


def of_signal(
    target: Target,
    condition: str,
    references: Sequence[PredictedSignal],
    *,
    beats_s: Array | None = None,
    reason: str = "",
    simulated: bool = False,
    notes: Iterable[str] = (),
) -> SeenRecording:
    """A recording whose reference is a signal of a source.

    Args:
        target: the recording.
        condition: the name of the untouched condition.
        references: the signals, at most one of each kind; none where there is no reference.
        beats_s: beats that the device marked, (B,) in seconds.
        reason: why the source has no usable reference; empty where it has one, or none.
        simulated: whether the user says that the recording is simulated.
        notes: what the source does not state of the reference.

    Returns:
        The recording; where its reference cannot be used, with the reason.
    """
    truth, reason = GroundTruth(), reason and f"reference: {reason}"
    if references or beats_s is not None:
        read = attempt(
            lambda: ground_truth_of(references, beats_s), f"the reference of {target.name}"
        )
        truth = read.value or GroundTruth()
        reason = reason if read.fault is None else f"reference: {read.fault.reason}"
    clock, video_notes = _clock(target.recording) if target.recording else (None, ())
    return _seen(
        target,
        condition,
        truth,
        reason=reason,
        clock=clock,
        notes=(*notes, *video_notes),
        simulated=simulated,
    )


def of_reference_source(
    source: PredictionSource,
    targets: Mapping[str, tuple[Target, ...]],
    condition: str,
    *,
    simulated: bool,
) -> Iterator[SeenRecording]:
    """Each recording of a source of references that a prediction belongs to, read one at a time.

    Args:
        source: the references: of each recording its reference, else its prediction.
        targets: name in the source -> its recordings.
        condition: the name of the untouched condition.
        simulated: whether the user says that the recordings are simulated.
    """
    keys: set[tuple[str, str]] = set()
    for recording in source:
        for target in targets.get(recording.name, ())[:1]:
            if target.key in keys:
                continue
            keys.add(target.key)
            yield of_signal(
                target,
                condition,
                truth_of(recording),
                beats_s=recording.beats_s,
                reason=recording.reference_reason or recording.reason,
                simulated=simulated,
                notes=recording.assumptions,
            )


def names_of_references(source: PredictionSource | None) -> list[str]:
    """The names in a source of references; none without a source.

    Raises:
        BenchError: the source cannot be read, or gives a recording several references.
    """
    digests: dict[str, str] = {}
    for recording in source or ():
        own_digest = digest_of(truth_of(recording), recording.beats_s)
        if digests.setdefault(recording.name, own_digest) != own_digest:
            path = source.path if source else ""
            raise BenchError(
                f"--reference {path}: {one_line(recording.name)!r} has several references, one for "
                "each method; give a file with one"
            )
    return list(digests)


def truth_of(recording: PredictedRecording) -> tuple[PredictedSignal, ...]:
    """The truth that a recording of a source of references holds: its references, else the signal.

    A recording whose references cannot be used has none: its prediction is no substitute.
    """
    if recording.references or recording.reference_reason or recording.prediction is None:
        return recording.references
    return (recording.prediction,)


def _rate_notes(clock: FrameClock | None, fs: float | None) -> tuple[str, ...]:
    """A line where the prediction's rate is not that of the frames."""
    if clock is None or fs is None or not clock.lasts_s > 0:
        return ()
    fps = clock.frames / clock.lasts_s
    if abs(fs - fps) <= FS_TOLERANCE * fps:
        return ()
    off_s = abs(clock.frames / fs - clock.lasts_s)
    return (
        f"the prediction has {fs:.5g} samples a second, the video {fps:.5g} frames: if each sample "
        f"is a frame, the last is {off_s:.2g} s off",
    )


def _clock(recording: Recording) -> tuple[FrameClock | None, tuple[str, ...]]:
    """The clock of the frames, or a note that the video cannot be read."""
    clock = attempt(lambda: clock_of_video(read_video(recording)), f"the video of {recording.name}")
    return clock.value, () if clock.value is not None else (NO_VIDEO,)


def _seen(
    target: Target,
    condition: str,
    truth: GroundTruth,
    *,
    reason: str,
    clock: FrameClock | None,
    notes: Iterable[str],
    simulated: bool = False,
) -> SeenRecording:
    """What the store keeps, after labels and frames are compared."""
    fitted = attempt(lambda: check_against_frames(truth, clock), f"the labels of {target.name}")
    if fitted.fault is not None:
        reason = f"labels: {fitted.fault.reason}"
    recording = target.recording
    metadata: dict[str, object] = {"warnings": list(dict.fromkeys(notes))}
    return SeenRecording(
        info=RecordingInfo(
            dataset=target.dataset,
            recording=target.name,
            subject=target.subject,
            scenario=recording.scenario if recording else "",
            source=recording.source if recording else "",
            skin_tone=recording.skin_tone if recording else "",
            light=recording.light if recording else "",
            simulated=simulated or bool(recording and recording.simulated),
            condition=condition,
            ground_truth=fitted.value or GroundTruth(warnings=truth.warnings),
            metadata=metadata,
            reason=reason,
        ),
        clock=clock,
    )
