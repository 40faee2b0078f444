"""Who learns and who is tested in which fold."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rppgbench.core.protocol import Declaration, read_declaration
from rppgbench.core.recording import Recording
from rppgbench.system.errors import BenchError

WHOLE = "whole"  # every recording of the test sets is tested; those of the train sets train
OFFICIAL = "official"  # the data set's own fold files
PARTS = "parts"  # the data set's own parts: train, validation, test


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Subjects by side; a subject is on one side at most."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Split:
    """A named list of folds with its source."""

    name: str
    dataset: str
    source: str
    folds: tuple[Fold, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldAssignment:
    """The recordings of one fold by side."""

    fold: str
    train: tuple[Recording, ...]
    validation: tuple[Recording, ...]
    test: tuple[Recording, ...]


class _FoldLists(Declaration):
    """A fold as a file has it."""

    name: str
    train: list[str]
    validation: list[str]
    test: list[str]


class _SplitFile(Declaration):
    """A split as a file has it."""

    title: str
    source: str
    dataset: str
    checksum: str
    fold: list[_FoldLists]


def checksum(folds: Iterable[Mapping[str, object]]) -> str:
    """sha256 over the folds' names and lists, in their order.

    >>> checksum([{"name": "1", "train": ["a"], "validation": [], "test": ["b"]}])[:8]
    'e69a3bbe'
    """
    facts = [[f["name"], f["train"], f["validation"], f["test"]] for f in folds]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def read_split(file: Path) -> Split:
    """Read one file; wrong keys, a wrong checksum or a subject on two sides is one clear line."""
    declared = read_declaration(file, _SplitFile)
    raw = [fold.model_dump() for fold in declared.fold]
    if checksum(raw) != declared.checksum:
        raise BenchError(
            f"{file}: the lists do not fit their checksum; a changed split needs another name"
        )
    folds = tuple(
        Fold(
            name=f["name"],
            train=tuple(f["train"]),
            validation=tuple(f["validation"]),
            test=tuple(f["test"]),
        )
        for f in raw
    )
    for fold in folds:
        check_disjoint(fold, str(file))
    return Split(name=file.stem, dataset=declared.dataset, source=declared.source, folds=folds)


def check_disjoint(fold: Fold, where: str) -> None:
    """Hold that no subject is on two sides of a fold."""
    sides = (fold.train, fold.validation, fold.test)
    seen: set[str] = set()
    for side in sides:
        if len(set(side)) != len(side):
            raise BenchError(f"{where}: fold {fold.name} names a subject twice on one side")
        both = sorted(seen & set(side))
        if both:
            raise BenchError(f"{where}: fold {fold.name} has subject {both[0]!r} on two sides")
        seen |= set(side)


def assign_by_lists(recordings: Sequence[Recording], folds: Iterable[Fold]) -> list[FoldAssignment]:
    """The recordings of one data set, by explicit lists of subjects or of recordings.

    An entry that holds a slash and is not a subject is a recording's name, for the splits that
    cut a subject's sessions (`pure-hrcnn` has single sessions as development part).
    """
    sides = []
    for fold in folds:
        parts = []
        for names in (fold.train, fold.validation, fold.test):
            wanted = set(names)
            parts.append(tuple(r for r in recordings if r.subject in wanted or r.name in wanted))
        validation = {r.name for r in parts[1]}
        train = tuple(r for r in parts[0] if r.name not in validation)
        sides.append(
            FoldAssignment(fold=fold.name, train=train, validation=parts[1], test=parts[2])
        )
    return sides


def assign_by_folds(
    recordings: Sequence[Recording], folds: Mapping[str, tuple[str, ...]], where: str
) -> list[FoldAssignment]:
    """The data set's own folds: test one, train on the others."""
    seen: dict[str, str] = {}
    for name, subjects in folds.items():
        for subject in subjects:
            if subject in seen:
                raise BenchError(
                    f"{where}: subject {subject} is in fold {seen[subject]} and in fold {name}"
                )
            seen[subject] = name
    strays = sorted({r.subject for r in recordings} - set(seen))
    if strays:
        raise BenchError(f"{where}: no fold has subject {strays[0]} ({len(strays)} such subjects)")
    return [
        FoldAssignment(
            fold=name,
            train=tuple(r for r in recordings if seen[r.subject] != name),
            validation=(),
            test=tuple(r for r in recordings if seen[r.subject] == name),
        )
        for name in folds
    ]


def assign_by_parts(recordings: Sequence[Recording]) -> list[FoldAssignment]:
    """The data set's own parts."""
    train, validation, test = (
        tuple(r for r in recordings if r.part == part) for part in ("train", "validation", "test")
    )
    return [FoldAssignment(fold="official", train=train, validation=validation, test=test)]
