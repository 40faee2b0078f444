"""The length of a video before it is decoded."""

from dataclasses import dataclass

from rppgbench.core.recording import Recording, VideoSource
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import open_video


@dataclass(frozen=True, kw_only=True)
class VideoLength:
    """The length of a recording, or the mean length of several.

    Attributes:
        seconds: duration in s.
        frames: number of frames.
        read: how many containers were read.
    """

    seconds: float
    frames: float
    read: int = 1


def video_length(recording: Recording) -> VideoLength | None:
    """The length of a recording by its times or its container; None where neither says it.

    Args:
        recording: the recording; no frame of it is decoded.
    """
    try:
        source = recording.video()
        if source.times_s is not None and len(source.times_s) > 1:
            times_s = source.times_s
            return VideoLength(seconds=float(times_s[-1] - times_s[0]), frames=float(len(times_s)))
        if not isinstance(source, VideoSource):
            return None
        with open_video(source) as video:
            info = video.info
    except (BenchError, OSError):
        return None
    if not info.duration_s:
        return None
    return VideoLength(
        seconds=info.duration_s, frames=float(info.frames or info.duration_s * info.fps)
    )
