"""Features kept on disk by the content of what they are of."""

import errno
import hashlib
import json
import os
import shutil
import time
import uuid
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.array_files import array_sha256, read_array
from rppgbench.crops import CropRule
from rppgbench.digest import digest
from rppgbench.errors import BenchError, RecordingError
from rppgbench.extraction import (
    BASE,
    BASE_ARRAYS,
    FACTS,
    NOTHING_MORE,
    VERSION,
    Condition,
    Needs,
    NoFaceError,
    Shapes,
    clip_arrays,
    read_features,
    record,
)
from rppgbench.face.network import MODELS
from rppgbench.face.track import CADENCE
from rppgbench.features import FaceTrack, Features
from rppgbench.recording import VideoSource

NO_FACE = "no_face.txt"
STALE_S = 86400.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

_known: dict[tuple[str, int, int], str] = {}
"""Content digests of this process: (path, size, time of change) -> sha256."""


@dataclass(frozen=True, eq=False)
class NamedCondition:
    """A transformation of the frames with the name that enters the digest, parameters and all."""

    name: str
    apply: Condition


class CorruptEntry(UserWarning):
    """An entry of the cache was not what was written; it was deleted and is made again."""


def content_digest(source: VideoSource, cache: Path | None = None) -> str:
    """Digest of the bytes that a source is made of, and of the times given for its frames.

    A file is read once: its sha256 is kept by path, size and time of change, in this process and
    in `cache`. Images count with their names (not their folder's), in their order. Frames that a
    callable takes out of a file count as that file: it holds one recording.
    """
    try:
        if source.images:
            content: Any = [[file.name, _file_sha256(file, cache)] for file in source.images]
        else:
            content = _file_sha256(source.path, cache)
    except OSError as fault:
        raise RecordingError(f"{fault.filename}: cannot be read: {fault.strerror}") from fault
    times = None if source.times_s is None else array_sha256(np.asarray(source.times_s))
    return digest({"content": content, "times": times, "inner": source.frames is not None})


def _file_sha256(path: Path, cache: Path | None) -> str:
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    if key in _known:
        return _known[key]
    place = hashlib.sha256(repr(key).encode()).hexdigest()
    note = None if cache is None else cache / "digests" / place[:2] / place
    found = _noted(note)
    if found is None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if note is not None:
            _write(note, found)
    _known[key] = found
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _noted(note: Path | None) -> str | None:
    text = "" if note is None else _read(note)
    is_sha256 = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    return text if is_sha256 else None


def _write(path: Path, text: str) -> None:
    """Write a small file whole or not at all; a cache that cannot be written is no fault here."""
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)


def feature_digest(
    source: VideoSource,
    needs: Needs = NOTHING_MORE,
    *,
    cadence: int = CADENCE,
    condition: str = "",
    track: FaceTrack | None = None,
    cache: Path | None = None,
) -> str:
    """Sixteen hex digits of everything that can change the features: content, code, parameters."""
    base = _base_digest(source, cadence, condition, track, cache)
    return digest({"base": base, "clips": [_part(rule) for rule in needs.rules()]})


def _base_digest(
    source: VideoSource,
    cadence: int,
    condition: str,
    track: FaceTrack | None,
    cache: Path | None,
) -> str:
    given = None
    if track is not None:
        given = [array_sha256(np.asarray(a)) for a in (track.landmarks, track.found)]
    return digest(
        {
            "source": content_digest(source, cache),
            "extractor": VERSION,
            "models": dict(MODELS),
            "cadence": cadence if track is None else track.cadence,
            "condition": condition,
            "track": given,
        }
    )


def _part(rule: CropRule) -> str:
    """The folder of a rule's clip within an entry."""
    return f"{rule.name}-v{rule.version}"


def cached_features(
    source: VideoSource,
    needs: Needs,
    cache: Path,
    *,
    cadence: int = CADENCE,
    condition: NamedCondition | None = None,
    track: FaceTrack | None = None,
    verify_clips: bool = True,
) -> Features:
    """The features of a video, from the cache or, in one pass, made and put there.

    An entry is a folder named by a digest (`feature_digest` without the clips); in it lie the
    folder `base` (track and moments) and one for each clip, each renamed into place when it is
    whole. What is there is not made again: a clip asked for later costs one pass that reuses the
    track. Every array is checked against its sha256 when it is read (clips unless `verify_clips`
    is False); what does not agree is named in a `CorruptEntry` warning, deleted and made again.
    That a video holds no face is kept too: its reason is raised again without a pass.
    Processes that make the same entry at once do not harm each other: the first one's stays.

    RecordingError as `extract`; BenchError where the cache cannot be written, or a rule is unknown.
    """
    name = "" if condition is None else condition.name
    key = _base_digest(source, cadence, name, track, cache)
    entry = cache / "features" / key[:2] / key
    rules = needs.rules()
    reason = _read(entry / NO_FACE)
    if reason:
        raise NoFaceError(source.path, reason)
    base_missing = not _sound(entry / BASE, BASE_ARRAYS, True)
    missing = [
        rule for rule in rules if not _sound(entry / _part(rule), clip_arrays(rule), verify_clips)
    ]
    if base_missing or missing:
        known = track
        if not base_missing:
            known = read_features(entry / BASE, {}).track
        _make(source, entry, missing, base_missing, cadence, condition, known)
    return read_features(entry / BASE, {rule.name: entry / _part(rule) for rule in rules})


def _make(
    source: VideoSource,
    entry: Path,
    rules: Iterable[CropRule],
    base: bool,
    cadence: int,
    condition: NamedCondition | None,
    track: FaceTrack | None,
) -> None:
    """One pass into a folder beside the entry; then every part is renamed into its place."""
    _sweep(entry)
    work = entry.with_name(f".{entry.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    parts = list(rules)
    try:
        try:
            work.mkdir(parents=True)
            entry.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise BenchError(
                f"{entry}: the cache cannot be written: {fault.strerror}; choose another folder"
            ) from fault
        apply = None if condition is None else condition.apply
        try:
            record(source, parts, work, cadence=cadence, condition=apply, track=track, base=base)
        except NoFaceError as fault:
            _write(entry / NO_FACE, fault.reason)
            raise
        except OSError as fault:
            ours = str(fault.filename or "").startswith(str(work))
            if not ours and fault.errno not in NO_ROOM:
                raise
            raise BenchError(
                f"{entry}: the cache cannot be written: {fault.strerror}; make room or "
                "choose another folder"
            ) from fault
        if base:
            _place(work / BASE, entry / BASE)
        for rule in parts:
            _place(work / rule.name, entry / _part(rule))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sweep(entry: Path) -> None:
    """Delete what a killed process left of the same entry, a day after it last wrote there."""
    for left in entry.parent.glob(f".{entry.name}-*"):
        try:
            if time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue


def _place(made: Path, place: Path) -> None:
    """Rename a finished folder; if another process was first, its folder is as good and stays."""
    try:
        made.rename(place)
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
    warnings.warn(f"{folder}: {fault}; deleted, made again", CorruptEntry, stacklevel=3)
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
            values = read_array(folder / f"{name}.npy")
            if values.shape != (rows, *shape) or values.dtype != dtype:
                return f"{name}.npy is {values.dtype} {values.shape}"
            if (verify or name != "frames") and array_sha256(values) != checksums[name]:
                return f"{name}.npy does not agree with its checksum"
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        return f"cannot be read ({trouble})"
    return ""
