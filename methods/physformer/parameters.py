"""The parameters of PhysFormer as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class PhysFormerParameters(SingleStageParameters):
    """The keyword parameters of `physformer`, which describes them."""

    crop: str
    dim: int
    hidden: int
    heads: int
    layers: int
    theta: float
    wave_weight: float
    rate_growth: float
    rate_deviation_bpm: float
    varied_share: float
    passes: int
