"""Declarations of how beats are found: those of a reference, and those of an estimate."""

from typing import Literal

from pydantic import Field

from rppgbench.core.protocol import Declaration
from rppgbench.evaluation.rate_chain import Passing

Detector = Literal["elgendi", "scalogram", "neurokit2_elgendi"]
"""A detector of beats (`rppgbench.evaluation.beat_reading.ALL_DETECTORS`).

That of NeuroKit2 needs the extra `hrv`.
"""


Polarity = Literal["as_given", "steeper_rise", "steeper_fall"]
"""Which way up an estimate is read. Methods follow brightness or the volume of blood.

With a steeper rise beats lie at systolic peaks, with a steeper fall at the feet of the pulse.
"""


class BeatFilter(Passing):
    """Butterworth band-pass of an order, forward and backward, at the sensor's own rate."""

    order: int = Field(ge=1, le=6)


class BeatDetection(Declaration):
    """The beats of a pulse: filtered, laid on `upsampled_hz` by a cubic spline, by a detector."""

    filter: BeatFilter
    upsampled_hz: float = Field(ge=100, le=2000)
    detector: Detector


class BeatReading(BeatDetection):
    """The reference is the beats: 60 times the beats advanced in a window over its duration.

    The contact pulse is filtered at its own rate, laid on `upsampled_hz` by a cubic spline, and its
    beats are found by `detector` and placed between samples by a parabola. The number of beats
    grows linearly from one beat to the next. Windows in which `second_detector` or the highest
    maximum of a boxcar spectrum reads another rate, by more than `agree_within_bpm`, have no
    reference.
    """

    kind: Literal["beats"]
    second_detector: Detector
    agree_within_bpm: float = Field(gt=0, le=100)


class EstimateBeats(BeatDetection):
    """The beats of an estimate, whose sign may be open, and which of its intervals count."""

    polarity: Polarity = Field(
        description="`as_given`; `steeper_rise`: an estimate that falls faster than it rises is "
        "turned over, so that beats are systolic peaks; `steeper_fall`: the other way, feet"
    )
    normal_share: float = Field(
        gt=0,
        le=10,
        description="an interval is normal that differs from the median of the eleven around it "
        "by at most this share; others count for nothing",
    )
