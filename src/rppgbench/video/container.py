"""Frames out of a video file, by FFmpeg's libraries."""

from bisect import bisect_left
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import check_disk, check_regular, no_such_video
from rppgbench.video.avi import find_empty_frames
from rppgbench.video.colour import RGB, ToRGB
from rppgbench.video.orientation import read_display_rotation
from rppgbench.video.timestamps import RIGHT_RATE, pluralise

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

PLAYLISTS = frozenset({"concat", "dash", "hls", "imf", "rtsp", "sdp", "tty", "webm_dash_manifest"})
"""Formats that name other files, or that show a text file as a picture: none of them is a video."""

NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS of libavformat
ASSUMED_FPS = 25.0
"""The frame rate that FFmpeg's demuxers assume for a bare stream, whatever its own header says."""


class RawFrame(NamedTuple):
    """A frame as its source has it: `position` counts also those that do not decode."""

    position: int
    stamp_s: float | None  # on the clock of the source; None where the source has none
    rgb: RGB


class Decoded(NamedTuple):
    """A frame as the codec gives it, `stamp` in the stream's time base."""

    position: int
    stamp: int | None
    frame: "VideoFrame"


class ContainerFrames:
    """The frames of the best video stream of a file, decoded once, in presentation order.

    They come as RGB by `ToRGB`, of one size, upright by the display matrix. Raises `RecordingError`
    where there is no video to read.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import av

        self.path = path
        self.positions = 0  # frames so far, with those that do not decode
        self.failed = self.damaged = self.resized = self.interlaced = self.discarded = 0
        self.dropped = self.dropped_at_end = 0  # the recorder wrote them empty
        self.broke_off = ""
        self._to_rgb = ToRGB()
        self._av_error = av.error.FFmpegError
        self._container = _opened(path)
        # AVI has no presentation times and a steady rate: the frame shown k-th takes the time of
        # the k-th packet, whatever order the codec keeps them in.
        self._latest: int | None = None
        self._in_packet_order = self._container.format.name == "avi"
        self._bare = _is_bare(self._container)
        try:
            self._stream = _video_stream(self._container, path)
            self._stream.thread_type = "AUTO"
            self._stream.thread_count = threads
            self._decoded = self._decode_all()
            self._first = self._peek()
        except BaseException:
            self._container.close()
            raise

    def _peek(self) -> "Decoded":
        first = next(self._decoded, None)
        if first is None:
            check_disk(self.path)
            why = f" ({self.broke_off})" if self.broke_off else ""
            raise RecordingError(
                f"{self.path}: no frame of it decodes{why}; copy the file again, or leave it out"
            )
        frame = first.frame
        self.coded_width, self.coded_height = frame.width, frame.height
        self.pixel_format = frame.format.name
        self.bit_depth = max(component.bits for component in frame.format.components)
        self.turn, self._matrix_note = read_display_rotation(frame)
        swap = self.turn.transpose
        self.width = self.coded_height if swap else self.coded_width
        self.height = self.coded_width if swap else self.coded_height
        self.codec = self._stream.codec_context.name
        self.rotation = self.turn.rotation
        return first

    @property
    def rate_fps(self) -> float | None:
        """The container's own mean rate, or None.

        Of a bare stream (raw H.264, HEVC, MPEG-4, Motion JPEG), which has no container, it is the
        rate in the stream's header, else what the demuxer assumes.
        """
        stream = self._stream
        header = (stream.codec_context.framerate,) if self._bare else ()
        for rate in (*header, stream.average_rate, stream.guessed_rate, stream.base_rate):
            if rate and 0 < float(rate) < 1e4:
                return float(rate)
        return None

    @property
    def _assumed(self) -> bool:
        """Whether the frame rate is the demuxer's, in a bare stream without a rate of its own."""
        rate = self._stream.average_rate
        without = self._bare and not self._stream.codec_context.framerate
        return without and (rate is None or float(rate) == ASSUMED_FPS)

    @property
    def duration_s(self) -> float | None:
        """The length that the container announces, or None."""
        if self._bare:
            return None
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
        decoded = self._first
        del self._first
        origin = self._origin(decoded)
        yield self._raw(decoded, origin)
        del decoded
        for later in self._decoded:
            yield self._raw(later, origin)

    def close(self) -> None:
        """Let the file go."""
        self._decoded.close()
        self._container.close()

    def dropped_frames(self) -> list[int]:
        """The positions of the frames that the recorder of an AVI left empty, without decoding.

        The index of FFmpeg's demuxer has no entry for them; where it has all, nothing is read.
        """
        stream = self._stream
        if not self._in_packet_order or len(stream.index_entries) >= stream.frames:
            return []
        return find_empty_frames(self.path, stream.index)

    def notes(self) -> list[str]:
        """What was wrong with the stream; what is wrong with frames, when all of it was read."""
        out = [self._matrix_note] if self._matrix_note else []
        if self.dropped:
            out.append(describe_dropped_frames(self.dropped))
        if self._assumed:
            out.append(
                f"a bare stream that does not say its frame rate: {ASSUMED_FPS:.2f} frames a second"
                f" are assumed, not measured; {RIGHT_RATE}"
            )
        size = f"{self.coded_width} x {self.coded_height}"
        for number, what in (
            (self.failed, "left out: not to be decoded"),
            (self.damaged, "damaged and patched by the decoder"),
            (self.resized, f"of another size, scaled to {size}"),
            (self.interlaced, "interlaced"),
        ):
            out += [f"{pluralise(number, 'frame')} {what}"] if number else []
        if self.broke_off:
            out.append(f"reading broke off ({self.broke_off})")
        return out

    def seek(self, where: Literal["middle", "last"]) -> RawFrame:
        """One frame, by decoding from the key frame before it only."""
        found, base = self._first, self._stream.time_base
        origin = self._origin(found)
        end = None if self._bare else self._end(found)
        if end is None or base is None:
            return self._raw(self._walk(where), origin)
        target = end if where == "last" else (origin + end) // 2
        # A container that cannot seek to key frames (MPEG-TS) lands after the one that is needed:
        # try from further back, at last from the start.
        for back_s in (0, 2, 8, 32):
            start = target - int(back_s / base)
            reached = self._from(max(start, origin), target, where)
            if reached is not None or start <= origin:
                break
        else:
            reached = self._from(origin, target, where)
        return self._raw(reached or found, origin)

    def _from(self, start: int, target: int, where: Literal["middle", "last"]) -> "Decoded | None":
        """The frame at `target` when decoding begins at `start`, None if that is too late."""
        with suppress(self._av_error):
            self._container.seek(start, stream=self._stream, backward=True)
        found = None
        for decoded in self._decode_all():
            if where == "middle" and decoded.stamp is not None:
                if found is None and decoded.stamp > target:
                    return None
                if decoded.stamp >= target:
                    return decoded
            found = decoded
        if found is not None and self._in_packet_order:
            # The decoder may have skipped frames after the key frame: the last is the last still.
            return found._replace(stamp=self._latest)
        return found

    def _end(self, first: "Decoded") -> int | None:
        """The stamp at the end of the stream, None where frames have no stamps to seek by."""
        duration, base = self.duration_s, self._stream.time_base
        if first.stamp is None or base is None:
            return None
        if duration is not None:
            return self._origin(first) + int(Fraction(duration).limit_denominator(10**6) / base)
        stamps = (packet.pts for packet in self._packets() if packet is not None)
        return max((stamp for stamp in stamps if stamp is not None), default=None)

    def _walk(self, where: Literal["middle", "last"]) -> "Decoded":
        """Without stamps there is no seeking: count, and go through once more."""
        last = self._first
        for decoded in self._decoded:
            last = decoded
        if where == "last":
            return last
        again = ContainerFrames(self.path, 1)
        try:
            middle = (last.position + 1) // 2
            return next((f for f in again._decoded if f.position >= middle), last)
        finally:
            again.close()

    def _decode_all(self) -> "Generator[Decoded]":
        stamps: deque[int | None] = deque(maxlen=64)  # more than any codec reorders
        lost = 0  # packets without a frame since the last frame
        for packet in self._packets():
            if packet is not None:
                if packet.size == 0:
                    lost += 1
                    self.dropped += not self._in_packet_order
                    continue
                self._latest = self._slot(packet) if self._in_packet_order else packet.dts
                stamps.append(self._latest)
            try:
                frames = self._stream.decode(packet)
            except self._av_error:
                if packet is not None:
                    lost += 1
                    stamps.popleft()  # frames come in order: it was the next one
                continue
            for frame in frames:
                stamp = frame.pts if frame.pts is not None else frame.dts
                position = self.positions + lost
                if self._in_packet_order and stamps:
                    stamp = stamps.popleft()
                    position = max(self.positions, stamp) if stamp is not None else position
                self.failed += position - self.positions
                self.positions, lost = position + 1, 0
                yield Decoded(position, stamp, frame)
        self.failed += lost
        self.positions += lost
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        """Frames that the recorder dropped are neither damaged nor missing at the end."""
        if self._in_packet_order and (self.failed or self.positions < (self.expected or 0)):
            empty = self.dropped_frames()
            self.dropped_at_end = sum(position >= self.positions for position in empty)
            self.dropped = len(empty)
        self.positions += self.dropped_at_end
        self.failed = max(0, self.failed - (self.dropped - self.dropped_at_end))

    def _slot(self, packet: "Packet[VideoStream]") -> int | None:
        """The number of a packet of an AVI by the file's index: damage before it does not shift it.

        The demuxer itself counts the packets that it finds.
        """
        index, at = self._stream.index_entries, packet.pos
        if at is None:
            return packet.dts
        chunk = at - 8  # the index names the chunk's head, the packet its content
        found = bisect_left(range(len(index)), chunk, key=lambda entry: index[entry].pos)
        if found < len(index) and index[found].pos == chunk:
            return index[found].timestamp
        return packet.dts

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """The packets, and None at the end: what the decoder still holds comes out."""
        try:
            for packet in self._container.demux(self._stream):
                # An empty packet would tell the decoder that the stream has ended.
                if packet.size == 0 and packet.dts is None and packet.pts is None:
                    continue
                self.discarded += packet.is_discard
                yield packet
        except self._av_error as error:
            self.broke_off = error.strerror or type(error).__name__
        yield None

    def _origin(self, first: "Decoded") -> int:
        start = self._stream.start_time
        has_pts = first.frame.pts is not None or self._in_packet_order
        return start if start is not None and has_pts else first.stamp or 0

    def _raw(self, decoded: "Decoded", origin: int) -> RawFrame:
        frame, base = decoded.frame, self._stream.time_base
        stamp_s = None
        if decoded.stamp is not None and base is not None:
            stamp_s = float((decoded.stamp - origin) * base)
        elif self._bare:  # it has no times, and its frames come in the order of presentation
            stamp_s = decoded.position / (self.rate_fps or ASSUMED_FPS)
        self.damaged += frame.is_corrupt
        self.interlaced += frame.interlaced_frame
        self.resized += (frame.width, frame.height) != (self.coded_width, self.coded_height)
        try:
            rgb = self._to_rgb(frame, self.coded_width, self.coded_height)
        except (self._av_error, ValueError) as error:
            raise RecordingError(
                f"{self.path}: pixel format {frame.format.name} cannot be turned into RGB;"
                " convert the video to yuv420p first"
            ) from error
        return RawFrame(decoded.position, stamp_s, self.turn.apply(rgb))


def describe_dropped_frames(number: int) -> str:
    """What a table and a check say of them.

    >>> describe_dropped_frames(2)
    '2 dropped frames (the recorder left them empty)'
    """
    left = "left it" if number == 1 else "left them"
    return f"{pluralise(number, 'dropped frame')} (the recorder {left} empty)"


def _opened(path: Path) -> "InputContainer":
    import av

    try:
        if path.is_dir():
            raise RecordingError(
                f"{path}: a folder, not a video; name the images in it and their times"
            )
        if not path.exists():
            raise no_such_video(path)
        check_regular(path)
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
        check_disk(path)
        why = getattr(error, "strerror", None) or str(error)
        raise RecordingError(
            f"{path}: not a video that FFmpeg's libraries can read ({why});"
            " copy it again, or leave it out"
        ) from error


def _is_bare(container: "InputContainer") -> bool:
    """Whether a file is a codec's stream without a container, or pictures in a row.

    FFmpeg's demuxers know no time of such a file and count its frames at 25 a second.
    """
    name = container.format.name
    without = bool(container.format.flags & NO_TIMESTAMPS)
    return without or name == "image2" or name.endswith("_pipe")


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
