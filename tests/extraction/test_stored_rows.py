"""Rows of a file against the array that they hold."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.extraction.stored_rows import StoredRows


@pytest.fixture
def rows(tmp_path: Path) -> tuple[StoredRows, Any]:
    values = np.random.default_rng(0).integers(0, 256, (20, 3, 2)).astype(np.uint8)
    np.save(tmp_path / "rows.npy", values)
    return StoredRows(tmp_path / "rows.npy", 5, 15), values[5:15]


@pytest.mark.parametrize(
    "key",
    [
        slice(2, 6), slice(-3, None), slice(8, 99), slice(4, 4), slice(6, 2), slice(None, None, -2),
        3, -1, np.array([7, 1, 1]), np.arange(10) > 4, (slice(1, 3), 0), (..., 1),
    ],
)  # fmt: skip
def test_rows_are_indexed_as_an_array_is(rows: tuple[StoredRows, Any], key: Any) -> None:
    stored, values = rows
    np.testing.assert_array_equal(stored[key], values[key])


def test_rows_do_what_an_array_does(rows: tuple[StoredRows, Any]) -> None:
    stored, values = rows
    assert (stored.shape, stored.ndim, len(stored)) == ((10, 3, 2), 3, 10)
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored / 2 + 1, values / 2 + 1)
    np.testing.assert_array_equal(1.0 - stored, 1.0 - values)
    np.testing.assert_array_equal(np.sqrt(stored), np.sqrt(values))
    np.testing.assert_array_equal(np.concatenate([stored, stored]), np.concatenate([values] * 2))
    np.testing.assert_array_equal(stored.mean(axis=(1, 2)), values.mean(axis=(1, 2)))
    np.testing.assert_array_equal(stored.astype(np.float32), values.astype(np.float32))
    np.testing.assert_array_equal(np.array(stored, dtype=np.float32), values)
    np.testing.assert_array_equal([frame.sum() for frame in stored], values.sum(axis=(1, 2)))
    with pytest.raises(ValueError, match="read-only"):
        stored[2:4][0] = 0


@pytest.mark.skipif(sys.platform != "linux", reason="lists the open files in /proc")
def test_rows_keep_no_file_open(rows: tuple[StoredRows, Any]) -> None:
    stored, _ = rows
    many = [StoredRows(stored.file) for _ in range(50)]
    part = many[0][3:5]

    def opened() -> int:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(link.resolve() == stored.file.resolve() for link in links)

    assert opened() == 1  # that of the part
    del part
    assert opened() == 0


@pytest.mark.parametrize(("first", "end"), [(0, 21), (-1, 4), (9, 3)])
def test_rows_that_are_not_in_the_file_are_refused(
    rows: tuple[StoredRows, Any], first: int, end: int
) -> None:
    with pytest.raises(ValueError, match="are not in it"):
        StoredRows(rows[0].file, first, end)
