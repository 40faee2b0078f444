"""Extract the features of a video, and of its transformed copies, in one pass over its frames.

Why one pass. Decoding and face detection cost more than all features together, and a protocol asks
for many outputs of one video: several crop rules, and the same frames compressed, dimmed or at a
lower rate. A pass for each output would repeat the expensive part; a decoded copy on disk would
need 20 GB for ten minutes of 640 x 480. So every output takes a frame before the next frame is
decoded.

What is streamed. Frames flow decoder -> face landmarks -> outputs. An output appends one row for
each frame to arrays on disk (`feature_files`). A transform sits between the landmarks and the files
of its output.

What is bounded. Memory does not grow with the length of the video. It holds the frames that the
stages keep back: `cadence` frames of the face tracker, `MAX_DELAYED` frames of the landmark
smoother, and for each transform the frames that its codec looks ahead.

Faults. What is wrong with the video stops the pass; what is wrong with one output stops that output
alone.
"""

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
from rppgbench.face.smoothing import LocatedFrame, SmoothedLandmarks
from rppgbench.face.tracking import CADENCE, FaceFollower, FaceTracker, Landmarks
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import Frame, VideoInfo, VideoReader, open_video

FaceSource = Literal["original", "found"]
"""The face track of transformed frames: the track of the original video, or a track that is found
in the transformed frames."""


