"""The parameters of RhythmNet as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters


@dataclass(frozen=True, kw_only=True)
class RhythmNetParameters(SingleStageParameters):
    """The keyword parameters of `rhythmnet`, which describes them."""

    map_s: float
    step_s: float
    train_step_s: float
    rows: int
    min_mask_frames: int
    max_mask_frames: int
    max_speed: float
    smooth_weight: float
    width: int
    memory: int
