"""The labels of a recording as references: read, checked, and compared with the frames.

Runs, trainings, imports and `bench data check` take labels from here. The module belongs to the
code of every reader (`digests.closures.reader_code`), so that a changed rule makes references anew.
"""

from collections.abc import Sequence

from rppgbench.core.guarded_calls import read_ground_truth
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.ground_truth import plausible_ground_truth
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.system.errors import RecordingError


def read_labels(recording: Recording) -> GroundTruth:
    """Read the labels of a recording, and check that their values are plausible.

    Raises:
        RecordingError: the labels cannot be read, or none of them is usable.
    """
    return plausible_ground_truth(read_ground_truth(recording))


def align_labels(
    truth: GroundTruth, clocks: Sequence[FrameClock | None]
) -> tuple[list[GroundTruth], str]:
    """Compare labels with the frames of each condition of a recording.

    Labels that do not fit the frames of one condition are used under none: a condition with fewer
    frames can hide the mismatch.

    Args:
        truth: the labels.
        clocks: the clock of the frames under each condition; None where it is unknown.

    Returns:
        The labels under each condition, and why they cannot be used, or "".
    """
    try:
        return [check_against_frames(truth, clock) for clock in clocks], ""
    except RecordingError as error:
        return [GroundTruth(warnings=truth.warnings)] * len(clocks), f"labels: {error}"
