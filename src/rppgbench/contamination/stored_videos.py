"""Fingerprints of the frames of recordings whose features are in the cache."""

import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from rppgbench.contamination.frame_fingerprint import FrameFingerprint, fingerprint_frames
from rppgbench.contamination.frame_matching import is_one_take, match_videos, shape_distances
from rppgbench.contamination.label_fingerprints import FOLDER
from rppgbench.contamination.repeats import Repeat
from rppgbench.core.guarded_calls import read_video
from rppgbench.core.recording import Recording, VideoSource
from rppgbench.digests.code_digest import Sources
from rppgbench.extraction.feature_cache import base_entry
from rppgbench.extraction.feature_files import read_features
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import RecordingError
from rppgbench.system.hashing import digest

OWN_CODE = "rppgbench.contamination.frame_fingerprint"
LIKE_FACES = 0.02
"""Most by which two faces of one shape differ, as a share of the face's size. Four videos of one
person in four lights differ by 0.008 to 0.031, five other persons from each other and from this
one by 0.045 and more: docs/measurements/contamination.md."""

StoredVideo = tuple[Recording, FrameFingerprint]


def stored_videos(recordings: Iterable[Recording], folder: Path) -> list[StoredVideo]:
    """The recordings of which a pass over the video is in the cache, with their fingerprints.

    Args:
        recordings: the recordings; those without stored features are left out.
        folder: the folder of the cache.
    """
    code = Sources().closure(OWN_CODE).digest
    videos = ((recording, _fingerprint(recording, folder, code)) for recording in recordings)
    return [
        (recording, fingerprint) for recording, fingerprint in videos if fingerprint is not None
    ]


def _fingerprint(recording: Recording, folder: Path, code: str) -> FrameFingerprint | None:
    try:
        source = read_video(recording)
        if not isinstance(source, VideoSource):
            return None
        entry, base = base_entry(source, folder)
    except RecordingError:  # the run, or the check of the recording, says so
        return None
    key = digest([entry, code])
    file = folder / FOLDER / "frames" / key[:2] / f"{key}.npz"
    with suppress(OSError, ValueError, KeyError), np.load(file, allow_pickle=False) as arrays:
        return FrameFingerprint(
            start_s=float(arrays["start_s"]),
            changes=arrays["changes"].astype(np.float64),
            pattern=arrays["pattern"],
            shape=arrays["shape"],
        )
    fingerprint = None
    with suppress(OSError, ValueError, KeyError):  # no pass was made over this video
        fingerprint = fingerprint_frames(read_features(base, {}))
    if fingerprint is not None:
        buffer = io.BytesIO()
        changes = fingerprint.changes.astype(np.float32)
        np.savez(
            buffer,
            start_s=fingerprint.start_s,
            changes=changes,
            pattern=fingerprint.pattern,
            shape=fingerprint.shape,
        )
        with suppress(OSError):  # a cache that cannot be written is no fault here
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, buffer.getvalue())
    return fingerprint


def like_faces(videos: Sequence[StoredVideo]) -> list[tuple[Recording, Recording, float]]:
    """Pairs of persons whose faces have one shape, the likest first, with the distance.

    Each pair of persons is named once, by the likest recordings. A made-up face is that of many
    persons, so simulated recordings do not count.
    """
    genuine = [video for video in videos if not video[0].simulated]
    if len(genuine) < 2:
        return []
    distances = shape_distances([fingerprint for _, fingerprint in genuine])
    likest: dict[tuple[str, str], tuple[Recording, Recording, float]] = {}
    for first, second in np.argwhere(np.triu(distances <= LIKE_FACES, 1)).tolist():
        a, b = genuine[first][0], genuine[second][0]
        persons = f"{a.dataset}/{a.subject}", f"{b.dataset}/{b.subject}"
        away = float(distances[first, second])
        if persons[0] != persons[1] and away < likest.get(persons, (a, b, np.inf))[2]:
            likest[persons] = a, b, away
    return sorted(likest.values(), key=lambda pair: pair[2])


def repeated_videos(videos: Sequence[StoredVideo]) -> list[Repeat]:
    """Pairs of recordings whose frames are of one take."""
    return [
        Repeat(
            first=videos[match.first][0],
            second=videos[match.second][0],
            evidence=f"the same frames for {match.overlap_s:.0f} s "
            f"(correlation {match.correlation:.2f})",
        )
        for match in match_videos([fingerprint for _, fingerprint in videos])
        if is_one_take(match)
    ]
