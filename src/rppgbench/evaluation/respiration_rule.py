"""Declaration of how respiration rates are read from estimates of the pulse."""

from typing import Literal

from pydantic import Field

from rppgbench.core.protocol import Declaration
from rppgbench.evaluation.beat_rule import BeatFilter, Detector, Polarity

Modulation = Literal["baseline", "amplitude", "frequency"]
"""What respiration changes in a pulse (`rppgbench.signals.pulse_modulations`)."""


class RespirationReading(Declaration):
    """The rate of respiration, from what respiration changes in the pulse.

    The beats of the estimate are found as those of a reference of kind `beats`. Each modulation is
    a value a beat, interpolated onto the samples of the estimate, and `[estimate]` reads its rate.
    The estimate is the mean of the rates of all `modulations`; it is missing where one has no
    rate or their standard deviation is above `agree_within` ("smart fusion": Karlen et al. 2013).
    """

    kind: Literal["modulations"]
    modulations: list[Modulation] = Field(min_length=1, max_length=3)
    agree_within: float = Field(
        gt=0,
        le=100,
        description="the largest standard deviation (n - 1) of the rates, in breaths per minute",
    )
    filter: BeatFilter
    upsampled_hz: float = Field(ge=100, le=2000)
    detector: Detector
    polarity: Polarity = Field(
        description="`as_given`; `steeper_rise`: an estimate that falls faster than it rises is "
        "turned over, so that beats are systolic peaks; `steeper_fall`: the other way, feet"
    )
    normal_share: float = Field(
        gt=0,
        le=10,
        description="a beat counts whose interval differs from the median of the eleven around it "
        "by at most this share",
    )
