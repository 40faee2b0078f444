"""Encode and decode a video in memory."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, cast

from rppgbench.video.colour import BT601, FromRGB, Scaling, ToRGB
from rppgbench.video.encoding import Encoding
from rppgbench.video.packet_writer import PacketWriter
from rppgbench.video.stream import Frame

if TYPE_CHECKING:
    from av import VideoCodecContext
    from av.packet import Packet
    from av.video.stream import VideoStream


class Codec:
    """An encoder whose packets go to its decoder, frame by frame.

    Each frame returns with its index and time. The codec delays frames by its look-ahead; no others
    are in memory. With a `packet_writer` the packets are also stored as a file.

    Attributes:
        bytes: size of the coded stream so far.
        frames: number of decoded frames so far.
        encoder: name and version that x264 or x265 write into their stream, else empty.
    """

    def __init__(
        self, encoding: Encoding, fps: float, packet_writer: PacketWriter | None = None
    ) -> None:
        self.bytes = 0
        self.frames = 0
        self.encoder = ""
        self._fps = fps
        self._first_s = self._last_s = 0.0
        self._encoding = encoding
        self._stamp = 0
        self._delayed: dict[int, tuple[int, float]] = {}  # index and time of frames, by stamp
        self._encoder, self._decoder, self._convert = _open_codecs(encoding, fps)
        self._to_rgb = ToRGB()
        self._packet_writer = packet_writer
        if packet_writer is not None:
            packet_writer.begin(encoding, fps)

    @property
    def bit_rate(self) -> float:
        """Bits per second on the clock of the frames; 0 before the first decoded frame."""
        seconds = self._last_s - self._first_s + 1 / self._fps
        return 8 * self.bytes / seconds if self.frames else 0.0

    def feed(self, frame: Frame) -> Iterator[Frame]:
        """Encode the next frame and return the decoded frames that are ready."""
        width, height = self._encoding.size
        if frame.rgb.shape != (height, width, 3):
            raise ValueError(f"frame {frame.index} is {frame.rgb.shape}, not as the first")
        self._delayed[self._stamp] = (frame.index, frame.time_s)
        if self._packet_writer is not None:
            self._packet_writer.add_time(frame.time_s)
        coded = self._convert(frame.rgb)
        del frame
        coded.pts = self._stamp
        coded.time_base = self._encoder.time_base
        self._stamp += 1
        yield from self._decode(self._encoder.encode(coded))

    def end(self) -> Iterator[Frame]:
        """Return the delayed frames; called after the last frame."""
        yield from self._decode(self._encoder.encode(None))
        yield from self._decode([None])
        if self._delayed:
            raise RuntimeError(f"{self._encoding.codec} did not return {len(self._delayed)} frames")
        if self._packet_writer is not None:
            self._packet_writer.finish()

    def _decode(self, packets: "Iterable[Packet[VideoStream] | None]") -> Iterator[Frame]:
        width, height = self._encoding.size
        for packet in packets:
            if packet is not None:
                self.encoder = self.encoder if self.bytes else _signature(bytes(packet))
                self.bytes += packet.size
            decoded = self._decoder.decode(packet)
            if packet is not None and self._packet_writer is not None:
                self._packet_writer.add(packet)
            for image in decoded:
                assert image.pts is not None
                index, time_s = self._delayed.pop(image.pts)
                if self._convert.is_yuv:  # a container would have the tags; there is no container
                    image.colorspace = BT601
                    image.color_range = self._convert.color_range
                self._first_s = self._first_s if self.frames else time_s
                self._last_s = time_s
                self.frames += 1
                yield Frame(index, time_s, self._to_rgb(image, width, height))


def _signature(packet: bytes) -> str:
    """The encoder's name and version from the first packet of its stream, or "".

    >>> _signature(b"...x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - Copyleft 2003")
    'x264 core 164 r3095 baee400'
    """
    match = re.search(rb"(x26[45]) (?:- |\(build )(.{1,60}?)\)? - ", packet)
    return b" ".join(match.groups()).decode("ascii", "replace") if match else ""


class Recompression:
    """The decoded frames of a `Codec`, one for each original frame; iterable once."""

    def __init__(self, frames: Iterable[Frame], codec: Codec) -> None:
        self._codec = codec
        self._decoded = self._recompress(frames)

    def __iter__(self) -> Iterator[Frame]:
        return self._decoded

    @property
    def bytes(self) -> int:
        """Size of the coded stream so far."""
        return self._codec.bytes

    @property
    def frames(self) -> int:
        """Number of decoded frames so far."""
        return self._codec.frames

    @property
    def bit_rate(self) -> float:
        """Bits per second on the clock of the frames; final after the last frame."""
        return self._codec.bit_rate

    def _recompress(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            decoded = self._codec.feed(frame)
            del frame
            yield from decoded
        yield from self._codec.end()


def recompress(
    frames: Iterable[Frame],
    *,
    fps: float,
    codec: str,
    pixel_format: str,
    options: Mapping[str, str],
    scaling: Scaling = "ffmpeg",
) -> Recompression:
    """Encode and decode frames; the decoded frames keep index and time.

    Nothing is written to disk, and memory holds the frames of the codec's look-ahead. The codec
    sees a steady frame rate and gives the pixels of `ffmpeg -i in -crf N out`; with `scaling`
    "accurate" the coded bytes are those of `write_video`. `libx264rgb` with `qp` 0 is lossless.

    Args:
        frames: frames of one size.
        fps: nominal frame rate of the codec.
        codec: name of the encoder.
        pixel_format: pixel format of the encoder.
        options: options of the codec.
        scaling: conversion of colours, see `FromRGB`.

    Raises:
        BenchError: no such codec, or it does not support the pixel format, option, rate factor or
            frame size.
        ValueError: no frame, or frames of several sizes.
    """
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise ValueError("no frame to recompress")
    size = (first.rgb.shape[1], first.rgb.shape[0])
    encoding = Encoding(
        location="recompression",
        codec=codec,
        pixel_format=pixel_format,
        size=size,
        options=options,
        scaling=scaling,
    )
    return Recompression(chain([first], remaining), Codec(encoding, fps))


def _open_codecs(
    encoding: Encoding, fps: float
) -> "tuple[VideoCodecContext, VideoCodecContext, FromRGB]":
    from av import CodecContext

    rate_fps = Fraction(fps).limit_denominator(1001)
    encoder = cast("VideoCodecContext", CodecContext.create(encoding.codec, "w"))
    convert = encoding.configure(encoder, rate_fps, 1 / rate_fps)
    encoding.open(encoder)
    name = encoder.codec.canonical_name
    decoder = cast("VideoCodecContext", CodecContext.create(name, "r"))
    decoder.width, decoder.height = encoding.size
    decoder.pix_fmt = encoding.pixel_format
    decoder.bits_per_coded_sample = encoder.bits_per_coded_sample
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    decoder.thread_count = 1
    return encoder, decoder, convert
