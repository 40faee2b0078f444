"""Features kept on disk by the content of what they are of."""

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
from rppgbench.digests.closures import extractor_code
from rppgbench.digests.code_digest import Sources
from rppgbench.extraction.array_files import read_array, stored_sha256
from rppgbench.extraction.content_digest import content_digest
from rppgbench.extraction.crops import CropRule
from rppgbench.extraction.extractor import (
    NOTHING_MORE,
    Faces,
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
from rppgbench.face.face_models import MODELS
from rppgbench.face.tracking import CADENCE
from rppgbench.system.atomic_files import atomic_dir, move_into_place, remove_stale
from rppgbench.system.errors import MachineError
from rppgbench.system.file_digest import read_note, write_note
from rppgbench.system.hashing import digest

NO_FACE = "no_face.txt"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True, eq=False)
class NamedTransform:
    """A transformation of the frames with the name that enters the digest, parameters and all.

    `make` gives one for a pass; `faces` says whose faces the changed frames have. With `again` a
    pass is made though all features are there: for what the change leaves beside them.
    """

    name: str
    make: Callable[[], FrameTransform]
    faces: Faces = "original"
    again: bool = False


class CorruptEntryWarning(UserWarning):
    """An entry of the cache was not what was written; it was deleted and is made again."""


def feature_digest(
    source: VideoSource,
    needs: FeatureRequest = NOTHING_MORE,
    *,
    cadence: int = CADENCE,
    change: NamedTransform | None = None,
    cache: Path | None = None,
) -> str:
    """Sixteen hex digits of everything that can change the features: content, code, parameters."""
    base = _base_digest(source, cadence, change, cache)
    return digest({"base": base, "clips": [rule.name for rule in needs.rules()]})


def _base_digest(
    source: VideoSource, cadence: int, change: NamedTransform | None, cache: Path | None
) -> str:
    return digest(
        {
            "source": content_digest(source, cache),
            "extractor": _extractor(),
            "models": dict(MODELS),
            "cadence": cadence,
            "change": None if change is None else [change.name, change.faces],
        }
    )


@cache
def _extractor() -> str:
    """Digest of the code that this process extracts with; a process keeps what it has loaded."""
    return extractor_code(Sources()).digest


def cached_features(
    source: VideoSource,
    needs: FeatureRequest,
    cache: Path,
    *,
    cadence: int = CADENCE,
    verify_clips: bool = True,
) -> Features:
    """The features of the untouched video, from the cache or, in one pass, made and put there.

    An entry is a folder named by a digest (`feature_digest` without the clips); in it lie the
    folder `base` (track and moments) and one for each clip, each renamed into place when it is
    whole. What is there is not made again: a clip asked for later costs one pass that reuses the
    track. Every array is checked against its sha256 when it is read (clips unless `verify_clips`
    is False); what does not agree is named in a `CorruptEntryWarning`, deleted and made again.
    That a video holds no face is kept too: its reason is raised again without a pass.
    Processes that make the same entry at once do not harm each other: the first one's stays.

    RecordingError as `extract`; MachineError where the cache cannot be written; BenchError for an
    unknown rule.
    """
    (made,) = transformed_features(
        source, needs, cache, [None], cadence=cadence, verify_clips=verify_clips
    )
    if isinstance(made, Exception):
        raise made
    return made


def transformed_features(
    source: VideoSource,
    needs: FeatureRequest,
    cache: Path,
    changes: Sequence[NamedTransform | None],
    *,
    cadence: int = CADENCE,
    verify_clips: bool = True,
) -> list[Features | Exception]:
    """As `cached_features`, of frames that are changed in several ways (None: untouched), at once.

    Whatever is missing of all of them is made in one pass over the video; the untouched video's
    track is always kept, for the changes lean on it. In place of the features of a change that
    failed stands its fault, which touches no other; what is wrong with the video is raised.
    """
    rules = needs.rules()
    entries = [
        _Entry(source, cache, cadence, change, rules if change in changes else (), verify_clips)
        for change in dict.fromkeys([None, *changes])
    ]
    missing = [entry for entry in entries if entry.missing]
    faults: dict[NamedTransform | None, Exception] = {
        entry.change: NoFaceError(source.path, entry.no_face) for entry in entries if entry.no_face
    }
    if missing:
        faults |= _make(source, missing, entries[0].track(), cadence)
    by_change = {entry.change: entry for entry in entries}
    return [faults.get(change) or by_change[change].features(rules) for change in changes]


@contextmanager
def cleaned_cache(cache: Path) -> Iterator[None]:
    """Delete what killed processes left half-made in a cache, before and after."""
    _sweep(cache)
    try:
        yield
    finally:
        _sweep(cache)


