"""Records of the parameters of the networks on differences of frames. Imports no torch."""

from dataclasses import dataclass
from typing import ClassVar

from rppgbench.neural.parameters import SingleStageParameters
from rppgbench.system.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class FrameParameters(SingleStageParameters):
    """The parameters of a network on differences of frames; the recipe is rPPG-Toolbox's.

    X. Liu et al., "rPPG-Toolbox: Deep Remote PPG Toolbox", NeurIPS 2023: pictures of 72 pixels,
    clips of 180 frames, AdamW without decay under one cycle of the learning rate.
    """

    preset: str = "paper"
    crop: str = "toolbox"
    fs: float = 30.0
    clip_s: float = 6.0
    width: int = 32
    epochs: int = 30
    batch: int = 4
    lr: float = 9e-3
    weight_decay: float = 0.0
    precision: str = "auto"

    LEAST_WIDTH: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """BenchError for a width that leaves a layer without channels."""
        if self.width < self.LEAST_WIDTH:
            raise BenchError(
                f"parameters: width is at least {self.LEAST_WIDTH}, not {self.width}: each layer "
                "has a channel"
            )


@dataclass(frozen=True, kw_only=True)
class AttentionParameters(FrameParameters):
    """Those of a convolutional attention network."""

    dense: int = 128


@dataclass(frozen=True, kw_only=True)
class ShiftParameters(AttentionParameters):
    """Those of a convolutional attention network with temporal shifts."""

    depth: int = 10


@dataclass(frozen=True, kw_only=True)
class PlayedParameters(FrameParameters):
    """Those of a network whose clips to learn from are played faster and slower.

    Clips are played at a speed between one over `max_speed` and this; 1 plays them as they are. The
    tapes that PhysBench trains on are scaled in time to rates of 40 to 150 bpm.
    """

    max_speed: float = 2.0

    LEAST_WIDTH: ClassVar[int] = 2  # the last layers have half of it

    def __post_init__(self) -> None:
        """BenchError for a value without a meaning."""
        super().__post_init__()
        if self.max_speed < 1:
            raise BenchError(f"parameters: max_speed is at least 1, not {self.max_speed:g}")
