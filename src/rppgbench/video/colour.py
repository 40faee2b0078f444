"""Convert colours between RGB and the pixel formats of codecs."""

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
    """Converts decoded frames to (H, W, 3) uint8 RGB of one size.

    The conversion uses the range and matrix of the frame's tags (untagged: limited range, BT.601);
    more than 8 bits are rounded. Flat colours are exact within 2 levels. For 8 bits and even sizes
    this is swscale's fast path, bit for bit the result of OpenCV, decord and ffmpeg; it rounds down
    by 1 level in the mean. `FULL_CHR_H_INT` keeps other formats, 10 bits above all, within 2
    levels.
    """

    def __init__(self) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._flags = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT
        self._reformatter = VideoReformatter()

    def __call__(self, frame: "VideoFrame", width: int, height: int) -> RGB:
        """Convert a frame.

        Args:
            frame: the decoded frame.
            width: width of the result in pixels.
            height: height of the result in pixels.

        Returns:
            Pixels (H, W, 3).

        Raises:
            FFmpegError, ValueError: swscale does not support the pixel format.
        """
        # One thread: at 528 x 592 swscale's default of several threads took 1.6 x as long.
        rgb: Any = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation=self._flags, threads=1
        ).to_ndarray()
        return np.asarray(rgb, np.uint8)


class FromRGB:
    """Converts (H, W, 3) uint8 RGB to frames of a codec's pixel format.

    YUV is BT.601 and tagged as such, so that readers that use the tags and readers that ignore them
    (OpenCV) show the same colours. The range is limited, for JPEG full. `scaling` sets the chroma
    that several pixels share: `accurate` is their mean, rounded to the nearest level; `ffmpeg` is
    bicubic, bit for bit the default of the program ffmpeg.
    """

    def __init__(self, pixel_format: str, full_range: bool, scaling: Scaling = "accurate") -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self.pixel_format = pixel_format
        self.is_yuv = pixel_format.startswith(("yuv", "nv"))
        # RGB, and grey computed from RGB, always have the full range.
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
        """Convert pixels (H, W, 3) to a frame with a copy of the pixels and without a timestamp."""
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
