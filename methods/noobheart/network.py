"""The two forms of NoobHeart's network."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.deterministic_layers import repeat_last
from rppgbench.neural.frame_inputs import pictures_to_one
from rppgbench.neural.frame_supervision import FrameNetwork, absolute_error, require_sides
from rppgbench.neural.frame_targets import HALF_BEATS
from rppgbench.neural.losses.power_spectra import divisor, full_precision
from rppgbench.system.errors import unknown_name

if TYPE_CHECKING:
    from . import SmallParameters

SIDE = 8
KERAS_EPSILON = 1e-3
FORMS = ("keras", "tutorial")


class TimeNorm(nn.Module):
    """(B, C, T, H, W) with mean 0 and deviation 1 over time at each place.

    With `frames` each frame has a scale and an offset, as Keras' layer norm over one axis; without,
    the deviation is that of a sample (T - 1), and a constant becomes 0.
    """

    def __init__(self, frames: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(frames)) if frames else None
        self.bias = nn.Parameter(torch.zeros(frames)) if frames else None

    def forward(self, x: Tensor) -> Tensor:
        """The normalised values."""
        values = full_precision(x)
        centred = values - values.mean(dim=2, keepdim=True)
        squares = centred.square().sum(dim=2, keepdim=True)
        if self.weight is None or self.bias is None:
            spread = squares / (x.shape[2] - 1)
            return centred / divisor(spread).sqrt()
        whole = centred * (squares / x.shape[2] + KERAS_EPSILON).rsqrt()
        return whole * self.weight[:, None, None] + self.bias[:, None, None]


class SmallNetwork(nn.Module):
    """From pictures (B, T, 3, 8, 8), 0 to 1, to a pulse (B, T); T is at most `frames`.

    A shorter clip is filled with its last frame, and the pulse is cut. In the form "keras" the
    convolutions see each frame and the next. In the form "tutorial" the first gives one frame less,
    and the second one more. Source: K. Wang et al., arXiv 2305.04161.
    """

    def __init__(self, width: int = 4, *, frames: int = 32, form: str = "keras") -> None:
        super().__init__()
        if form not in FORMS:
            raise unknown_name("form", form, FORMS, "parameters")
        keras = form == "keras"
        self.frames = frames
        self.borders = ((0, 1), (0, 1)) if keras else ((0, 0), (1, 1))
        self.norms = nn.ModuleList(TimeNorm(frames if keras else 0) for _ in range(3))
        sizes = ((3, width), (width, width // 2))
        self.convolutions = nn.ModuleList(nn.Conv3d(*size, 2, (1, 2, 2)) for size in sizes)
        self.out = nn.Conv3d(width // 2, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """The pulse (B, T).

        Raises:
            BenchError: the pictures have another size.
        """
        require_sides("noobheart", pictures, SIDE, SIDE, f"toolbox_{SIDE}")
        count = pictures.shape[1]
        x = repeat_last(pictures.transpose(1, 2), max(0, self.frames - count), 2)
        for norm, convolution, border in zip(
            self.norms, self.convolutions, self.borders, strict=False
        ):
            padded = functional.pad(norm(x), (0, 0, 0, 0, *border))
            x = torch.tanh(convolution(padded))
        pulse: Tensor = self.out(self.norms[2](x).mean(dim=(3, 4), keepdim=True))
        return pulse[:, 0, :count, 0, 0]


def make_network(params: "SmallParameters") -> SmallNetwork:
    """Make the network of the method's parameters."""
    return SmallNetwork(params.width, frames=params.clip_length, form=params.form)


NETWORK = FrameNetwork(
    name="noobheart",
    make=make_network,
    prepare=pictures_to_one,
    choose_loss=lambda params: absolute_error,
    target=HALF_BEATS,
    step_s=1.0,
)
