"""Records of what one decoding pass extracts from a video, for every method."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

MSTMAP_REGIONS = (
    "cheek_left_upper",
    "cheek_left_lower",
    "cheek_right_upper",
    "cheek_right_lower",
    "mouth",
    "forehead",
)
"""The six regions of the MSTmap, in the order of the paper (facts: cheekL1 ... forehead)."""

GRID_REGIONS = tuple(f"grid_{row}_{column}" for column in range(5) for row in range(5))
"""The 5 x 5 blocks of the aligned face, column by column."""

WHOLE_FRAME = "whole_frame"
"""The region of videos that are crops of skin, and of mean colours from a file: no face is searched
for. A pass over a video with a face leaves it empty."""

BACKGROUND = "background"
"""The region beside and above the face, of which a sample of pixels is summed."""

REGIONS = (*MSTMAP_REGIONS, *GRID_REGIONS, "skin", BACKGROUND, WHOLE_FRAME, "toolbox_box")
"""Every region that the pass over a video extracts, in the order of the arrays."""

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Which products of R, G and B the six columns of `second` hold."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FaceTrack:
    """Landmarks and box of every frame; a frame without a face is NaN, never a guess.

    `landmarks` is (T, 468, 2) in pixels (x, y) of the upright frame; `box` is (T, 4) as x0, y0,
    x1, y1 of the detector or of the mesh; `detected` is (T,). The face detector ran on every
    `cadence`-th frame; between these frames the landmarks are tracked.
    """

    landmarks: NDArray[np.float32]
    box: NDArray[np.float32]
    detected: NDArray[np.bool_]
    cadence: int


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionMoments:
    """Sufficient statistics of the pixels of every region in every frame.

    `count` is (T, R), `rgb` the sums (T, R, 3), `second` the sums of products (T, R, 6) in the
    order of `PAIRS`; R follows `names`. All are exact integers stored as float64. A region that is
    out of the frame or without a face has count 0.
    """

    names: tuple[str, ...]
    count: Array
    rgb: Array
    second: Array

    def index(self, *regions: str) -> list[int]:
        """Where the regions are; KeyError names one that is not there."""
        missing = [region for region in regions if region not in self.names]
        if missing:
            raise KeyError(f"no region {missing[0]!r}; known: {', '.join(self.names)}")
        return [self.names.index(region) for region in regions]

    def mean_rgb(self, *regions: str) -> Array:
        """Mean colour over the union of disjoint `regions`: (T, 3), NaN where it has no pixel.

        >>> m = RegionMoments(names=("a", "b"), count=np.array([[1.0, 3.0]]),
        ...                   rgb=np.array([[[4.0, 4, 4], [4.0, 8, 0]]]),
        ...                   second=np.zeros((1, 2, 6)))
        >>> m.mean_rgb("a", "b")
        array([[2., 3., 1.]])
        """
        at = self.index(*regions)
        count = self.count[:, at].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Array = self.rgb[:, at].sum(axis=1) / count[:, None]
        mean[count == 0] = np.nan
        return mean

    def mean_second(self, *regions: str) -> Array:
        """Mean of v vT, v = (R, G, B), uncentred, over the union: (T, 3, 3), NaN without pixels."""
        at = self.index(*regions)
        count = self.count[:, at].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            six = self.second[:, at].sum(axis=1) / count[:, None]
        six[count == 0] = np.nan
        full: Array = np.empty((len(six), 3, 3))
        for column, (i, j) in enumerate(PAIRS):
            full[:, i, j] = full[:, j, i] = six[:, column]
        return full


@dataclass(frozen=True, eq=False)
class FaceClip:
    """Face crops by a named rule: `frames` (T, S, S, 3) uint8, memory-mapped when from the cache.

    `valid` is (T,): False where there was no face to crop; such a frame holds zeros. `file` is the
    array file of the frames in the cache and `sha256` the checksum of its rows; None and "" for
    frames that are from elsewhere.
    """

    rule: str
    frames: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    _: KW_ONLY
    file: Path | None = None
    sha256: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class Features:
    """All that one pass over a video extracted, on the frames' own times (T,), in seconds.

    `metadata` holds what a reader of a table needs of the video: width, height, fps, codec, pixel
    format, rotation, warnings (timestamps repeated, frames that do not decode, ...).
    """

    times_s: Array
    track: FaceTrack
    moments: RegionMoments
    clips: Mapping[str, FaceClip] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)


def has_whole_frames(features: Features) -> bool:
    """Whether the features are of whole frames, for which no face was searched."""
    whole = features.moments.names.index(WHOLE_FRAME)
    return bool(features.moments.count[:, whole].any())
