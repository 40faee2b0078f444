"""Images in archives, and images of raw sensor values."""

import zipfile
from pathlib import Path
from typing import get_args, get_type_hints

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import BayerMosaic, VideoSource
from rppgbench.extraction.content_digest import content_digest
from rppgbench.system.errors import RecordingError
from rppgbench.video.image_files import ImageFiles, demosaic
from rppgbench.video.stream import sample_frames

from ..factories.videos import read_frames

PATTERNS = get_args(get_type_hints(BayerMosaic)["pattern"])
COLOUR = np.array([600, 300, 150])
"""Red, green and blue of 10 bits."""


def archive_of(file: Path, data: dict[str, bytes]) -> VideoSource:
    with zipfile.ZipFile(file, "w") as members:
        for name, content in data.items():
            members.writestr(name, content)
    images = tuple(map(Path, data))
    return VideoSource(
        file / "in", images=images, archive=file, times_s=np.arange(len(images)) / 25
    )


def png(level: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8, 3), level, np.uint8))[1].tobytes()


def mosaic_of(pattern: str, size: int = 8) -> NDArray[np.uint16]:
    """A uniform picture of `COLOUR` as the sensor sees it."""
    raw = np.empty((size, size), np.uint16)
    for place, colour in enumerate(pattern):
        raw[place // 2 :: 2, place % 2 :: 2] = COLOUR["RGB".index(colour)]
    return raw


def test_an_archive_gives_the_frames_of_a_folder(tmp_path: Path) -> None:
    source = archive_of(tmp_path / "a.zip", {f"in/{k}.png": png(20 * k) for k in range(5)})
    frames, warnings = read_frames(source)
    assert [int(frame.rgb.mean()) for frame in frames] == [0, 20, 40, 60, 80]
    assert list(warnings) == []
    assert [f.index for f in sample_frames(source)] == [0, 2, 4]


@pytest.mark.parametrize("fault", ["cut", "missing", "encrypted", "damaged"])
def test_a_member_that_cannot_be_read_is_left_out(fault: str, tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    data = {f"in/{k}.png": png(20 * k) for k in range(4)}
    if fault == "cut":
        data["in/1.png"] = data["in/1.png"][:-20]
    source = archive_of(file, data)
    if fault == "missing":
        images = (*source.images[:1], Path("in/other.png"), *source.images[2:])
        source = VideoSource(source.path, images=images, archive=file, times_s=source.times_s)
    content = bytearray(file.read_bytes())
    if fault == "encrypted":
        start = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)  # the second entry
        content[start + 8] |= 1
    if fault == "damaged":
        content[content.index(data["in/1.png"]) + 50] ^= 0xFF
    file.write_bytes(content)
    frames, warnings = read_frames(source)
    assert [int(frame.rgb.mean()) for frame in frames] == [0, 40, 60]
    assert frames[1].time_s == pytest.approx(2 / 25)
    assert warnings[0].startswith("1 of 4 images left out")


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    source = VideoSource(file / "in", images=(Path("in/0.png"),), archive=file, times_s=np.zeros(1))
    with pytest.raises(RecordingError, match=r"a\.zip: no such video"):
        ImageFiles(source)
    file.write_bytes(b"nothing")
    with pytest.raises(RecordingError, match=r"a\.zip: no ZIP archive"):
        ImageFiles(source)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_raw_values_become_the_colours_that_the_sensor_saw(pattern: str) -> None:
    mosaic = BayerMosaic(pattern=pattern, white=1023)  # type: ignore[arg-type]
    rgb = demosaic(mosaic_of(pattern), mosaic)
    assert rgb is not None
    np.testing.assert_array_equal(rgb[2:-2, 2:-2], np.full((4, 4, 3), [150, 75, 37]))


def test_each_bit_of_the_raw_values_counts() -> None:
    """A change of one of 1,024 steps in every pixel changes the mean colour of a noisy picture."""
    random = np.random.default_rng(0)
    raw = np.round(mosaic_of("RGGB", 200) + random.normal(0, 4, (200, 200))).astype(np.uint16)
    mosaic = BayerMosaic(pattern="RGGB", white=1023)
    first, second = demosaic(raw, mosaic), demosaic(raw + np.uint16(1), mosaic)
    assert first is not None
    assert second is not None
    change = second.mean((0, 1)) - first.mean((0, 1))
    np.testing.assert_allclose(change, 255 / 1023, atol=0.02)


def test_a_mosaic_of_16_bits_in_a_file_is_read(tmp_path: Path) -> None:
    raw = mosaic_of("GRBG")
    data = b"P5\n8 8\n65535\n" + raw.astype(">u2").tobytes()
    (tmp_path / "Frame0.pgm").write_bytes(data)
    files = ImageFiles(VideoSource(tmp_path, images=(tmp_path / "Frame0.pgm",)))
    np.testing.assert_array_equal(files.raw(tmp_path / "Frame0.pgm"), raw)
    source = VideoSource(
        tmp_path,
        images=(tmp_path / "Frame0.pgm",),
        mosaic=BayerMosaic(pattern="GRBG", white=1023),
        times_s=np.zeros(1),
    )
    frames, _ = read_frames(source)
    np.testing.assert_array_equal(frames[0].rgb[3, 3], [150, 75, 37])
    assert ImageFiles(source).stored_format(source.images[0]) == (16, "GRBG")


@pytest.mark.parametrize("raw", [np.zeros((8, 8, 3), np.uint8), np.zeros((1, 8), np.uint16)])
def test_pixels_that_are_no_mosaic_are_no_image(raw: NDArray[np.uint8]) -> None:
    assert demosaic(raw, BayerMosaic(pattern="RGGB", white=255)) is None


def test_the_mosaic_is_part_of_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5\n2 2\n255\n" + bytes(4))
    digests = {
        content_digest(VideoSource(tmp_path, images=(tmp_path / "a.pgm",), mosaic=mosaic))
        for mosaic in (
            None,
            BayerMosaic(pattern="RGGB", white=255),
            BayerMosaic(pattern="BGGR", white=255),
            BayerMosaic(pattern="RGGB", white=200),
        )
    }
    assert len(digests) == 4


def test_a_member_that_unpacks_to_more_than_an_image_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rppgbench.video.image_files.MAX_BYTES", 5000)
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("in/0.png", png(20))
        members.writestr("in/1.png", png(40) + bytes(5000))
    assert file.stat().st_size < 1000
    images = (Path("in/0.png"), Path("in/1.png"))
    frames, warnings = read_frames(
        VideoSource(file / "in", images=images, archive=file, times_s=np.arange(2) / 25)
    )
    assert [int(frame.rgb.mean()) for frame in frames] == [20]
    assert warnings[0].startswith("1 of 2 images left out")
