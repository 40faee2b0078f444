"""The parameters of Contrast-Phys+ as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import TwoStageParameters


@dataclass(frozen=True, kw_only=True)
class ContrastPhysPlusParameters(TwoStageParameters):
    """The keyword parameters of `contrast_phys_plus`, which describes them."""

    crop: str
    difference: bool
    sample_s: float
    samples_per_row: int
    parts: int
    low_bpm: float
    high_bpm: float
    width: int
    passes: int
    label_ratio: float
    unlabelled_weight: float
    reference_weight: float
    pearson_weight: float
    correlation_weight: float
    test_clip_s: float
