"""The files that a pass over a video fills with features."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.features import PAIRS, REGIONS, FaceClip, FaceTrack, Features, RegionMoments
from rppgbench.core.waveform import Array
from rppgbench.extraction.array_files import ArrayWriter, read_array
from rppgbench.extraction.crops import CropRule, CropView
from rppgbench.extraction.region_sums import PixelSums
from rppgbench.extraction.regions import draw
from rppgbench.face.detector import overlap
from rppgbench.face.haar import ToolboxBox
from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import FaceTracker, Landmarks
from rppgbench.system.hashing import digest
from rppgbench.video.stream import Frame

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


def clip_arrays(rule: CropRule) -> Shapes:
    """The arrays of a clip's folder."""
    return {"frames": ((rule.size, rule.size, 3), np.uint8), "valid": ((), np.bool_)}


class FeatureFiles:
    """Fills the folders `folder/base` and `folder/RULE`, one a clip, a frame at a time.

    Each holds .npy files and, after `finish`, `facts.json` with their checksums. Without `base`
    the track and the moments are left out: for a new clip of a video whose track is known.
    `frames` and `found` count the frames and those with a usable face.
    """

    def __init__(self, folder: Path, rules: Sequence[CropRule], base: bool) -> None:
        self.frames = self.found = self.dark = 0
        self.darkest = 255.0
        self._level = 0.0  # sum over the frames with a face
        self._grey = True  # until a pixel has colour
        self._on_face: bool | None = None  # the toolbox's box, where both were first seen
        self._croppers = {rule.name: (rule, rule.cropper()) for rule in rules}
        self._sums = PixelSums()
        self._box = ToolboxBox()
        self._wants_box = base or any(rule.needs_toolbox_box for rule in rules)
        self._files: dict[str, dict[str, ArrayWriter]] = {}
        self._stack = ExitStack()
        shapes = {BASE: BASE_ARRAYS} if base else {}
        shapes |= {rule.name: clip_arrays(rule) for rule in rules}
        for part, arrays in shapes.items():
            (folder / part).mkdir(parents=True)
            self._files[part] = {
                name: self._stack.enter_context(ArrayWriter(folder / part / f"{name}.npy", *shape))
                for name, shape in arrays.items()
            }
        self._folder = folder

    def add(self, frame: Frame, landmarks: Landmarks | None) -> Landmarks | None:
        """Take one frame with its face; gives the face back, or None where it is not usable."""
        rgb = frame.rgb
        box = self._box.at(self.frames, rgb) if self._wants_box else None
        regions = None if landmarks is None else draw(landmarks, rgb.shape[0], rgb.shape[1])
        sums = self._sums(rgb, regions, box)
        self._grey = self._grey and not _colour(sums)
        if not self._usable(sums):
            sums[:, :BOX] = 0
            landmarks = None
        self.frames += 1
        self.found += landmarks is not None
        if self._on_face is None and box is not None and landmarks is not None:
            around = bounding_box(landmarks).astype(np.float64)
            self._on_face = bool(overlap(around, np.array([box], np.float64))[0] > MIN_OVERLAP)
        if BASE in self._files:
            blank = np.full((468, 2), np.nan, np.float32)
            points = blank if landmarks is None else landmarks
            row = {
                "times_s": frame.time_s,
                "landmarks": points,
                "box": bounding_box(points),
                "found": landmarks is not None,
                "count": sums[0],
                "rgb": sums[1:4].T,
                "second": sums[4:].T,
            }
            for name, writer in self._files[BASE].items():
                writer.append(row[name])
        sight = CropView(rgb, frame.time_s, landmarks, box)
        for name, (rule, cropper) in self._croppers.items():
            face = cropper(sight)
            self._files[name]["valid"].append(face is not None)
            if face is None:
                face = np.zeros((rule.size, rule.size, 3), np.uint8)
            self._files[name]["frames"].append(face)
        return landmarks

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

    def facts(self, cadence: int, finder: FaceTracker | None) -> dict[str, Any]:
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

    def warnings(self, finder: FaceTracker | None) -> Iterator[str]:
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
        if self._grey:
            yield "greyscale: its channels are equal, which methods of colour cannot read"
        if self._on_face is False:
            yield "Haar detector: its largest box, so the toolbox's region, is not on the face"

    def close(self) -> None:
        """Let the files go, whole or not."""
        self._stack.close()

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Close the arrays and write the facts: now the folders are whole."""
        self.close()
        for part, arrays in self._files.items():
            checksums = {name: writer.sha256 for name, writer in arrays.items()}
            content: dict[str, Any] = {"rows": self.frames, "sha256": checksums}
            if part == BASE:
                content["facts"] = dict(facts)
            content["digest"] = digest(content)
            text = json.dumps(content, indent=1)
            (self._folder / part / FACTS).write_text(text, encoding="utf-8")


def _colour(sums: Array) -> bool:
    """Whether a pixel under the sums (10, R) has colour: the squares of R - G and G - B add up.

    The pixel format does not tell: H.264 gives grey back as YUV whose chroma says nothing.

    >>> one_pixel = np.array([1, 5, 5, 5, 25, 25, 25, 25, 25, 25.0])[:, None]  # R = G = B = 5
    >>> _colour(one_pixel), _colour(one_pixel + np.eye(10)[[4]].T)  # RR = 26: some R is not G
    (False, True)
    """
    products = dict(zip(PAIRS, sums[4:], strict=True))
    apart = [products[i, i] + products[j, j] - 2 * products[i, j] for i, j in ((0, 1), (1, 2))]
    return bool(np.any(apart))


def read_features(base: Path, clips: Mapping[str, Path]) -> Features:
    """Map what `record` wrote; ValueError, KeyError or OSError if it is not whole."""
    content = json.loads((base / FACTS).read_text(encoding="utf-8"))
    arrays = {name: read_array(base / f"{name}.npy") for name in BASE_ARRAYS}
    facts = content["facts"]
    track = FaceTrack(
        landmarks=arrays["landmarks"],
        box=arrays["box"],
        found=arrays["found"],
        cadence=facts["face"]["cadence"],
    )
    moments = RegionMoments(
        names=REGIONS, count=arrays["count"], rgb=arrays["rgb"], second=arrays["second"]
    )
    found = {
        name: FaceClip(name, read_array(folder / "frames.npy"), read_array(folder / "valid.npy"))
        for name, folder in clips.items()
    }
    return Features(
        times_s=arrays["times_s"], track=track, moments=moments, clips=found, facts=facts
    )
