"""Write frames and their times into a video file."""

import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.system.atomic_files import atomic_file
from rppgbench.system.errors import BenchError
from rppgbench.video.encoding import NO_OPTIONS, Encoding
from rppgbench.video.timestamps import FALLBACK_FPS


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    times_s: Array,
    *,
    codec: str,
    pixel_format: str,
    options: Mapping[str, str] = NO_OPTIONS,
    rotation: int = 0,
) -> None:
    """Write frames with their times; the suffix of the path selects the container.

    The file starts at time 0 and preserves intervals: exactly at a steady rate, else to 1/90000 s
    in .mp4 and .mov and to 1 ms in .mkv and .webm. AVI supports a steady rate only. The file is
    complete or absent, and the same input gives the same bytes.

    Args:
        path: the file.
        frames: frames (H, W, 3) uint8 RGB.
        times_s: times (N,) in seconds, strictly increasing.
        codec: name of the encoder.
        pixel_format: pixel format of the encoder.
        options: options of the codec (crf, preset, g, tune, qp).
        rotation: clockwise degrees by which a player rotates the frames, a tag of .mp4, .mov and
            .mkv.

    Raises:
        BenchError: the codec, pixel format, size, option, container or folder cannot be used.
        ValueError: the frames and times do not match.
    """
    location = str(path)
    if times_s.ndim != 1 or not len(times_s) or not np.all(np.diff(times_s) > 0):
        raise ValueError("times_s is (N,), N > 0, strictly increasing")
    stream_of_frames = iter(frames)
    first = next(stream_of_frames, None)
    if first is None:
        raise ValueError(f"no frame for {len(times_s)} times")
    if first.ndim != 3:
        raise ValueError(f"a frame is (H, W, 3), not {first.shape}")
    size = (first.shape[1], first.shape[0])
    encoding = Encoding(
        location=location, codec=codec, pixel_format=pixel_format, size=size, options=options
    )
    plan = plan_times(path, times_s, codec)
    try:
        with atomic_file(path) as partial:
            _encode(partial, chain([first], stream_of_frames), plan, encoding, rotation)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        way_out = "free some room" if error.errno == errno.ENOSPC else "choose another folder"
        raise BenchError(f"{location}: cannot be written ({reason}); {way_out}") from error


def plan_times(path: Path, times_s: Array, codec: str) -> tuple[Fraction, Fraction, list[int]]:
    """Choose the clock of a container for the times of frames.

    Args:
        path: the file, whose suffix selects the container.
        times_s: times (N,) in seconds, strictly increasing.
        codec: name of the encoder.

    Returns:
        The nominal frame rate, the time base in seconds, and the stamp of each frame in it.

    Raises:
        BenchError: AVI, and the rate is not steady.
        ValueError: two times are closer than the time base.

    >>> plan_times(Path("a.mp4"), np.array([2.0, 2.04, 2.08]), "libx264")
    (Fraction(25, 1), Fraction(1, 25), [0, 1, 2])
    >>> plan_times(Path("a.mp4"), np.array([0.0, 0.04, 0.1]), "libx264")[1:]
    (Fraction(1, 90000), [0, 3600, 9000])
    """
    since_s = times_s - times_s[0]
    number = len(since_s)
    mean = (number - 1) / since_s[-1] if number > 1 else FALLBACK_FPS
    rate_fps = Fraction(float(mean)).limit_denominator(1001)
    uneven_s = float(np.max(np.abs(since_s - np.arange(number) / float(rate_fps))))
    avi = path.suffix.lower() == ".avi"
    if uneven_s <= (5e-4 if avi else 5e-6):
        return rate_fps, 1 / rate_fps, list(range(number))
    if avi:
        raise BenchError(
            f"{path}: AVI holds a steady rate only, and these times are up to"
            f" {1000 * uneven_s:.1f} ms off one; write .mp4, .mov or .mkv"
        )
    # The bit stream of MPEG-4 part 2 has 16 bits for its clock.
    time_base = Fraction(1, 60000 if codec == "mpeg4" else 90000)
    stamps = np.rint(since_s / float(time_base)).astype(int)
    if not np.all(np.diff(stamps) > 0):
        raise ValueError(f"times closer than {float(time_base):.2g} s cannot be distinguished")
    return rate_fps, time_base, [int(stamp) for stamp in stamps]


def _encode(
    partial: Path,
    frames: Iterable[NDArray[np.uint8]],
    times: tuple[Fraction, Fraction, list[int]],
    encoding: Encoding,
    rotation: int,
) -> None:
    import av

    rate_fps, time_base, stamps = times
    location, codec = encoding.location, encoding.codec
    unsupported = f"{location}: {partial.suffix or 'a name without suffix'} does not hold {codec}"
    try:
        container = av.open(f"file:{partial}", "w", options={"fflags": "+bitexact"})
    except ValueError as error:
        raise BenchError(
            f"{location}: no container ends in {partial.suffix!r}; write .mkv"
        ) from error
    try:
        try:
            stream = container.add_stream(codec, rate=rate_fps)
        except ValueError as error:
            raise BenchError(f"{unsupported}; write .nut, which holds all, or .avi") from error
        assert isinstance(stream, av.VideoStream)
        convert = encoding.configure(stream.codec_context, rate_fps, time_base)
        stream.time_base = time_base
        if rotation:
            stream.set_display_rotation(-rotation)
        encoding.open(stream.codec_context)
        try:
            container.start_encoding()
        except av.error.ArgumentError as error:
            raise BenchError(f"{unsupported}; write .nut, which holds all, or .avi") from error
        shape = (encoding.size[1], encoding.size[0], 3)
        count = 0
        for count, rgb in enumerate(frames, 1):
            if count > len(stamps):
                raise ValueError(f"more frames than the {len(stamps)} times")
            if rgb.dtype != np.uint8 or rgb.shape != shape:
                raise ValueError(f"frame {count - 1} is {rgb.dtype} {rgb.shape}, not {shape}")
            frame = convert(rgb)
            frame.pts = stamps[count - 1]
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        if count < len(stamps):
            raise ValueError(f"{count} frames for {len(stamps)} times")
        container.mux(stream.encode(None))
        container.close()
    finally:
        with suppress(av.error.FFmpegError, OSError):
            container.close()
