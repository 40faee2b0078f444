"""Repeats across the sides of a plan, by the fingerprints of labels."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rppgbench.contamination.repeats import Repeat, across_split, known_repeats
from rppgbench.contamination.stored_videos import repeated_videos, stored_videos
from rppgbench.core.recording import Recording
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution.plan_records import Plan
from rppgbench.system.plural import pluralise

MOST_LINES = 5
Key = tuple[str, str]


def contamination_notes(plan: Plan, listing: Catalog, cache: Path) -> list[str]:
    """Lines on recordings that are learned from and tested in one fold under two names.

    Only the labels are compared, so a plan stays fast; `bench data check` compares the same within
    a data set. A plan in which no method learns compares nothing.

    Args:
        plan: the plan.
        listing: the recordings of its data sets.
        cache: the folder of the cache, which keeps fingerprints.

    Returns:
        A line on each of the first repeats, and one on how many there are.
    """
    return _lines_across(
        plan,
        lambda recordings: known_repeats(recordings, listing.lines(recordings), cache),
    )


def frame_warnings(plan: Plan, cache: Path) -> list[str]:
    """Lines on recordings of one take on two sides of a fold, by frames that were read before.

    The cache decides which recordings have fingerprints of frames, so these lines are for the
    terminal and stand in no result.

    Args:
        plan: the plan.
        cache: the folder of the cache.

    Returns:
        As `contamination_notes`.
    """
    return _lines_across(plan, lambda recordings: repeated_videos(stored_videos(recordings, cache)))


def _lines_across(
    plan: Plan, find_repeats: Callable[[Sequence[Recording]], Sequence[Repeat]]
) -> list[str]:
    """A line on each of the first repeats across the sides of a fold, and on how many more."""
    learned, tested = _sides(plan)
    if not learned:
        return []
    keys = sorted({key for side in (*learned.values(), *tested.values()) for key in side})
    repeats = find_repeats([plan.recordings[key] for key in keys])
    lines = [
        line
        for fold, keys_learned in learned.items()
        for line in across_split(repeats, keys_learned, tested[fold], fold)
    ]
    more = len(lines) - MOST_LINES
    if more > 0:
        count = pluralise(more, "more pair")
        lines[MOST_LINES:] = [f"contamination: {count} across the sides of a fold"]
    return lines


def _sides(plan: Plan) -> tuple[Mapping[str, set[Key]], Mapping[str, set[Key]]]:
    """Recordings that each fold learns from with or without labels, and those that it tests."""
    learned: dict[str, set[Key]] = defaultdict(set)
    tested: dict[str, set[Key]] = defaultdict(set)
    for fit in (*plan.fits, *plan.pretrainings):
        learned[fit.fold] |= {*fit.train, *fit.pretrain, *fit.validation}
    for job in plan.jobs:
        if job.fold in learned:
            tested[job.fold].add((job.dataset, job.recording))
    return learned, tested
