"""The parameters of Contrast-Phys as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class ContrastPhysParameters(SingleStageParameters):
    """The keyword parameters of `contrast_phys`, which describes them."""

    crop: str
    sample_s: float
    samples_per_row: int
    parts: int
    include_mean: bool
    low_bpm: float
    high_bpm: float
    width: int
    passes: int
    test_clip_s: float
