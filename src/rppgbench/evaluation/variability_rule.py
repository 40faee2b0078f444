"""Declaration of how beats and heart-rate variability of estimates are read."""

from typing import Literal

from pydantic import Field

from rppgbench.evaluation.beat_rule import EstimateBeats


class VariabilityReading(EstimateBeats):
    """Beats of the estimate beside those of the reference, and the variability of both.

    The estimate is filtered as a whole, laid on `upsampled_hz` by a cubic spline, its beats are
    found by `detector` and placed between samples by a parabola. The beats of the reference are
    those that `[reference]` declares. They are matched after the lag of the window is taken off.
    Intervals that are not normal count for no variability, in estimate and reference alike.
    """

    kind: Literal["beats"]
    match_within_s: float = Field(
        gt=0, le=0.5, description="a beat is right at most this far from that of the reference"
    )
    largest_lag_s: float = Field(
        ge=0,
        le=2,
        description="the largest lag of the estimate that is taken off a window, from the lag of "
        "the window before on: clocks of cameras drift",
    )
    hf_shortest_s: float = Field(
        ge=10, le=86400, description="shorter windows have no high-frequency power"
    )
    lf_shortest_s: float = Field(
        ge=50, le=86400, description="shorter windows have no low-frequency power"
    )
