"""A MAT file that is damaged, or made to harm, is refused before scipy reads it."""

import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from rppgbench.datasets.mat_files import check_mat5
from rppgbench.datasets.mat_variables import read_mat
from rppgbench.system.errors import RecordingError

CONTENT = {
    "fold1": np.array([[10.5, 2.5]]),
    "text": "a text",
    "cells": np.array([np.arange(3.0), "x"], dtype=object),
    "facts": {"a": 1.5, "b": np.eye(3)},
}


@pytest.mark.parametrize("compressed", [False, True])
def test_sound_files_of_every_kind_pass(tmp_path: Path, compressed: bool) -> None:
    file = tmp_path / "a.mat"
    savemat(file, CONTENT, do_compression=compressed)
    content = read_mat(file, *CONTENT)
    np.testing.assert_array_equal(content["fold1"], CONTENT["fold1"])
    assert content["text"].item() == "a text"
    assert set(content) == set(CONTENT)


@pytest.mark.parametrize("kind", [0, 8, 10, 11, 14, 19, 200, 60000])
def test_numbers_of_a_type_that_is_none_are_refused(tmp_path: Path, kind: int) -> None:
    """scipy looks the type up without a bound: the process ended here, without a word."""
    file = tmp_path / "a.mat"
    savemat(file, {"fold1": CONTENT["fold1"]})
    raw = file.read_bytes()
    tag = struct.pack("<II", 9, 16)  # 16 bytes of float64
    assert raw.count(tag) == 1
    file.write_bytes(raw.replace(tag, struct.pack("<II", kind, 16)))
    with pytest.raises(RecordingError, match=r"a\.mat: not a MAT file \(a part of type"):
        read_mat(file, "fold1")


def test_a_part_longer_than_its_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.mat"
    savemat(file, {"fold1": CONTENT["fold1"]})
    raw = file.read_bytes()
    file.write_bytes(raw.replace(struct.pack("<II", 9, 16), struct.pack("<II", 9, 1 << 31)))
    with pytest.raises(RecordingError, match="bytes at"):
        read_mat(file, "fold1")


@pytest.mark.parametrize(
    ("tag", "changed", "reason"),
    [
        (struct.pack("<II", 5, 8), struct.pack("<II", 5, 0), "without sizes"),
        (struct.pack("<II", 5, 8), struct.pack("<II", 5 | 1 << 16, 8), "without sizes"),
        (struct.pack("<II", 6, 8), struct.pack("<IIBB", 6, 8, 4, 8), "of 4 parts"),
    ],
    ids=["no sizes", "sizes of one byte", "no imaginary values"],
)
def test_a_matrix_that_lacks_a_part_is_refused(
    tmp_path: Path, tag: bytes, changed: bytes, reason: str
) -> None:
    """scipy reads sizes and imaginary values that are not there: the process ended."""
    file = tmp_path / "a.mat"
    savemat(file, {"c": np.array([np.arange(3.0), "x"], dtype=object)})
    check_mat5(file)
    raw = file.read_bytes()
    begin = raw.rindex(tag)  # of the text in the last cell
    file.write_bytes(raw[:begin] + changed + raw[begin + len(changed) :])
    with pytest.raises(ValueError, match=f"a matrix {reason}"):
        check_mat5(file)
