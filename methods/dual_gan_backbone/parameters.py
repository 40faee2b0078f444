"""The parameters of Dual-GAN's backbone as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class BackboneParameters(SingleStageParameters):
    """The keyword parameters of `dual_gan_backbone`, which describes them."""

    step_s: float
    rows: int
    distance_weight: float
    wave_weight: float
    rate_weight: float
    width: int
