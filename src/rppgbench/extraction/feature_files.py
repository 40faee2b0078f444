"""Write the features of a video to files, frame by frame, and read them back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.features import (
    BACKGROUND,
    PAIRS,
    REGIONS,
    WHOLE_FRAME,
    FaceClip,
    FaceTrack,
    Features,
    RegionMoments,
)
from rppgbench.core.waveform import Array
from rppgbench.extraction.array_files import ArrayWriter, read_array
from rppgbench.extraction.background import BackgroundSums
from rppgbench.extraction.compiled_loops import counted_pixels, expect_pixels
from rppgbench.extraction.crops import CropRule, CropView
from rppgbench.extraction.region_sums import PixelSums
from rppgbench.face.detector import intersection_over_union
from rppgbench.face.haar import ToolboxBox
from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import FaceTracker, Landmarks
from rppgbench.system.hashing import digest
from rppgbench.video.stream import Frame

DARKEST_SKIN = 16.0
"""Mean level of the skin, of 255, below which a frame counts as without a face: the pulse changes
the level by less than 0.2 there, which no codec preserves."""

MIN_OVERLAP = 0.15
"""Intersection over union of face and toolbox box below which the box is not on the face; a box
around the face has about 0.4."""

BOX = REGIONS.index("toolbox_box")  # the last region; a frame that is dark has no other
SKIN, WHOLE = REGIONS.index("skin"), REGIONS.index(WHOLE_FRAME)
BEHIND = REGIONS.index(BACKGROUND)

NO_LANDMARKS = np.full((468, 2), np.nan, np.float32)
"""The landmarks of a frame without a face."""

BASE = "base"
FACTS = "facts.json"
Shapes = Mapping[str, tuple[tuple[int, ...], type]]
"""Arrays of one folder by name: shape of a row and dtype."""

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
    """Writes features frame by frame into `folder/base` and into `folder/RULE` for each clip.

    Each folder holds .npy files and, after `finish`, `facts.json` with their checksums. Without
    `base` the face track and the region moments are not written. With `whole_frame` each frame is a
    crop of skin: the only region is the whole frame, and no face is needed.

    Attributes:
        frames: number of frames so far.
        with_face: number of frames with a usable face, or of usable crops.
        dark: number of frames whose face is too dark.
        darkest: lowest mean level of the skin, of 255.
    """

    def __init__(
        self,
        folder: Path,
        rules: Sequence[CropRule],
        base: bool,
        whole_frame: bool = False,
        *,
        expected_frames: int | None = None,
    ) -> None:
        """Create the files.

        Args:
            folder: where the features go.
            rules: crop rules, one face clip each.
            base: whether the face track and the region moments are written.
            whole_frame: whether each frame is a crop of skin.
            expected_frames: number of frames that the video states, or None.
        """
        self._is_whole = whole_frame
        self._expected_frames = expected_frames or 0
        self.frames = self.with_face = self.dark = 0
        self.darkest = 255.0
        self._level_sum = 0.0  # over the frames with a face
        self._is_grey = True  # until a pixel has colour
        self._box_is_on_face: bool | None = None  # on the first frame with a box and a face
        self._croppers = {rule.name: (rule, rule.cropper()) for rule in rules}
        self._sums = PixelSums()
        self._background = BackgroundSums()
        self._box = ToolboxBox()
        self._needs_box = not whole_frame and (
            base or any(rule.needs_toolbox_box for rule in rules)
        )
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
        """Add one frame.

        Args:
            frame: the next frame.
            landmarks: its face (468, 2), or None.

        Returns:
            The landmarks, or None where the face is not usable.
        """
        rgb, counted = frame.rgb, counted_pixels()
        box = self._box.update(self.frames, rgb) if self._needs_box else None
        if self._is_whole:
            sums = self._sums.of_whole_frame(rgb)
        else:
            regions = None if landmarks is None else self._sums.draw(landmarks, *rgb.shape[:2])
            sums = self._sums(rgb, regions, box)
            if regions is not None and BASE in self._files:
                sums[:, BEHIND] = self._background(rgb, regions.box)
        self._is_grey = self._is_grey and not _has_colour(sums)
        usable = self._is_usable(sums)
        if not usable:
            sums[:, :BOX] = 0
            landmarks = None
        self.frames += 1
        self.with_face += usable
        if self._box_is_on_face is None and box is not None and landmarks is not None:
            around = bounding_box(landmarks).astype(np.float64)
            self._box_is_on_face = bool(
                intersection_over_union(around, np.array([box], np.float64))[0] > MIN_OVERLAP
            )
        if BASE in self._files:
            points = NO_LANDMARKS if landmarks is None else landmarks
            row = {
                "times_s": frame.time_s,
                "landmarks": points,
                "box": bounding_box(points),
                "found": usable,
                "count": sums[0],
                "rgb": sums[1:4].T,
                "second": sums[4:].T,
            }
            for name, writer in self._files[BASE].items():
                writer.append(row[name])
        if self._croppers:
            self._add_clips(
                CropView(rgb=rgb, time_s=frame.time_s, landmarks=landmarks, toolbox_box=box)
            )
        if usable and self.with_face == 1:  # the first face tells what each frame costs
            expect_pixels((counted_pixels() - counted) * (self._expected_frames - self.frames))
        return landmarks

    def _add_clips(self, view: CropView) -> None:
        for name, (rule, cropper) in self._croppers.items():
            face = cropper(view)
            self._files[name]["valid"].append(face is not None)
            if face is None:
                face = np.zeros((rule.size, rule.size, 3), np.uint8)
            self._files[name]["frames"].append(face)

    def _is_usable(self, sums: Array) -> bool:
        """Whether the face, or the crop of skin, is in the frame and not too dark."""
        region = WHOLE if self._is_whole else SKIN
        pixels, red, green, blue = sums[:4, region].tolist()
        if not pixels:
            return False
        level = (red + green + blue) / (3 * pixels)
        self.darkest = min(self.darkest, level)
        self.dark += level < DARKEST_SKIN
        self._level_sum += level if level >= DARKEST_SKIN else 0.0
        return bool(level >= DARKEST_SKIN)

    def no_face_reason(self, metadata: Mapping[str, Any]) -> str:
        """Why no frame has a usable face, with the size and rate of the video."""
        size = f"{metadata['width']}x{metadata['height']}"
        video = f"{self.frames} frames ({size}, {metadata['fps']:.3g} fps)"
        if self._is_whole:
            level = f"{DARKEST_SKIN:.0f} of 255"
            return f"too dark: {video} are all under {level}; record it with more light"
        if self.dark:
            return (
                f"too dark: a face is in {self.dark} of {video}, but its skin is at "
                f"{self.darkest:.0f} of 255, under {DARKEST_SKIN:.0f}; record it with more light"
            )
        return f"no face in any of {video}; is one person's face in view, upright and large enough?"

    def metadata(self, cadence: int, tracker: FaceTracker | None) -> dict[str, Any]:
        """Metadata of the face, for the features.

        Args:
            cadence: the face mesh ran on every `cadence`-th frame.
            tracker: the face tracker; None where the faces come from a known track.
        """
        metadata: dict[str, Any] = {
            "cadence": cadence,
            "frames": self.frames,
            "found": self.with_face,
            "dark": self.dark,
            "skin_level": self._level_sum / self.with_face,
            "toolbox_box": self._box.box,
            "toolbox_box_frame": self._box.frame,
        }
        if tracker is not None:
            metadata |= {"looks": asdict(tracker.stats)}
        return metadata

    def warnings(self, tracker: FaceTracker | None) -> Iterator[str]:
        """Warnings for the tables, one line each."""
        missing = self.frames - self.with_face
        if missing and self._is_whole:
            yield f"too dark in {missing} of {self.frames} frames"
        elif missing:
            dark = f" ({self.dark} of them too dark)" if self.dark else ""
            yield f"no face in {missing} of {self.frames} frames{dark}"
        if tracker is not None and tracker.stats.rivals:
            stats = tracker.stats
            yield (
                f"{stats.most_faces} faces in {stats.rivals} of {stats.checks} frames checked; "
                "the largest was followed"
            )
        if self._needs_box and self._box.frame != 0:
            first_frame = (
                "no frame tried" if self._box.frame is None else f"frame {self._box.frame}"
            )
            yield f"Haar detector: no face in frame 0; the toolbox's box begins at {first_frame}"
        if self._is_grey:
            yield "greyscale: its channels are equal, which methods of colour cannot read"
        if self._box_is_on_face is False:
            yield "Haar detector: its largest box, so the toolbox's region, is not on the face"

    def close(self, *, failed: bool = False) -> None:
        """Close the files.

        Args:
            failed: whether something went wrong: what waits to be written is then dropped.
        """
        if failed:
            for arrays in self._files.values():
                for writer in arrays.values():
                    writer.abandon()
        self._stack.close()

    def finish(self, metadata: Mapping[str, Any]) -> None:
        """Close the arrays and write the metadata; the folders are then complete."""
        self.close()
        for part, arrays in self._files.items():
            checksums = {name: writer.sha256 for name, writer in arrays.items()}
            content: dict[str, Any] = {"rows": self.frames, "sha256": checksums}
            if part == BASE:
                content["facts"] = dict(metadata)
            content["digest"] = digest(content)
            text = json.dumps(content, indent=1)
            (self._folder / part / FACTS).write_text(text, encoding="utf-8")


def _has_colour(sums: Array) -> bool:
    """Whether a pixel under the sums (10, R) has colour: the squares of R - G and G - B are not 0.

    The pixel format does not show it: H.264 returns grey as YUV with neutral chroma.

    >>> grey = np.array([1, 5, 5, 5, 25, 25, 25, 25, 25, 25.0])[:, None]  # one pixel: R = G = B = 5
    >>> coloured = grey + np.eye(10)[[4]].T  # RR = 26: R differs from G
    >>> _has_colour(grey), _has_colour(coloured)
    (False, True)
    """
    products = dict(zip(PAIRS, sums[4:], strict=True))
    squared_differences = [
        products[i, i] + products[j, j] - 2 * products[i, j] for i, j in ((0, 1), (1, 2))
    ]
    return bool(np.any(squared_differences))


def read_features(base: Path, clips: Mapping[str, Path]) -> Features:
    """Map stored features.

    Args:
        base: folder of the face track and the region moments.
        clips: folder of each clip, by the name of its crop rule.

    Raises:
        ValueError, KeyError, OSError: a file is damaged or missing.
    """
    content = json.loads((base / FACTS).read_text(encoding="utf-8"))
    arrays = {name: read_array(base / f"{name}.npy") for name in BASE_ARRAYS}
    metadata = content["facts"]
    track = FaceTrack(
        landmarks=arrays["landmarks"],
        box=arrays["box"],
        detected=arrays["found"],
        cadence=metadata["face"]["cadence"],
    )
    moments = RegionMoments(
        names=REGIONS, count=arrays["count"], rgb=arrays["rgb"], second=arrays["second"]
    )
    face_clips = {name: _read_clip(name, folder) for name, folder in clips.items()}
    return Features(
        times_s=arrays["times_s"], track=track, moments=moments, clips=face_clips, metadata=metadata
    )


def _read_clip(rule: str, folder: Path) -> FaceClip:
    content = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    file = folder / "frames.npy"
    return FaceClip(
        rule,
        read_array(file),
        read_array(folder / "valid.npy"),
        file=file,
        sha256=content["sha256"]["frames"],
    )