def _sweep(cache: Path) -> None:
    for folder in (cache / "simulated", *(cache / "features").glob("*")):
        remove_stale(folder)


class _Entry:
    """A folder of the cache, and what is missing in it. NoFaceError if it says so of the video."""

    def __init__(
        self,
        source: VideoSource,
        cache: Path,
        cadence: int,
        change: NamedTransform | None,
        rules: Sequence[CropRule],
        verify_clips: bool,
    ) -> None:
        key = _base_digest(source, cadence, change, cache)
        self.change = change
        self.place = cache / "features" / key[:2] / key
        self.no_face = read_note(self.place / NO_FACE)
        self.rules: list[CropRule] = []
        self.base = False
        if self.no_face:
            if change is None:
                raise NoFaceError(source.path, self.no_face)
            return
        self.base = not _sound(self.place / BASE, BASE_ARRAYS, True)
        self.rules = [
            rule
            for rule in rules
            if not _sound(self.place / rule.name, clip_arrays(rule), verify_clips)
        ]

    @property
    def missing(self) -> bool:
        again = self.change is not None and self.change.again and not self.no_face
        return self.base or bool(self.rules) or again

    def track(self) -> FaceTrack | None:
        """The track that is there."""
        return None if self.base else read_features(self.place / BASE, {}).track

    def features(self, rules: Sequence[CropRule]) -> Features:
        return read_features(
            self.place / BASE, {rule.name: self.place / rule.name for rule in rules}
        )

    def output(self, work: Path) -> OutputSpec:
        """What a pass is to write, into a folder beside the entry."""
        rules = tuple(self.rules)
        if self.change is None:
            return OutputSpec(work, rules, self.base)
        return OutputSpec(
            work, rules, self.base, self.change.make(), self.change.faces, self.track()
        )

    def put(self, work: Path) -> None:
        """Rename every part that was made into its place."""
        if self.base:
            _place(work / BASE, self.place / BASE)
        for rule in self.rules:
            _place(work / rule.name, self.place / rule.name)


def _make(
    source: VideoSource, missing: Sequence[_Entry], track: FaceTrack | None, cadence: int
) -> dict[NamedTransform | None, Exception]:
    """One pass into folders beside the entries, renamed when they are whole; the faults."""
    faults: dict[NamedTransform | None, Exception] = {}
    content = content_digest(source)
    with ExitStack() as stack:
        works = []
        for entry in missing:
            try:
                works.append(stack.enter_context(atomic_dir(entry.place)))
                entry.place.mkdir(parents=True, exist_ok=True)
            except OSError as fault:
                raise MachineError(
                    f"{entry.place}: the cache cannot be written: {fault.strerror}; choose another "
                    "folder"
                ) from fault
        outputs = [entry.output(work) for entry, work in zip(missing, works, strict=True)]
        try:
            found = extract_all(source, outputs, cadence=cadence, track=track)
        except Exception as fault:
            told = _told(fault, missing[0], works[0])
            if told is fault:
                raise
            raise told from fault
        if content_digest(source) != content:
            raise MachineError(f"{source.path}: changed while it was read; run this again")
        for entry, work, wrong in zip(missing, works, found, strict=True):
            if wrong is None:
                entry.put(work)
            else:
                faults[entry.change] = _told(wrong, entry, work)
    return faults


def _told(fault: Exception, entry: _Entry, work: Path) -> Exception:
    """The fault as a user can be told it; that there is no face is kept."""
    if isinstance(fault, NoFaceError):
        write_note(entry.place / NO_FACE, fault.reason)
    if isinstance(fault, OSError):
        ours = str(fault.filename or "").startswith(str(work))
        if ours or fault.errno in NO_ROOM:
            return MachineError(
                f"{entry.place}: the cache cannot be written: {fault.strerror}; make room or "
                "choose another folder"
            )
    return fault


def _place(made: Path, place: Path) -> None:
    """Rename a finished folder; if another process was first, its folder is as good and stays."""
    try:
        move_into_place(made, place)
    except OSError:
        if not (place / FACTS).is_file():
            raise


def _sound(folder: Path, arrays: Shapes, verify: bool) -> bool:
    """Whether a part of an entry is there and whole; a corrupt one is named and deleted."""
    if not folder.is_dir():
        return False
    fault = _fault(folder, arrays, verify)
    if not fault:
        return True
    warnings.warn(f"{folder}: {fault}; deleted, made again", CorruptEntryWarning, stacklevel=3)
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _fault(folder: Path, arrays: Shapes, verify: bool) -> str:
    """What is wrong with a part of an entry; empty if nothing is."""
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
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        return f"cannot be read ({trouble})"
    return ""
