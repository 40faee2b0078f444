"""The parameters of Gideon and Stent 2021 as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class GideonParameters(SingleStageParameters):
    """The keyword parameters of `gideon2021`, which describes them."""

    crop: str
    views: int
    distance: str
    min_speed: float
    low_bpm: float
    high_bpm: float
    saliency: bool
    saliency_size: int
    sparse_weight: float
    steady_weight: float
    width: int
    passes: int
    border_s: float
