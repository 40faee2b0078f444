"""Frames that lie as one array in an HDF5 or MAT 7.3 file, read in bounded memory.

MATLAB stores (T, H, W, 3) with time as the fastest axis, so h5py shows (3, W, H, T) and a chunk of
the file holds the same pixels of many frames. Reading frame after frame would unpack every chunk
once for each frame. Here a block of frames is put together from all chunks, as bytes, and the
values of a part are in memory at a time: an array of real numbers of 1.1 GB takes 132 MB.
"""

import math
from collections.abc import Iterator
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


def array_frames(
    file: Path, name: str, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[NDArray[np.uint8]]:
    """The frames of an array that MATLAB shows as (T, H, W, 3), in order.

    Args:
        file: the file.
        name: the name of the array.
        block_bytes: how many bytes of frames are in memory at once; fewer cost a pass over the
            file for each block.

    Yields:
        RGB frames (H, W, 3) of bytes; real numbers from 0 to 1 are scaled.

    Raises:
        RecordingError: not readable, no such array, or other values than bytes or 0 to 1.
    """
    with open_hdf5(file) as content:
        reader = LimitedReader(content, file, MOST_MAT_BYTES)
        item = reader.get(name)
        if item is None or item.shape is None or len(item.shape) != 4 or item.shape[0] != 3:
            raise RecordingError(f"{file}: has no array {name!r} (frames, H, W, 3); {WAY_OUT}")
        reader.check(item)
        _, width, height, count = item.shape
        steps = item.chunks[:3] if item.chunks is not None else (1, 1, height)
        column_bytes = math.prod(steps) * item.dtype.itemsize
        chunk_bytes = column_bytes * (item.chunks[3] if item.chunks is not None else 1)
        if chunk_bytes > MOST_PART_BYTES:
            raise RecordingError(
                f"{file}: {name!r} is packed in parts of {chunk_bytes / 2**20:,.0f} MB, and at "
                f"most {MOST_PART_BYTES / 2**20:.0f} MB are unpacked at once; save the file again"
            )
        frames = min(block_bytes // (3 * width * height), MOST_PART_BYTES // column_bytes)
        for start in range(0, count, max(1, frames)):
            stop = min(count, start + max(1, frames))
            block = np.empty((stop - start, height, width, 3), np.uint8)
            for channel, column, row in _regions((3, width, height), steps):
                values = item[channel, column, row, start:stop]
                block[:, row, column, channel] = _as_bytes(values, file, name).transpose(3, 2, 1, 0)
            yield from block


def _regions(
    sizes: tuple[int, int, int], steps: tuple[int, int, int]
) -> Iterator[tuple[slice, slice, slice]]:
    """Regions (channel, column, row) of `steps`, which follow the chunks of the storage."""
    axes = (
        [slice(at, at + step) for at in range(0, size, step)]
        for size, step in zip(sizes, steps, strict=True)
    )
    yield from product(*axes)


def _as_bytes(values: NDArray[Any], file: Path, name: str) -> NDArray[np.uint8]:
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
