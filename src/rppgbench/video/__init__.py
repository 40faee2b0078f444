"""Video in and out, by FFmpeg's libraries."""
