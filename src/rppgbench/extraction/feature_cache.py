"""Cache the features of videos on disk, by the content of the video and the extractor's code.

An entry is a folder `features/AB/DIGEST`: the folder `base` (face track and region moments) and one
folder for each clip. Each of these folders is renamed into place when it is complete, so processes
that extract the same entry at once do not damage it: the first folder stays. That a video has no
face is also cached.
"""

import errno
import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rppgbench.core.features import FaceTrack, Features
from rppgbench.core.recording import VideoSource
from rppgbench.digests.closures import condition_code, extractor_code
from rppgbench.digests.code_digest import Sources
from rppgbench.extraction import resampled_clips
from rppgbench.extraction.array_files import read_array, stored_sha256
from rppgbench.extraction.content_digest import content_digest
from rppgbench.extraction.crops import CropRule
from rppgbench.extraction.extractor import (
    BASE_FEATURES,
    FaceSource,
    FeatureRequest,
    FrameTransform,
    NoFaceError,
    OutputSpec,
    extract_all,
)
from rppgbench.extraction.feature_files import (
    BASE,
    BASE_ARRAYS,
    FACTS,
    Shapes,
    clip_arrays,
    read_features,
)
from rppgbench.extraction.verified_files import is_verified, note_verified
from rppgbench.face.face_models import MODELS
from rppgbench.face.tracking import CADENCE
from rppgbench.system.atomic_files import atomic_dir, move_into_place, remove_stale
from rppgbench.system.cache_use import mark_used
from rppgbench.system.errors import MachineError
from rppgbench.system.file_digest import read_note, write_note
from rppgbench.system.hashing import digest

FEATURES, SIMULATED = "features", "simulated"
"""The folders of the cache that hold features and simulated data sets."""

NO_FACE = "no_face.txt"
NO_SPACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True, eq=False, kw_only=True)
class NamedTransform:
    """A transform of the frames with the name that enters the digest of its features.

    Attributes:
        name: name that covers kind and parameters.
        create: creates the transform for one pass.
        faces: face track of the transformed frames.
        always_run: run the pass even if all features are cached, for the files that the transform
            writes besides features.
    """

    name: str
    create: Callable[[], FrameTransform]
    faces: FaceSource = "original"
    always_run: bool = False


class CorruptEntryWarning(UserWarning):
    """A damaged entry of the cache was deleted; its features are extracted again."""


def feature_digest(
    source: VideoSource,
    request: FeatureRequest = BASE_FEATURES,
    *,
    cadence: int = CADENCE,
    transform: NamedTransform | None = None,
    cache: Path | None = None,
) -> str:
    """Digest of everything that can change the features: content, code, parameters.

    Args:
        source: the video.
        request: the clips besides the face track and the region moments.
        cadence: the face mesh runs on every `cadence`-th frame.
        transform: transform of the frames; None for the original frames.
        cache: folder that stores the checksums of files, or None.

    Returns:
        Sixteen hex digits.
    """
    base = _base_digest(source, cadence, transform, request.whole_frame, cache)
    return digest({"base": base, "clips": [rule.name for rule in request.rules()]})


def _base_digest(
    source: VideoSource,
    cadence: int,
    transform: NamedTransform | None,
    whole_frame: bool,
    cache: Path | None,
) -> str:
    return digest(
        {
            "source": content_digest(source, cache),
            "extractor": _extractor_digest(),
            "models": dict(MODELS),
            "cadence": cadence,
            "whole_frame": whole_frame,
            "change": None if transform is None else transform_digest(transform),
        }
    )


@cache
def _extractor_digest() -> str:
    """Digest of the extractor's code, computed once: a process keeps the code that it loaded."""
    return extractor_code(Sources()).digest


def transform_digest(transform: NamedTransform) -> str:
    """Digest of what a transform does: its kind and parameters, its faces, and the code."""
    return digest([transform.name, transform.faces, _condition_digest()])


@cache
def _condition_digest() -> str:
    """Digest of the code that changes frames, computed once, as that of the extractor."""
    return condition_code(Sources()).digest


def cached_features(
    source: VideoSource,
    request: FeatureRequest,
    cache: Path,
    *,
    cadence: int = CADENCE,
    verify_clips: bool = True,
) -> Features:
    """Read the features of the original video from the cache, or extract and cache them.

    One pass extracts the features that are missing; a new clip of a known video reuses the face
    track. Every array is verified against its sha256; a damaged part is named in a
    `CorruptEntryWarning`, deleted and extracted again.

    Args:
        source: the video.
        request: the clips besides the face track and the region moments.
        cache: folder of the cache.
        cadence: the face mesh runs on every `cadence`-th frame.
        verify_clips: whether the frames of clips are verified as well.

    Raises:
        RecordingError: the video cannot be used, see `extractor.extract`.
        MachineError: the cache cannot be written, or the video changed during the pass.
        BenchError: no such crop rule.
    """
    (features,) = transformed_features(
        source, request, cache, [None], cadence=cadence, verify_clips=verify_clips
    )
    if isinstance(features, Exception):
        raise features
    return features


