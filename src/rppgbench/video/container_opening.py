"""A video file opened with FFmpeg's libraries, and its video stream."""

from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import check_disk, check_regular, no_such_video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

PLAYLISTS = frozenset({"concat", "dash", "hls", "imf", "rtsp", "sdp", "tty", "webm_dash_manifest"})
"""Formats that name other files, or that render a text file: none of them is a video."""

NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS of libavformat


def open_container(path: Path) -> "InputContainer":
    """Open a file; no other file is opened, whatever the file names.

    Raises:
        RecordingError: no such file, or no video that can be read.
        MachineError: the disk cannot read the file.
    """
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
        # With "file:", a colon in a name does not name a protocol.
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


def is_bare_stream(container: "InputContainer") -> bool:
    """Whether a file is a codec's stream without a container, or a sequence of images.

    FFmpeg's demuxers have no times for such a file and count 25 frames a second.
    """
    name = container.format.name
    has_no_times = bool(container.format.flags & NO_TIMESTAMPS)
    return has_no_times or name == "image2" or name.endswith("_pipe")


def find_video_stream(container: "InputContainer", path: Path) -> "VideoStream":
    """The best video stream that is no attached picture.

    Args:
        container: the open file.
        path: the file, for messages.

    Raises:
        RecordingError: there is none, or no decoder for it.
    """
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
