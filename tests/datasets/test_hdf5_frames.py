"""Frames of an HDF5 array come in order, as bytes, and in bounded memory."""

import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.datasets.hdf5_frames import array_frames
from rppgbench.system.errors import RecordingError


def stored(file: Path, frames: NDArray[Any], **options: Any) -> None:
    """Write frames (T, H, W, 3) as MATLAB does: h5py shows them turned."""
    with h5py.File(file, "w") as content:
        content.create_dataset("RawFrames", data=frames.transpose(3, 2, 1, 0), **options)


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (23, 10, 14, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (1, 5, 4, 23), "compression": "gzip"},
        {"chunks": (3, 14, 10, 1), "compression": "gzip"},
        {"chunks": (2, 14, 3, 7)},
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 10 * 14 * 3 * 5, 2**20])
def test_frames_come_back_whatever_the_chunks(
    options: dict[str, Any], block_bytes: int, frames: NDArray[np.uint8], tmp_path: Path
) -> None:
    real = frames.astype(np.float64) / 255
    for values in (frames, real, real.astype(np.float32)):
        stored(tmp_path / "a.mat", values, **options)
        read = list(array_frames(tmp_path / "a.mat", "RawFrames", block_bytes=block_bytes))
        np.testing.assert_array_equal(np.stack(read), frames)
        assert all(frame.flags.c_contiguous for frame in read)


def test_an_array_that_is_larger_than_the_block_stays_in_bounded_memory(tmp_path: Path) -> None:
    """48 MB of real numbers, of which a block of 1 MB and the parts of a chunk are in memory."""
    with h5py.File(tmp_path / "a.mat", "w") as content:
        content.create_dataset(
            "RawFrames",
            shape=(3, 80, 50, 500),
            dtype="f8",
            chunks=(1, 20, 10, 500),
            compression="gzip",
            fillvalue=0.5,
        )
        content["RawFrames"][:, :, :, :] = 0.5
    tracemalloc.start()
    try:
        count = sum(1 for _ in array_frames(tmp_path / "a.mat", "RawFrames", block_bytes=2**20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 500
    assert peak < 6 * 2**20


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 6, 8, 3), 1.5), "RawFrames is float64 from 1.5 to 1.5, where bytes or"),
        (np.full((4, 6, 8, 3), np.nan), "from nan to nan"),
        (np.full((4, 6, 8, 3), 300, np.uint16), "is uint16 from 300 to 300"),
        (np.zeros((4, 6, 8, 4)), "has no array 'RawFrames'"),
    ],
)
def test_values_that_are_no_pixels_are_refused(
    values: NDArray[Any], message: str, tmp_path: Path
) -> None:
    stored(tmp_path / "a.mat", values)
    with pytest.raises(RecordingError, match=message):
        list(array_frames(tmp_path / "a.mat", "RawFrames"))


def test_a_chunk_of_many_megabytes_is_refused(
    monkeypatch: pytest.MonkeyPatch, frames: NDArray[np.uint8], tmp_path: Path
) -> None:
    stored(tmp_path / "a.mat", frames, chunks=(3, 14, 10, 23))
    monkeypatch.setattr("rppgbench.datasets.hdf5_frames.MOST_PART_BYTES", 5000)
    with pytest.raises(RecordingError, match="is packed in parts of 0 MB, and at most 0 MB"):
        list(array_frames(tmp_path / "a.mat", "RawFrames"))


def test_an_array_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as content:
        content.create_dataset(
            "RawFrames", shape=(3, 800, 600, 60), dtype="u1", chunks=(1, 8, 6, 60)
        )
    with pytest.raises(RecordingError, match=r"claims 82\.4 MB, and 0 bytes of it are in the file"):
        list(array_frames(tmp_path / "a.mat", "RawFrames"))
