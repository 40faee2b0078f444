"""The parameters of SiNC as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class SincParameters(SingleStageParameters):
    """The keyword parameters of `sinc`, which describes them."""

    crop: str
    step_s: float
    low_hz: float
    high_hz: float
    beside_hz: float
    spectrum_samples: int
    bandwidth_weight: float
    sparsity_weight: float
    variance_weight: float
    min_speed: float
    max_speed: float
    light_noise: float
    pixel_noise: float
    min_crop: float
    width: int
    dilation: int
    dropout: float