class NoFaceError(RecordingError):
    """A video without a usable face: `reason` says why, without the name of the file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class FeatureRequest:
    """The features to extract besides the face track and the region moments.

    Attributes:
        clips: names of crop rules, one face clip each.
        whole_frame: the video is a crop of skin: no face is searched for, and the only region is
            the whole frame. There are no clips then.
    """

    clips: frozenset[str] = frozenset()
    whole_frame: bool = False

    def rules(self) -> tuple[CropRule, ...]:
        """The crop rules, sorted by name; BenchError names a rule that does not exist."""
        return tuple(crop_rule(name) for name in sorted(self.clips))


BASE_FEATURES = FeatureRequest()


class FrameTransform(Protocol):
    """A transform of the frames before their features are extracted (compression, dimming).

    A transform gives frames with the times of the frames that it took, in the same order. A
    transform may delay frames and drop frames.
    """

    def begin(self, info: VideoInfo) -> None:
        """Prepare for a video; called once, before the pass."""

    def feed(self, frame: Frame, landmarks: Landmarks | None) -> Iterable[Frame]:
        """Take an original frame and return the transformed frames that are ready.

        Args:
            frame: the next original frame.
            landmarks: its face (468, 2), or None.
        """

    def end(self) -> Iterable[Frame]:
        """Return the delayed frames; called after the last frame."""

    def measurements(self) -> Mapping[str, object]:
        """What was measured (bit rate, PSNR), after the end."""

    def close(self) -> None:
        """Release files; called after every pass, complete or not."""


@dataclass(frozen=True, eq=False, kw_only=True)
class OutputSpec:
    """The features that a pass writes into one folder.

    Attributes:
        folder: where the features go.
        rules: crop rules, one face clip each.
        base: whether the face track and the region moments are written; False for a new clip of a
            video whose track is known.
        transform: transform of the frames; None for the original frames.
        faces: face track of transformed frames without a `track`.
        track: the known face track of the transformed frames.
    """

    folder: Path
    rules: tuple[CropRule, ...] = ()
    base: bool = True
    transform: FrameTransform | None = None
    faces: FaceSource = "original"
    track: FaceTrack | None = None


def extract(
    source: VideoSource,
    request: FeatureRequest = BASE_FEATURES,
    *,
    cadence: int = CADENCE,
    track: FaceTrack | None = None,
) -> Features:
    """Decode a video once and extract features on the frames' own times.

    The features are mapped from a temporary folder, which is deleted with the features.

    Args:
        source: the video.
        request: the clips to extract besides the face track and the region moments.
        cadence: the face mesh runs on every `cadence`-th frame.
        track: the known face track of the video.

    Raises:
        RecordingError: the file is no video, no frame has a usable face, or the track has another
            length.
    """
    temporary = tempfile.TemporaryDirectory(prefix="rppgbench-")
    try:
        folder = Path(temporary.name)
        rules = request.rules()
        output = OutputSpec(folder=folder, rules=rules)
        faults = extract_all(
            source, [output], cadence=cadence, track=track, whole_frame=request.whole_frame
        )
        for fault in faults:
            if fault is not None:
                raise fault
        features = read_features(folder / BASE, {rule.name: folder / rule.name for rule in rules})
    except BaseException:
        temporary.cleanup()
        raise
    weakref.finalize(features, temporary.cleanup)
    return features


def extract_all(
    source: VideoSource,
    outputs: Sequence[OutputSpec],
    *,
    cadence: int = CADENCE,
    track: FaceTrack | None = None,
    whole_frame: bool = False,
) -> list[Exception | None]:
    """Extract several outputs in one pass over a video; see the module's docstring.

    Without a `track`, the first output must be of the original frames, because that output decides
    where a face is too dark to be used. The fault of this output is raised, like a fault of the
    video.

    Args:
        source: the video.
        outputs: the outputs; each takes a frame before the next frame is decoded.
        cadence: the face mesh runs on every `cadence`-th frame.
        track: the known face track of the original video.
        whole_frame: no face is searched for, and a `track` is not used; see `FeatureRequest`.

    Returns:
        For each output its fault, or None where the output is complete.

    Raises:
        RecordingError: the video cannot be read, has no usable face, or the track has another
            length.
        ValueError: neither a track nor an output of the original frames comes first.
    """
    needs_faces = track is None and not whole_frame
    if needs_faces and (not outputs or outputs[0].transform is not None):
        raise ValueError("without a track the first output is of the original frames")
    with open_video(source) as reader:
        locator: _Locator = _WholeFrames() if whole_frame else _new_locator(cadence)
        if track is not None and not whole_frame:
            locator = _KnownTrack(track, source.path)
        branches = [_Branch(output, source.path, cadence, locator) for output in outputs]
        required = branches[:1] if needs_faces else []
        try:
            for branch in branches:
                branch.begin(reader.info)
            for frame in reader:
                _dispatch(locator.feed(frame), branches)
                del frame
                _raise_fault(required)
                if all(branch.fault for branch in branches):
                    break
            else:
                _dispatch(locator.end(), branches)
                for branch in branches:
                    branch.end(reader)
                    _raise_fault(required)
        finally:
            for branch in branches:
                branch.close()
    return [branch.fault for branch in branches]


def _dispatch(located: Iterator[LocatedFrame], branches: Sequence["_Branch"]) -> None:
    """Give every frame to all branches; the first branch decides whether its face is usable."""
    for frame, landmarks in located:
        usable = landmarks
        for branch in branches:
            usable = branch.take(frame, usable)


def _raise_fault(required: Iterable["_Branch"]) -> None:
    for branch in required:
        if branch.fault is not None:
            raise branch.fault


def _new_locator(cadence: int) -> SmoothedLandmarks:
    return SmoothedLandmarks(FaceFollower(FaceTracker(), cadence))


class _KnownTrack:
    """Gives frames the landmarks of a known face track."""

    def __init__(self, track: FaceTrack, path: Path) -> None:
        self.cadence = track.cadence
        self._track = track
        self._path = path
        self._count = 0

    def feed(self, frame: Frame) -> Iterator[LocatedFrame]:
        index, track = self._count, self._track
        if index >= len(track.detected):
            raise RecordingError(f"{self._path}: more frames than the {index} of its face track")
        self._count += 1
        yield frame, np.asarray(track.landmarks[index]) if track.detected[index] else None

    def end(self) -> Iterator[LocatedFrame]:
        if self._count != len(self._track.detected):
            raise RecordingError(
                f"{self._path}: {self._count} frames, but the face track has "
                f"{len(self._track.detected)}; delete its features in the cache"
            )
        return iter(())


class _WholeFrames:
    """Gives frames without looking for a face."""

    cadence = 1

    def feed(self, frame: Frame) -> Iterator[LocatedFrame]:
        yield frame, None

    def end(self) -> Iterator[LocatedFrame]:
        return iter(())


_Locator = SmoothedLandmarks | _KnownTrack | _WholeFrames


class _Branch:
    """One output during the pass; its `fault` stops this output alone."""

    def __init__(
        self,
        output: OutputSpec,
        path: Path,
        cadence: int,
        original: "_Locator",
    ) -> None:
        self.fault: Exception | None = None
        self._output = output
        self._path = path
        self._files: FeatureFiles | None = None
        # The faces of the frames that the transform delays, by time.
        self._delayed_faces: dict[float, Landmarks | None] = {}
        self._is_whole = isinstance(original, _WholeFrames)
        self._locator: _Locator | None = None
        if output.track is not None and not self._is_whole:
            self._locator = _KnownTrack(output.track, path)
        elif not self._is_whole and output.transform is not None and output.faces == "found":
            self._locator = _new_locator(cadence)
        locator = self._locator or original
        self._cadence = locator.cadence
        # An output that shares the original faces does not repeat the tracker's statistics.
        shares_faces = locator is original and output.transform is not None
        self._tracker: FaceTracker | None = None
        if isinstance(locator, SmoothedLandmarks) and not shares_faces:
            self._tracker = locator.tracker

    def begin(self, info: VideoInfo) -> None:
        try:
            self._files = FeatureFiles(
                self._output.folder,
                self._output.rules,
                self._output.base,
                self._is_whole,
                expected_frames=info.frames,
            )
            if self._output.transform is not None:
                self._output.transform.begin(info)
        except Exception as error:
            self.fault = error

    def take(self, frame: Frame, landmarks: Landmarks | None) -> Landmarks | None:
        """Take an original frame with its face; return the face, or None if it is too dark."""
        transform, files = self._output.transform, self._files
        if self.fault is not None or files is None:
            return landmarks
        try:
            if transform is None:
                if self._locator is None:
                    return files.add(frame, landmarks)
                self._add(self._locator.feed(frame), files)
                return landmarks
            if self._locator is None:
                self._delayed_faces[frame.time_s] = landmarks
            self._locate(transform.feed(frame, landmarks), files)
        except Exception as error:
            self.fault = error
        return landmarks

    def _locate(self, transformed: Iterable[Frame], files: FeatureFiles) -> None:
        """Find the faces of transformed frames: by the locator, else by the frame's time."""
        for frame in transformed:
            if self._locator is not None:
                self._add(self._locator.feed(frame), files)
                continue
            # Faces of earlier frames belong to frames that the transform dropped.
            for time_s in [t for t in self._delayed_faces if t < frame.time_s]:
                del self._delayed_faces[time_s]
            files.add(frame, self._delayed_faces.pop(frame.time_s))

    @staticmethod
    def _add(located: Iterator[LocatedFrame], files: FeatureFiles) -> None:
        for frame, landmarks in located:
            files.add(frame, landmarks)

    def end(self, reader: VideoReader) -> None:
        files = self._files
        if self.fault is not None or files is None:
            return
        try:
            metadata = reader.metadata()
            if self._output.transform is not None:
                self._locate(self._output.transform.end(), files)
                metadata["condition"] = dict(self._output.transform.measurements())
            if self._locator is not None:
                self._add(self._locator.end(), files)
            if not files.with_face:
                raise NoFaceError(self._path, files.no_face_reason(metadata))
            metadata["face"] = files.metadata(self._cadence, self._tracker)
            metadata["warnings"] = [*metadata["warnings"], *files.warnings(self._tracker)]
            files.finish(metadata)
        except Exception as error:
            self.fault = error

    def close(self) -> None:
        if self._files is not None:
            self._files.close(failed=self.fault is not None)
        if self._output.transform is not None:
            self._output.transform.close()
