"""Configure encoders by name, with their settings checked before the first frame."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rppgbench.system.errors import BenchError
from rppgbench.video.colour import BT601, FromRGB, Scaling

if TYPE_CHECKING:
    from av import VideoCodecContext

RATE_FACTORS: Mapping[str, tuple[float, float]] = {
    "libx264": (0, 51),
    "libx264rgb": (0, 51),
    "libx265": (0, 51),
    "libvpx": (4, 63),
    "libvpx-vp9": (0, 63),
    "libsvtav1": (0, 63),
}
"""Range of `crf` by codec; the libraries clip the value or fail without a reason."""

NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """A codec with its settings; settings that cannot be used raise a `BenchError`.

    Attributes:
        location: the file, or the setting that names the codec, for messages.
        codec: name of the encoder.
        pixel_format: pixel format of the encoder.
        size: width and height in pixels.
        options: options of the codec.
        scaling: conversion of colours, see `FromRGB`.
    """

    location: str
    codec: str
    pixel_format: str
    size: tuple[int, int]
    options: Mapping[str, str]
    scaling: Scaling = "accurate"

    def __post_init__(self) -> None:
        self._check_codec()
        self._check_size()
        self._check_options()

    def configure(
        self, context: "VideoCodecContext", rate_fps: Fraction, time_base: Fraction
    ) -> FromRGB:
        """Configure an encoder so that the same frames give the same bytes on every machine.

        The encoder has one thread, unless `options` set more, and writes no version strings.

        Args:
            context: the encoder, not open yet.
            rate_fps: nominal frame rate.
            time_base: unit of the frames' stamps in seconds.

        Returns:
            The converter from RGB to the encoder's frames.
        """
        from av import CodecContext
        from av.codec.context import Flags

        jpeg = context.codec.canonical_name in {"mjpeg", "ljpeg"}
        full_range = jpeg or self.pixel_format.startswith("yuvj")
        convert = FromRGB(self.pixel_format, full_range, self.scaling)
        context.width, context.height = self.size
        context.pix_fmt = self.pixel_format
        context.framerate = rate_fps
        context.time_base = time_base
        context.flags |= Flags.bitexact
        # The stream of a container has other default rates than a codec alone.
        context.bit_rate = CodecContext.create(self.codec, "w").bit_rate or 0
        context.bit_rate_tolerance = 4_000_000
        context.color_range = convert.color_range
        if convert.is_yuv:
            context.colorspace = BT601
        name, reproducible = _reproducible_params(self.codec)
        settings = {"threads": "1", **self.options}
        if reproducible:
            settings[name] = ":".join(
                part for part in (reproducible, settings.get(name, "")) if part
            )
        context.options = settings
        return convert

    def open(self, context: "VideoCodecContext") -> None:
        """Open the encoder; BenchError if the codec refuses its options."""
        from av.error import FFmpegError

        try:
            context.open(strict=False)
        except FFmpegError as error:
            settings = ", ".join(f"{name}={value}" for name, value in self.options.items())
            raise BenchError(
                f"{self.location}: {self.codec} refuses {settings or self.pixel_format}"
                f" ({error.strerror}); see its options in the documentation of FFmpeg"
            ) from error

    def _check_codec(self) -> None:
        import av

        names = _encoders()
        if self.codec not in names:
            near = _suggest(self.codec, names)
            raise BenchError(f"{self.location}: no codec {self.codec!r} to write video with{near}")
        formats = [
            video_format.name for video_format in av.Codec(self.codec, "w").video_formats or ()
        ]
        if formats and self.pixel_format not in formats:
            raise BenchError(
                f"{self.location}: {self.codec} does not take {self.pixel_format!r}."
                f" Known: {', '.join(formats)}"
            )

    def _check_size(self) -> None:
        import av

        width, height = self.size
        if self.codec == "libx265" and width < 64:
            # glibc's malloc checks show that the look-ahead writes past its rows up to width 48.
            raise BenchError(
                f"{self.location}: libx265 fails on frames narrower than 64 pixels, these are"
                f" {width}; use libx264"
            )
        try:
            layout = av.VideoFormat(self.pixel_format, width, height)
        except ValueError as error:
            raise BenchError(
                f"{self.location}: no pixel format {self.pixel_format!r}; yuv420p is one"
            ) from error
        across, down = 8 // layout.chroma_width(8), 8 // layout.chroma_height(8)
        if width % across or height % down:
            raise BenchError(
                f"{self.location}: frames of {width} x {height} do not fit {self.pixel_format},"
                f" where {across} x {down} pixels share a colour; crop to"
                f" {width - width % across} x {height - height % down}, or use yuv444p"
            )

    def _check_options(self) -> None:
        from av import CodecContext

        supported = CodecContext.create(self.codec, "w").supported_options
        available = {option.name: option for option in (*supported.generic, *supported.private)}
        for name, value in self.options.items():
            if name not in available:
                near = difflib.get_close_matches(name, available, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise BenchError(f"{self.location}: {self.codec} has no option {name!r}{hint}")
            low, high = available[name].min, available[name].max
            if name == "crf":
                low, high = RATE_FACTORS.get(self.codec, (low, high))
            try:
                number = float(value)
            except ValueError:
                continue  # a name such as a preset, which only the codec can check
            if low < high and not low <= number <= high:
                raise BenchError(
                    f"{self.location}: {self.codec} takes {name} from {low:g} to {high:g},"
                    f" not {value}"
                )


def _reproducible_params(codec: str) -> tuple[str, str]:
    """The option and value that make the bytes of a codec equal on every run and machine."""
    if codec in {"libx264", "libx264rgb"}:
        # The bytes of x264's AVX-512 code differ between runs (seen at 528 x 240, preset medium).
        return "x264-params", "asm=avx2" if _has_avx512() else ""
    if codec == "libx265":
        return "x265-params", "log-level=error:pools=1:frame-threads=1"
    if codec == "libsvtav1":
        return "svtav1-params", "lp=1"
    return "", ""


@cache
def _has_avx512() -> bool:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    simd = config["SIMD Extensions"]
    names = [name for part in ("baseline", "found") for name in simd.get(part, ())]
    return any(name == "X86_V4" or name.startswith("AVX512") for name in names)


@cache
def _encoders() -> tuple[str, ...]:
    import av
    from av.codec.codec import UnknownCodecError

    names = []
    for name in sorted(av.codecs_available):
        try:
            codec = av.Codec(name, "w")
        except UnknownCodecError:
            continue
        # The name of the encoder, not of its family ("h264").
        if codec.type == "video" and codec.name == name:
            names.append(name)
    return tuple(names)


def _suggest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    quoted = " or ".join(repr(candidate) for candidate in near)
    return f"; did you mean {quoted}?" if near else "; libx264 and ffv1 are always there"
