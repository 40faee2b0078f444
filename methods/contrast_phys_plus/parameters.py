"""The parameters of Contrast-Phys+ as typed records."""

from dataclasses import dataclass

from rppgbench.neural.parameters import PretrainingParameters, TwoStageParameters
from rppgbench.system.errors import unknown_name

CLIP_CHOICES = ("consecutive", "random")
CONTRASTS = ("sum", "mean")


@dataclass(frozen=True, kw_only=True)
class ContrastPhysPlusPretraining(PretrainingParameters):
    """The parameters of the first stage: the network, its clips and the contrast without labels."""

    crop: str
    difference: bool
    clip_choice: str
    sample_s: float
    samples_per_row: int
    parts: int
    low_bpm: float
    high_bpm: float
    contrast_over_bins: str
    width: int
    passes: int

    def __post_init__(self) -> None:
        """BenchError for a value without a meaning."""
        for name, value, known in (
            ("clip_choice", self.clip_choice, CLIP_CHOICES),
            ("contrast_over_bins", self.contrast_over_bins, CONTRASTS),
        ):
            if value not in known:
                raise unknown_name(name, value, known, "contrast_phys_plus")


@dataclass(frozen=True, kw_only=True)
class ContrastPhysPlusParameters(ContrastPhysPlusPretraining, TwoStageParameters):
    """The keyword parameters of `contrast_phys_plus`, which describes them."""

    label_ratio: float
    unlabelled_weight: float
    reference_weight: float
    pearson_weight: float
    correlation_weight: float
    test_clip_s: float

    def __post_init__(self) -> None:
        """BenchError for a value without a meaning, of either stage."""
        ContrastPhysPlusPretraining.__post_init__(self)
        TwoStageParameters.__post_init__(self)
