"""Cut the face out of a frame by the rules of published methods, each with a name."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rppgbench.extraction.area_resize import resize_area
from rppgbench.extraction.linear_resize import resize_square
from rppgbench.face.haar import Box, enlarge_box
from rppgbench.face.mesh_layout import bounding_box, landmarks_68
from rppgbench.face.mtcnn import load_mtcnn, require_mtcnn
from rppgbench.face.open_rppg_box import OpenRppgBox
from rppgbench.system.errors import BenchError, unknown_name

Image = NDArray[np.uint8]
Landmarks = NDArray[np.floating]


@dataclass(frozen=True, eq=False, kw_only=True)
class CropView:
    """The input of a crop rule for one frame.

    Attributes:
        rgb: frame (H, W, 3).
        time_s: time of the frame in seconds.
        landmarks: face (468, 2), or None.
        toolbox_box: rPPG-Toolbox's static box, or None.
    """

    rgb: Image
    time_s: float
    landmarks: Landmarks | None
    toolbox_box: Box | None

    @cached_property
    def points(self) -> NDArray[np.floating]:
        """The 68 points (68, 2) of a frame with a face."""
        assert self.landmarks is not None
        return landmarks_68(self.landmarks)


class Cropper(Protocol):
    """Applies a crop rule to one video, frame by frame."""

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face (S, S, 3); None where the rule has no face."""


@dataclass(frozen=True, kw_only=True)
class CropRule:
    """The rule by which a paper cuts out the face.

    Attributes:
        name: name of the rule.
        size: side S of the square in pixels.
        source: publication and code.
        create: creates the rule's cropper for one video, from the size.
        needs_toolbox_box: whether the rule reads rPPG-Toolbox's static box.
        requires: raises BenchError where a package that the rule needs is not installed.
    """

    name: str
    size: int
    source: str
    create: Callable[[int], Cropper] = field(repr=False)
    needs_toolbox_box: bool = False
    requires: Callable[[], None] = field(default=lambda: None, repr=False)

    def cropper(self) -> Cropper:
        """Create the cropper of one video."""
        return self.create(self.size)


def _resize(face: Image, size: int, interpolation: int) -> Image:
    import cv2

    if face.shape[:2] == (size, size):
        return np.ascontiguousarray(face)
    out: Any = cv2.resize(face, (size, size), interpolation=interpolation)
    return np.asarray(out, np.uint8)


class ContrastPhysCrop:
    """A square whose side the first face fixes and whose centre follows the face.

    The vertical range of the 68 points is extended by 0.2 of the range at the top; the side is 1.5
    times the result, 1.8 times the range, and is fixed by the first frame with a face. The centre
    is that of the points after an exponential average (0.9 of the past, 0.1 of the frame). The edge
    of the frame is repeated outside the frame; bilinear. Sun and Li, "Contrast-Phys", ECCV 2022,
    after the code (github zhaodongsun/contrast-phys @eb33acf, preprocessing.py; the README says
    1.2).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = 0
        self._points: NDArray[np.float64] | None = None

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face of one frame (S, S, 3)."""
        if view.landmarks is None:
            return None
        points = view.points.astype(np.float64)
        if self._points is None:
            self._points = points
            low, high = points[:, 1].min(), points[:, 1].max()
            self.side = max(round(float(1.5 * (high - (low - 0.2 * (high - low))))), 2)
        self._points = 0.9 * self._points + 0.1 * points
        left, top, right, bottom = bounding_box(self._points).tolist()
        top -= 0.2 * (bottom - top)
        x, y = round((left + right) / 2), round((top + bottom) / 2)
        half = self.side // 2
        return resize_square(view.rgb, (x - half, y - half), self.side, self.size)


class ToolboxCrop:
    """rPPG-Toolbox's static box (`face.haar.ToolboxBox`), INTER_AREA.

    The mean of its pixels is that of the region `toolbox_box` up to the rounding of the resize.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face of one frame (S, S, 3)."""
        if view.toolbox_box is None or view.landmarks is None:
            return None
        return resize_area(view.rgb, view.toolbox_box, self.size)