def base_entry(source: VideoSource, cache: Path) -> tuple[str, Path]:
    """Digest and folder of the face track and region moments of an original video.

    The folder is there if a pass over the video was made; no frame is decoded.

    Args:
        source: the video.
        cache: folder of the cache.

    Raises:
        RecordingError: the file does not exist or cannot be read.
    """
    key = _base_digest(source, CADENCE, None, False, cache)
    return key, cache / FEATURES / key[:2] / key / BASE


def transformed_features(
    source: VideoSource,
    request: FeatureRequest,
    cache: Path,
    transforms: Sequence[NamedTransform | None],
    *,
    cadence: int = CADENCE,
    verify_clips: bool = True,
    trust_notes: bool = False,
    dataset: str = "",
) -> list[Features | Exception]:
    """Read or extract the features of a video under several transforms, in one pass.

    The face track of the original video is always cached, because the transforms use it.

    Args:
        source: the video.
        request: the clips besides the face track and the region moments.
        cache: folder of the cache.
        transforms: transforms of the frames; None for the original frames.
        cadence: the face mesh runs on every `cadence`-th frame.
        verify_clips: whether the frames of clips are verified as well.
        trust_notes: whether a folder that was verified before, and whose files have not changed
            since, counts as verified: see `verified_files`.
        dataset: name of the data set that the video belongs to, for `bench cache`.

    Returns:
        For each transform its features, or the fault that concerns this transform alone.

    Raises:
        RecordingError, MachineError, BenchError: as `cached_features`, for the original video.
    """
    rules = request.rules()
    entries = [
        _Entry(
            source,
            cache,
            cadence=cadence,
            transform=transform,
            rules=rules if transform in transforms else (),
            whole_frame=request.whole_frame,
            verify_clips=verify_clips,
            trust_notes=trust_notes,
            dataset=dataset,
        )
        for transform in dict.fromkeys([None, *transforms])
    ]
    incomplete = [entry for entry in entries if entry.needs_pass]
    faults: dict[NamedTransform | None, Exception] = {
        entry.transform: NoFaceError(source.path, entry.no_face)
        for entry in entries
        if entry.no_face
    }
    if incomplete:
        faults |= _extract_missing(source, incomplete, entries[0], cadence)
    by_transform = {entry.transform: entry for entry in entries}
    return [faults.get(name) or by_transform[name].features(rules) for name in transforms]


@contextmanager
def clean_cache(cache: Path) -> Iterator[None]:
    """Delete the incomplete folders of killed processes in a cache, before and after."""
    _remove_stale(cache)
    try:
        yield
    finally:
        _remove_stale(cache)


def _remove_stale(cache: Path) -> None:
    groups = [cache / name for name in (FEATURES, resampled_clips.FOLDER)]
    for folder in (cache / SIMULATED, *(part for group in groups for part in group.glob("*"))):
        remove_stale(folder)


class _Entry:
    """One entry of the cache and the parts that it lacks.

    Raises NoFaceError where the cache states that the original video has no face.
    """

    def __init__(
        self,
        source: VideoSource,
        cache: Path,
        *,
        cadence: int,
        transform: NamedTransform | None,
        rules: Sequence[CropRule],
        whole_frame: bool,
        verify_clips: bool,
        trust_notes: bool,
        dataset: str,
    ) -> None:
        key = _base_digest(source, cadence, transform, whole_frame, cache)
        mark_used(cache, dataset, FEATURES, key)
        self.transform, self.whole_frame = transform, whole_frame
        self.folder = cache / FEATURES / key[:2] / key
        self.no_face = read_note(self.folder / NO_FACE)
        self.missing_rules: list[CropRule] = []
        self.lacks_base = False
        if self.no_face:
            if transform is None:
                raise NoFaceError(source.path, self.no_face)
            return
        notes = cache if trust_notes else None
        self.lacks_base = not _is_intact(self.folder / BASE, BASE_ARRAYS, True, notes)
        self.missing_rules = [
            rule
            for rule in rules
            if not _is_intact(self.folder / rule.name, clip_arrays(rule), verify_clips, notes)
        ]

    @property
    def needs_pass(self) -> bool:
        always = self.transform is not None and self.transform.always_run and not self.no_face
        return self.lacks_base or bool(self.missing_rules) or always

    def track(self) -> FaceTrack | None:
        """The cached face track, or None."""
        return None if self.lacks_base else read_features(self.folder / BASE, {}).track

    def features(self, rules: Sequence[CropRule]) -> Features:
        return read_features(
            self.folder / BASE, {rule.name: self.folder / rule.name for rule in rules}
        )

    def output(self, work: Path) -> OutputSpec:
        """What the pass writes into a temporary folder beside the entry."""
        rules = tuple(self.missing_rules)
        if self.transform is None:
            return OutputSpec(folder=work, rules=rules, base=self.lacks_base)
        return OutputSpec(
            folder=work,
            rules=rules,
            base=self.lacks_base,
            transform=self.transform.create(),
            faces=self.transform.faces,
            track=self.track(),
        )

    def put(self, work: Path) -> None:
        """Rename the extracted parts into place."""
        if self.lacks_base:
            _move(work / BASE, self.folder / BASE)
        for rule in self.missing_rules:
            _move(work / rule.name, self.folder / rule.name)


