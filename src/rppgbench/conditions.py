"""Named transformations of the frames on their way in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.digest import digest
from rppgbench.errors import BenchError, unknown
from rppgbench.features import FaceTrack
from rppgbench.protocol import Condition
from rppgbench.waveform import Array

if TYPE_CHECKING:
    from rppgbench.video import Frame

Picture = NDArray[np.uint8]
FACES = ("original", "found")
"""Whose face track a condition runs with: the untouched video's, or one found anew in what came
out. The first isolates what the pulse loses, the second is what a user would meet."""


class Transformation:
    """A declared condition at work on one recording: call it once on the frames.

    `facts()` says afterwards what came of it: bit rate, and the PSNR and SSIM of the face's box
    against the untouched frames where the track of these is known.
    """

    def __init__(self, condition: Condition, fps: float, track: FaceTrack | None) -> None:
        self.condition = condition
        self.fps = fps
        self._quality = None if track is None else Quality(track)
        self._tally: dict[str, float] = {}

    def __call__(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The transformed frames."""
        params = {k: v for k, v in self.condition.params.items() if k != "faces"}
        kept = self._kept(frames)
        for frame in KINDS[self.condition.kind](kept, self.fps, self._tally, **params):
            if self._quality is not None:
                self._quality.compare(frame)
            yield frame

    def facts(self) -> dict[str, float]:
        """What was measured, by name with units."""
        return self._tally | ({} if self._quality is None else self._quality.facts())

    def _kept(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if self._quality is not None:
                self._quality.keep(frame)
            yield frame


class Quality:
    """PSNR and SSIM of the face's box, frame by frame as they come back.

    Only the frames that a codec looks ahead are held. PSNR is over the mean squared error of all
    compared pixels; SSIM is the mean over frames of the luma's, with a Gaussian of 1.5 pixels.

    Source: Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE TIP 13(4), 2004, DOI 10.1109/TIP.2003.819861, Eq 13.
    """

    def __init__(self, track: FaceTrack) -> None:
        self._box = track.box
        self._waiting: dict[int, Picture] = {}
        self._squares = self._values = 0.0
        self._ssim: list[float] = []

    def keep(self, frame: Frame) -> None:
        """Hold the face of an untouched frame until its transformed one comes."""
        box = self._box[frame.index] if frame.index < len(self._box) else None
        if box is None or not np.isfinite(box).all():
            return
        height, width = frame.rgb.shape[:2]
        x0, y0 = np.maximum(box[:2].astype(int), 0)
        x1, y1 = np.minimum(np.ceil(box[2:]).astype(int), (width, height))
        if x1 - x0 >= 16 and y1 - y0 >= 16:
            self._waiting[frame.index] = frame.rgb[y0:y1, x0:x1].copy()

    def compare(self, frame: Frame) -> None:
        """Compare a transformed frame, if it has the size and place of its original."""
        before = self._waiting.pop(frame.index, None)
        if before is None:
            return
        x0, y0 = np.maximum(self._box[frame.index][:2].astype(int), 0)
        after = frame.rgb[y0 : y0 + before.shape[0], x0 : x0 + before.shape[1]]
        if after.shape != before.shape:
            return
        difference = before.astype(np.float64) - after
        self._squares += float((difference**2).sum())
        self._values += difference.size
        self._ssim.append(ssim(before, after))

    def facts(self) -> dict[str, float]:
        """psnr_db (infinite where nothing changed: then left out) and ssim."""
        if not self._values:
            return {}
        found = {"ssim": float(np.mean(self._ssim))}
        if self._squares:
            found["psnr_db"] = float(10 * np.log10(255**2 * self._values / self._squares))
        return found


def ssim(one: Picture, other: Picture) -> float:
    """Structural similarity of the luma of two pictures (H, W, 3): at most 1, for the same picture.

    Source: Wang et al. 2004, DOI 10.1109/TIP.2003.819861, Eq 13 with K1 = 0.01, K2 = 0.03.

    >>> picture = np.arange(768, dtype=np.uint8).reshape(16, 16, 3)
    >>> ssim(picture, picture)
    1.0
    """
    import cv2

    weights = np.array([0.299, 0.587, 0.114])
    x, y = one @ weights, other @ weights

    def blur(values: Array) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mx * my + c1) * (2 * vxy + c2)
    return float(np.mean(above / ((mx**2 + my**2 + c1) * (vx + vy + c2))))


Tally = dict[str, float]
Kind = Callable[..., "Iterator[Frame]"]


def _none(frames: Iterator[Frame], fps: float, tally: Tally) -> Iterator[Frame]:
    """Untouched."""
    return frames


def _compression(
    frames: Iterator[Frame],
    fps: float,
    tally: Tally,
    *,
    codec: str = "libx264",
    crf: int = -1,
    qp: int = -1,
    preset: str = "medium",
    gop: int = 250,
    pixel_format: str = "yuv420p",
    tune: str = "",
) -> Iterator[Frame]:
    """Through a codec and back, as `ffmpeg -i in -c:v CODEC -crf N out` does."""
    from rppgbench.recompression import recompress

    options = {"g": str(gop)}
    if codec in {"libx264", "libx264rgb", "libx265"}:
        options["preset"] = preset
    if tune:
        options["tune"] = tune
    if crf >= 0:
        options["crf"] = str(crf)
    if qp >= 0:
        options["qp"] = str(qp)
    through = recompress(frames, fps=fps, codec=codec, pixel_format=pixel_format, options=options)
    yield from through
    tally["bit_rate_kbps"] = through.bit_rate / 1000


