"""The parameters of ST-Transformer as typed records."""

from dataclasses import dataclass

from rppgbench.neural.parameters import PretrainingParameters, TwoStageParameters


@dataclass(frozen=True, kw_only=True)
class TransformerPretraining(PretrainingParameters):
    """The parameters of the first stage: the network, its clips and the losses without labels."""

    step_s: float
    low_hz: float
    high_hz: float
    beside_hz: float
    spectrum_samples: int
    segments: int
    bandwidth_weight: float
    sparsity_weight: float
    variance_weight: float
    periodicity_weight: float
    min_speed: float
    max_speed: float
    width: int
    layers: int
    ratio: float


@dataclass(frozen=True, kw_only=True)
class TransformerParameters(TransformerPretraining, TwoStageParameters):
    """The keyword parameters of `st_transformer`, which describes them."""

    labels: bool
    test_step_s: float
    pearson_weight: float