def sinc_box(points: NDArray[np.floating], height: int, width: int) -> Box:
    """SiNC's box of the face: padded, made square, shifted into the frame.

    The points are truncated to integers. The box is padded by 5 % of its width on both sides, by
    30 % of its height at the top and by 5 % at the bottom. The shorter side is extended to the
    longer. A box that reaches outside the frame is shifted inside, and clipped if it is larger
    than the frame (github CVRL/SiNC-rPPG @4c8ef7c, src/preprocessing/utils.py).

    Args:
        points: the 68 points (68, 2) in pixels.
        height: height of the frame in pixels.
        width: width of the frame in pixels.

    Returns:
        x0, y0, x1, y1 in pixels, the end excluded.

    >>> sinc_box(np.array([[40.0, 50], [60, 90]]), 200, 200)
    (23, 38, 77, 92)
    """
    left, top, right, bottom = bounding_box(np.trunc(points)).tolist()
    wide, high = right - left, bottom - top
    x0, x1 = int(max(left - 0.05 * wide, 0)), int(min(right + 0.05 * wide, width))
    y0, y1 = int(max(top - 0.3 * high, 0)), int(min(bottom + 0.05 * high, height))
    grow = abs((x1 - x0) - (y1 - y0))
    before = grow // 2
    if x1 - x0 > y1 - y0:
        y0, y1 = y0 - before, y1 + grow - before
    else:
        x0, x1 = x0 - before, x1 + grow - before
    x0, x1 = _shift_inside(x0, x1, width)
    y0, y1 = _shift_inside(y0, y1, height)
    return x0, y0, x1, y1


def _shift_inside(low: int, high: int, length: int) -> tuple[int, int]:
    """Shift an interval into 0..length, then clip it.

    >>> _shift_inside(-3, 5, 20), _shift_inside(15, 25, 20), _shift_inside(-5, 30, 20)
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
    2023. A frame without a face has no crop here, whereas the code repeats the last box.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face of one frame (S, S, 3)."""
        import cv2

        if view.landmarks is None:
            return None
        height, width = view.rgb.shape[:2]
        left, top, right, bottom = sinc_box(view.points, height, width)
        if left >= right or top >= bottom:
            return None
        return _resize(view.rgb[top:bottom, left:right], self.size, cv2.INTER_CUBIC)


_Place = tuple[float, float, float]
"""Centre x and y and width of a box, in pixels; or their changes, a second."""


class GideonCrop:
    """Gideon and Stent's smoothed box with a dead zone, around the mesh instead of an S3FD box.

    The box of the landmarks is widened to 2 : 3 about its centre, plus a border of 12.5 %. The box
    stays until the face moves by more than 12.5 % of the box's width; it then follows as a
    critically damped spring with a time constant of 0.25 s. The central square of the 2 : 3 box is
    cut out and resized bilinearly (the paper stores 128 x 192 and trains on the central 128 x 128
    at 64 x 64). Gideon and Stent, "The Way to My Heart Is through Contrastive Learning", ICCV 2021.
    The rule's name `gideon_mesh_box` states the other detector.
    """

    ASPECT = 128 / 192
    BORDER = 0.125
    DEAD_ZONE = 0.125
    TIME_CONSTANT_S = 0.25

    def __init__(self, size: int) -> None:
        self.size = size
        self._target: _Place | None = None
        self._position: _Place = (0.0, 0.0, 0.0)
        self._velocity: _Place = (0.0, 0.0, 0.0)
        self._time_s = 0.0

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face of one frame (S, S, 3)."""
        if view.landmarks is None:
            return None
        left, top, right, bottom = bounding_box(view.landmarks).tolist()
        wide = max(right - left, (bottom - top) * self.ASPECT) * (1 + 2 * self.BORDER)
        face_box = (left + right) / 2, (top + bottom) / 2, wide
        if self._target is None:
            self._target = self._position = face_box
        moved = max(abs(now - at) for now, at in zip(face_box, self._target, strict=True))
        if moved > self.DEAD_ZONE * self._target[2]:
            self._target = face_box
        self._follow(self._target, view.time_s - self._time_s)
        self._time_s = view.time_s
        x, y, side = self._position
        pixels = max(round(side), 2)
        corner = round(x - side / 2), round(y - side / 2)
        return resize_square(view.rgb, corner, pixels, self.size)

    def _follow(self, target: _Place, step_s: float) -> None:
        """Advance a critically damped spring by its exact solution, for steps of any length.

        With the offset d, the velocity v, b = v + d / T and the time constant T, the solution after
        a step t is d' = (d + b t) exp(-t / T) and v' = (v - b t / T) exp(-t / T).
        """
        step_s, constant_s = max(step_s, 0.0), self.TIME_CONSTANT_S
        decay = math.exp(-step_s / constant_s)
        offset = [at - aim for at, aim in zip(self._position, target, strict=True)]
        slope = [v + d / constant_s for v, d in zip(self._velocity, offset, strict=True)]
        x, y, wide = (
            aim + (d + b * step_s) * decay for aim, d, b in zip(target, offset, slope, strict=True)
        )
        self._position = x, y, wide
        x, y, wide = (
            (v - b * step_s / constant_s) * decay
            for v, b in zip(self._velocity, slope, strict=True)
        )
        self._velocity = x, y, wide


class Mtcnn15Crop:
    """The MTCNN box of the first frame with a face, x 1.5 in width and height, for all frames.

    Qian et al., RePSS 2024 (track 1, solution 2). The rule needs the extra `mtcnn`. MTCNN is tried
    on the frames 1, 2, 4, ... of those with a face, at most `MAX_TRIES` times; without a box there
    is no crop, because no other detector may replace MTCNN under this name.
    """

    MAX_TRIES = 8

    def __init__(self, size: int) -> None:
        self.size = size
        self._box: Box | None = None
        self._with_face = 0
        self._tries = 0
        self._detector = load_mtcnn()

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face of one frame (S, S, 3)."""
        import cv2

        if view.landmarks is None:
            return None
        is_turn = self._with_face & (self._with_face - 1) == 0 and self._tries < self.MAX_TRIES
        self._with_face += 1
        if self._box is None and is_turn:
            self._tries += 1
            self._box = self._detect(view.rgb)
        if self._box is None:
            return None
        left, top, right, bottom = self._box
        return _resize(view.rgb[top:bottom, left:right], self.size, cv2.INTER_LINEAR)

    def _detect(self, rgb: Image) -> Box | None:
        boxes = self._detector(rgb)
        if not len(boxes):
            return None
        best = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        left, top, right, bottom = (round(float(v)) for v in best[:4])
        return enlarge_box((left, top, right, bottom), rgb.shape[0], rgb.shape[1])


