"""The parameters of ST-Transformer as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import TwoStageParameters


@dataclass(frozen=True, kw_only=True)
class TransformerParameters(TwoStageParameters):
    """The keyword parameters of `st_transformer`, which describes them."""

    labels: bool
    step_s: float
    test_step_s: float
    low_hz: float
    high_hz: float
    beside_hz: float
    spectrum_samples: int
    segments: int
    bandwidth_weight: float
    sparsity_weight: float
    variance_weight: float
    periodicity_weight: float
    pearson_weight: float
    min_speed: float
    max_speed: float
    width: int
    layers: int
    ratio: float
