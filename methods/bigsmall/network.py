"""The network of BigSmall."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.extraction.crops import crop_rule
from rppgbench.neural.deterministic_layers import repeat_last
from rppgbench.neural.frame_supervision import FrameNetwork

from .pictures import GROUP, REDUCTION, large_and_small, measure_scale, rotate_in_groups, split_rows

if TYPE_CHECKING:
    from . import TwoBranchParameters

PULSE = {"pulse": 1}
ALL_HEADS = {"actions": 12, **PULSE, "respiration": 1}
"""Outputs for each frame in the public code: facial action units, the pulse, the breath."""


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU())


class TwoBranchNetwork(nn.Module):
    """From rows of pictures (B, T, 3, K) to differences of the pulse (B, T).

    The rows are those of `large_and_small`. A T that is no multiple of 3 is filled with its last
    frame, and the pulse is cut. `width` 32 and `side` 9 are the published sizes, with 2,142,478
    parameters in all heads. Source: G. Narayanswamy et al., WACV 2024, arXiv 2303.11573, and github
    rppg-toolbox @d807b01.

    Args:
        width: channels of the first layers.
        side: pixels of a small picture's side.
        dense: width of the layer before the last.
        heads: outputs for each frame of each head.
    """

    def __init__(
        self, width: int = 32, *, side: int = 9, dense: int = 128, heads: Mapping[str, int] = PULSE
    ) -> None:
        super().__init__()
        w, w2 = width, 2 * width
        self.large = nn.Sequential(
            _convolution(3, w), _convolution(w, w), nn.AvgPool2d(2), nn.Dropout(0.25),
            _convolution(w, w), _convolution(w, w2), nn.AvgPool2d(2), nn.Dropout(0.5),
            _convolution(w2, w2), _convolution(w2, w2), nn.AvgPool2d(4), nn.Dropout(0.5),
        )  # fmt: skip
        sizes = [(3, w), (w, w), (w, w), (w, w2)]
        self.small = nn.ModuleList(_convolution(*size) for size in sizes)
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(w2 * side * side, dense), nn.ReLU(), nn.Linear(dense, outputs)
                )
                for name, outputs in heads.items()
            }
        )

    def features(self, large: Tensor, small: Tensor) -> Tensor:
        """The features of each frame.

        Args:
            large: standardised pictures (N / 3, 3, S, S), one for each group of three frames.
            small: normalised differences (N, 3, s, s).

        Returns:
            (N, features).
        """
        appearance: Tensor = self.large(large)
        motion = small
        for layer in self.small:
            motion = layer(rotate_in_groups(motion))
        shared = appearance[:, None].expand(-1, GROUP, -1, -1, -1).reshape(motion.shape)
        return (shared + motion).flatten(1)

    def forward(self, clips: Tensor) -> Tensor:
        """The differences of the pulse (B, T)."""
        frames = clips.shape[1]
        filled = repeat_last(clips, -frames % GROUP, 1)
        features = self.features(*split_rows(filled.flatten(0, 1)))
        change: Tensor = self.heads["pulse"](features).reshape(filled.shape[:2])
        return change[:, :frames]


def make_network(params: "TwoBranchParameters") -> TwoBranchNetwork:
    """Make the network of the method's parameters."""
    return TwoBranchNetwork(
        params.width,
        side=crop_rule(params.crop).size // REDUCTION,
        dense=params.dense,
    )


def of_pulse(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays without those of the other heads of the public code."""
    others = tuple(f"heads.{name}." for name in ALL_HEADS if name not in PULSE)
    return {name: values for name, values in arrays.items() if not name.startswith(others)}


LARGE_PLACES = (0, 1, 4, 5, 8, 9)
"""Places of the six convolutions of the large pictures; the others are pools and dropouts."""

PUBLIC_NAMES = {
    **{f"big_conv{k}.": f"large.{place}.0." for k, place in enumerate(LARGE_PLACES, start=1)},
    **{f"small_conv{k}.": f"small.{k - 1}.0." for k in range(1, 5)},
    **{
        f"{public}_fc{k}.": f"heads.{own}.{2 * (k - 1)}."
        for public, own in (("au", "actions"), ("bvp", "pulse"), ("resp", "respiration"))
        for k in (1, 2)
    },
}

NETWORK = FrameNetwork(
    name="bigsmall",
    make=make_network,
    prepare=large_and_small,
    measure=measure_scale,
    public_names=PUBLIC_NAMES,
    adapt_public=of_pulse,
)
