"""The examples that a method learns from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rppgbench.core.features import Features
from rppgbench.core.guarded_calls import read_ground_truth
from rppgbench.core.method import Example, Method, Side
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.ground_truth import plausible_ground_truth
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.execution.pulse_estimation import input_rate, method_inputs
from rppgbench.extraction.resampled_clips import stored_segments

Key = tuple[str, str]


def sides(
    pretrain: Sequence[Key], train: Sequence[Key], validation: Sequence[Key]
) -> list[tuple[Key, Side]]:
    """Return the recordings in the order in which a method sees them, and the side of each.

    Args:
        pretrain: (data set, recording) of the pre-training, which come first.
        train: (data set, recording) of the training.
        validation: (data set, recording) of the validation part.
    """
    parts: list[tuple[Side, Sequence[Key]]] = [
        ("pretrain", pretrain),
        ("train", train),
        ("validation", validation),
    ]
    return [(key, side) for side, keys in parts for key in keys]


def plausible_labels(recording: Recording) -> GroundTruth:
    """What the reader says of the contact sensor, checked; RecordingError as it says."""
    return plausible_ground_truth(read_ground_truth(recording))


def make_example(
    recording: Recording,
    features: Features,
    method: Method,
    params: Mapping[str, Any],
    region: str,
    truth: GroundTruth | None,
    side: Side,
    cache: Path | None = None,
) -> Example:
    """A recording as a method learns from it.

    With a cache, pictures stay in files: `resampled_clips.stored_segments`.

    Args:
        recording: whose data set, name and subject it bears.
        features: from its video.
        method: that learns.
        params: all of the method's parameters.
        region: of the face.
        truth: its labels (`plausible_labels`), or None where the method is shown none.
        side: the side of the protocol that the recording is on.
        cache: folder of the cache from which the features were read; None for others.

    Raises:
        RecordingError: the labels do not fit the frames.
        MachineError: the cache cannot be written.
    """
    if cache is not None and method.input == "clip":
        crop = str(params["crop"])
        inputs = stored_segments(features, crop, input_rate(features, params), cache)
    else:
        inputs = method_inputs(features, method, params, region)
    if truth is not None:
        truth = check_against_frames(truth, FrameClock.from_times(features.times_s))
    return Example(
        recording=f"{recording.dataset}/{recording.name}",
        subject=f"{recording.dataset}/{recording.subject}",
        inputs=inputs,
        ground_truth=truth,
        side=side,
    )
