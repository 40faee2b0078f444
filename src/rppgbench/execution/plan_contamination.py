"""What the sides of a plan have in common: persons, labels and video files."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rppgbench.contamination.repeated_files import repeated_files
from rppgbench.contamination.repeats import Repeat, SharedPair, across_split, known_repeats
from rppgbench.contamination.stored_videos import repeated_videos, stored_videos
from rppgbench.core.recording import Recording
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planned_recordings import shared_people
from rppgbench.system.plural import pluralise

MOST_LINES = 5
"""Pairs that notes name."""

MOST_PAIRS = 100
"""Pairs that the manifest names."""

Key = tuple[str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class SideComparison:
    """What was compared of a plan, and what both sides of a fold hold.

    Attributes:
        sides: for each fold in which a method learns, how many recordings are learned from and how
            many are tested.
        pairs: recordings on two sides of a fold that hold the same.
        people: a line for each test set with people of a set from which methods learn.
    """

    sides: Mapping[str, tuple[int, int]]
    pairs: Sequence[SharedPair]
    people: Sequence[str]

    @property
    def notes(self) -> list[str]:
        """A line on each of the first pairs, and one on how many more there are."""
        return _bounded_lines(self.pairs)

    def to_dict(self) -> dict[str, Any]:
        """What the manifest says: all counts, and the first pairs."""
        return {
            "folds": [
                {"fold": fold, "learned": learned, "tested": tested}
                for fold, (learned, tested) in self.sides.items()
            ],
            "count": len(self.pairs),
            "pairs": [
                {
                    "fold": pair.fold,
                    "learned": f"{pair.learned.dataset}/{pair.learned.name}",
                    "learned_person": pair.learned.subject,
                    "tested": f"{pair.tested.dataset}/{pair.tested.name}",
                    "tested_person": pair.tested.subject,
                    "evidence": pair.evidence,
                }
                for pair in self.pairs[:MOST_PAIRS]
            ],
            "people": list(self.people),
        }


def compare_sides(plan: Plan, listing: Catalog, cache: Path) -> SideComparison | None:
    """Compare what each fold learns from with what it tests; None where no method learns.

    Labels are compared, and video files of one size byte for byte: no frame is decoded, so a plan
    stays fast, and nothing depends on what the cache holds. `bench data check` compares the same
    within a data set.

    Args:
        plan: the plan.
        listing: the recordings of its data sets.
        cache: the folder of the cache, which keeps fingerprints.

    Returns:
        What is on both sides of a fold.
    """
    learned, tested = _sides(plan)
    if not learned:
        return None

    def find_repeats(recordings: Sequence[Recording]) -> list[Repeat]:
        lines = listing.lines(recordings)
        return [*known_repeats(recordings, lines, cache), *repeated_files(recordings, cache)]

    return SideComparison(
        sides={fold: (len(keys), len(tested[fold])) for fold, keys in learned.items()},
        pairs=_pairs_across(plan, find_repeats),
        people=shared_people(plan.protocol, plan.recordings.values()),
    )


def frame_warnings(plan: Plan, cache: Path) -> list[str]:
    """Lines on recordings of one take on two sides of a fold, by frames that were read before.

    The cache decides which recordings have fingerprints of frames, so these lines are for the
    terminal and stand in no result.

    Args:
        plan: the plan.
        cache: the folder of the cache.

    Returns:
        As the notes of `SideComparison`.
    """

    def find_repeats(recordings: Sequence[Recording]) -> list[Repeat]:
        return repeated_videos(stored_videos(recordings, cache))

    return _bounded_lines(_pairs_across(plan, find_repeats))


def _pairs_across(
    plan: Plan, find_repeats: Callable[[Sequence[Recording]], Sequence[Repeat]]
) -> list[SharedPair]:
    """The repeats across the sides of each fold; none where no method learns."""
    learned, tested = _sides(plan)
    if not learned:
        return []
    keys = sorted({key for side in (*learned.values(), *tested.values()) for key in side})
    repeats = find_repeats([plan.recordings[key] for key in keys])
    return [
        pair
        for fold, keys_learned in learned.items()
        for pair in across_split(repeats, keys_learned, tested[fold], fold)
    ]


def _bounded_lines(pairs: Sequence[SharedPair]) -> list[str]:
    lines = [pair.line for pair in pairs[:MOST_LINES]]
    more = len(pairs) - len(lines)
    if more > 0:
        count = pluralise(more, "more pair")
        lines.append(f"contamination: {count} across the sides of a fold")
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