def _extract_missing(
    source: VideoSource, entries: Sequence[_Entry], original: _Entry, cadence: int
) -> dict[NamedTransform | None, Exception]:
    """Run one pass into temporary folders beside the entries, then rename; return the faults."""
    faults: dict[NamedTransform | None, Exception] = {}
    content = content_digest(source)
    with ExitStack() as stack:
        works = []
        for entry in entries:
            try:
                works.append(stack.enter_context(atomic_dir(entry.folder)))
                entry.folder.mkdir(parents=True, exist_ok=True)
            except OSError as fault:
                raise MachineError(
                    f"{entry.folder}: the cache cannot be written: {fault.strerror}; choose "
                    "another folder"
                ) from fault
        outputs = [entry.output(work) for entry, work in zip(entries, works, strict=True)]
        try:
            results = extract_all(
                source,
                outputs,
                cadence=cadence,
                track=original.track(),
                whole_frame=original.whole_frame,
            )
        except Exception as fault:
            classified = _classify_fault(fault, entries[0], works[0])
            if classified is fault:
                raise
            raise classified from fault
        if content_digest(source) != content:
            raise MachineError(f"{source.path}: changed while it was read; run this again")
        for entry, work, fault_or_none in zip(entries, works, results, strict=True):
            if fault_or_none is None:
                entry.put(work)
            else:
                faults[entry.transform] = _classify_fault(fault_or_none, entry, work)
    return faults


def _classify_fault(fault: Exception, entry: _Entry, work: Path) -> Exception:
    """Tell faults of the disk from faults of the recording; cache that there is no face."""
    if isinstance(fault, NoFaceError):
        write_note(entry.folder / NO_FACE, fault.reason)
    if isinstance(fault, OSError):
        is_in_cache = str(fault.filename or "").startswith(str(work))
        if is_in_cache or fault.errno in NO_SPACE_ERRORS:
            return MachineError(
                f"{entry.folder}: the cache cannot be written: {fault.strerror}; make room or "
                "choose another folder"
            )
    return fault


def _move(extracted: Path, target: Path) -> None:
    """Rename a complete folder; if another process was first, its equal folder stays."""
    try:
        move_into_place(extracted, target)
    except OSError:
        if not (target / FACTS).is_file():
            raise


def _is_intact(folder: Path, arrays: Shapes, verify: bool, notes: Path | None) -> bool:
    """Whether a part of an entry exists undamaged; a damaged part is deleted with a warning.

    With `notes`, the folder of the cache, a part that was verified before is not read again.
    """
    if not folder.is_dir():
        return False
    if notes is not None and is_verified(folder, notes):
        return True
    fault = _find_damage(folder, arrays, verify)
    if not fault:
        if notes is not None and verify:
            note_verified(folder, notes)
        return True
    warnings.warn(f"{folder}: {fault}; deleted, extracted again", CorruptEntryWarning, stacklevel=3)
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _find_damage(folder: Path, arrays: Shapes, verify: bool) -> str:
    """Describe the damage of a part of an entry; empty if there is none."""
    try:
        content: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if content.pop("digest") != digest(content):
            return f"{FACTS} does not agree with its checksum"
        rows, checksums = content["rows"], content["sha256"]
        for name, (shape, dtype) in arrays.items():
            file = folder / f"{name}.npy"
            values = read_array(file)
            if values.shape != (rows, *shape) or values.dtype != dtype:
                return f"{name}.npy is {values.dtype} {values.shape}"
            if (verify or name != "frames") and stored_sha256(file) != checksums[name]:
                return f"{name}.npy does not agree with its checksum"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"cannot be read ({error})"
    return ""
