"""A data set's own folds: from its files, else from a published list that stands for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rppgbench.core.recording import Dataset, MissingFolds
from rppgbench.core.registry import toml_files
from rppgbench.datasets.splits import OFFICIAL, Split, read_split
from rppgbench.system.errors import BenchError
from rppgbench.system.plural import pluralise

OWN_FILES = "own files"
"""The source of folds that are read from the data set's own files."""


@dataclass(frozen=True, kw_only=True)
class OfficialFolds:
    """The test subjects of each official fold of a data set.

    Attributes:
        subjects: the test subjects by fold.
        source: `OWN_FILES`, or the name of the list that stands for them.
        notes: a line on the source, with the result of the comparison where both are there.
    """

    subjects: Mapping[str, tuple[str, ...]]
    source: str
    notes: tuple[str, ...]


def official_folds(dataset: Dataset, root: Path, location: str) -> OfficialFolds:
    """Read the official folds of a data set: its own files come first.

    Args:
        dataset: the declaration of the data set.
        root: its folder.
        location: who asks, for messages.

    Returns:
        The folds with their source.

    Raises:
        BenchError: the set declares no folds, its fold files are damaged, or they are absent and no
            list stands for them.
    """
    if dataset.folds is None:
        raise BenchError(f"{location}: {dataset.name} has no fold files of its own")
    splits = standing_splits(dataset.name)
    try:
        folds = dataset.folds(root)
    except MissingFolds:
        if not splits:
            raise
        split = splits[0]
        note = (
            f"{dataset.name}: folds of {split.name}, because the set's own fold files are absent; "
            "they are probably the same, which is not proven"
        )
        return OfficialFolds(subjects=_tested(split), source=split.name, notes=(note,))
    compared = [f"; {compare_folds(folds, split)}" for split in splits]
    note = f"{dataset.name}: folds of the set's own files{''.join(compared)}"
    return OfficialFolds(subjects=folds, source=OWN_FILES, notes=(note,) if compared else ())


def standing_splits(dataset: str) -> list[Split]:
    """Return the lists that stand for the official folds of a data set."""
    splits = map(read_split, toml_files("protocols/splits").values())
    return [s for s in splits if s.dataset == dataset and s.stands_for == OFFICIAL]


def compare_folds(folds: Mapping[str, tuple[str, ...]], split: Split) -> str:
    """Compare the folds of a set's own files with a list that stands for them.

    Args:
        folds: the test subjects of each fold, from the files.
        split: the list.

    Returns:
        One sentence without a full stop: that they agree, or how many subjects differ.

    >>> from rppgbench.datasets.splits import Fold
    >>> folds = (Fold(name="1", train=("b",), validation=(), test=("a",)),
    ...          Fold(name="2", train=("a",), validation=(), test=("b",)))
    >>> split = Split(name="list", dataset="set", source="", folds=folds)
    >>> compare_folds({"1": ("a",), "2": ("b",)}, split)
    'they agree with the list list for all 2 subjects'
    >>> compare_folds({"1": ("b",), "2": ("a", "c")}, split)
    'they differ from the list list for 3 subjects, such as a (2 in the files, 1 in the list)'
    """
    in_files = {subject: fold for fold, subjects in folds.items() for subject in subjects}
    in_list = {subject: fold for fold, subjects in _tested(split).items() for subject in subjects}
    every = in_files.keys() | in_list.keys()
    differing = sorted(s for s in every if in_files.get(s) != in_list.get(s))
    if not differing:
        return f"they agree with the list {split.name} for all {len(every)} subjects"
    subject = differing[0]
    places = (
        f"{in_files.get(subject, 'no fold')} in the files, "
        f"{in_list.get(subject, 'no fold')} in the list"
    )
    count = pluralise(len(differing), "subject")
    return f"they differ from the list {split.name} for {count}, such as {subject} ({places})"


def _tested(split: Split) -> dict[str, tuple[str, ...]]:
    return {fold.name: fold.test for fold in split.folds}