def _frame_rate(
    frames: Iterator[Frame], fps: float, tally: Tally, *, fps_out: float
) -> Iterator[Frame]:
    """The first frame at or after each tick of a slower clock; its time stays its own."""
    if fps_out <= 0:
        raise BenchError(f"condition frame_rate: fps_out is {fps_out}; it must be over 0")
    due_s: float | None = None
    count = 0
    for frame in frames:
        # A twentieth of a tick of tolerance: timestamps are rounded to the container's clock.
        if due_s is None or frame.time_s >= due_s - 0.05 / fps_out:
            first = due_s is None
            due_s = (frame.time_s if first or due_s is None else due_s) + 1 / fps_out
            if due_s < frame.time_s:  # the source is slower than the clock: begin anew here
                due_s = frame.time_s + 1 / fps_out
            yield type(frame)(count, frame.time_s, frame.rgb)
            count += 1


def _resolution(
    frames: Iterator[Frame], fps: float, tally: Tally, *, scale: float
) -> Iterator[Frame]:
    """Smaller by area averaging, then back to the size it had, as a scaled upload is shown."""
    import cv2

    if not 0 < scale <= 1:
        raise BenchError(f"condition resolution: scale is {scale}; it lies over 0 and up to 1")
    for frame in frames:
        height, width = frame.rgb.shape[:2]
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        less = cv2.resize(frame.rgb, small, interpolation=cv2.INTER_AREA)
        back = cv2.resize(less, (width, height), interpolation=cv2.INTER_LINEAR)
        yield type(frame)(frame.index, frame.time_s, back.astype(np.uint8))


def _brightness(
    frames: Iterator[Frame], fps: float, tally: Tally, *, gain: float
) -> Iterator[Frame]:
    """Light times `gain` in linear light (gamma 2.2), rounded to 8 bits again."""
    import cv2

    if gain <= 0:
        raise BenchError(f"condition brightness: gain is {gain}; it must be over 0")
    levels = 255 * np.clip((np.arange(256) / 255) ** 2.2 * gain, 0, 1) ** (1 / 2.2)
    table = np.round(levels).astype(np.uint8)
    for frame in frames:
        yield type(frame)(frame.index, frame.time_s, cv2.LUT(frame.rgb, table).astype(np.uint8))


def _noise(
    frames: Iterator[Frame], fps: float, tally: Tally, *, std: float, seed: int = 0
) -> Iterator[Frame]:
    """Independent Gaussian noise on every value, in levels of 255; the same for the same seed."""
    if std < 0:
        raise BenchError(f"condition noise: std is {std}; it cannot be under 0")
    for frame in frames:
        random = np.random.default_rng([seed, frame.index])
        noise = random.standard_normal(frame.rgb.shape, dtype=np.float32) * np.float32(std)
        noisy = np.clip(np.rint(frame.rgb + noise), 0, 255).astype(np.uint8)
        yield type(frame)(frame.index, frame.time_s, noisy)


KINDS: Mapping[str, Kind] = {
    "none": _none,
    "compression": _compression,
    "frame_rate": _frame_rate,
    "resolution": _resolution,
    "brightness": _brightness,
    "noise": _noise,
}


def check_condition(condition: Condition, where: str) -> None:
    """Refuse an unknown kind or parameter, or a value that its kind cannot be run with."""
    name = f"{where}: condition {condition.name!r}"
    if condition.kind not in KINDS:
        raise unknown("kind of condition", condition.kind, KINDS, name)
    keyword = inspect.Parameter.KEYWORD_ONLY
    declared = [
        p for p in inspect.signature(KINDS[condition.kind]).parameters.values() if p.kind is keyword
    ]
    known = {p.name for p in declared} | {"faces"}
    for param in condition.params:
        if param not in known:
            raise unknown("parameter", param, known, name)
    missing = [p.name for p in declared if p.default is p.empty and p.name not in condition.params]
    if missing:
        raise BenchError(f"{name}: missing {', '.join(missing)}")
    if condition.params.get("faces", FACES[0]) not in FACES:
        raise unknown("value of faces", str(condition.params["faces"]), FACES, name)
    if condition.kind == "frame_rate" and faces_of(condition) == FACES[0]:
        raise BenchError(f'{name}: has other frames than the original; give faces = "found"')


def faces_of(condition: Condition) -> str:
    """Whose face track the condition runs with."""
    return str(condition.params.get("faces", FACES[0]))


def condition_digest(condition: Condition) -> str:
    """Kind and parameters, and for a codec the libraries that do it; empty for the untouched."""
    if condition.kind == "none":
        return ""
    facts: dict[str, Any] = {"kind": condition.kind, "params": condition.params}
    if condition.kind == "compression":
        import av

        facts["libraries"] = {k: list(v) for k, v in av.library_versions.items()}
    return digest(facts)
