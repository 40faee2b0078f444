"""Frames out of a video file, by FFmpeg's libraries."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rppgbench.errors import RecordingError
from rppgbench.video_clock import count

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

RGB = NDArray[np.uint8]
"""An upright frame: (H, W, 3)."""

PLAYLISTS = frozenset({"concat", "dash", "hls", "imf", "rtsp", "sdp", "tty", "webm_dash_manifest"})
"""Formats that name other files, or that show a text file as a picture: none of them is a video."""


class RawFrame(NamedTuple):
    """A frame as its source has it: `position` counts also those that do not decode."""

    position: int
    stamp_s: float | None  # on the clock of the source; None where the source has none
    rgb: RGB


class Turn(NamedTuple):
    """How a coded frame becomes upright: transpose first, then the flips."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def rotation(self) -> int:
        """Clockwise degrees (0, 90, 180, 270) that are applied, after mirroring if `mirrored`."""
        if self.transpose:
            return 90 if not self.flip_y else 270
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """True where left and right change sides."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    def apply(self, rgb: RGB) -> RGB:
        """The upright frame, contiguous."""
        import cv2

        if self.transpose:
            rgb = cv2.transpose(rgb).astype(np.uint8, copy=False)
        if self.flip_x or self.flip_y:
            code = -1 if self.flip_x and self.flip_y else int(self.flip_x)
            rgb = cv2.flip(rgb, code).astype(np.uint8, copy=False)
        return rgb


class ContainerFrames:
    """The frames of the best video stream of a file, decoded once, in presentation order.

    Colours are converted by the range and matrix that the stream is tagged with (untagged: limited
    range, BT.601), as OpenCV and most toolboxes do; more than 8 bits are rounded to 8. The frames
    come upright by the display matrix. Raises `RecordingError` where there is no video to read.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import av
        from av.video.reformatter import Interpolation, VideoReformatter

        self.path = path
        self.positions = 0  # frames so far, with those that do not decode
        self.failed = self.damaged = self.resized = self.interlaced = self.discarded = 0
        self.broke_off = ""
        self._flags = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT
        self._reformatter = VideoReformatter()
        self._av_error = av.error.FFmpegError
        self._container = _opened(path)
        try:
            self._stream = _video_stream(self._container, path)
            self._stream.thread_type = "AUTO"
            self._stream.thread_count = threads
            self._decoded = self._decode_all()
            self._first = self._peek()
        except BaseException:
            self._container.close()
            raise

    def _peek(self) -> "tuple[int, VideoFrame]":
        first = next(self._decoded, None)
        if first is None:
            why = f" ({self.broke_off})" if self.broke_off else ""
            raise RecordingError(
                f"{self.path}: no frame of it decodes{why}; copy the file again, or leave it out"
            )
        frame = first[1]
        self.coded_width, self.coded_height = frame.width, frame.height
        self.pixel_format = frame.format.name
        self.bit_depth = max(component.bits for component in frame.format.components)
        self.turn, self._matrix_note = _turn(frame)
        swap = self.turn.transpose
        self.width = self.coded_height if swap else self.coded_width
        self.height = self.coded_width if swap else self.coded_height
        self.codec = self._stream.codec_context.name
        self.rotation = self.turn.rotation
        return first

    @property
    def rate_fps(self) -> float | None:
        """The container's own mean rate, or None."""
        stream = self._stream
        for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
            if rate and 0 < float(rate) < 1e4:
                return float(rate)
        return None

    @property
    def duration_s(self) -> float | None:
        """The length that the container announces, or None."""
        base = self._stream.time_base
        if self._stream.duration is not None and base is not None:
            return float(self._stream.duration * base)
        duration = self._container.duration
        return duration / 1e6 if duration is not None else None

    @property
    def expected(self) -> int | None:
        """How many frames the container announces; what its edit list hides is taken off."""
        count = self._stream.frames
        if not count:
            with suppress(ValueError):
                count = int(self._stream.metadata.get("NUMBER_OF_FRAMES", "0"))
        return count - self.discarded if count else None

    def __iter__(self) -> Iterator[RawFrame]:
        position, frame = self._first
        del self._first
        origin = self._origin(frame)
        yield RawFrame(position, self._stamp_s(frame, origin), self._rgb(frame))
        del frame
        for position, frame in self._decoded:
            yield RawFrame(position, self._stamp_s(frame, origin), self._rgb(frame))

    def close(self) -> None:
        """Let the file go."""
        self._decoded.close()
        self._container.close()

    def notes(self) -> list[str]:
        """What was wrong with the stream, known when all of it was read."""
        out = [self._matrix_note] if self._matrix_note else []
        if self.failed:
            out.append(f"{count(self.failed, 'frame')} do not decode and were left out")
        if self.damaged:
            out.append(f"{count(self.damaged, 'frame')} are damaged, the decoder patched them")
        if self.resized:
            size = f"{self.coded_width} x {self.coded_height}"
            out.append(f"{count(self.resized, 'frame')} of another size were scaled to {size}")
        if self.interlaced:
            out.append(f"{count(self.interlaced, 'frame')} are interlaced")
        if self.broke_off:
            out.append(f"reading broke off ({self.broke_off})")
        return out

    def seek(self, where: Literal["middle", "last"]) -> RawFrame:
        """One frame, by decoding from the key frame before it only; its position is -1."""
        first = self._first[1]
        origin = self._origin(first)
        end = self._end(first)
        if end is None:
            return self._walk(where, origin)
        target = end if where == "last" else (origin + end) // 2
        with suppress(self._av_error):
            self._container.seek(target, stream=self._stream, backward=True)
        found = first
        for _, frame in self._decode_all():
            found = frame
            stamp = frame.pts if frame.pts is not None else frame.dts
            if where == "middle" and stamp is not None and stamp >= target:
                break
        return RawFrame(-1, self._stamp_s(found, origin), self._rgb(found))

    def _end(self, first: "VideoFrame") -> int | None:
        """The stamp of the last packet, None where the frames have no stamps to seek by."""
        if first.pts is None and first.dts is None:
            return None
        duration = self.duration_s
        base = self._stream.time_base
        if duration is not None and base is not None:
            return self._origin(first) + int(Fraction(duration).limit_denominator(10**6) / base)
        stamps = [p.pts for p in self._packets() if p is not None and p.pts is not None]
        return max(stamps, default=None)

    def _walk(self, where: Literal["middle", "last"], origin: int) -> RawFrame:
        count, last = 1, self._first[1]
        for _, frame in self._decoded:
            count, last = count + 1, frame
        if where == "middle":
            with suppress(self._av_error):
                self._container.seek(0, stream=self._stream)
            for number, (_, frame) in enumerate(self._decode_all()):
                last = frame
                if number == count // 2:
                    break
        return RawFrame(-1, self._stamp_s(last, origin), self._rgb(last))

    def _decode_all(self) -> "Generator[tuple[int, VideoFrame]]":
        for packet in self._packets():
            try:
                frames = self._stream.decode(packet)
            except self._av_error:
                if packet is not None:
                    self.failed += 1
                    self.positions += 1
                continue
            for frame in frames:
                self.positions += 1
                yield self.positions - 1, frame

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """The packets, and None at the end: what the decoder still holds comes out."""
        packets = self._container.demux(self._stream)
        try:
            for packet in packets:
                if packet.size == 0:
                    # An empty packet would tell the decoder that the stream has ended.
                    empty = packet.dts is not None or packet.pts is not None
                    self.failed += empty
                    self.positions += empty
                    continue
                self.discarded += packet.is_discard
                yield packet
        except self._av_error as error:
            self.broke_off = error.strerror or type(error).__name__
        yield None

    def _origin(self, first: "VideoFrame") -> int:
        start = self._stream.start_time
        if first.pts is not None:
            return start if start is not None else first.pts
        return first.dts or 0

    def _stamp_s(self, frame: "VideoFrame", origin: int) -> float | None:
        stamp = frame.pts if frame.pts is not None else frame.dts
        base = self._stream.time_base
        if stamp is None or base is None:
            return None
        return float(Fraction(stamp - origin) * base)

    def _rgb(self, frame: "VideoFrame") -> RGB:
        self.damaged += frame.is_corrupt
        self.interlaced += frame.interlaced_frame
        self.resized += (frame.width, frame.height) != (self.coded_width, self.coded_height)
        try:
            rgb: Any = self._reformatter.reformat(
                frame,
                self.coded_width,
                self.coded_height,
                "rgb24",
                interpolation=self._flags,
                threads=1,
            ).to_ndarray()
        except (self._av_error, ValueError) as error:
            raise RecordingError(
                f"{self.path}: pixel format {frame.format.name} cannot be turned into RGB;"
                " convert the video to yuv420p first"
            ) from error
        return self.turn.apply(rgb) if self.turn != Turn() else rgb


