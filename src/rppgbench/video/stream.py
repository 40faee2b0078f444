"""Read the frames of a video with their true times, one after the other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import check_disk
from rppgbench.video.array_frames import ArrayFrames
from rppgbench.video.container import ContainerFrames
from rppgbench.video.image_files import ImageFiles
from rppgbench.video.images import ImageFrames
from rppgbench.video.timestamps import FALLBACK_FPS, FrameTimes, implausible_rate
from rppgbench.video.writing import write_video

__all__ = [
    "Frame",
    "Moment",
    "VideoInfo",
    "VideoReader",
    "decode_counts",
    "open_video",
    "sample_frames",
    "write_video",
]

THREADS = 1
"""Threads of a decoder. More threads speed up one video, but the runner decodes several videos at
once; and with several threads the repair of a damaged file differs from run to run."""

decode_counts: Counter[Path] = Counter()
"""Number of decoding passes over each source in this process; tests read it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An upright frame and its time.

    Attributes:
        index: number of the frame, from 0, without frames that are left out.
        time_s: time in seconds, strictly increasing.
        rgb: pixels (H, W, 3) uint8; the receiver may change them.
    """

    index: int
    time_s: float
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """Properties of a video: stated by its container before the pass, measured after the pass.

    Attributes:
        width: width of the upright frames in pixels.
        height: height of the upright frames in pixels.
        fps: mean frame rate by the timestamps.
        frames: number of frames that the container states, or None.
        duration_s: duration in seconds, or None.
        codec: name of the codec.
        pixel_format: pixel format of the coded frames.
        bit_depth: bits of each component.
        rotation: clockwise degrees that make a coded frame upright.
        warnings: what does not fit, one line each.
    """

    width: int
    height: int
    fps: float
    frames: int | None
    duration_s: float | None
    codec: str
    pixel_format: str
    bit_depth: int
    rotation: int
    warnings: tuple[str, ...] = ()


class VideoReader:
    """One pass over a video: iterate it once, then call `metadata()`. A context manager.

    Times are in seconds on the clock of the source: `VideoSource.times_s` by the position of the
    frame, else the presentation times from the start of the stream. Irregularities follow these
    rules; warnings count them:

    - a frame without a time has the time of the frame before plus one nominal interval;
    - a frame whose time does not advance (repeated, backward, NaN) is left out;
    - a step of more than five mean intervals is a gap;
    - supplied times and frames may differ in number by 3 or by 1 %, whichever is more: the surplus
      at the end is cut. A larger difference is a `RecordingError`, unless the container states as
      many frames as there are times and the file is truncated;
    - a frame that the recorder dropped (an empty chunk of an AVI) keeps its position in time;
    - the frames of a truncated or damaged file that decode are used.
    """

    def __init__(self, source: VideoSource, *, threads: int = THREADS) -> None:
        self.source = source
        self._frames: ContainerFrames | ImageFrames | ArrayFrames
        if source.images:
            if source.times_s is None:
                raise RecordingError(
                    f"{source.path}: images without times; give a time in seconds for each"
                )
            self._frames = ImageFrames(source)
        elif source.frames is not None:
            if source.times_s is None:
                raise ValueError("frames that the source supplies need their times")
            self._frames = ArrayFrames(source.path, source.frames, len(source.times_s))
        else:
            self._frames = ContainerFrames(source.path, threads)
        rate = self._frames.rate_fps
        self._clock = FrameTimes(source.times_s, rate, str(source.path))
        self._clock.compare_clocks = source.container_clock
        self._count = 0
        self._state: Literal["open", "reading", "done"] = "open"

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._frames.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._state != "open":
            raise RuntimeError("a reader is one pass over the video; open it again for another")
        self._state = "reading"
        decode_counts[self.source.path] += 1
        return self._read()

    def _read(self) -> Iterator[Frame]:
        for position, stamp_s, rgb in self._frames:
            time_s = self._clock.time(position, stamp_s)
            if time_s is None:
                continue
            yield Frame(self._count, time_s, rgb)
            self._count += 1
            del rgb
        self._state = "done"
        if isinstance(self._frames, ContainerFrames) and self._ended_early(self._frames):
            check_disk(self.source.path)
        self._clock.end(self._frames.positions, self._frames.expected)
        if not self._count:
            raise RecordingError(
                f"{self.source.path}: no frame of it has a usable time; check its times"
            )

    def dropped_frames(self) -> list[int]:
        """The positions of the frames that the recorder dropped, without decoding."""
        frames = self._frames
        return frames.dropped_frames() if isinstance(frames, ContainerFrames) else []

    @property
    def info(self) -> VideoInfo:
        """Properties of the video so far; complete after the last frame."""
        frames, is_complete = self._frames, self._state == "done"
        measured = self._clock.fps if is_complete else None
        fps = measured or self._clock.supplied_fps or frames.rate_fps or FALLBACK_FPS
        return VideoInfo(
            width=frames.width,
            height=frames.height,
            fps=fps,
            frames=frames.expected,
            duration_s=self._clock.duration_s if is_complete else frames.duration_s,
            codec=frames.codec,
            pixel_format=frames.pixel_format,
            bit_depth=frames.bit_depth,
            rotation=frames.rotation,
            warnings=tuple(self._warnings(is_complete, fps)),
        )

    def metadata(self) -> dict[str, Any]:
        """Metadata of the video for tables, as JSON values; called after the pass.

        The fields of `VideoInfo`, where `frames` is the number of frames read, and
        `container_frames`, the number that the container states.
        """
        info = self.info
        return {
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "frames": self._count,
            "container_frames": info.frames,
            "duration_s": info.duration_s,
            "codec": info.codec,
            "pixel_format": info.pixel_format,
            "bit_depth": info.bit_depth,
            "rotation": info.rotation,
            "warnings": list(info.warnings),
        }

    def _warnings(self, is_complete: bool, fps: float) -> Iterator[str]:
        yield from self._frames.notes()
        yield from self._clock.notes()
        odd = implausible_rate(fps)
        if odd and (is_complete is False or self._clock.timed_count > 1):
            yield odd
        if is_complete and isinstance(self._frames, ContainerFrames):
            yield from self._shortfall(self._frames)

    def _ended_early(self, frames: ContainerFrames) -> bool:
        is_truncated = any("truncated" in line for line in self._shortfall(frames))
        return bool(is_truncated or frames.broke_off or frames.failed or frames.damaged)

    def _shortfall(self, frames: ContainerFrames) -> Iterator[str]:
        """Compare the frames and the length with those that the container states."""
        decoded, expected = self._clock.position_count + frames.dropped_at_end, frames.expected
        length = frames.duration_s
        if expected is not None and decoded < expected:
            yield f"ends after {decoded} of {expected} frames (truncated)"
        elif expected is not None and decoded > expected:
            yield f"{decoded} frames, though the container announces {expected}"
        end = self._clock.source_end_s
        if end is not None and length is not None:
            tolerance_s = max(0.5, 0.01 * length)
            if expected is None and end < length - tolerance_s:
                yield f"ends at {end:.1f} s of {length:.1f} s (truncated)"
            elif end > length + tolerance_s:
                yield f"runs to {end:.1f} s, though the container announces {length:.1f} s"


def open_video(source: VideoSource, *, threads: int = THREADS) -> VideoReader:
    """Open a video file or a folder of images for one pass.

    Args:
        source: the video.
        threads: threads of the decoder.

    Raises:
        RecordingError: no such file, an empty file, no video, no video stream, no frame that
            decodes, or images without times.
    """
    return VideoReader(source, threads=threads)


Moment = Literal["first", "middle", "last"]


def sample_frames(
    source: VideoSource, at: Sequence[Moment] = ("first", "middle", "last")
) -> list[Frame]:
    """Decode single frames by seeking, each from the key frame before it.

    Args:
        source: the video.
        at: the moments of the frames.

    Returns:
        A frame for each moment. `index` is its position by the times of the container, which is
        exact at a steady rate; `time_s` is the time that a `VideoReader` gives.

    Raises:
        RecordingError: as `open_video`.
    """
    if source.frames is not None:
        return _sample_arrays(source, at)
    if source.images:
        return _sample_images(source, at)
    return [_sample_container(source, moment) for moment in at]


def _sample_container(source: VideoSource, moment: Moment) -> Frame:
    frames = ContainerFrames(source.path, 1)
    try:
        raw = next(iter(frames)) if moment == "first" else frames.seek(moment)
        rate = frames.rate_fps or FALLBACK_FPS
        stamp_s = raw.stamp_s or 0.0
        index = round(stamp_s * rate)
        if source.times_s is not None and len(source.times_s):
            index = min(index, len(source.times_s) - 1)
            return Frame(index, float(source.times_s[index]), raw.rgb)
        return Frame(index, stamp_s, raw.rgb)
    finally:
        frames.close()


def _sample_arrays(source: VideoSource, at: Sequence[Moment]) -> list[Frame]:
    """Sample frames that a reader supplies: there is no file to seek in, so read all frames."""
    with open_video(source) as reader:
        count = reader.info.frames or 1
        indices = {"first": 0, "middle": count // 2, "last": count - 1}
        samples: dict[int, Frame] = {}
        last = None
        for last in reader:
            if last.index in indices.values():
                samples[last.index] = last
    if last is None:
        raise RecordingError(f"{source.path}: holds no frame; copy the file again")
    return [samples.get(indices[moment], last) for moment in at]


def _sample_images(source: VideoSource, at: Sequence[Moment]) -> list[Frame]:
    files = ImageFiles(source)
    try:
        return [_sample_image(source, files, moment) for moment in at]
    finally:
        files.close()


def _sample_image(source: VideoSource, files: ImageFiles, moment: Moment) -> Frame:
    images, times_s = source.images, source.times_s
    start = {"first": 0, "middle": len(images) // 2, "last": len(images) - 1}[moment]
    # An unreadable image is replaced by the next readable image.
    order = [*range(start, len(images)), *range(start - 1, -1, -1)]
    for index in order:
        rgb = files.read(images[index])
        if rgb is not None:
            has_time = times_s is not None and index < len(times_s)
            time_s = float(times_s[index]) if times_s is not None and has_time else float("nan")
            return Frame(index, time_s, rgb)
    raise RecordingError(f"{source.path}: none of its images can be read; copy the folder again")
