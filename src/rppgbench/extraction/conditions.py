"""Named transformations of the frames on their way in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.protocol import Condition
from rppgbench.extraction.extractor import Faces
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.system.hashing import digest

if TYPE_CHECKING:
    from rppgbench.face.tracking import Landmarks
    from rppgbench.video.packet_writer import PacketWriter
    from rppgbench.video.recompression import Codec
    from rppgbench.video.stream import Frame, VideoInfo

Picture = NDArray[np.uint8]
FACES: tuple[Faces, ...] = get_args(Faces)
"""Whose face track a condition runs with: the untouched video's, or one found anew in what came
out. The first isolates what the pulse loses, the second is what a user would meet."""


class Step(Protocol):
    """One transformation at work, fed a frame at a time."""

    def feed(self, frame: Frame) -> Iterable[Frame]:
        """The frames that are ready."""

    def end(self) -> Iterable[Frame]:
        """Those held back."""

    def facts(self) -> Mapping[str, float | str]:
        """What was measured, by name with units."""


class ConditionTransform:
    """A declared condition at work on one recording, for one pass (an `extraction.Change`).

    `facts()` says afterwards what came of it: bit rate, and the PSNR and SSIM of the face's box
    against the untouched frames. A codec's packets go to the file `kept` too, if there is one.
    """

    def __init__(self, condition: Condition, kept: PacketWriter | None = None) -> None:
        from rppgbench.extraction.picture_quality import FaceQuality

        self.condition = condition
        self._kept = kept
        self._quality = FaceQuality()
        self._step: Step | None = None

    def begin(self, info: VideoInfo) -> None:
        """Check the values; BenchError in one line for one that cannot be run."""
        params = {k: v for k, v in self.condition.params.items() if k != "faces"}
        self._step = KINDS[self.condition.kind](info, **params)
        if isinstance(self._step, _Recompressed):
            self._step.kept = self._kept

    def feed(self, frame: Frame, landmarks: Landmarks | None) -> Iterator[Frame]:
        """Take an untouched frame with its face; give the changed frames that are ready."""
        assert self._step is not None
        self._quality.keep(frame, landmarks)
        changed = self._step.feed(frame)
        del frame
        yield from self._compared(changed)

    def end(self) -> Iterator[Frame]:
        """Give the frames held back."""
        assert self._step is not None
        yield from self._compared(self._step.end())

    def facts(self) -> dict[str, float | str]:
        """What was measured, by name with units."""
        assert self._step is not None
        return {**self._step.facts(), **self._quality.facts()}

    def close(self) -> None:
        """Delete a kept video that is not whole."""
        if self._kept is not None:
            self._kept.close()

    def _compared(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self._quality.compare(frame)
            yield frame


class _Each:
    """Every picture by itself; `change` gets the frame and gives another picture."""

    def __init__(self, change: Callable[[Frame], Picture]) -> None:
        self._change = change

    def feed(self, frame: Frame) -> Iterable[Frame]:
        return (type(frame)(frame.index, frame.time_s, self._change(frame)),)

    def end(self) -> Iterable[Frame]:
        return ()

    def facts(self) -> Mapping[str, float | str]:
        return {}


def _none(info: VideoInfo) -> Step:
    """Untouched."""
    return _Each(lambda frame: frame.rgb)


def _compression(
    info: VideoInfo,
    *,
    codec: str = "libx264",
    crf: float = -1,
    qp: int = -1,
    quantiser: int = -1,
    preset: str = "",
    gop: int = 250,
    pixel_format: str = "yuv420p",
    tune: str = "",
    speed: int = -1,
) -> Step:
    """Through a codec and back, as `ffmpeg -i in -c:v CODEC -crf N out` does.

    `crf`, `qp` or `quantiser` (qmin = qmax, for codecs of the MPEG-4 and JPEG families) say how
    strongly, else the codec's own default; `preset` and `tune` are those of x264 and x265, `speed`
    is libvpx's cpu-used. `gop` is the longest distance of keyframes, in frames.
    """
    options = {"g": str(gop)}
    given = {"crf": crf, "qp": qp, "qmin": quantiser, "qmax": quantiser, "cpu-used": speed}
    options |= {name: f"{value:g}" for name, value in given.items() if value >= 0}
    options |= {name: v for name, v in (("preset", preset), ("tune", tune)) if v}
    return _Recompressed(info, codec, pixel_format, options)


class _Recompressed:
    """A codec, begun when the size of the frames is known."""

    def __init__(
        self, info: VideoInfo, codec: str, pixel_format: str, options: Mapping[str, str]
    ) -> None:
        self._info = info
        self._declared = (codec, pixel_format, options)
        self._codec: Codec | None = None
        self.kept: PacketWriter | None = None

    def feed(self, frame: Frame) -> Iterator[Frame]:
        if self._codec is None:
            from rppgbench.video.encoding import Encoding
            from rppgbench.video.recompression import Codec

            codec, pixel_format, options = self._declared
            size = (frame.rgb.shape[1], frame.rgb.shape[0])
            encoding = Encoding(
                "condition compression", codec, pixel_format, size, options, "ffmpeg"
            )
            self._codec = Codec(encoding, self._info.fps, self.kept)
        back = self._codec.feed(frame)
        del frame
        yield from back

    def end(self) -> Iterable[Frame]:
        return () if self._codec is None else self._codec.end()

    def facts(self) -> Mapping[str, float | str]:
        if self._codec is None:
            return {}
        codec, pixel_format, _ = self._declared
        chain = (
            f"{self._info.codec} {self._info.pixel_format}",
            "rgb24",
            f"{codec} {pixel_format}",
            "rgb24",
        )
        facts: dict[str, float | str] = {
            "bit_rate_kbps": self._codec.bit_rate / 1000,
            "pixels": " > ".join(chain),
        }
        return facts | ({"encoder": self._codec.encoder} if self._codec.encoder else {})


def _frame_rate(info: VideoInfo, *, fps_out: float) -> Step:
    """The first frame at or after each tick of a slower clock; its time stays its own."""
    if fps_out <= 0:
        raise BenchError(f"condition frame_rate: fps_out is {fps_out}; it must be over 0")
    return _SlowerClock(fps_out)


class _SlowerClock:
    def __init__(self, fps_out: float) -> None:
        self._fps_out = fps_out
        self._due_s: float | None = None
        self._count = 0

    def feed(self, frame: Frame) -> Iterable[Frame]:
        # A twentieth of a tick of tolerance: timestamps are rounded to the container's clock.
        due_s = frame.time_s if self._due_s is None else self._due_s
        if frame.time_s < due_s - 0.05 / self._fps_out:
            return ()
        self._due_s = due_s + 1 / self._fps_out
        if self._due_s < frame.time_s:  # the source is slower than the clock: begin anew here
            self._due_s = frame.time_s + 1 / self._fps_out
        self._count += 1
        return (type(frame)(self._count - 1, frame.time_s, frame.rgb),)

    def end(self) -> Iterable[Frame]:
        return ()

    def facts(self) -> Mapping[str, float | str]:
        return {}


def _resolution(info: VideoInfo, *, scale: float) -> Step:
    """Smaller by area averaging, then back to the size it had, as a scaled upload is shown."""
    import cv2

    if not 0 < scale <= 1:
        raise BenchError(f"condition resolution: scale is {scale}; it lies over 0 and up to 1")

    def coarser(frame: Frame) -> Picture:
        height, width = frame.rgb.shape[:2]
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        less = cv2.resize(frame.rgb, small, interpolation=cv2.INTER_AREA)
        back = cv2.resize(less, (width, height), interpolation=cv2.INTER_LINEAR)
        return back.astype(np.uint8, copy=False)

    return _Each(coarser)


def _brightness(info: VideoInfo, *, gain: float) -> Step:
    """Light times `gain` in linear light (gamma 2.2), rounded to 8 bits again."""
    import cv2

    if gain <= 0:
        raise BenchError(f"condition brightness: gain is {gain}; it must be over 0")
    levels = 255 * np.clip((np.arange(256) / 255) ** 2.2 * gain, 0, 1) ** (1 / 2.2)
    table = np.round(levels).astype(np.uint8)
    return _Each(lambda frame: cv2.LUT(frame.rgb, table).astype(np.uint8, copy=False))


def _noise(info: VideoInfo, *, std: float, seed: int = 0) -> Step:
    """Independent Gaussian noise on every value, in levels of 255; the same for the same seed."""
    if std < 0:
        raise BenchError(f"condition noise: std is {std}; it cannot be under 0")

    def noisy(frame: Frame) -> Picture:
        random = np.random.default_rng([seed, frame.index])
        noise = random.standard_normal(frame.rgb.shape, dtype=np.float32)
        noise *= np.float32(std)
        noise += frame.rgb
        np.clip(np.rint(noise, out=noise), 0, 255, out=noise)
        return noise.astype(np.uint8)

    return _Each(noisy)


Kind = Callable[..., Step]
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
        raise unknown_name("kind of condition", condition.kind, KINDS, name)
    keyword = inspect.Parameter.KEYWORD_ONLY
    declared = [
        p for p in inspect.signature(KINDS[condition.kind]).parameters.values() if p.kind is keyword
    ]
    known = {p.name for p in declared} | {"faces"}
    for param in condition.params:
        if param not in known:
            raise unknown_name("parameter", param, known, name)
    missing = [p.name for p in declared if p.default is p.empty and p.name not in condition.params]
    if missing:
        raise BenchError(f"{name}: missing {', '.join(missing)}")
    if condition.params.get("faces", FACES[0]) not in FACES:
        raise unknown_name("value of faces", str(condition.params["faces"]), FACES, name)


def face_source(condition: Condition) -> Faces:
    """Whose face track the condition runs with."""
    return "found" if condition.params.get("faces", FACES[0]) == "found" else "original"


def keeps_video(condition: Condition) -> bool:
    """Whether the condition makes a video that can be kept: it has a codec."""
    return condition.kind == "compression"


def condition_digest(condition: Condition) -> str:
    """Kind and parameters, and for a codec the libraries that do it; empty for the untouched."""
    if condition.kind == "none":
        return ""
    facts: dict[str, Any] = {"kind": condition.kind, "params": condition.params}
    if condition.kind == "compression":
        import av

        facts["libraries"] = {k: list(v) for k, v in av.library_versions.items()}
    return digest(facts)
