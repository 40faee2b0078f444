"""Splits: the training, validation and test subjects of each fold."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from rppgbench.core.protocol import Declaration, declaration_of, read_declaration
from rppgbench.core.recording import Recording
from rppgbench.system.errors import BenchError
from rppgbench.system.toml_files import read_toml

WHOLE = "whole"  # all recordings of the test sets, and all of the training sets
OFFICIAL = "official"  # the data set's own fold files
PARTS = "parts"  # the data set's own parts: train, validation, test


@dataclass(frozen=True, kw_only=True)
class Fold:
    """The subjects of one fold; a subject is in at most one part."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Split:
    """A named list of folds with its source.

    `stands_for` is "official" where the lists are probably the data set's own folds: they are used
    where the set's fold files are absent, and compared with them where they are there.
    """

    name: str
    dataset: str
    source: str
    folds: tuple[Fold, ...]
    stands_for: Literal["", "official"] = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldAssignment:
    """The recordings of one fold by part."""

    fold: str
    train: tuple[Recording, ...]
    validation: tuple[Recording, ...]
    test: tuple[Recording, ...]


class FoldLists(Declaration):
    """A fold in a file."""

    name: str = Field(description="name of the fold, in tables and in `--folds`")
    train: list[str] = Field(description="subjects, or recordings, to learn from")
    validation: list[str] = Field(
        default=[], description="those by which a method may choose its epoch"
    )
    test: list[str] = Field(description="those that are tested")


class SplitFile(Declaration):
    """A split in a file."""

    title: str = Field(description="a few words")
    source: str = Field(description="where the lists come from")
    dataset: str = Field(description="the data set that the lists divide")
    stands_for: Literal["", "official"] = Field(
        default="",
        description="`official`: the lists are the data set's own folds, for where its fold files "
        "are absent",
    )
    checksum: str = Field(description="`bench split checksum FILE` prints it")
    fold: list[FoldLists] = Field(min_length=1, description="a table for each fold")


def checksum(folds: Iterable[Mapping[str, object]]) -> str:
    """sha256 over the folds' names and lists, in their order.

    >>> checksum([{"name": "1", "train": ["a"], "validation": [], "test": ["b"]}])[:8]
    'e69a3bbe'
    """
    lists = [[f["name"], f["train"], f["validation"], f["test"]] for f in folds]
    return hashlib.sha256(json.dumps(lists, separators=(",", ":")).encode()).hexdigest()


def file_checksum(file: Path) -> str:
    """The checksum of the lists of a file, whatever checksum the file states.

    Raises:
        BenchError: keys other than the checksum are missing or wrong.
    """
    declared = declaration_of({"checksum": "", **read_toml(file)}, SplitFile, file)
    return checksum(fold.model_dump() for fold in declared.fold)


def text_checksum(text: str) -> str:
    """The checksum of the lists in the text of a file.

    >>> text_checksum('[[fold]]\\nname = "1"\\ntrain = ["a"]\\nvalidation = []\\ntest = ["b"]')[:8]
    'e69a3bbe'
    """
    return checksum(tomllib.loads(text)["fold"])


def read_split(file: Path) -> Split:
    """Read a file of `protocols/splits`.

    Raises:
        BenchError: wrong keys, a wrong checksum, or a subject in two parts of a fold.
    """
    declared = read_declaration(file, SplitFile)
    raw = [fold.model_dump() for fold in declared.fold]
    if checksum(raw) != declared.checksum:
        raise BenchError(
            f"{file}: the lists do not fit their checksum; bench split checksum {file} prints "
            "theirs; a changed copy of a split that has results needs another name"
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
    return Split(
        name=file.stem,
        dataset=declared.dataset,
        source=declared.source,
        folds=folds,
        stands_for=declared.stands_for,
    )


def check_disjoint(fold: Fold, location: str) -> None:
    """Check that no subject is in two parts of a fold.

    Args:
        fold: the fold.
        location: the file, for messages.

    Raises:
        BenchError: a subject is in two parts, or twice in one.
    """
    sides = (fold.train, fold.validation, fold.test)
    subjects: set[str] = set()
    for side in sides:
        if len(set(side)) != len(side):
            raise BenchError(f"{location}: fold {fold.name} names a subject twice on one side")
        shared_subjects = sorted(subjects & set(side))
        if shared_subjects:
            raise BenchError(
                f"{location}: fold {fold.name} has subject {shared_subjects[0]!r} on two sides"
            )
        subjects |= set(side)


def assign_by_lists(recordings: Sequence[Recording], folds: Iterable[Fold]) -> list[FoldAssignment]:
    """Assign the recordings of one data set by explicit lists.

    An entry is the name of a subject or of a recording. Splits that divide the sessions of a
    subject list recordings (`pure-hrcnn` has single sessions as validation part).

    Args:
        recordings: all recordings of the set.
        folds: the lists.
    """
    sides = []
    for fold in folds:
        parts = []
        for names in (fold.train, fold.validation, fold.test):
            entries = set(names)
            parts.append(tuple(r for r in recordings if r.subject in entries or r.name in entries))
        validation = {r.name for r in parts[1]}
        train = tuple(r for r in parts[0] if r.name not in validation)
        sides.append(
            FoldAssignment(fold=fold.name, train=train, validation=parts[1], test=parts[2])
        )
    return sides


def assign_by_folds(
    recordings: Sequence[Recording], folds: Mapping[str, tuple[str, ...]], location: str
) -> list[FoldAssignment]:
    """Assign recordings by the data set's own folds: each is the test set once.

    Args:
        recordings: all recordings of the set.
        folds: the subjects of each fold.
        location: the folder, for messages.

    Raises:
        BenchError: a subject is in two folds, or in none.
    """
    fold_by_subject: dict[str, str] = {}
    for name, subjects in folds.items():
        for subject in subjects:
            if subject in fold_by_subject:
                raise BenchError(
                    f"{location}: subject {subject} is in fold {fold_by_subject[subject]} and in "
                    f"fold {name}"
                )
            fold_by_subject[subject] = name
    strays = sorted({r.subject for r in recordings} - set(fold_by_subject))
    if strays:
        raise BenchError(
            f"{location}: no fold has subject {strays[0]} ({len(strays)} such subjects)"
        )
    return [
        FoldAssignment(
            fold=name,
            train=tuple(r for r in recordings if fold_by_subject[r.subject] != name),
            validation=(),
            test=tuple(r for r in recordings if fold_by_subject[r.subject] == name),
        )
        for name in folds
    ]


def assign_by_parts(recordings: Sequence[Recording]) -> list[FoldAssignment]:
    """Assign recordings by the data set's own parts: train, validation, test."""
    train, validation, test = (
        tuple(r for r in recordings if r.part == part) for part in ("train", "validation", "test")
    )
    return [FoldAssignment(fold="official", train=train, validation=validation, test=test)]