class OpenRppgCrop:
    """open-rppg's box (`face.open_rppg_box.OpenRppgBox`), resized to a square by INTER_AREA.

    open-rppg trained the weights that it ships on such crops. A frame without a face has no crop
    here, whereas open-rppg cuts out the last box and mutes the pulse.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._box = OpenRppgBox()

    def __call__(self, view: CropView) -> Image | None:
        """Cut out the face of one frame (S, S, 3)."""
        box = self._box.update(view.rgb, view.time_s)
        if box is None or view.landmarks is None:
            return None
        left, top, right, bottom = box
        if left >= right or top >= bottom:
            return None
        return resize_area(view.rgb, box, self.size)


_RULES = (
    CropRule(
        name="contrast_phys",
        size=128,
        source="Sun and Li, ECCV 2022, code @eb33acf",
        create=ContrastPhysCrop,
    ),
    CropRule(
        name="toolbox",
        size=72,
        source="Liu et al., rPPG-Toolbox, code @d807b01",
        create=ToolboxCrop,
        needs_toolbox_box=True,
    ),
    CropRule(
        name="sinc", size=64, source="Speth et al., CVPR 2023, code @4c8ef7c", create=SincCrop
    ),
    CropRule(
        name="gideon_mesh_box",
        size=64,
        source="Gideon and Stent, ICCV 2021, on the mesh's box",
        create=GideonCrop,
    ),
    CropRule(
        name="mtcnn15",
        size=128,
        source="Qian et al., RePSS 2024",
        create=Mtcnn15Crop,
        requires=require_mtcnn,
    ),
    CropRule(
        name="open_rppg", size=128, source="Wang et al., open-rppg 0.1.1", create=OpenRppgCrop
    ),
)
RULES: Mapping[str, CropRule] = {rule.name: rule for rule in _RULES}
"""Every rule by name; `crop_rule` also takes another size: "contrast_phys_32"."""


def crop_rule(name: str, location: str = "crop") -> CropRule:
    """Find a crop rule by its name.

    Args:
        name: name of a rule, or NAME_SIZE for another size (8 to 512 pixels).
        location: where the name stands, for messages.

    Raises:
        BenchError: no such rule, or a size out of range.

    >>> crop_rule("contrast_phys").size, crop_rule("contrast_phys_32").size
    (128, 32)
    """
    if name in RULES:
        return RULES[name]
    sized = re.fullmatch(r"(.+)_(\d+)", name)
    if sized is None or sized[1] not in RULES:
        raise unknown_name("crop rule", name, RULES, location)
    size = int(sized[2])
    if not 8 <= size <= 512:
        raise BenchError(
            f"{location}: crop rule {name!r}: the size is 8 to 512 pixels, not {size}."
        )
    rule = RULES[sized[1]]
    return replace(rule, name=name, size=size)
