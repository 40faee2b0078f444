"""Tables of a leaderboard: who is ranked, in which groups, and why a row is behind the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation.significance import PairedTest, paired_tests
from rppgbench.sharing.leaderboard_entries import Entry, Version

LEVEL = 0.05
N_WINDOWS, N_MISSING, ABSOLUTE, MISSING = range(4)
"""Places in the sums of a recording."""


@dataclass(frozen=True, kw_only=True)
class Behind:
    """The difference between an entry's mean absolute error and the leader's, in parts (bpm).

    Attributes:
        difference: The entry's less the leader's; the three parts add up to it.
        recordings: What comes from recordings that only one of the two has.
        missing: What missing estimates cost more, over the recordings of both.
        errors: What the errors of estimates are larger, over the recordings of both.
        shared: Recordings with the same references that both have.
        p_holm: Of the paired test, corrected for all pairs of the table.
        settings: What differs in parameters, data and versions, a line each.
    """

    difference: float
    recordings: float
    missing: float
    errors: float
    shared: int
    p_holm: float
    settings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """An entry in its group: 1 and the number of entries that a paired test says are better."""

    entry: Entry
    group: int
    behind: Behind | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Unranked:
    """An entry without a rank, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class LeaderboardTable:
    """All entries of one version of protocol and evaluator."""

    version: Version
    title: str
    ranked: tuple[Ranked, ...]
    unranked: tuple[Unranked, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, ranked or not."""
        return (*(row.entry for row in self.ranked), *(row.entry for row in self.unranked))


def leaderboard_tables(entries: Sequence[Entry], *, min_subjects: int) -> list[LeaderboardTable]:
    """Sort entries into tables, and rank those that may be ranked.

    Args:
        entries: The entries of all bundles.
        min_subjects: Fewest subjects of a ranked entry.

    Returns:
        The tables by protocol, evaluator and digests.
    """
    versions: dict[Version, list[Entry]] = {}
    for entry in entries:
        versions.setdefault(entry.version, []).append(entry)
    tables = []
    for version in sorted(versions, key=lambda item: tuple(vars(item).values())):
        members = sorted(versions[version], key=_name)
        reasons = {_name(entry): why_unranked(entry, min_subjects) for entry in members}
        tables.append(
            LeaderboardTable(
                version=version,
                title=members[0].title,
                ranked=rank([entry for entry in members if not reasons[_name(entry)]]),
                unranked=tuple(
                    Unranked(entry=entry, reason=reasons[_name(entry)])
                    for entry in members
                    if reasons[_name(entry)]
                ),
            )
        )
    return tables


def why_unranked(entry: Entry, min_subjects: int) -> str:
    """Why an entry has no rank; "" where it has one.

    Args:
        entry: The entry.
        min_subjects: Fewest subjects of a ranked entry.
    """
    reasons = {
        "imported, not run here": entry.status == "imported",
        f"{entry.disputed_by} made it again and got something else": bool(entry.disputed_by),
        "self-reported: nobody else made it again": entry.status == "self-reported",
        f"its weights were trained on {entry.leaked}": bool(entry.leaked),
        "nothing is scored": not np.isfinite(entry.mae),
        f"has {entry.n_recordings} of {entry.expected} recordings of the protocol": (
            entry.n_recordings < entry.expected
        ),
        f"has {entry.n_subjects} subjects, fewer than {min_subjects}": (
            entry.n_subjects < min_subjects
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def rank(entries: Sequence[Entry]) -> tuple[Ranked, ...]:
    """Rank entries by paired tests over recordings, with Holm's correction for all pairs.

    The group of an entry is 1 and the number of entries with a significantly smaller error. Entries
    of one group are in the order of their mean absolute error, which is no rank.

    Args:
        entries: Entries of one table.

    Returns:
        The entries by group and mean absolute error.
    """
    names = [" ".join(_name(entry)) for entry in entries]
    blocks = sorted({block for entry in entries for block in entry.recordings})
    scores = {name: _errors(entry, blocks) for name, entry in zip(names, entries, strict=True)}
    tests = {(test.first, test.second): test for test in paired_tests(scores)}
    groups = dict.fromkeys(names, 1)
    for test in tests.values():
        if test.p_holm < LEVEL:
            groups[test.first if test.difference > 0 else test.second] += 1
    order = sorted(
        zip(names, entries, strict=True), key=lambda pair: (groups[pair[0]], pair[1].mae, pair[0])
    )
    leader = order[0] if order else None
    return tuple(
        Ranked(
            entry=entry,
            group=groups[name],
            behind=None
            if leader is None or name == leader[0]
            else behind(entry, leader[1], _test(tests, name, leader[0])),
        )
        for name, entry in order
    )


def _test(tests: dict[tuple[str, str], PairedTest], name: str, other: str) -> PairedTest:
    return tests[name, other] if (name, other) in tests else tests[other, name]


def behind(entry: Entry, leader: Entry, test: PairedTest) -> Behind:
    """Split the difference between an entry and the leader.

    Args:
        entry: The entry.
        leader: The entry that it is compared with.
        test: The paired test of both.
    """
    shared = sorted(set(entry.recordings) & set(leader.recordings))
    parts, leader_parts = (_parts(side, shared) for side in (entry, leader))
    errors, missing = parts[0] - leader_parts[0], parts[1] - leader_parts[1]
    difference = entry.mae - leader.mae
    changed = sorted(
        key
        for key in {**entry.settings, **leader.settings}
        if entry.settings.get(key) != leader.settings.get(key)
        and not (key.startswith("parameter ") and entry.method != leader.method)
    )
    lines = [
        f"{key}: {entry.settings.get(key, '(none)')}, leader {leader.settings.get(key, '(none)')}"
        for key in changed
    ]
    return Behind(
        difference=difference,
        recordings=difference - errors - missing,
        missing=missing,
        errors=errors,
        shared=len(shared),
        p_holm=test.p_holm,
        settings=tuple(lines),
    )


def _parts(entry: Entry, blocks: Sequence[tuple[str, str, str]]) -> tuple[float, float]:
    """The mean absolute error over recordings: of estimates, and of missing ones."""
    if not blocks:
        return 0.0, 0.0
    sums = np.stack([entry.recordings[block] for block in blocks])
    of_missing, of_all = sums[:, MISSING], sums[:, ABSOLUTE]
    if entry.pooling == "recordings":
        count = sums[:, N_WINDOWS]
        return float(((of_all - of_missing) / count).mean()), float((of_missing / count).mean())
    total = sums[:, N_WINDOWS].sum()
    return float((of_all - of_missing).sum() / total), float(of_missing.sum() / total)


def _errors(entry: Entry, blocks: Sequence[tuple[str, str, str]]) -> Array:
    """The mean absolute error of each recording; NaN where the entry lacks it."""
    values = [
        sums[ABSOLUTE] / sums[N_WINDOWS]
        if (sums := entry.recordings.get(block)) is not None
        else np.nan
        for block in blocks
    ]
    return np.array(values, np.float64)


def _name(entry: Entry) -> tuple[str, ...]:
    return (entry.method, entry.condition, entry.region, entry.by, entry.bundle)
