"""A video through a codec and back, in memory."""

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
    """An encoder whose packets go straight to its decoder, fed a frame at a time.

    One frame comes back for each that went in, with its index and time, when the codec lets go of
    it: only the frames that it looks ahead are held, in its own pictures. `bytes` is the size of
    the coded stream so far, `frames` how many frames came back, `encoder` the name and version
    that x264 or x265 write into their stream, else empty. With `kept` the packets go to a file too,
    which is there when `end` is.
    """

    def __init__(self, encoding: Encoding, fps: float, kept: PacketWriter | None = None) -> None:
        self.bytes = 0
        self.frames = 0
        self.encoder = ""
        self._fps = fps
        self._first_s = self._last_s = 0.0
        self._encoding = encoding
        self._stamp = 0
        self._waiting: dict[int, tuple[int, float]] = {}  # in the codec: index and time, by stamp
        self._encoder, self._decoder, self._convert = _codecs(encoding, fps)
        self._to_rgb = ToRGB()
        self._kept = kept
        if kept is not None:
            kept.begin(encoding, fps)

    @property
    def bit_rate(self) -> float:
        """Bits a second on the frames' own clock; 0 before the first frame came back."""
        seconds = self._last_s - self._first_s + 1 / self._fps
        return 8 * self.bytes / seconds if self.frames else 0.0

    def feed(self, frame: Frame) -> Iterator[Frame]:
        """Send the next frame; give those that come back for it."""
        width, height = self._encoding.size
        if frame.rgb.shape != (height, width, 3):
            raise ValueError(f"frame {frame.index} is {frame.rgb.shape}, not as the first")
        self._waiting[self._stamp] = (frame.index, frame.time_s)
        if self._kept is not None:
            self._kept.fed(frame.time_s)
        picture = self._convert(frame.rgb)
        del frame
        picture.pts = self._stamp
        picture.time_base = self._encoder.time_base
        self._stamp += 1
        yield from self._decoded(self._encoder.encode(picture))

    def end(self) -> Iterator[Frame]:
        """There is no further frame: give those that were still in the codec."""
        yield from self._decoded(self._encoder.encode(None))
        yield from self._decoded([None])
        if self._waiting:
            raise RuntimeError(f"{self._encoding.codec} kept {len(self._waiting)} frames")
        if self._kept is not None:
            self._kept.finish()

    def _decoded(self, packets: "Iterable[Packet[VideoStream] | None]") -> Iterator[Frame]:
        width, height = self._encoding.size
        for packet in packets:
            if packet is not None:
                self.encoder = self.encoder if self.bytes else _signature(bytes(packet))
                self.bytes += packet.size
            pictures = self._decoder.decode(packet)
            if packet is not None and self._kept is not None:
                self._kept.add(packet)
            for picture in pictures:
                assert picture.pts is not None
                index, time_s = self._waiting.pop(picture.pts)
                if self._convert.is_yuv:  # the tags are the container's, and there is none
                    picture.colorspace = BT601
                    picture.color_range = self._convert.color_range
                self._first_s = self._first_s if self.frames else time_s
                self._last_s = time_s
                self.frames += 1
                yield Frame(index, time_s, self._to_rgb(picture, width, height))


def _signature(packet: bytes) -> str:
    """The encoder's name and version in the first packet of its stream, or nothing.

    >>> _signature(b"...x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - Copyleft 2003")
    'x264 core 164 r3095 baee400'
    """
    found = re.search(rb"(x26[45]) (?:- |\(build )(.{1,60}?)\)? - ", packet)
    return b" ".join(found.groups()).decode("ascii", "replace") if found else ""


class Recompression:
    """The frames that come back from a `Codec`, one for each that went in. Iterate it once."""

    def __init__(self, frames: Iterable[Frame], codec: Codec) -> None:
        self._codec = codec
        self._run = self._through(frames)

    def __iter__(self) -> Iterator[Frame]:
        return self._run

    @property
    def bytes(self) -> int:
        """Size of the coded stream so far."""
        return self._codec.bytes

    @property
    def frames(self) -> int:
        """How many frames came back so far."""
        return self._codec.frames

    @property
    def bit_rate(self) -> float:
        """Bits a second on the frames' own clock; final when all were taken."""
        return self._codec.bit_rate

    def _through(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            back = self._codec.feed(frame)
            del frame
            yield from back
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
    """Send frames through an encoder and its decoder; what comes back keeps index and time.

    Nothing is written to disk, and only the frames that the codec looks ahead are held. The codec
    sees a steady `fps`, as it does in `ffmpeg -i in -crf N out`, and its pictures are those of
    that command; with `scaling` "accurate" the bytes are those of `write_video`. `libx264rgb` with
    `qp` 0 gives identical pixels back.

    Raises `BenchError` in one line for a codec that is not there, a pixel format or option that it
    does not take, a rate factor out of its range, or an odd frame size; `ValueError` where frames
    change their size or there is none.
    """
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise ValueError("no frame to recompress")
    size = (first.rgb.shape[1], first.rgb.shape[0])
    encoding = Encoding(
        where="recompression",
        codec=codec,
        pixel_format=pixel_format,
        size=size,
        options=options,
        scaling=scaling,
    )
    return Recompression(chain([first], rest), Codec(encoding, fps))


def _codecs(
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
