"""Colour on the way into a codec and out of it."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

RGB = NDArray[np.uint8]
"""A frame: (H, W, 3)."""

Scaling = Literal["accurate", "ffmpeg"]

BT601 = 6  # AVCOL_SPC_SMPTE170M
LIMITED, FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG


class ToRGB:
    """Turns decoded frames into (H, W, 3) uint8 RGB of one size.

    By the range and matrix that a frame is tagged with (untagged: limited range, BT.601); more than
    8 bits are rounded. Flat colours come back within 2 levels. For 8 bits and even sizes this is
    swscale's fast path, to the bit what OpenCV, decord and ffmpeg give: it rounds down, by 1 level
    in the mean. `FULL_CHR_H_INT` is what keeps the others, 10 bits above all, within 2 levels.
    """

    def __init__(self) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._flags = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT
        self._reformatter = VideoReformatter()

    def __call__(self, frame: "VideoFrame", width: int, height: int) -> RGB:
        """The pixels; raises PyAV's error where swscale does not know the pixel format."""
        # One thread: at 528 x 592 swscale's own default of several took 1.6 x as long.
        rgb: Any = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation=self._flags, threads=1
        ).to_ndarray()
        return np.asarray(rgb, np.uint8)


class FromRGB:
    """Turns (H, W, 3) uint8 RGB into frames of a codec's pixel format.

    YUV is BT.601, tagged so, for then readers that heed the tags and those that do not (OpenCV)
    see the same colours; limited range, but full range for JPEG. `scaling` is how colours that
    several pixels share are made: `accurate` (their mean, rounded to the nearest), or `ffmpeg`,
    bicubic as the program's default, to the bit.
    """

    def __init__(self, pixel_format: str, full_range: bool, scaling: Scaling = "accurate") -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self.pixel_format = pixel_format
        self.is_yuv = pixel_format.startswith(("yuv", "nv"))
        # RGB, and grey made of it, have no other range than the full one.
        self.color_range = LIMITED if self.is_yuv and not full_range else FULL
        accurate = (
            Interpolation.BILINEAR
            | Interpolation.ACCURATE_RND
            | Interpolation.FULL_CHR_H_INP
            | Interpolation.FULL_CHR_H_INT
        )
        self._flags = accurate if scaling == "accurate" else Interpolation.BICUBIC
        self._reformatter = VideoReformatter()

    def __call__(self, rgb: RGB) -> "VideoFrame":
        """A frame that owns its pixels, without a timestamp."""
        from av import VideoFrame
        from av.video.reformatter import Colorspace

        frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
        if self.pixel_format == "rgb24":
            return frame
        if not self.is_yuv:
            return self._reformatter.reformat(frame, format=self.pixel_format, threads=1)
        return self._reformatter.reformat(
            frame,
            format=self.pixel_format,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=self.color_range,
            interpolation=self._flags,
            threads=1,
        )
