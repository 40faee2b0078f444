"""Declaration of how beats and heart-rate variability of estimates are read."""

from typing import Literal

from pydantic import Field

from rppgbench.core.protocol import Declaration
from rppgbench.evaluation.beat_rule import BeatFilter, Detector, Polarity


class VariabilityReading(Declaration):
    """Beats of the estimate beside those of the reference, and the variability of both.

    The estimate is filtered as a whole, laid on `upsampled_hz` by a cubic spline, its beats are
    found by `detector` and placed between samples by a parabola. The beats of the reference are
    those that `[reference]` declares. They are matched after the lag of the window is taken off.
    Intervals that are not normal count for no variability, in estimate and reference alike.
    """

    kind: Literal["beats"]
    filter: BeatFilter
    upsampled_hz: float = Field(ge=100, le=2000)
    detector: Detector
    polarity: Polarity = Field(
        description="`as_given`; `steeper_rise`: an estimate that falls faster than it rises is "
        "turned over, so that beats are systolic peaks; `steeper_fall`: the other way, feet"
    )
    match_within_s: float = Field(
        gt=0, le=0.5, description="a beat is right at most this far from that of the reference"
    )
    largest_lag_s: float = Field(
        ge=0,
        le=2,
        description="the largest lag of the estimate that is taken off a window, from the lag of "
        "the window before on: clocks of cameras drift",
    )
    normal_share: float = Field(
        gt=0,
        le=10,
        description="an interval is normal that differs from the median of the eleven around it "
        "by at most this share",
    )
    hf_shortest_s: float = Field(
        ge=10, le=86400, description="shorter windows have no high-frequency power"
    )
    lf_shortest_s: float = Field(
        ge=50, le=86400, description="shorter windows have no low-frequency power"
    )
