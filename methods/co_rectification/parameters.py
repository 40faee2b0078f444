"""The parameters of co-rectification as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class CoRectificationParameters(SingleStageParameters):
    """The keyword parameters of `co_rectification`, which describes them."""

    variant: str
    output: str
    step_s: float
    max_speed: float
    rows: int
    map_kind: str
    low_bpm: float
    high_bpm: float
    min_ratio: float
    max_ratio: float
    contrast_weight: float
    ranking_weight: float
    ranking_logits: str
    ranking_temperature: float
    pseudo_weight: float
    max_corrected: int
    peer_must_learn: bool
    label_low_hz: float
    label_high_hz: float
    label_bandwidth_hz: float
    pseudo_loss: str
    width: int
    lr_schedule: str
