"""The examples that a method learns from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rppgbench.core.features import Features
from rppgbench.core.method import Example, Method, Side
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.core.waveform import Waveform, lasts
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.label_alignment import check_against_frames

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


def is_labelled(method: Method, params: Mapping[str, Any], side: Side) -> bool:
    """Whether a method is shown the labels of a recording.

    Args:
        method: that learns.
        params: all of the method's parameters.
        side: the side of the protocol that the recording is on.
    """
    return method.is_shown_labels(params) and side != "pretrain"


def make_example(
    recording: Recording,
    features: Features,
    inputs: Sequence[Waveform],
    truth: GroundTruth | None,
    side: Side,
) -> Example:
    """A recording as a method learns from it.

    Args:
        recording: whose data set, name and subject it bears.
        features: from its video.
        inputs: the method's inputs from these features (`pulse_estimation.method_inputs`).
        truth: its labels (`checked_labels.read_labels`), or None where the method is shown none.
        side: the side of the protocol that the recording is on.

    Raises:
        RecordingError: the labels do not fit the frames.
    """
    if truth is not None:
        truth = check_against_frames(truth, FrameClock.from_times(features.times_s))
    return Example(
        recording=f"{recording.dataset}/{recording.name}",
        subject=f"{recording.dataset}/{recording.subject}",
        inputs=inputs,
        ground_truth=truth,
        side=side,
    )


def unusable_reason(example: Example, clip_s: float) -> str:
    """Return why a method cannot learn from an example, or "".

    An example needs a segment of `clip_s` seconds; with labels, a label at a frame of a segment.

    Args:
        example: the recording.
        clip_s: the length of the method's clips in seconds; 0 where the method has none.
    """
    parts = [part for part in example.inputs if lasts(part, clip_s)]
    if clip_s and not parts:
        longest_s = max((len(part.samples) / part.fs for part in example.inputs), default=0.0)
        return (
            f"has no {clip_s:g} s without a gap, at most {longest_s:.2f} s; choose a shorter clip_s"
        )
    if example.ground_truth is None or not parts:
        return ""
    times_s = np.concatenate([part.times_s() for part in parts])
    labels = (example.ground_truth.pulse_at(times_s), example.ground_truth.heart_rate_at(times_s))
    return "" if np.isfinite(labels).any() else "labels: none at any of its frames"
