"""The parameters of PhysNet as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class PhysNetParameters(SingleStageParameters):
    """The keyword parameters of `physnet`, which describes them."""

    crop: str
    width: int
    passes: int
    test_clip_s: float
