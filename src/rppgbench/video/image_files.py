"""Read images that are frames: from files or from a ZIP archive, colours or raw sensor values."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import BayerMosaic, VideoSource
from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import (
    check_disk,
    check_regular,
    classify_os_error,
    disk_fault,
    no_such_video,
    special_file_kind,
)
from rppgbench.video.colour import RGB

MAX_PIXELS = 2**27
"""Most pixels of an image, four 8K frames: a decoder allocates what the header states."""

MAX_BYTES = 2**28
"""Most bytes of one member of an archive, unpacked: raw values of 16 bits at `MAX_PIXELS`."""

DAMAGED = (
    *(KeyError, EOFError, RuntimeError, ValueError, OverflowError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)
"""What zipfile raises for a member that is not there, encrypted or damaged."""

END_MARKERS = {b"\x89PNG": b"IEND", b"\xff\xd8\xff": b"\xff\xd9"}
"""End of a complete file by its beginning: decoders fill the rest of a truncated file with grey."""

DEMOSAIC: Mapping[str, str] = MappingProxyType(
    {pattern: f"COLOR_BAYER_{pattern}2RGB" for pattern in ("RGGB", "BGGR", "GRBG", "GBRG")}
)
"""OpenCV's conversion by pattern. Its older names, such as `COLOR_BAYER_BG2RGB` for RGGB, name the
second and third pixel of the second row."""


class ImageFiles:
    """The images of a source, each read by its name.

    Colours are upright by the EXIF orientation, 16 bits are reduced to 8, grey has three equal
    channels, alpha is dropped. A mosaic of raw values is interpolated in its own bits, and then
    scaled to 8, so no bit is lost before the interpolation.

    Raises:
        RecordingError: the archive is missing, not readable, or no ZIP archive.
        MachineError: the disk fails.
    """

    def __init__(self, source: VideoSource) -> None:
        self._mosaic = source.mosaic
        self._archive = None if source.archive is None else open_archive(source.archive)

    def close(self) -> None:
        """Close the archive."""
        if self._archive is not None:
            self._archive.close()

    def read(self, image: Path) -> RGB | None:
        """An image as (H, W, 3) uint8 RGB.

        Returns:
            The pixels; None for a file that is missing, truncated, too large or no image.

        Raises:
            MachineError: the disk fails; the image exists, so the frame must not be left out.
        """
        import cv2

        data = self._bytes(image)
        for begin, end in END_MARKERS.items():
            if data.startswith(begin) and end not in data[-65536:]:
                return None
        if self._mosaic is not None:
            raw = _decode(data, cv2.IMREAD_UNCHANGED)
            return None if raw is None else demosaic(raw, self._mosaic)
        bgr = _decode(data, cv2.IMREAD_COLOR)
        if bgr is None:
            return None
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

    def raw(self, image: Path) -> NDArray[Any] | None:
        """The pixels as they are stored: (H, W) or (H, W, channels); None as for `read`."""
        import cv2

        return _decode(self._bytes(image), cv2.IMREAD_UNCHANGED)

    def stored_format(self, image: Path) -> tuple[int, str]:
        """Bits of each channel and a name for the channels, as stored in the file."""
        pixels = self.raw(image)
        if pixels is None:
            return 8, "rgb"
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        names = {1: "gray", 2: "gray+alpha", 3: "rgb", 4: "rgb+alpha"}
        name = names.get(channels, f"{channels} channels")
        return 8 * pixels.dtype.itemsize, name if self._mosaic is None else self._mosaic.pattern

    def _bytes(self, image: Path) -> bytes:
        if self._archive is None:
            return _file_bytes(image)
        try:
            return read_member(self._archive, image.as_posix(), MAX_BYTES)
        except RecordingError:
            return b""


def open_archive(file: Path) -> zipfile.ZipFile:
    """An open ZIP archive.

    Raises:
        RecordingError: missing, not readable, or no ZIP archive.
        MachineError: the disk fails.
    """
    check_regular(file)
    try:
        return zipfile.ZipFile(file)
    except FileNotFoundError as error:
        raise no_such_video(file) from error
    except OSError as error:
        raise classify_os_error(error, file) from error
    except DAMAGED as error:  # also where the disk fails at its end
        check_disk(file)
        raise RecordingError(f"{file}: no ZIP archive ({error}); copy it again") from error


def demosaic(raw: NDArray[Any], mosaic: BayerMosaic) -> RGB | None:
    """Raw values (H, W) of 8 or 16 bits as (H, W, 3) uint8 RGB; None for other pixels.

    Args:
        raw: the values.
        mosaic: the pattern of colours, and the value of white.

    >>> grey = np.full((4, 4), 512, np.uint16)
    >>> demosaic(grey, BayerMosaic(pattern="RGGB", white=1023))[1, 1]
    array([128, 128, 128], dtype=uint8)
    """
    import cv2

    if raw.ndim != 2 or raw.dtype not in (np.uint8, np.uint16) or min(raw.shape) < 2:
        return None
    rgb = cv2.cvtColor(raw, getattr(cv2, DEMOSAIC[mosaic.pattern]))
    return cv2.convertScaleAbs(rgb, alpha=255.0 / mosaic.white).astype(np.uint8, copy=False)


def _decode(data: bytes, flags: int) -> NDArray[Any] | None:
    """The pixels of an image file; None for no image, or more than `MAX_PIXELS`."""
    import cv2

    if not data or _stated_pixels(data) > MAX_PIXELS:
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV's own limit
        return None


def _stated_pixels(data: bytes) -> int:
    """Number of pixels in the header of a PNG or JPEG; 0 for another format."""
    if data.startswith(b"\x89PNG"):
        return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while at + 9 < len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:  # header of a frame
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(height, "big") * int.from_bytes(width, "big")
        at += 1 if kind == 0xFF else 2 + length
    return 0


def _file_bytes(image: Path) -> bytes:
    """The bytes of an image; empty for a file that is missing, special or not permitted."""
    if special_file_kind(image):
        return b""
    try:
        return image.read_bytes()
    except OSError as error:
        if fault := disk_fault(error, image):
            raise fault from error
        return b""


def read_member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """The bytes of a member of an archive, in memory.

    Args:
        archive: the open archive.
        name: the name of the member.
        most_bytes: a member that unpacks to more is not read.

    Raises:
        RecordingError: missing, encrypted, damaged or too large.
        MachineError: the disk fails.
    """
    place = f"{archive.filename}: {name}"
    try:
        member = archive.getinfo(name)
        if member.file_size <= most_bytes:
            return archive.read(member)
    except OSError as error:  # a damaged archive may ask for a place before its begin
        fault = disk_fault(error, archive.filename)
        raise fault or classify_os_error(error, place) from error
    except DAMAGED as error:
        raise RecordingError(f"{place}: cannot be read ({error}); copy it again") from error
    raise RecordingError(
        f"{place}: unpacks to {member.file_size:,} bytes, and at most {most_bytes:,} are read; "
        "copy it again"
    )
