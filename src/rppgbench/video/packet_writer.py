"""Store the packets of a codec as a video file."""

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
    """Writes coded packets into a Matroska file at the times of their frames, from 0, to 1 ms.

    The file has the packets that were decoded and measured; nothing is coded again. After `finish`
    the file is complete at `path`; before, there is no file. The description is stored in the file,
    and `read_description` reads it. A fault of the disk is a `MachineError` that names the file; a
    codec that Matroska does not support is a `BenchError`.
    """

    def __init__(self, path: Path, description: str) -> None:
        self.path = path
        self._description = description
        self._stack = ExitStack()
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._times_s: list[float] = []
        self._fps = 1.0

    def begin(self, encoding: Encoding, fps: float) -> None:
        """Open the file.

        Args:
            encoding: the encoding of the packets.
            fps: nominal frame rate.

        Raises:
            BenchError: Matroska does not support the codec.
            MachineError: the file cannot be written.
        """
        import av

        self._fps = fps
        try:
            work = self._stack.enter_context(atomic_dir(self.path))
            self._file = work / self.path.name
            container = av.open(f"file:{self._file}", "w", options={"fflags": "+bitexact"})
            self._stack.callback(_close, container)
            container.metadata[_TAG] = self._description
            rate_fps = Fraction(fps).limit_denominator(1001)
            try:
                stream = container.add_stream(encoding.codec, rate=rate_fps)
            except ValueError as error:
                raise BenchError(
                    f"{self.path}: Matroska does not hold {encoding.codec}, so this condition's "
                    "videos cannot be kept; run it without --keep-videos"
                ) from error
            assert isinstance(stream, av.VideoStream)
            # An encoder with the same settings writes the stream's header; it encodes no frame.
            encoding.configure(stream.codec_context, rate_fps, 1 / rate_fps)
            encoding.open(stream.codec_context)
            container.start_encoding()
        except OSError as error:
            raise self._disk_fault(error) from error
        self._container, self._stream = container, stream

    def add_time(self, time_s: float) -> None:
        """Add the time of the next frame of the encoder, whose stamp is the frame's index."""
        self._times_s.append(time_s)

    def add(self, packet: "Packet[VideoStream]") -> None:
        """Write the next packet; its stamps change, so it must be decoded before."""
        assert self._container is not None
        assert self._stream is not None
        presented, decoded = packet.pts, packet.dts
        packet.stream = self._stream
        packet.time_base = _CLOCK
        packet.pts = None if presented is None else self._ticks(presented)
        packet.dts = None if decoded is None else self._ticks(decoded)
        try:
            self._container.mux(packet)
        except OSError as error:
            raise self._disk_fault(error) from error

    def finish(self) -> None:
        """Complete the file; called after the last packet."""
        assert self._container is not None
        try:
            self._container.close()
            move_into_place(self._file, self.path)
        except OSError as error:
            raise self._disk_fault(error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Delete an incomplete file."""
        self._stack.close()

    def _ticks(self, stamp: int) -> int:
        """Ticks since the first frame; packets that are decoded early have negative stamps."""
        first_s = self._times_s[0]
        if stamp < 0:
            return round(stamp / self._fps / _CLOCK)
        return round((self._times_s[stamp] - first_s) / _CLOCK)

    def _disk_fault(self, error: OSError) -> MachineError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        way_out = "make room, or choose another folder" if is_full else "choose another folder"
        return MachineError(f"{self.path}: the video cannot be kept: {reason}; {way_out}")


def read_description(file: Path) -> str:
    """Read the description of a stored video; empty if there is no such file."""
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
