"""One pass over a video: everything that any method needs."""

import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from rppgbench.core.features import FaceTrack, Features
from rppgbench.core.recording import VideoSource
from rppgbench.extraction.crops import CropRule, crop_rule
from rppgbench.extraction.feature_files import BASE, FeatureFiles, read_features
from rppgbench.face.smoothing import SmoothedLandmarks
from rppgbench.face.tracking import CADENCE, FaceFollower, FaceTracker, Landmarks
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import Frame, VideoInfo, VideoReader, open_video

Faces = Literal["original", "found"]
"""Whose face track changed frames have: the untouched video's, or one found anew in them."""


class NoFaceError(RecordingError):
    """A video without a usable face: `reason` says why, without the name of the file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class FeatureRequest:
    """What is wanted beside the track and the region moments, which always come."""

    clips: frozenset[str] = frozenset()

    def rules(self) -> tuple[CropRule, ...]:
        """The crop rules, sorted by name; BenchError names one that is not there."""
        return tuple(crop_rule(name) for name in sorted(self.clips))


NOTHING_MORE = FeatureRequest()


class FrameTransform(Protocol):
    """A transformation of the frames on their way in (compression, dimming).

    It is begun with what is known of the video before the pass, then fed a frame at a time. What
    it gives has the times of the frames it was fed, in their order; it may hold some back, and
    leave some out.
    """

    def begin(self, info: VideoInfo) -> None:
        """Get ready; called once."""

    def feed(self, frame: Frame, landmarks: Landmarks | None) -> Iterable[Frame]:
        """Take an untouched frame with its face; give the changed frames that are ready."""

    def end(self) -> Iterable[Frame]:
        """There is no further frame: give those held back."""

    def facts(self) -> Mapping[str, object]:
        """What was measured (bit rate, PSNR), after the end."""

    def close(self) -> None:
        """The pass is over, whatever came of it: let go of what is not memory."""


@dataclass(frozen=True, eq=False)
class OutputSpec:
    """What a pass is to write into `folder`: features of the frames, untouched or changed.

    `base=False` leaves the track and the moments out, for a new clip of a video whose `track` is
    known. `faces` matters to changed frames without a `track` of their own.
    """

    folder: Path
    rules: tuple[CropRule, ...] = ()
    base: bool = True
    change: FrameTransform | None = None
    faces: Faces = "original"
    track: FaceTrack | None = None


def extract(
    source: VideoSource,
    needs: FeatureRequest = NOTHING_MORE,
    *,
    cadence: int = CADENCE,
    track: FaceTrack | None = None,
) -> Features:
    """Decode once; give track, region moments and clips on the frames' own times.

    Everything goes to a temporary folder while the frames go by and is mapped from there, so that
    memory does not grow with the length; the folder lives as long as the features. With `track`,
    the face is where that track says.
    RecordingError: not a video, no usable face in any frame, or a track of another length.
    """
    place = tempfile.TemporaryDirectory(prefix="rppgbench-")
    try:
        folder = Path(place.name)
        rules = needs.rules()
        for fault in extract_all(source, [OutputSpec(folder, rules)], cadence=cadence, track=track):
            if fault is not None:
                raise fault
        features = read_features(folder / BASE, {rule.name: folder / rule.name for rule in rules})
    except BaseException:
        place.cleanup()
        raise
    weakref.finalize(features, place.cleanup)
    return features


def extract_all(
    source: VideoSource,
    outputs: Sequence[OutputSpec],
    *,
    cadence: int = CADENCE,
    track: FaceTrack | None = None,
) -> list[Exception | None]:
    """One pass over the frames into all outputs; what went wrong with each, or None: it is whole.

    The frames go through all outputs in lock step: each output takes a frame before the next one
    is decoded, so what is held is what each change holds back. `track` is that of the untouched
    video, found on the way where it is None; then the first output is of the untouched frames, for
    it says where a face is too dark to be used, and its fault is raised, as is what is wrong with
    the video itself. The fault of another output stops that one alone.
    """
    if track is None and (not outputs or outputs[0].change is not None):
        raise ValueError("without a track the first output is of the untouched frames")
    with open_video(source) as reader:
        placing = _found(cadence) if track is None else _Replay(track, source.path)
        branches = [_Branch(output, source.path, cadence, placing) for output in outputs]
        needed = branches[:1] if track is None else []
        try:
            for branch in branches:
                branch.begin(reader.info)
            for frame in reader:
                _hand_on(placing.feed(frame), branches)
                del frame
                _raise_of(needed)
                if all(branch.fault for branch in branches):
                    break
            else:
                _hand_on(placing.end(), branches)
                for branch in branches:
                    branch.end(reader)
                    _raise_of(needed)
        finally:
            for branch in branches:
                branch.close()
    return [branch.fault for branch in branches]


def _hand_on(
    placed: Iterator[tuple[Frame, Landmarks | None]], branches: Sequence["_Branch"]
) -> None:
    for frame, landmarks in placed:
        usable = landmarks
        for branch in branches:
            usable = branch.take(frame, usable)


def _raise_of(needed: Iterable["_Branch"]) -> None:
    for branch in needed:
        if branch.fault is not None:
            raise branch.fault


def _found(cadence: int) -> SmoothedLandmarks:
    return SmoothedLandmarks(FaceFollower(FaceTracker(), cadence))


class _Replay:
    """The faces of frames whose track is known."""

    def __init__(self, track: FaceTrack, path: Path) -> None:
        self.cadence = track.cadence
        self._track = track
        self._path = path
        self._count = 0

    def feed(self, frame: Frame) -> Iterator[tuple[Frame, Landmarks | None]]:
        number, track = self._count, self._track
        if number >= len(track.found):
            raise RecordingError(f"{self._path}: more frames than the {number} of its face track")
        self._count += 1
        yield frame, np.asarray(track.landmarks[number]) if track.found[number] else None

    def end(self) -> Iterator[tuple[Frame, Landmarks | None]]:
        if self._count != len(self._track.found):
            raise RecordingError(
                f"{self._path}: {self._count} frames, but the face track has "
                f"{len(self._track.found)}; delete its features in the cache"
            )
        return iter(())


class _Branch:
    """An output at work; a `fault` of its own stops it and nobody else."""

    def __init__(
        self, output: OutputSpec, path: Path, cadence: int, untouched: SmoothedLandmarks | _Replay
    ) -> None:
        self.fault: Exception | None = None
        self._output = output
        self._path = path
        self._files: FeatureFiles | None = None
        self._known: dict[float, Landmarks | None] = {}  # in the change: the face, by time
        self._placing: SmoothedLandmarks | _Replay | None = None
        if output.track is not None:
            self._placing = _Replay(output.track, path)
        elif output.change is not None and output.faces == "found":
            self._placing = _found(cadence)
        by = self._placing or untouched
        self._cadence = by.cadence
        # What the finder saw is not told by changes that only share its faces.
        shared = by is untouched and output.change is not None
        self._finder = by.finder if isinstance(by, SmoothedLandmarks) and not shared else None

    def begin(self, info: VideoInfo) -> None:
        try:
            self._files = FeatureFiles(self._output.folder, self._output.rules, self._output.base)
            if self._output.change is not None:
                self._output.change.begin(info)
        except Exception as error:
            self.fault = error

    def take(self, frame: Frame, landmarks: Landmarks | None) -> Landmarks | None:
        """Take an untouched frame with its face; gives the face back, None if it is too dark."""
        change, files = self._output.change, self._files
        if self.fault is not None or files is None:
            return landmarks
        try:
            if change is None:
                if self._placing is None:
                    return files.add(frame, landmarks)
                self._add(self._placing.feed(frame), files)
                return landmarks
            if self._placing is None:
                self._known[frame.time_s] = landmarks
            self._place(change.feed(frame, landmarks), files)
        except Exception as error:
            self.fault = error
        return landmarks

    def _place(self, changed: Iterable[Frame], files: FeatureFiles) -> None:
        for frame in changed:
            if self._placing is not None:
                self._add(self._placing.feed(frame), files)
                continue
            for time_s in [t for t in self._known if t < frame.time_s]:  # left out on the way
                del self._known[time_s]
            files.add(frame, self._known.pop(frame.time_s))

    @staticmethod
    def _add(placed: Iterator[tuple[Frame, Landmarks | None]], files: FeatureFiles) -> None:
        for frame, landmarks in placed:
            files.add(frame, landmarks)

    def end(self, reader: VideoReader) -> None:
        files = self._files
        if self.fault is not None or files is None:
            return
        try:
            facts = reader.facts()
            if self._output.change is not None:
                self._place(self._output.change.end(), files)
                facts["condition"] = dict(self._output.change.facts())
            if self._placing is not None:
                self._add(self._placing.end(), files)
            if not files.found:
                raise NoFaceError(self._path, files.nothing(facts))
            facts["face"] = files.facts(self._cadence, self._finder)
            facts["warnings"] = [*facts["warnings"], *files.warnings(self._finder)]
            files.finish(facts)
        except Exception as error:
            self.fault = error

    def close(self) -> None:
        if self._files is not None:
            self._files.close()
        if self._output.change is not None:
            self._output.change.close()
