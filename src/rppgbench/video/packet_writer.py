"""The packets of a codec, kept as a file beside its numbers."""

import errno
import os
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.system.atomic_files import atomic_dir, move_into_place
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.video.encoding import Encoding

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import OutputContainer
    from av.packet import Packet

SUFFIX = ".mkv"
_TAG = "COMMENT"
_CLOCK = Fraction(1, 90000)


class PacketWriter:
    """A Matroska file of coded packets at the times of their frames, from 0 on, to 1 ms.

    The packets are those that were decoded and measured, not coded again. The file is at `place`
    whole, after `finish`, or not at all; `about` is written into it; `read_description` reads it.
    What is wrong with the disk is a `MachineError` that names the file, a codec that Matroska does
    not hold a `BenchError`.
    """

    def __init__(self, place: Path, about: str) -> None:
        self.place = place
        self._about = about
        self._stack = ExitStack()
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._times_s: list[float] = []
        self._fps = 1.0

    def begin(self, encoding: Encoding, fps: float) -> None:
        """Open the file for what `encoding` gives; the frames come at about `fps` a second."""
        import av

        self._fps = fps
        try:
            work = self._stack.enter_context(atomic_dir(self.place))
            self._file = work / self.place.name
            container = av.open(f"file:{self._file}", "w", options={"fflags": "+bitexact"})
            self._stack.callback(_close, container)
            container.metadata[_TAG] = self._about
            rate_fps = Fraction(fps).limit_denominator(1001)
            try:
                stream = container.add_stream(encoding.codec, rate=rate_fps)
            except ValueError as error:
                raise BenchError(
                    f"{self.place}: Matroska does not hold {encoding.codec}, so this condition's "
                    "videos cannot be kept; run it without --keep-videos"
                ) from error
            assert isinstance(stream, av.VideoStream)
            # An encoder of the same settings writes the stream's header; it never gets a frame.
            encoding.configure(stream.codec_context, rate_fps, 1 / rate_fps)
            encoding.open(stream.codec_context)
            container.start_encoding()
        except OSError as error:
            raise self._told(error) from error
        self._container, self._stream = container, stream

    def fed(self, time_s: float) -> None:
        """The encoder was fed a frame of that time; its stamp is how many were fed before."""
        self._times_s.append(time_s)

    def add(self, packet: "Packet[VideoStream]") -> None:
        """Take the next packet; its stamps are changed, so decode it before."""
        assert self._container is not None
        assert self._stream is not None
        shown, decoded = packet.pts, packet.dts
        packet.stream = self._stream
        packet.time_base = _CLOCK
        packet.pts = None if shown is None else self._at(shown)
        packet.dts = None if decoded is None else self._at(decoded)
        try:
            self._container.mux(packet)
        except OSError as error:
            raise self._told(error) from error

    def finish(self) -> None:
        """There is no further packet: the file goes to its place."""
        assert self._container is not None
        try:
            self._container.close()
            move_into_place(self._file, self.place)
        except OSError as error:
            raise self._told(error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Delete what is not whole."""
        self._stack.close()

    def _at(self, stamp: int) -> int:
        """Ticks since the first frame; codecs give stamps before 0 to what is decoded early."""
        first_s = self._times_s[0]
        if stamp < 0:
            return round(stamp / self._fps / _CLOCK)
        return round((self._times_s[stamp] - first_s) / _CLOCK)

    def _told(self, error: OSError) -> MachineError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        room = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        way_out = "make room, or choose another folder" if room else "choose another folder"
        return MachineError(f"{self.place}: the video cannot be kept: {reason}; {way_out}")


def read_description(file: Path) -> str:
    """What the writer of a kept video said of it; empty where there is no such file."""
    import av

    if not file.is_file():
        return ""
    try:
        with av.open(f"file:{file}") as container:
            return container.metadata.get(_TAG, "")
    except av.error.FFmpegError:
        return ""


def _close(container: "OutputContainer") -> None:
    from av.error import FFmpegError

    with suppress(FFmpegError, OSError):
        container.close()
