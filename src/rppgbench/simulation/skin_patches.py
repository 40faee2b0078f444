"""Crops of skin from simulated faces, for data sets that give no whole faces."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.simulation.recorded import SimulatedRecording
from rppgbench.simulation.rendering import place_person

FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK = "forehead", "left cheek", "right cheek"
"""The patches; left and right are the viewer's."""

_MIDDLES = {
    FOREHEAD: ((151, 9),),
    LEFT_CHEEK: ((101, 205), (330, 425)),
    RIGHT_CHEEK: ((101, 205), (330, 425)),
}
"""Pairs of landmarks; a patch lies between the two of one pair."""

_SHARES = {FOREHEAD: (0.3, 0.15), LEFT_CHEEK: (0.15, 0.15), RIGHT_CHEEK: (0.15, 0.15)}
"""Width and height of a patch, in heights of the face: near the pixels of published patches."""

Frames = list[NDArray[np.uint8]]


def skin_patches(recording: SimulatedRecording, size: tuple[int, int]) -> dict[str, Frames]:
    """Render a recording once and crop patches of skin around landmarks of the resting face.

    Args:
        recording: the recording; its head should be still.
        size: width and height in pixels to which every patch is scaled.

    Returns:
        The frames (height, width, 3) of each patch.
    """
    import cv2

    boxes = _boxes(recording)
    patches: dict[str, Frames] = {name: [] for name in boxes}
    for frame in recording.frames():
        height, width = frame.shape[:2]
        for name, (x0, y0, x1, y1) in boxes.items():
            crop = frame[min(y0, height - 1) : y1, min(x0, width - 1) : x1]
            scaled = cv2.resize(np.ascontiguousarray(crop), size, interpolation=cv2.INTER_CUBIC)
            patches[name].append(np.asarray(scaled, np.uint8))
    return patches


def _boxes(recording: SimulatedRecording) -> dict[str, tuple[int, int, int, int]]:
    """The first and the last column and row of each patch in the frame: x0, y0, x1, y1."""
    names = (recording.dataset, recording.subject, recording.seed)
    person, _, margin = place_person(recording.scene, recording.skin_tone, names)
    boxes = {}
    for name, (across, down) in _SHARES.items():
        places = person.landmarks[np.array(_MIDDLES[name]), :2].mean(axis=1) - margin
        # A portrait may be mirrored, so the side is read from the picture.
        x, y = places[np.argmax(places[:, 0]) if name == RIGHT_CHEEK else np.argmin(places[:, 0])]
        half_x, half_y = (share * person.face_height / 2 for share in (across, down))
        x0, y0 = max(0, round(float(x - half_x))), max(0, round(float(y - half_y)))
        boxes[name] = (x0, y0, x0 + max(1, round(2 * half_x)), y0 + max(1, round(2 * half_y)))
    return boxes
