"""Rotate and mirror coded frames to upright frames."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rppgbench.video.colour import RGB

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Rotation(NamedTuple):
    """The operations that make a coded frame upright: transpose first, then the flips."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def rotation(self) -> int:
        """Clockwise rotation (0, 90, 180, 270 degrees), after mirroring if `mirrored`."""
        if self.transpose:
            return 90 if not self.flip_y else 270
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    def apply(self, rgb: RGB) -> RGB:
        """Make a frame (H, W, 3) upright; the result is contiguous."""
        if self == Rotation():
            return rgb
        import cv2

        if self.transpose:
            rgb = cv2.transpose(rgb).astype(np.uint8, copy=False)
        if self.flip_x or self.flip_y:
            code = -1 if self.flip_x and self.flip_y else int(self.flip_x)
            rgb = cv2.flip(rgb, code).astype(np.uint8, copy=False)
        return rgb


def read_display_rotation(frame: "VideoFrame") -> tuple[Rotation, str]:
    """Read the display matrix of a frame: the rotation, and a note if it cannot be applied."""
    try:
        side: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not know all of FFmpeg's side data (EXIF of an image)
        note = "" if not frame.rotation else f"{frame.rotation} degrees asked for, left as coded"
        return Rotation(), note
    if side is None:
        return Rotation(), ""
    # Row vectors: (x, y) becomes (a x + c y, b x + d y), in 16.16 fixed point.
    a, b, _, c, d = np.frombuffer(bytes(side), np.int32)[:5].astype(float)
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if max(straight, crossed) == 0 or min(straight, crossed) > 0.02 * max(straight, crossed):
        degrees = float(np.degrees(np.arctan2(b, a)))
        return (
            Rotation(),
            f"the display matrix asks for {degrees:.0f} degrees: frames left as coded",
        )
    if crossed > straight:
        turn = Rotation(transpose=True, flip_x=bool(c < 0), flip_y=bool(b < 0))
    else:
        turn = Rotation(flip_x=bool(a < 0), flip_y=bool(d < 0))
    return turn, "mirrored, as the display matrix asks" if turn.mirrored else ""
