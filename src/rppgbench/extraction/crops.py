"""Named rules by which papers cut the face out of a frame."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.haar import Box, enlarge_box
from rppgbench.face.mesh_layout import bounding_box, landmarks_68
from rppgbench.face.mtcnn import mtcnn
from rppgbench.face.open_rppg_box import OpenRppgBox
from rppgbench.system.errors import BenchError, unknown_name

Image = NDArray[np.uint8]
Landmarks = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class CropView:
    """What a rule may look at: the picture, the face in it, and the toolbox's static box."""

    rgb: Image
    time_s: float
    landmarks: Landmarks | None
    toolbox_box: Box | None


class Cropper(Protocol):
    """A rule at work on one video, frame after frame; None where it has no face to cut out."""

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame: (S, S, 3)."""


@dataclass(frozen=True)
class CropRule:
    """How a paper cuts the face: a name, the side of the square in pixels, and where it is from."""

    name: str
    size: int
    source: str
    start: Callable[[int], Cropper] = field(repr=False)
    needs_toolbox_box: bool = False

    def cropper(self) -> Cropper:
        """Begin a video."""
        return self.start(self.size)


def _resized(face: Image, size: int, interpolation: int) -> Image:
    import cv2

    if face.shape[:2] == (size, size):
        return np.ascontiguousarray(face)
    out: Any = cv2.resize(face, (size, size), interpolation=interpolation)
    return np.asarray(out, np.uint8)


def _window(rgb: Image, left: int, top: int, side: int) -> Image:
    """A square of the picture; pixels beyond its edge repeat the edge."""
    import cv2

    height, width = rgb.shape[:2]
    x0, x1 = (min(max(x, 0), width - 1) for x in (left, left + side - 1))
    y0, y1 = (min(max(y, 0), height - 1) for y in (top, top + side - 1))
    inside = rgb[y0 : y1 + 1, x0 : x1 + 1]
    before = min(max(-top, 0), side - 1), min(max(-left, 0), side - 1)
    after = side - before[0] - inside.shape[0], side - before[1] - inside.shape[1]
    if not any((*before, *after)):
        return inside
    edges = (before[0], after[0], before[1], after[1])
    return np.asarray(cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE), np.uint8)


class ContrastPhysCrop:
    """Square of the size of the first face, its centre smoothed over time.

    The face's vertical range over the 68 points, extended by 0.2 of it at the top; side = 1.5
    times that = 1.8 times the range, fixed by the first frame with a face; centre of the points
    after an exponential average (0.9 of the past, 0.1 of the frame); the edge of the picture is
    repeated beyond it; bilinear. Sun and Li, "Contrast-Phys", ECCV 2022, as its code has it
    (github zhaodongsun/contrast-phys @eb33acf, preprocessing.py; its README says 1.2).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = 0
        self._points: NDArray[np.float64] | None = None

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame."""
        import cv2

        if sight.landmarks is None:
            return None
        points = landmarks_68(sight.landmarks).astype(np.float64)
        if self._points is None:
            self._points = points
            low, high = points[:, 1].min(), points[:, 1].max()
            self.side = max(round(float(1.5 * (high - (low - 0.2 * (high - low))))), 2)
        self._points = 0.9 * self._points + 0.1 * points
        left, top, right, bottom = bounding_box(self._points)
        top -= 0.2 * (bottom - top)
        x, y = round(float((left + right) / 2)), round(float((top + bottom) / 2))
        half = self.side // 2
        face = _window(sight.rgb, x - half, y - half, self.side)
        return _resized(face, self.size, cv2.INTER_LINEAR)


class ToolboxCrop:
    """rPPG-Toolbox's static box (`face.haar.ToolboxBox`), INTER_AREA.

    The mean of its pixels is that of the region `toolbox_box` up to the rounding of the resize.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame."""
        import cv2

        if sight.toolbox_box is None or sight.landmarks is None:
            return None
        left, top, right, bottom = sight.toolbox_box
        return _resized(sight.rgb[top:bottom, left:right], self.size, cv2.INTER_AREA)


def sinc_box(points: NDArray[np.floating], height: int, width: int) -> Box:
    """SiNC's box of 68 points (68, 2): padded, made square, shifted into the picture.

    Points are cut to whole numbers; 5 % of the width on both sides, 30 % of the height at the top
    and 5 % at the bottom are added; the shorter side grows to the longer; what stands out of the
    picture is shifted into it, and cut if it is too large (github CVRL/SiNC-rPPG @4c8ef7c,
    src/preprocessing/utils.py).

    >>> sinc_box(np.array([[40.0, 50], [60, 90]]), 200, 200)
    (23, 38, 77, 92)
    """
    left, top, right, bottom = (float(v) for v in bounding_box(np.trunc(points)))
    wide, high = right - left, bottom - top
    x0, x1 = int(max(left - 0.05 * wide, 0)), int(min(right + 0.05 * wide, width))
    y0, y1 = int(max(top - 0.3 * high, 0)), int(min(bottom + 0.05 * high, height))
    grow = abs((x1 - x0) - (y1 - y0))
    before = grow // 2
    if x1 - x0 > y1 - y0:
        y0, y1 = y0 - before, y1 + grow - before
    else:
        x0, x1 = x0 - before, x1 + grow - before
    x0, x1 = _inside(x0, x1, width)
    y0, y1 = _inside(y0, y1, height)
    return x0, y0, x1, y1


def _inside(low: int, high: int, length: int) -> tuple[int, int]:
    """Shift an interval into 0..length, then cut it.

    >>> _inside(-3, 5, 20), _inside(15, 25, 20), _inside(-5, 30, 20)
    ((0, 8), (10, 20), (0, 20))
    """
    if low < 0:
        low, high = 0, high - low
    if high > length:
        low, high = low - (high - length), length
    return max(low, 0), high


class SincCrop:
    """SiNC's square around the face of each frame (`sinc_box`), INTER_CUBIC.

    Speth et al., "Non-Contrastive Unsupervised Learning of Physiological Signals from Video", CVPR
    2023. A frame without a face has no crop here; the code repeats the last box there.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame."""
        import cv2

        if sight.landmarks is None:
            return None
        height, width = sight.rgb.shape[:2]
        left, top, right, bottom = sinc_box(landmarks_68(sight.landmarks), height, width)
        if left >= right or top >= bottom:
            return None
        return _resized(sight.rgb[top:bottom, left:right], self.size, cv2.INTER_CUBIC)


class GideonCrop:
    """Gideon and Stent's smoothed box with a dead zone, but around the mesh, not an S3FD box.

    The box of the landmarks, widened to 2 : 3 about its centre, plus a border of 12.5 %; it holds
    still until the face moves by more than 12.5 % of its width; then a critically damped spring
    with a time constant of 0.25 s follows. Of the 2 : 3 box the central square is cut out and
    resized bilinearly (the paper stores 128 x 192, trains on the centre 128 x 128 at 64 x 64).
    Gideon and Stent, "The Way to My Heart Is through Contrastive Learning", ICCV 2021. The name
    says that the detector is another: their S3FD box is not what this rule starts from.
    """

    ASPECT = 128 / 192
    BORDER = 0.125
    DEAD_ZONE = 0.125
    TIME_CONSTANT_S = 0.25

    def __init__(self, size: int) -> None:
        self.size = size
        self._goal: NDArray[np.float64] | None = None
        self._place = np.zeros(3)
        self._speed = np.zeros(3)
        self._time_s = 0.0

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame."""
        import cv2

        if sight.landmarks is None:
            return None
        left, top, right, bottom = (float(v) for v in bounding_box(sight.landmarks))
        wide = max(right - left, (bottom - top) * self.ASPECT) * (1 + 2 * self.BORDER)
        seen = np.array([(left + right) / 2, (top + bottom) / 2, wide])
        if self._goal is None:
            self._goal = self._place = seen
        elif np.abs(seen - self._goal).max() > self.DEAD_ZONE * self._goal[2]:
            self._goal = seen
        self._follow(self._goal, sight.time_s - self._time_s)
        self._time_s = sight.time_s
        x, y, side = self._place
        whole = max(round(float(side)), 2)
        face = _window(sight.rgb, round(float(x - side / 2)), round(float(y - side / 2)), whole)
        return _resized(face, self.size, cv2.INTER_LINEAR)

    def _follow(self, goal: NDArray[np.float64], step_s: float) -> None:
        """Advance a critically damped spring exactly (not by Euler): steps of any length."""
        decay = np.exp(-max(step_s, 0.0) / self.TIME_CONSTANT_S)
        offset = self._place - goal
        push = self._speed + offset / self.TIME_CONSTANT_S
        self._place = goal + (offset + push * max(step_s, 0.0)) * decay
        self._speed = (self._speed - push * max(step_s, 0.0) / self.TIME_CONSTANT_S) * decay


