"""One pass over a video: everything that any method needs."""

import json
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.array_files import ArrayWriter, read_array
from rppgbench.crops import CropRule, Sight, crop_rule
from rppgbench.digest import digest
from rppgbench.errors import RecordingError
from rppgbench.face.detector import overlap
from rppgbench.face.haar import ToolboxBox
from rppgbench.face.layout import box_of
from rppgbench.face.track import CADENCE, Finder, Landmarks, follow
from rppgbench.features import REGIONS, FaceClip, FaceTrack, Features, RegionMoments
from rppgbench.recording import VideoSource
from rppgbench.region_sums import PixelSums
from rppgbench.regions import draw
from rppgbench.video import Frame, open_video
from rppgbench.waveform import Array

VERSION = 2
"""Of what this module and those below it do to the pixels: enters the digest of the features."""

DARKEST_SKIN = 16.0
"""Mean level of the skin, of 255, under which a frame counts as without a face: the pulse changes
it by less than 0.2 of a level there, which no codec keeps."""

MIN_OVERLAP = 0.15
"""Intersection over union of face and toolbox box under which the box is off the face: around the
face it is about 0.4."""

BOX = REGIONS.index("toolbox_box")  # the last: what is before it needs a face
SKIN = REGIONS.index("skin")

BASE = "base"
FACTS = "facts.json"
Shapes = Mapping[str, tuple[tuple[int, ...], type]]
"""Arrays of one folder by name: shape of a row, dtype."""

BASE_ARRAYS: Shapes = {
    "times_s": ((), np.float64),
    "landmarks": ((468, 2), np.float32),
    "box": ((4,), np.float32),
    "found": ((), np.bool_),
    "count": ((len(REGIONS),), np.float64),
    "rgb": ((len(REGIONS), 3), np.float64),
    "second": ((len(REGIONS), 6), np.float64),
}

Condition = Callable[[Iterator[Frame]], Iterator[Frame]]
"""A transformation of the frames (compression, dimming) on their way in."""


class NoFaceError(RecordingError):
    """A video without a usable face: `reason` says why, without the name of the file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Needs:
    """What is wanted beside the track and the region moments, which always come."""

    clips: frozenset[str] = frozenset()

    def rules(self) -> tuple[CropRule, ...]:
        """The crop rules, sorted by name; BenchError names one that is not there."""
        return tuple(crop_rule(name) for name in sorted(self.clips))


NOTHING_MORE = Needs()


def extract(
    source: VideoSource,
    needs: Needs = NOTHING_MORE,
    *,
    cadence: int = CADENCE,
    condition: Condition | None = None,
    track: FaceTrack | None = None,
) -> Features:
    """Decode once; give track, region moments and clips on the frames' own times.

    Everything goes to a temporary folder while the frames go by and is mapped from there, so that
    memory does not grow with the length; the folder lives as long as the features. With `track`,
    the face is where that track says (that of the untouched video, for a `condition`).
    RecordingError: not a video, no usable face in any frame, or a track of another length.
    """
    place = tempfile.TemporaryDirectory(prefix="rppgbench-")
    try:
        folder = Path(place.name)
        rules = needs.rules()
        record(source, rules, folder, cadence=cadence, condition=condition, track=track)
        features = read_features(folder / BASE, {rule.name: folder / rule.name for rule in rules})
    except BaseException:
        place.cleanup()
        raise
    weakref.finalize(features, place.cleanup)
    return features


def record(
    source: VideoSource,
    rules: Sequence[CropRule],
    folder: Path,
    *,
    cadence: int = CADENCE,
    condition: Condition | None = None,
    track: FaceTrack | None = None,
    base: bool = True,
) -> None:
    """One pass over the frames into the folders `folder/base` and `folder/RULE`, one a clip.

    Each holds .npy files and `facts.json` with their checksums. `base=False` leaves the track and
    the moments out: for a new clip of a video whose track is known.
    """
    finder = Finder() if track is None else None
    with ExitStack() as stack:
        reader = stack.enter_context(open_video(source))
        writers = _Writers(stack, folder, rules, base)
        frames: Iterator[Frame] = iter(reader)
        if condition is not None:
            frames = condition(frames)
        if finder is not None:
            placed = follow(frames, finder, cadence)
        else:
            assert track is not None
            placed = _replay(frames, track, str(source.path))
        for frame, landmarks in placed:
            writers.add(frame, landmarks)
        facts = reader.facts() | _measured(condition)
    if track is not None and writers.frames != len(track.found):
        raise RecordingError(
            f"{source.path}: {writers.frames} frames, but the face track has {len(track.found)}; "
            "delete its features in the cache"
        )
    if not writers.found:
        raise NoFaceError(source.path, writers.nothing(facts))
    facts["face"] = writers.facts(cadence if track is None else track.cadence, finder)
    facts["warnings"] = [*facts["warnings"], *writers.warnings(finder)]
    writers.finish(facts)


def _measured(condition: Condition | None) -> dict[str, object]:
    """What a condition says of itself after the pass (bit rate, PSNR), where it says anything."""
    facts = getattr(condition, "facts", None)
    return {"condition": facts()} if facts is not None else {}


def _replay(
    frames: Iterator[Frame], track: FaceTrack, name: str
) -> Iterator[tuple[Frame, Landmarks | None]]:
    for number, frame in enumerate(frames):
        if number >= len(track.found):
            raise RecordingError(f"{name}: more frames than the {number} of its face track")
        yield frame, np.asarray(track.landmarks[number]) if track.found[number] else None


def clip_arrays(rule: CropRule) -> Shapes:
    """The arrays of a clip's folder."""
    return {"frames": ((rule.size, rule.size, 3), np.uint8), "valid": ((), np.bool_)}


