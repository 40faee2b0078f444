"""Transform the frames of a recording under a named condition (compression, dimming, noise).

`KINDS` is the registry of conditions. A kind is one function here: its keyword-only parameters are
the parameters that a protocol may set, and the function returns the `Step` that transforms frames.
No other module names a kind, except "none", the original frames.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.protocol import Condition
from rppgbench.extraction.extractor import FaceSource
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.system.hashing import digest

if TYPE_CHECKING:
    from rppgbench.face.tracking import Landmarks
    from rppgbench.video.packet_writer import PacketWriter
    from rppgbench.video.recompression import Codec
    from rppgbench.video.stream import Frame, VideoInfo

Pixels = NDArray[np.uint8]
FACE_SOURCES: tuple[FaceSource, ...] = get_args(FaceSource)
"""The face track of a condition: the track of the original video, or a track found in the
transformed frames. The first isolates the loss of the pulse; the second is what a user gets."""


class Step(Protocol):
    """A transform of the frames of one recording, frame by frame."""

    def feed(self, frame: Frame) -> Iterable[Frame]:
        """Take the next frame and return the frames that are ready."""

    def end(self) -> Iterable[Frame]:
        """Return the delayed frames; called after the last frame."""

    def measurements(self) -> Mapping[str, float | str]:
        """What was measured, by name with unit."""


class ConditionTransform:
    """Applies a condition to one recording in one pass (an `extractor.FrameTransform`).

    `measurements()` gives the bit rate, and the PSNR and SSIM of the face's box against the
    original frames. With a `packet_writer`, the packets of a codec are also stored as a file.
    """

    def __init__(self, condition: Condition, packet_writer: PacketWriter | None = None) -> None:
        from rppgbench.extraction.picture_quality import FaceQuality

        self.condition = condition
        self._packet_writer = packet_writer
        self._quality = FaceQuality()
        self._step: Step | None = None

    def begin(self, info: VideoInfo) -> None:
        """Create the step; BenchError for a value that cannot be used."""
        params = {k: v for k, v in self.condition.params.items() if k != "faces"}
        self._step = KINDS[self.condition.kind](info, **params)
        if isinstance(self._step, _Recompressed):
            self._step.packet_writer = self._packet_writer

    def feed(self, frame: Frame, landmarks: Landmarks | None) -> Iterator[Frame]:
        """Take an original frame and return the transformed frames that are ready.

        Args:
            frame: the next original frame.
            landmarks: its face (468, 2), or None.
        """
        assert self._step is not None
        self._quality.add_original(frame, landmarks)
        transformed = self._step.feed(frame)
        del frame
        yield from self._compare(transformed)

    def end(self) -> Iterator[Frame]:
        """Return the delayed frames; called after the last frame."""
        assert self._step is not None
        yield from self._compare(self._step.end())

    def measurements(self) -> dict[str, float | str]:
        """What was measured, by name with unit."""
        assert self._step is not None
        return {**self._step.measurements(), **self._quality.measurements()}

    def close(self) -> None:
        """Delete a stored video that is not complete."""
        if self._packet_writer is not None:
            self._packet_writer.close()

    def _compare(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self._quality.compare(frame)
            yield frame


class _PerFrame:
    """Transforms each frame by itself with a function from the frame to new pixels."""

    def __init__(self, transform: Callable[[Frame], Pixels]) -> None:
        self._transform = transform

    def feed(self, frame: Frame) -> Iterable[Frame]:
        return (type(frame)(frame.index, frame.time_s, self._transform(frame)),)

    def end(self) -> Iterable[Frame]:
        return ()

    def measurements(self) -> Mapping[str, float | str]:
        return {}


def _none(info: VideoInfo) -> Step:
    """The original frames."""
    return _PerFrame(lambda frame: frame.rgb)


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
    """Encode and decode the frames, as `ffmpeg -i in -c:v CODEC -crf N out` does.

    `crf`, `qp` or `quantiser` (qmin = qmax, for codecs of the MPEG-4 and JPEG families) set the
    strength; without them the codec's default holds. `preset` and `tune` are options of x264 and
    x265, `speed` is libvpx's cpu-used. `gop` is the largest distance of key frames, in frames.
    """
    options = {"g": str(gop)}
    numbers = {"crf": crf, "qp": qp, "qmin": quantiser, "qmax": quantiser, "cpu-used": speed}
    options |= {name: f"{value:g}" for name, value in numbers.items() if value >= 0}
    options |= {name: v for name, v in (("preset", preset), ("tune", tune)) if v}
    return _Recompressed(info, codec, pixel_format, options)


class _Recompressed:
    """Encodes and decodes; the codec is opened when the size of the frames is known."""

    def __init__(
        self, info: VideoInfo, codec: str, pixel_format: str, options: Mapping[str, str]
    ) -> None:
        self._info = info
        self._declared = (codec, pixel_format, options)
        self._codec: Codec | None = None
        self.packet_writer: PacketWriter | None = None

    def feed(self, frame: Frame) -> Iterator[Frame]:
        if self._codec is None:
            from rppgbench.video.encoding import Encoding
            from rppgbench.video.recompression import Codec

            codec, pixel_format, options = self._declared
            size = (frame.rgb.shape[1], frame.rgb.shape[0])
            encoding = Encoding(
                location="condition compression",
                codec=codec,
                pixel_format=pixel_format,
                size=size,
                options=options,
                scaling="ffmpeg",
            )
            self._codec = Codec(encoding, self._info.fps, self.packet_writer)
        decoded = self._codec.feed(frame)
        del frame
        yield from decoded

    def end(self) -> Iterable[Frame]:
        return () if self._codec is None else self._codec.end()

    def measurements(self) -> Mapping[str, float | str]:
        if self._codec is None:
            return {}
        codec, pixel_format, _ = self._declared
        chain = (
            f"{self._info.codec} {self._info.pixel_format}",
            "rgb24",
            f"{codec} {pixel_format}",
            "rgb24",
        )
        measurements: dict[str, float | str] = {
            "bit_rate_kbps": self._codec.bit_rate / 1000,
            "pixels": " > ".join(chain),
        }
        return measurements | ({"encoder": self._codec.encoder} if self._codec.encoder else {})


def _frame_rate(info: VideoInfo, *, fps_out: float) -> Step:
    """Keep the first frame at or after each tick of a slower clock, with its original time."""
    if fps_out <= 0:
        raise BenchError(f"condition frame_rate: fps_out is {fps_out}; it must be over 0")
    return _SlowerClock(fps_out)


class _SlowerClock:
    def __init__(self, fps_out: float) -> None:
        self._fps_out = fps_out
        self._due_s: float | None = None
        self._count = 0

    def feed(self, frame: Frame) -> Iterable[Frame]:
        # The tolerance is a twentieth of a tick: containers round timestamps to their clock.
        due_s = frame.time_s if self._due_s is None else self._due_s
        if frame.time_s < due_s - 0.05 / self._fps_out:
            return ()
        self._due_s = due_s + 1 / self._fps_out
        if self._due_s < frame.time_s:  # the source is slower than the clock: restart it
            self._due_s = frame.time_s + 1 / self._fps_out
        self._count += 1
        return (type(frame)(self._count - 1, frame.time_s, frame.rgb),)

    def end(self) -> Iterable[Frame]:
        return ()

    def measurements(self) -> Mapping[str, float | str]:
        return {}


def _resolution(info: VideoInfo, *, scale: float) -> Step:
    """Shrink by area averaging and enlarge to the original size, as a scaled upload is shown."""
    import cv2

    if not 0 < scale <= 1:
        raise BenchError(f"condition resolution: scale is {scale}; it lies over 0 and up to 1")

    def rescale(frame: Frame) -> Pixels:
        height, width = frame.rgb.shape[:2]
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        shrunk = cv2.resize(frame.rgb, small, interpolation=cv2.INTER_AREA)
        enlarged = cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)
        return enlarged.astype(np.uint8, copy=False)

    return _PerFrame(rescale)


def _brightness(info: VideoInfo, *, gain: float) -> Step:
    """Multiply linear light (gamma 2.2) by `gain` and round to 8 bits."""
    import cv2

    if gain <= 0:
        raise BenchError(f"condition brightness: gain is {gain}; it must be over 0")
    levels = 255 * np.clip((np.arange(256) / 255) ** 2.2 * gain, 0, 1) ** (1 / 2.2)
    table = np.round(levels).astype(np.uint8)
    return _PerFrame(lambda frame: cv2.LUT(frame.rgb, table).astype(np.uint8, copy=False))


def _noise(info: VideoInfo, *, std: float, seed: int = 0) -> Step:
    """Add independent Gaussian noise to every value, in levels of 255, reproducible by seed."""
    if std < 0:
        raise BenchError(f"condition noise: std is {std}; it cannot be under 0")

    def add_noise(frame: Frame) -> Pixels:
        random = np.random.default_rng([seed, frame.index])
        noise = random.standard_normal(frame.rgb.shape, dtype=np.float32)
        noise *= np.float32(std)
        noise += frame.rgb
        np.clip(np.rint(noise, out=noise), 0, 255, out=noise)
        return noise.astype(np.uint8)

    return _PerFrame(add_noise)


Kind = Callable[..., Step]
KINDS: Mapping[str, Kind] = {
    "none": _none,
    "compression": _compression,
    "frame_rate": _frame_rate,
    "resolution": _resolution,
    "brightness": _brightness,
    "noise": _noise,
}


def check_condition(condition: Condition, location: str) -> None:
    """Check a declared condition against its kind.

    Args:
        condition: the condition.
        location: file that declares the condition, for messages.

    Raises:
        BenchError: an unknown kind or parameter, a missing parameter, or an unknown face track.
    """
    name = f"{location}: condition {condition.name!r}"
    if condition.kind not in KINDS:
        raise unknown_name("kind of condition", condition.kind, KINDS, name)
    keyword = inspect.Parameter.KEYWORD_ONLY
    declared = [
        p for p in inspect.signature(KINDS[condition.kind]).parameters.values() if p.kind is keyword
    ]
    names = {p.name for p in declared} | {"faces"}
    for param in condition.params:
        if param not in names:
            raise unknown_name("parameter", param, names, name)
    missing = [p.name for p in declared if p.default is p.empty and p.name not in condition.params]
    if missing:
        raise BenchError(f"{name}: missing {', '.join(missing)}")
    if condition.params.get("faces", FACE_SOURCES[0]) not in FACE_SOURCES:
        raise unknown_name("value of faces", str(condition.params["faces"]), FACE_SOURCES, name)


def face_source(condition: Condition) -> FaceSource:
    """The face track that the condition uses."""
    return "found" if condition.params.get("faces", FACE_SOURCES[0]) == "found" else "original"


def keeps_video(condition: Condition) -> bool:
    """Whether the transformed video can be stored, which takes a codec."""
    return condition.kind == "compression"


def condition_digest(condition: Condition) -> str:
    """Digest of kind, parameters and, for a codec, its libraries; empty for the original frames."""
    if condition.kind == "none":
        return ""
    settings: dict[str, Any] = {"kind": condition.kind, "params": condition.params}
    if condition.kind == "compression":
        import av

        settings["libraries"] = {k: list(v) for k, v in av.library_versions.items()}
    return digest(settings)
