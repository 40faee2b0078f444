"""List the suffixes of video files."""

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3g2", "3gp", "f4v", "m4v", "mj2", "mov", "mp4"),  # ISO base media
        *("mk3d", "mkv", "webm"),  # Matroska
        *("amv", "avi", "divx"),  # RIFF
        *("m2t", "m2ts", "m2v", "mpeg", "mpg", "mts", "ts", "vob"),  # MPEG-1 and 2
        *("asf", "wmv", "wtv"),  # Windows Media
        *("dv", "flv", "gxf", "ivf", "mxf", "nut", "ogv", "rm", "rmvb", "y4m"),
        *("264", "h264", "h265", "hevc", "mjpeg", "mjpg"),  # bare streams
    )
)
"""Suffixes of the containers and bare streams that FFmpeg's libraries read, in lower case."""
