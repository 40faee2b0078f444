"""Face clips on the clock of a method, in the cache once for all trainings.

An entry is a folder `resampled_clips/AB/DIGEST` with `frames.npy` and `facts.json`. The digest is
of the clip's pictures, of the frames and weights of which each sample is made, and of the code of
the interpolation. So folds, seeds, methods and processes that need the same pictures share an
entry. The folder is renamed into place when it is complete: where two processes make the same
entry at once, the first stays. Where the samples are consecutive frames of the clip, no entry is
made.
"""

import json
import shutil
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.features import FaceClip, Features
from rppgbench.core.waveform import Waveform
from rppgbench.digests.code_digest import Part, Sources
from rppgbench.extraction.array_files import ArrayWriter, array_sha256, stored_sha256
from rppgbench.extraction.even_grid import SegmentGrid, sample, sampled_parts, segment_grids
from rppgbench.extraction.feature_files import FACTS
from rppgbench.extraction.stored_rows import StoredRows
from rppgbench.extraction.verified_files import is_verified, note_verified
from rppgbench.system.atomic_files import atomic_dir, move_into_place
from rppgbench.system.cache_use import mark_used
from rppgbench.system.errors import MachineError
from rppgbench.system.hashing import digest

FOLDER = "resampled_clips"
FRAMES = "frames.npy"


class CorruptClipWarning(UserWarning):
    """A damaged clip of the cache was deleted; it is made again."""


def stored_segments(
    features: Features, crop: str, fs: float | None, cache: Path, *, dataset: str = ""
) -> list[Waveform]:
    """The segments of a clip on an even grid, as files of the cache that are mapped when read.

    The values are those of `traces.extract_segments`.

    Args:
        features: the features of a recording, read from the cache.
        crop: crop rule of the clip.
        fs: sampling rate in Hz; the mean frame rate if None.
        cache: folder of the cache.
        dataset: name of the data set of the recording, for `bench cache`.

    Returns:
        One waveform for each segment without a gap. Its samples are `StoredRows`, or an array for
        pictures that are not from the cache.

    Raises:
        MachineError: the cache cannot be written.
    """
    clip = features.clips[crop]
    grids = segment_grids(np.asarray(features.times_s), np.asarray(clip.valid), fs=fs)
    return [Waveform(_samples(clip, grid, cache, dataset), grid.fs, grid.start_s) for grid in grids]


def _samples(clip: FaceClip, grid: SegmentGrid, cache: Path, dataset: str) -> Any:
    if clip.file is None:
        return sample(clip.frames, grid)
    if grid.frames is not None:
        return StoredRows(clip.file, grid.frames.start, grid.frames.stop)
    return StoredRows(_resampled(clip, grid, cache, dataset))


def _resampled(clip: FaceClip, grid: SegmentGrid, cache: Path, dataset: str) -> Path:
    """The file of a clip on a grid; made where it is not there or damaged."""
    key = _digest(clip, grid)
    mark_used(cache, dataset, FOLDER, key)
    folder = cache / FOLDER / key[:2] / key
    if not _is_intact(folder, clip, grid, cache):
        try:
            with atomic_dir(folder) as work:
                work.mkdir(exist_ok=True)
                _write(work, clip, grid)
                _move(work, folder)
        except OSError as fault:
            raise MachineError(
                f"{folder}: the cache cannot be written: {fault.strerror}; make room or choose "
                "another folder"
            ) from fault
        note_verified(folder, cache)
    return folder / FRAMES


def _digest(clip: FaceClip, grid: SegmentGrid) -> str:
    parts = {"before": grid.before, "after": grid.after, "share": grid.share}
    return digest(
        {
            "frames": clip.sha256,
            "code": _sampling_code(),
            **{name: None if part is None else array_sha256(part) for name, part in parts.items()},
        }
    )


@cache
def _sampling_code() -> str:
    """Digest of the code of the interpolation, computed once in a process."""
    return Sources().closure(Part("rppgbench.extraction.even_grid", ("sampled_parts",))).digest


def _write(work: Path, clip: FaceClip, grid: SegmentGrid) -> None:
    shape = clip.frames.shape[1:]
    with ArrayWriter(work / FRAMES, shape, clip.frames.dtype) as writer:
        for part in sampled_parts(clip.frames, grid):
            for row in part:
                writer.append(row)
    content = {
        "rule": clip.rule,
        "fs": grid.fs,
        "rows": writer.rows,
        "frames_of": clip.sha256,
        "sha256": writer.sha256,
    }
    text = json.dumps({**content, "digest": digest(content)}, indent=1)
    (work / FACTS).write_text(text, encoding="utf-8")


def _move(work: Path, folder: Path) -> None:
    """Rename the finished folder; if another process was first, its equal folder stays."""
    try:
        move_into_place(work, folder)
    except OSError:
        if not (folder / FACTS).is_file():
            raise


def _is_intact(folder: Path, clip: FaceClip, grid: SegmentGrid, cache: Path) -> bool:
    """Whether an entry is there undamaged; a damaged entry is deleted with a warning."""
    if not folder.is_dir():
        return False
    fault = _find_damage(folder, (len(grid.before), *clip.frames.shape[1:]), cache)
    if not fault:
        return True
    warnings.warn(f"{folder}: {fault}; deleted, made again", CorruptClipWarning, stacklevel=2)
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _find_damage(folder: Path, shape: tuple[int, ...], cache: Path) -> str:
    """Describe the damage of an entry; empty if there is none."""
    try:
        content = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if content.pop("digest") != digest(content):
            return f"{FACTS} does not agree with its checksum"
        if StoredRows(folder / FRAMES).shape != shape:
            return f"{FRAMES} is not {shape}"
        if not is_verified(folder, cache):
            if stored_sha256(folder / FRAMES) != content["sha256"]:
                return f"{FRAMES} does not agree with its checksum"
            note_verified(folder, cache)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"cannot be read ({error})"
    return ""