class Mtcnn15Crop:
    """The MTCNN box of the first frame with a face, x 1.5 in width and height, the same throughout.

    Qian et al., RePSS 2024 (track 1, solution 2). Needs the extra `mtcnn`; where MTCNN finds no
    face in any of the first frames tried (1, 2, 4, ... with a face), there is no crop: no other
    detector stands in under this name.
    """

    MAX_TRIES = 8

    def __init__(self, size: int) -> None:
        self.size = size
        self._box: Box | None = None
        self._seen = 0
        self._tries = 0
        self._detector = mtcnn()

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame."""
        import cv2

        if sight.landmarks is None:
            return None
        is_turn = self._seen & (self._seen - 1) == 0 and self._tries < self.MAX_TRIES
        self._seen += 1
        if self._box is None and is_turn:
            self._tries += 1
            self._box = self._find(sight.rgb)
        if self._box is None:
            return None
        left, top, right, bottom = self._box
        return _resized(sight.rgb[top:bottom, left:right], self.size, cv2.INTER_LINEAR)

    def _find(self, rgb: Image) -> Box | None:
        boxes = self._detector(rgb)
        if not len(boxes):
            return None
        best = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        left, top, right, bottom = (round(float(v)) for v in best[:4])
        return enlarge_box((left, top, right, bottom), rgb.shape[0], rgb.shape[1])


class OpenRppgCrop:
    """open-rppg's box (`face.held_box.HeldBox`), made square by INTER_AREA whatever its sides.

    What the weights that open-rppg ships were given to see. A frame without a face has no crop
    here; open-rppg cuts the last box there and mutes the pulse.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._box = OpenRppgBox()

    def __call__(self, sight: CropView) -> Image | None:
        """Cut one frame."""
        import cv2

        box = self._box.at(sight.rgb, sight.time_s)
        if box is None or sight.landmarks is None:
            return None
        left, top, right, bottom = box
        if left >= right or top >= bottom:
            return None
        return _resized(sight.rgb[top:bottom, left:right], self.size, cv2.INTER_AREA)