def _opened(path: Path) -> "InputContainer":
    import av

    if path.is_dir():
        raise RecordingError(
            f"{path}: a folder, not a video; name the images in it and their times"
        )
    if not path.exists():
        raise RecordingError(f"{path}: no such video; check the folder of the data set")
    try:
        if path.stat().st_size == 0:
            raise RecordingError(f"{path}: the file is empty (0 bytes); copy it again")
        # "file:" keeps a colon in a name from being read as a protocol.
        return av.open(
            f"file:{path}",
            metadata_errors="replace",
            options={
                "protocol_whitelist": "file",
                "format_whitelist": ",".join(sorted(av.formats_available - PLAYLISTS)),
            },
        )
    except PermissionError as error:
        raise RecordingError(f"{path}: not readable; check its permissions") from error
    except (av.error.FFmpegError, ValueError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise RecordingError(
            f"{path}: not a video that FFmpeg's libraries can read ({why});"
            " copy it again, or leave it out"
        ) from error


def _video_stream(container: "InputContainer", path: Path) -> "VideoStream":
    import av

    attached = av.stream.Disposition.attached_pic
    best = container.streams.best("video")
    streams = [best] if best is not None else []
    streams += list(container.streams.video)
    for stream in streams:
        if isinstance(stream, av.VideoStream) and not stream.disposition & attached:
            if stream.codec_context is None:
                raise RecordingError(
                    f"{path}: no decoder for its video; convert it to H.264 or FFV1"
                )
            return stream
    kinds = sorted({str(stream.type) for stream in container.streams}) or ["nothing"]
    raise RecordingError(
        f"{path}: no video stream in it (only {', '.join(kinds)}); name another file"
    )


def _turn(frame: "VideoFrame") -> tuple[Turn, str]:
    """What the display matrix asks for, and a note where that cannot be had."""
    side: Any = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return Turn(), ""
    # Row vectors: (x, y) becomes (a x + c y, b x + d y), in 16.16 fixed point.
    a, b, _, c, d = np.frombuffer(bytes(side), np.int32)[:5].astype(float)
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if max(straight, crossed) == 0 or min(straight, crossed) > 0.02 * max(straight, crossed):
        degrees = float(np.degrees(np.arctan2(b, a)))
        return Turn(), f"the display matrix asks for {degrees:.0f} degrees: frames left as coded"
    if crossed > straight:
        turn = Turn(transpose=True, flip_x=bool(c < 0), flip_y=bool(b < 0))
    else:
        turn = Turn(flip_x=bool(a < 0), flip_y=bool(d < 0))
    return turn, "mirrored, as the display matrix asks" if turn.mirrored else ""