class _Writers:
    """The files of one pass, and what the frames turned out to hold."""

    def __init__(
        self, stack: ExitStack, folder: Path, rules: Sequence[CropRule], base: bool
    ) -> None:
        self.frames = self.found = self.dark = 0
        self.darkest = 255.0
        self._level = 0.0  # sum over the frames with a face
        self._on_face: bool | None = None  # the toolbox's box, where both were first seen
        self._croppers = {rule.name: (rule, rule.cropper()) for rule in rules}
        self._sums = PixelSums()
        self._box = ToolboxBox()
        self._wants_box = base or any(rule.needs_toolbox_box for rule in rules)
        self._files: dict[str, dict[str, ArrayWriter]] = {}
        shapes = {BASE: BASE_ARRAYS} if base else {}
        shapes |= {rule.name: clip_arrays(rule) for rule in rules}
        for part, arrays in shapes.items():
            (folder / part).mkdir(parents=True)
            self._files[part] = {
                name: stack.enter_context(ArrayWriter(folder / part / f"{name}.npy", *shape))
                for name, shape in arrays.items()
            }
        self._folder = folder

    def add(self, frame: Frame, landmarks: Landmarks | None) -> None:
        """Take one frame with its face."""
        rgb = frame.rgb
        box = self._box.at(self.frames, rgb) if self._wants_box else None
        regions = None if landmarks is None else draw(landmarks, rgb.shape[0], rgb.shape[1])
        sums = self._sums(rgb, regions, box)
        if not self._usable(sums):
            sums[:, :BOX] = 0
            landmarks = None
        self.frames += 1
        self.found += landmarks is not None
        if self._on_face is None and box is not None and landmarks is not None:
            around = box_of(landmarks).astype(np.float64)
            self._on_face = bool(overlap(around, np.array([box], np.float64))[0] > MIN_OVERLAP)
        if BASE in self._files:
            blank = np.full((468, 2), np.nan, np.float32)
            points = blank if landmarks is None else landmarks
            row = {
                "times_s": frame.time_s,
                "landmarks": points,
                "box": box_of(points),
                "found": landmarks is not None,
                "count": sums[0],
                "rgb": sums[1:4].T,
                "second": sums[4:].T,
            }
            for name, writer in self._files[BASE].items():
                writer.append(row[name])
        sight = Sight(rgb, frame.time_s, landmarks, box)
        for name, (rule, cropper) in self._croppers.items():
            face = cropper(sight)
            blank_face = np.zeros((rule.size, rule.size, 3), np.uint8)
            self._files[name]["frames"].append(blank_face if face is None else face)
            self._files[name]["valid"].append(face is not None)

    def _usable(self, sums: Array) -> bool:
        """Whether the face is in the picture and not too dark."""
        pixels = sums[0, SKIN]
        if not pixels:
            return False
        level = float(sums[1:4, SKIN].sum() / (3 * pixels))
        self.darkest = min(self.darkest, level)
        self.dark += level < DARKEST_SKIN
        self._level += level if level >= DARKEST_SKIN else 0.0
        return level >= DARKEST_SKIN

    def nothing(self, facts: Mapping[str, Any]) -> str:
        """Why there are no features, with what is known of the video."""
        video = f"{self.frames} frames ({facts['width']}x{facts['height']}, {facts['fps']:.3g} fps)"
        if self.dark:
            return (
                f"too dark: a face is in {self.dark} of {video}, but its skin is at "
                f"{self.darkest:.0f} of 255, under {DARKEST_SKIN:.0f}; film it with more light"
            )
        return f"no face in any of {video}; is one person's face in view, upright and large enough?"

    def facts(self, cadence: int, finder: Finder | None) -> dict[str, Any]:
        """What the features say of the face."""
        facts: dict[str, Any] = {
            "cadence": cadence,
            "frames": self.frames,
            "found": self.found,
            "dark": self.dark,
            "skin_level": self._level / self.found,
            "toolbox_box": self._box.box,
            "toolbox_box_frame": self._box.frame,
        }
        if finder is not None:
            facts |= {"looks": asdict(finder.looks)}
        return facts

    def warnings(self, finder: Finder | None) -> Iterator[str]:
        """Lines for the table."""
        missing = self.frames - self.found
        if missing:
            dark = f" ({self.dark} of them too dark)" if self.dark else ""
            yield f"no face in {missing} of {self.frames} frames{dark}"
        if finder is not None and finder.looks.rivals:
            looks = finder.looks
            yield (
                f"{looks.most_faces} faces in {looks.rivals} of {looks.checks} frames checked; "
                "the largest was followed"
            )
        if self._wants_box and self._box.frame != 0:
            where = "no frame tried" if self._box.frame is None else f"frame {self._box.frame}"
            yield f"Haar detector: no face in frame 0; the toolbox's box begins at {where}"
        if self._on_face is False:
            yield "Haar detector: its largest box, so the toolbox's region, is not on the face"

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the facts; the arrays were closed before."""
        for part, arrays in self._files.items():
            checksums = {name: writer.sha256 for name, writer in arrays.items()}
            content: dict[str, Any] = {"rows": self.frames, "sha256": checksums}
            if part == BASE:
                content["facts"] = dict(facts)
            content["digest"] = digest(content)
            text = json.dumps(content, indent=1)
            (self._folder / part / FACTS).write_text(text, encoding="utf-8")


def read_features(base: Path, clips: Mapping[str, Path]) -> Features:
    """Map what `record` wrote; ValueError, KeyError or OSError if it is not whole."""
    content = json.loads((base / FACTS).read_text(encoding="utf-8"))
    arrays = {name: read_array(base / f"{name}.npy") for name in BASE_ARRAYS}
    facts = content["facts"]
    track = FaceTrack(arrays["landmarks"], arrays["box"], arrays["found"], facts["face"]["cadence"])
    moments = RegionMoments(REGIONS, arrays["count"], arrays["rgb"], arrays["second"])
    found = {
        name: FaceClip(name, read_array(folder / "frames.npy"), read_array(folder / "valid.npy"))
        for name, folder in clips.items()
    }
    return Features(arrays["times_s"], track, moments, found, facts)
