"""Declaration of how respiration rates are read from estimates of the pulse."""

from typing import Literal

from pydantic import Field

from rppgbench.evaluation.beat_rule import EstimateBeats

Modulation = Literal["baseline", "amplitude", "frequency"]
"""What respiration changes in a pulse (`rppgbench.signals.pulse_modulations`)."""


class RespirationReading(EstimateBeats):
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
