"""The number of frames that a container states, for sets whose frame rate stands elsewhere."""

from pathlib import Path

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import open_video


def stated_frames(file: Path) -> tuple[int, float]:
    """The number of frames in the container, and the container's frames per second.

    Raises:
        RecordingError: the video cannot be read, or does not say how many frames it has.
    """
    with open_video(VideoSource(file)) as reader:
        info = reader.info
    if info.frames is None:
        raise RecordingError(f"{file}: does not say how many frames it has; copy it again")
    return info.frames, info.fps
