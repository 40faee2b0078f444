"""Frames that lie as one array in an HDF5 or MAT 7.3 file, read in bounded memory.

MATLAB stores (T, H, W, 3) with time as the fastest axis, so h5py shows (3, W, H, T) and a chunk of
the file holds the same pixels of many frames. Reading frame after frame would unpack every chunk
once for each frame. Here a block of frames is put together from all chunks, as bytes, and the
values of a part are in memory at a time: an array of real numbers of 1.1 GB takes 132 MB.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.datasets.hdf5_files import MOST_MAT_BYTES, WAY_OUT, LimitedReader
from rppgbench.datasets.label_files import open_hdf5
from rppgbench.system.errors import RecordingError

BLOCK_BYTES = 160 * 2**20
"""Of the frames in memory at once: 600 frames of 320 x 240 in one block."""

MOST_PART_BYTES = 64 * 2**20
"""Of one chunk: MATLAB's have up to a few MB."""

OVERSHOOT = 0.01
"""Real numbers from 0 to 1 may be this far outside by rounding."""


AsBytes = Callable[[NDArray[Any]], NDArray[np.uint8]]
"""From values of an array to bytes, of the same shape."""


@dataclass(frozen=True, kw_only=True)
class ValueRange:
    """The kind of an array's values, and their lowest and highest; NaN where one is NaN."""

    dtype: np.dtype[Any]
    lowest: float
    highest: float

    @classmethod
    def measure(cls, dtype: np.dtype[Any], parts: Iterable[NDArray[Any]]) -> "ValueRange":
        """The range of the values in all parts.

        Args:
            dtype: their kind. Of bytes the range is 0 to 255, of what is no real number NaN, and no
                part is read.
            parts: the parts, none of them empty.
        """
        if dtype == np.uint8:
            return cls(dtype=dtype, lowest=0, highest=255)
        if dtype.kind not in "iuf":
            return cls(dtype=dtype, lowest=math.nan, highest=math.nan)
        ends = np.array([(part.min(), part.max()) for part in parts], dtype=np.float64)
        return cls(dtype=dtype, lowest=float(ends[:, 0].min()), highest=float(ends[:, 1].max()))


def array_frames(
    file: Path,
    name: str,
    *,
    as_bytes: AsBytes | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[NDArray[np.uint8]]:
    """The frames of an array that MATLAB shows as (T, H, W, 3), in order.

    Args:
        file: the file.
        name: the name of the array.
        as_bytes: makes bytes of the array's values; None takes bytes as they are and scales real
            numbers from 0 to 1.
        block_bytes: how many bytes of frames are in memory at once; fewer cost a pass over the
            file for each block.

    Yields:
        RGB frames (H, W, 3) of bytes.

    Raises:
        RecordingError: not readable, no such array, or without `as_bytes` other values than bytes
            or 0 to 1.
    """
    convert = as_bytes or partial(_as_bytes, file=file, name=name)
    with _open_array(file, name) as (item, steps, most_frames):
        _, width, height, count = item.shape
        frames = max(1, min(block_bytes // (3 * width * height), most_frames))
        for start in range(0, count, frames):
            stop = min(count, start + frames)
            block = np.empty((stop - start, height, width, 3), np.uint8)
            for channel, column, row in _regions((3, width, height), steps):
                values = item[channel, column, row, start:stop]
                block[:, row, column, channel] = convert(values).transpose(3, 2, 1, 0)
            yield from block


def array_range(file: Path, name: str) -> ValueRange:
    """The range of the values of an array that MATLAB shows as (T, H, W, 3), in bounded memory.

    Args:
        file: the file.
        name: the name of the array.

    Returns:
        Kind and range; of bytes 0 to 255, of what is no real number NaN.

    Raises:
        RecordingError: not readable, or no such array.
    """
    with _open_array(file, name) as (item, steps, most_frames):
        _, width, height, count = item.shape
        frames = max(1, most_frames)
        parts = (
            item[(*region, slice(start, start + frames))]
            for start in range(0, count, frames)
            for region in _regions((3, width, height), steps)
        )
        return ValueRange.measure(item.dtype, parts)


@contextmanager
def _open_array(file: Path, name: str) -> Iterator[tuple[Any, tuple[int, int, int], int]]:
    """An array, the sizes of its regions, and how many frames of a region are read at once.

    Raises:
        RecordingError: not readable, no such array, or packed in parts that are too large.
    """
    with open_hdf5(file) as content:
        reader = LimitedReader(content, file, MOST_MAT_BYTES)
        item = reader.get(name)
        if item is None or item.shape is None or len(item.shape) != 4 or item.shape[0] != 3:
            raise RecordingError(f"{file}: has no array {name!r} (frames, H, W, 3); {WAY_OUT}")
        reader.check(item)
        steps = item.chunks[:3] if item.chunks is not None else (1, 1, item.shape[2])
        column_bytes = math.prod(steps) * item.dtype.itemsize
        chunk_bytes = column_bytes * (item.chunks[3] if item.chunks is not None else 1)
        if chunk_bytes > MOST_PART_BYTES:
            raise RecordingError(
                f"{file}: {name!r} is packed in parts of {chunk_bytes / 2**20:,.0f} MB, and at "
                f"most {MOST_PART_BYTES / 2**20:.0f} MB are unpacked at once; save the file again"
            )
        yield item, steps, MOST_PART_BYTES // column_bytes


def _regions(
    sizes: tuple[int, int, int], steps: tuple[int, int, int]
) -> Iterator[tuple[slice, slice, slice]]:
    """Regions (channel, column, row) of `steps`, which follow the chunks of the storage."""
    axes = (
        [slice(at, at + step) for at in range(0, size, step)]
        for size, step in zip(sizes, steps, strict=True)
    )
    yield from product(*axes)


def _as_bytes(values: NDArray[Any], *, file: Path, name: str) -> NDArray[np.uint8]:
    """Pixel values as bytes: bytes as they are, real numbers from 0 to 1 scaled."""
    if values.dtype == np.uint8:
        return values
    lowest, highest = float(values.min()), float(values.max())
    if values.dtype.kind != "f" or not (lowest >= -OVERSHOOT and highest <= 1 + OVERSHOOT):
        raise RecordingError(
            f"{file}: {name} is {values.dtype} from {lowest:.4g} to {highest:.4g}, where bytes or "
            f"real numbers from 0 to 1 belong; {WAY_OUT}"
        )
    scaled: NDArray[np.uint8] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return scaled