_RULES = (
    CropRule("contrast_phys", 128, "Sun and Li, ECCV 2022, code @eb33acf", ContrastPhysCrop),
    CropRule("toolbox", 72, "Liu et al., rPPG-Toolbox, code @d807b01", ToolboxCrop, True),
    CropRule("sinc", 64, "Speth et al., CVPR 2023, code @4c8ef7c", SincCrop),
    CropRule("gideon_mesh_box", 64, "Gideon and Stent, ICCV 2021, on the mesh's box", GideonCrop),
    CropRule("mtcnn15", 128, "Qian et al., RePSS 2024", Mtcnn15Crop),
    CropRule("open_rppg", 128, "Wang et al., open-rppg 0.1.1", OpenRppgCrop),
)
RULES: Mapping[str, CropRule] = {rule.name: rule for rule in _RULES}
"""Every rule by name; `crop_rule` also takes another size: "contrast_phys_32"."""


def crop_rule(name: str, where: str = "crop") -> CropRule:
    """The rule of that name, at its own size or, as NAME_SIZE, at another (8 to 512 pixels).

    >>> crop_rule("contrast_phys").size, crop_rule("contrast_phys_32").size
    (128, 32)
    """
    if name in RULES:
        return RULES[name]
    sized = re.fullmatch(r"(.+)_(\d+)", name)
    if sized is None or sized[1] not in RULES:
        raise unknown_name("crop rule", name, RULES, where)
    size = int(sized[2])
    if not 8 <= size <= 512:
        raise BenchError(f"{where}: crop rule {name!r}: the size is 8 to 512 pixels, not {size}.")
    rule = RULES[sized[1]]
    return replace(rule, name=name, size=size)
