"""What the check of a data set says of recordings that hold the same, also in other data sets."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rppgbench.contamination.repeated_files import repeated_files
from rppgbench.contamination.repeats import Repeat, known_repeats
from rppgbench.contamination.stored_videos import like_faces, repeated_videos, stored_videos
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.recording_check import Finding
from rppgbench.system.plural import pluralise

MOST_PAIRS = 20
"""Pairs of like faces that are named."""

WITHIN, ACROSS = (
    "keep them on one side of a split",
    "never learn from one and test on the other; leave one of them out",
)


def set_findings(
    checked: Sequence[Recording], beside: Sequence[Recording], folder: Path
) -> list[Finding]:
    """Recordings of a data set that repeat each other, or recordings of other data sets.

    Labels are compared, video files as they are, and the frames of videos that were extracted
    before.

    Args:
        checked: the recordings of the data set that is checked.
        beside: those of other data sets; repeats among them are left to their own check.
        folder: the folder of the cache.

    Returns:
        A line for each repeat under two persons, and notes.
    """
    recordings = [*checked, *beside]
    videos = stored_videos(recordings, folder)
    repeats = [
        *known_repeats(recordings, Catalog(folder).lines(recordings), folder),
        *repeated_files(recordings, folder),
        *repeated_videos(videos),
    ]
    keys = {(r.dataset, r.name) for r in checked}
    faces = [pair for pair in like_faces(videos) if _concerns(pair[:2], keys)]
    return [
        *repeat_findings(_in_order(repeats, keys)),
        *face_findings(faces),
        *_not_compared(recordings, len(videos)),
    ]


def repeat_findings(repeats: Sequence[Repeat]) -> list[Finding]:
    """A warning for each repeat under two persons; those of one person are counted in a note.

    Repeats of one person are cameras that recorded at once, or cuts of one recording.
    """
    pairs_once = _one_for_each_pair(repeats)
    lines = [
        Finding(
            severity="warning",
            recording=repeat.first.name,
            file=" and ".join(map(_shown_files, (repeat.first, repeat.second))),
            text=f"{repeat.names} hold {repeat.evidence}; "
            f"{WITHIN if repeat.first.dataset == repeat.second.dataset else ACROSS}",
        )
        for repeat in pairs_once
        if not repeat.of_one_person
    ]
    count = sum(repeat.of_one_person for repeat in pairs_once)
    if count:
        pairs = "pair of recordings of one person holds"
        if count > 1:
            pairs = "pairs of recordings of one person hold"
        text = f"{count} {pairs} the same (cameras at once, or cuts)"
        lines.append(Finding(severity="note", recording="", file="", text=text))
    return lines


def face_findings(pairs: Sequence[tuple[Recording, Recording, float]]) -> list[Finding]:
    """A note on each pair of persons whose faces have one shape, for the likest of them."""
    return [
        Finding(
            severity="note",
            recording=first.name,
            file="",
            text=f"persons {_person(first, second)} and {_person(second, first)} ({second.name}) "
            f"have faces of one shape (within {away:.1%}); one person may stand under two names: "
            "look at both",
        )
        for first, second, away in pairs[:MOST_PAIRS]
    ]


def _in_order(repeats: Iterable[Repeat], keys: set[tuple[str, str]]) -> list[Repeat]:
    """The repeats of checked recordings, each with a checked one first, by name."""
    ordered = []
    for repeat in repeats:
        pair = sorted(
            (repeat.first, repeat.second),
            key=lambda r: ((r.dataset, r.name) not in keys, r.dataset, r.name),
        )
        if _concerns(pair, keys):
            ordered.append(replace(repeat, first=pair[0], second=pair[1]))
    return sorted(ordered, key=lambda r: (r.first.name, r.second.dataset, r.second.name))


def _one_for_each_pair(repeats: Sequence[Repeat]) -> list[Repeat]:
    """One repeat for each pair of recordings, with the evidence of all."""
    by_pair: dict[frozenset[tuple[str, str]], list[Repeat]] = defaultdict(list)
    for repeat in repeats:
        pair = frozenset((r.dataset, r.name) for r in (repeat.first, repeat.second))
        by_pair[pair].append(repeat)
    return [
        replace(same[0], evidence=" and ".join(repeat.evidence for repeat in same))
        for same in by_pair.values()
    ]


def _concerns(pair: Sequence[Recording], keys: set[tuple[str, str]]) -> bool:
    return any((recording.dataset, recording.name) in keys for recording in pair)


def _person(recording: Recording, other: Recording) -> str:
    """The person, with the data set where the other person is of another one."""
    is_across = recording.dataset != other.dataset
    return f"{recording.dataset}/{recording.subject}" if is_across else recording.subject


def _shown_files(recording: Recording) -> str:
    """The first file of a recording, and how many more there are."""
    if not recording.files:
        return "no file"
    more = len(recording.files) - 1
    return f"{recording.files[0]}{f' and {more} more' if more else ''}"


def _not_compared(recordings: Sequence[Recording], compared: int) -> list[Finding]:
    """A note on videos whose frames are not compared, because no run has extracted them yet."""
    available = load_datasets().available
    total = sum(
        not (r.dataset in available and available[r.dataset].mean_colours) for r in recordings
    )
    if compared >= total:
        return []
    text = (
        f"frames are compared of {compared} of {pluralise(total, 'recording')}: the others were "
        "not extracted yet, which a run does; labels are compared of all"
    )
    return [Finding(severity="note", recording="", file="", text=text)]
