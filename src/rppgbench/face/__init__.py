"""Finding and following a face in the frames of a video."""
