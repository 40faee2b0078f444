"""BDF files: written by pyEDFlib, read by label, and refused in one line where they are damaged."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.datasets.bdf_files import read_bdf, write_bdf
from rppgbench.system.errors import BenchError, RecordingError

CHANNELS = {"A": np.arange(768) - 300.0, "Status": np.full(768, -(2**23) + 268.0)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_bdf(tmp_path / "in" / "a.bdf", CHANNELS, 256.0)
    return tmp_path / "in" / "a.bdf"


def test_24_bits_come_back_by_label(file: Path) -> None:
    channels = read_bdf(file, "Status", "A", "absent")
    assert list(channels) == ["Status", "A"]
    for label, channel in channels.items():
        assert channel.fs == 256
        np.testing.assert_array_equal(channel.digital, CHANNELS[label])


def test_another_program_reads_the_same_numbers(file: Path) -> None:
    """By the format's own description: 24 bits, little-endian, a second of each channel in turn."""
    data = file.read_bytes()[256 * 3 :]
    cells = np.frombuffer(data, np.uint8).reshape(3, 2, 256, 3).astype(np.int64)
    values = cells[..., 0] | (cells[..., 1] << 8) | (cells[..., 2] << 16)
    values = np.where(values >= 2**23, values - 2**24, values)
    for place, expected in enumerate(CHANNELS.values()):
        np.testing.assert_array_equal(values[:, place].ravel(), expected)


def test_equal_content_gives_equal_bytes(file: Path, tmp_path: Path) -> None:
    write_bdf(tmp_path / "b.bdf", CHANNELS, 256.0)
    assert (tmp_path / "b.bdf").read_bytes() == file.read_bytes()


def damaged(file: Path, start: int, content: bytes) -> None:
    data = bytearray(file.read_bytes())
    data[start : start + len(content)] = content
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("start", "content", "message"),
    [
        (0, b"0       ", "no BDF file .it does not begin as one"),
        (236, b"99999999", "no BDF file .5,376 bytes, and its header says"),
        (236, b"words   ", "no BDF file"),
        (300, bytes(range(200, 230)), "no BDF file"),
    ],
)
def test_a_damaged_header_is_one_line(
    start: int, content: bytes, message: str, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged(file, start, content)
    with pytest.raises(RecordingError, match=message) as caught:
        read_bdf(file, "A")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("length", [0, 100, 300, 760, 5000])
def test_a_cut_file_is_one_line(length: int, file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(RecordingError, match=r"a\.bdf: no BDF file"):
        read_bdf(file, "A")
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.bdf: does not exist"):
        read_bdf(tmp_path / "none.bdf", "A")


@pytest.mark.parametrize("act", [read_bdf, lambda file, _: write_bdf(file, CHANNELS, 256.0)])
def test_without_the_library_the_way_out_is_named(
    act: object, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyedflib", None)
    with pytest.raises(BenchError, match=r"needs pyEDFlib: pip install 'rppgbench\[bdf\]'"):
        act(file, "A")  # type: ignore[operator]


def test_a_rate_of_another_channel_stays_its_own(tmp_path: Path) -> None:
    values: Array = np.arange(64.0)
    write_bdf(tmp_path / "slow.bdf", {"slow": values}, 32.0)
    assert read_bdf(tmp_path / "slow.bdf", "slow")["slow"].fs == 32
