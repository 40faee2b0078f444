"""Read whole videos in tests."""

from pathlib import Path

from rppgbench.core.recording import VideoSource
from rppgbench.core.waveform import Array
from rppgbench.video.stream import Frame, open_video


def read_frames(
    video: VideoSource | Path, times_s: Array | None = None
) -> tuple[list[Frame], list[str]]:
    """All frames of a video and the warnings of the pass; `times_s` (T,) are supplied times."""
    source = video if isinstance(video, VideoSource) else VideoSource(path=video, times_s=times_s)
    with open_video(source) as reader:
        frames = list(reader)
        return frames, reader.metadata()["warnings"]
