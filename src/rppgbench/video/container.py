"""Decode the frames of a video file with FFmpeg's libraries."""

from bisect import bisect_left
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import check_disk
from rppgbench.system.plural import pluralise
from rppgbench.video.avi import find_empty_frames
from rppgbench.video.colour import RGB, ToRGB
from rppgbench.video.container_opening import find_video_stream, is_bare_stream, open_container
from rppgbench.video.orientation import read_display_rotation
from rppgbench.video.timestamps import RIGHT_RATE

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

ASSUMED_FPS = 25.0
"""The frame rate that FFmpeg's demuxers assume for a bare stream, whatever its header states."""


class RawFrame(NamedTuple):
    """A frame of a source.

    Attributes:
        position: number of the frame, counting frames that do not decode.
        stamp_s: time on the clock of the source, or None.
        rgb: pixels (H, W, 3).
    """

    position: int
    stamp_s: float | None
    rgb: RGB


class Decoded(NamedTuple):
    """A decoded frame; `stamp` is in the stream's time base."""

    position: int
    stamp: int | None
    frame: "VideoFrame"


class ContainerFrames:
    """The frames of the best video stream of a file, decoded once, in presentation order.

    Frames are RGB by `ToRGB`, of one size, upright by the display matrix. Raises `RecordingError`
    where the file has no readable video.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import av

        self.path = path
        self.positions = 0  # frames so far, including frames that do not decode
        self.failed = self.damaged = self.resized = self.interlaced = self.discarded = 0
        self.dropped = self.dropped_at_end = 0  # empty chunks of the recorder
        self.broke_off = ""
        self._to_rgb = ToRGB()
        self._av_error = av.error.FFmpegError
        self._container = open_container(path)
        # AVI has a steady rate and no presentation times: the k-th presented frame has the time of
        # the k-th packet, in whatever order the codec stores the packets.
        self._latest: int | None = None
        self._in_packet_order = self._container.format.name == "avi"
        self._bare = is_bare_stream(self._container)
        try:
            self._stream = find_video_stream(self._container, path)
            self._stream.thread_type = "AUTO"
            self._stream.thread_count = threads
            self._decoded = self._decode_all()
            self._first = self._decode_first()
        except BaseException:
            self._container.close()
            raise

    def _decode_first(self) -> "Decoded":
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
        """The mean rate that the container states, or None.

        A bare stream (raw H.264, HEVC, MPEG-4, Motion JPEG) has no container: the rate is that of
        the stream's header, else the rate that the demuxer assumes.
        """
        stream = self._stream
        header = (stream.codec_context.framerate,) if self._bare else ()
        for rate in (*header, stream.average_rate, stream.guessed_rate, stream.base_rate):
            if rate and 0 < float(rate) < 1e4:
                return float(rate)
        return None

    @property
    def _has_assumed_rate(self) -> bool:
        """Whether the demuxer assumes the frame rate of a bare stream that states none."""
        rate = self._stream.average_rate
        states_none = self._bare and not self._stream.codec_context.framerate
        return states_none and (rate is None or float(rate) == ASSUMED_FPS)

    @property
    def duration_s(self) -> float | None:
        """The length that the container states, or None."""
        if self._bare:
            return None
        base = self._stream.time_base
        if self._stream.duration is not None and base is not None:
            return float(self._stream.duration * base)
        duration = self._container.duration
        return duration / 1e6 if duration is not None else None

    @property
    def expected(self) -> int | None:
        """Number of frames that the container states, without those that its edit list hides."""
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
        """Close the file."""
        self._decoded.close()
        self._container.close()

    def dropped_frames(self) -> list[int]:
        """The positions of the frames that the recorder of an AVI dropped, without decoding.

        The index of FFmpeg's demuxer has no entry for dropped frames; the file is read only if the
        index is incomplete.
        """
        stream = self._stream
        if not self._in_packet_order or len(stream.index_entries) >= stream.frames:
            return []
        return find_empty_frames(self.path, stream.index)

    def notes(self) -> list[str]:
        """Faults of the stream and of its frames; complete after the last frame."""
        out = [self._matrix_note] if self._matrix_note else []
        if self.dropped:
            out.append(describe_dropped_frames(self.dropped))
        if self._has_assumed_rate:
            out.append(
                f"a bare stream that does not say its frame rate: {ASSUMED_FPS:.2f} frames a second"
                f" are assumed, not measured; {RIGHT_RATE}"
            )
        size = f"{self.coded_width} x {self.coded_height}"
        for number, description in (
            (self.failed, "left out: not to be decoded"),
            (self.damaged, "damaged and patched by the decoder"),
            (self.resized, f"of another size, scaled to {size}"),
            (self.interlaced, "interlaced"),
        ):
            out += [f"{pluralise(number, 'frame')} {description}"] if number else []
        if self.broke_off:
            out.append(f"reading broke off ({self.broke_off})")
        return out

    def seek(self, moment: Literal["middle", "last"]) -> RawFrame:
        """Decode one frame, starting at the key frame before it."""
        first, base = self._first, self._stream.time_base
        origin = self._origin(first)
        end = None if self._bare else self._end(first)
        if end is None or base is None:
            return self._raw(self._count_to(moment), origin)
        target = end if moment == "last" else (origin + end) // 2
        # A container that cannot seek to key frames (MPEG-TS) ends up after the needed key frame:
        # seek further back, at last to the start.
        for back_s in (0, 2, 8, 32):
            start = target - int(back_s / base)
            reached = self._decode_from(max(start, origin), target, moment)
            if reached is not None or start <= origin:
                break
        else:
            reached = self._decode_from(origin, target, moment)
        return self._raw(reached or first, origin)

    def _decode_from(
        self, start: int, target: int, moment: Literal["middle", "last"]
    ) -> "Decoded | None":
        """The frame at `target`, decoding from `start`; None if `start` leads past the target."""
        with suppress(self._av_error):
            self._container.seek(start, stream=self._stream, backward=True)
        last = None
        for decoded in self._decode_all():
            if moment == "middle" and decoded.stamp is not None:
                if last is None and decoded.stamp > target:
                    return None
                if decoded.stamp >= target:
                    return decoded
            last = decoded
        if last is not None and self._in_packet_order:
            # The decoder may skip frames after the key frame, so the stamp is the last packet's.
            return last._replace(stamp=self._latest)
        return last

    def _end(self, first: "Decoded") -> int | None:
        """The stamp at the end of the stream; None if frames have no stamps."""
        duration, base = self.duration_s, self._stream.time_base
        if first.stamp is None or base is None:
            return None
        if duration is not None:
            return self._origin(first) + int(Fraction(duration).limit_denominator(10**6) / base)
        stamps = (packet.pts for packet in self._packets() if packet is not None)
        return max((stamp for stamp in stamps if stamp is not None), default=None)

    def _count_to(self, moment: Literal["middle", "last"]) -> "Decoded":
        """Without stamps there is no seeking: count the frames, then decode once more."""
        last = self._first
        for decoded in self._decoded:
            last = decoded
        if moment == "last":
            return last
        second_pass = ContainerFrames(self.path, 1)
        try:
            middle = (last.position + 1) // 2
            return next((f for f in second_pass._decoded if f.position >= middle), last)
        finally:
            second_pass.close()

    def _decode_all(self) -> "Generator[Decoded]":
        stamps: deque[int | None] = deque(maxlen=64)  # more than any codec reorders
        lost_packets = 0  # packets without a frame since the last frame
        for packet in self._packets():
            if packet is not None:
                if packet.size == 0:
                    lost_packets += 1
                    self.dropped += not self._in_packet_order
                    continue
                self._latest = self._packet_number(packet) if self._in_packet_order else packet.dts
                stamps.append(self._latest)
            try:
                frames = self._stream.decode(packet)
            except self._av_error:
                if packet is not None:
                    lost_packets += 1
                    stamps.popleft()  # frames are in order, so the lost frame is the next
                continue
            for frame in frames:
                stamp = frame.pts if frame.pts is not None else frame.dts
                position = self.positions + lost_packets
                if self._in_packet_order and stamps:
                    stamp = stamps.popleft()
                    position = max(self.positions, stamp) if stamp is not None else position
                self.failed += position - self.positions
                self.positions, lost_packets = position + 1, 0
                yield Decoded(position, stamp, frame)
        self.failed += lost_packets
        self.positions += lost_packets
        self._count_dropped()

    def _count_dropped(self) -> None:
        """Count the frames that the recorder dropped apart from damaged and missing frames."""
        if self._in_packet_order and (self.failed or self.positions < (self.expected or 0)):
            empty = self.dropped_frames()
            self.dropped_at_end = sum(position >= self.positions for position in empty)
            self.dropped = len(empty)
        self.positions += self.dropped_at_end
        self.failed = max(0, self.failed - (self.dropped - self.dropped_at_end))

    def _packet_number(self, packet: "Packet[VideoStream]") -> int | None:
        """The number of an AVI's packet by the file's index, which damage does not shift.

        The demuxer counts the packets that it reads, so damage shifts its numbers.
        """
        index, position = self._stream.index_entries, packet.pos
        if position is None:
            return packet.dts
        chunk = position - 8  # the index has the chunk's header, the packet its content
        entry = bisect_left(range(len(index)), chunk, key=lambda number: index[number].pos)
        if entry < len(index) and index[entry].pos == chunk:
            return index[entry].timestamp
        return packet.dts

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """The packets, and None at the end, which flushes the decoder."""
        try:
            for packet in self._container.demux(self._stream):
                # An empty packet would end the stream for the decoder.
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
        elif self._bare:  # a bare stream has no times; its frames are in presentation order
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
    """Describe dropped frames for tables and checks.

    >>> describe_dropped_frames(2)
    '2 dropped frames (the recorder left them empty)'
    """
    cause = "left it" if number == 1 else "left them"
    return f"{pluralise(number, 'dropped frame')} (the recorder {cause} empty)"
