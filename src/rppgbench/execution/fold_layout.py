"""The folds of a protocol: which recordings train and which are tested."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rppgbench.core.protocol import Protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import find_toml, load_datasets
from rppgbench.datasets.official_folds import official_folds
from rppgbench.datasets.splits import (
    OFFICIAL,
    PARTS,
    WHOLE,
    FoldAssignment,
    Split,
    assign_by_folds,
    assign_by_lists,
    assign_by_parts,
    read_split,
)
from rppgbench.system.errors import BenchError, unknown_name


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldLayout:
    """The folds of a protocol over the recordings that are there.

    Attributes:
        sides: the folds with a test recording.
        notes: a line on each of the others, and on where the folds come from.
        source: where official folds were read (`official_folds`); "" for other splits.
    """

    sides: tuple[FoldAssignment, ...]
    notes: tuple[str, ...] = ()
    source: str = ""


def lay_out_folds(
    protocol: Protocol,
    roots: Mapping[str, Path],
    recordings: Mapping[tuple[str, str], Recording],
    location: str,
) -> FoldLayout:
    """Assign the recordings to training and test in each fold.

    Args:
        protocol: the protocol.
        roots: the root of each data set.
        recordings: all recordings by (data set, name).
        location: where the names come from, for messages.

    Raises:
        BenchError: the split does not fit the data sets, or no fold has a test recording.
    """
    check_split(protocol, location)
    notes: tuple[str, ...] = ()
    source = ""
    tested = tuple(r for (d, _), r in recordings.items() if d in protocol.test)
    first = protocol.test[0]
    if protocol.split == WHOLE:
        train = tuple(r for (d, _), r in recordings.items() if d in protocol.train)
        sides = [FoldAssignment(fold="whole", train=train, validation=(), test=tested)]
    elif not _within_one(protocol):
        sides = _divide_training(protocol, recordings, tested, location)
    elif protocol.split == OFFICIAL:
        official = official_folds(load_datasets().available[first], roots[first], location)
        notes, source = official.notes, official.source
        sides = assign_by_folds(tested, official.subjects, str(roots[first]))
    elif protocol.split == PARTS:
        sides = assign_by_parts(tested)
    else:
        sides = assign_by_lists(tested, _lists(protocol, location).folds)
    empty = [side.fold for side in sides if not side.test]
    notes += tuple(f"fold {fold} has no recording to test here and is left out" for fold in empty)
    sides = [side for side in sides if side.test]
    if not sides:
        raise BenchError(
            f"{location}: none of the {len(recordings)} recordings here is on the test side of its "
            f"split {protocol.split!r}; bench data check {first} says what is there"
        )
    return FoldLayout(sides=tuple(sides), notes=notes, source=source)


def check_split(protocol: Protocol, location: str) -> None:
    """Check that the split of a protocol goes with its data sets, without any recording.

    Args:
        protocol: the protocol.
        location: where the names come from, for messages.

    Raises:
        BenchError: the split does not go with the data sets of training and test.
    """
    trained, tested = list(protocol.train), list(protocol.test)
    shared = set(trained) & set(tested)
    if protocol.split == WHOLE:
        if shared:
            raise BenchError(
                f"{location}: split 'whole' cannot train and test on the same data set"
            )
        return
    split = None if protocol.split in {OFFICIAL, PARTS} else _lists(protocol, location)
    if split is not None and split.dataset not in {*trained, *tested}:
        used = ", ".join(dict.fromkeys([*trained, *tested]))
        raise BenchError(f"{location}: split {split.name!r} is of {split.dataset}, not of {used}")
    if _within_one(protocol):
        return
    if split is None or any(fold.test for fold in split.folds):
        raise BenchError(
            f"{location}: split {protocol.split!r} divides the subjects of one data set, and train "
            f"= {trained} is not test = {tested}; give both the same one name (only a list "
            "without test subjects goes with other data sets to test)"
        )
    if split.dataset not in trained or shared:
        raise BenchError(
            f"{location}: split {split.name!r} divides {split.dataset} into training and "
            f"validation; train = {', '.join(trained)} and test = {', '.join(tested)} do not fit"
        )


def check_folds(protocol: Protocol, names: Iterable[str], location: str) -> None:
    """Check names of folds, without any recording; folds that only the data names are not checked.

    Args:
        protocol: the protocol.
        names: names of folds.
        location: where the names come from, for messages.

    Raises:
        BenchError: the split has no fold of a name.
    """
    if protocol.split == OFFICIAL:
        return
    lists = () if protocol.split in {WHOLE, PARTS} else _lists(protocol, location).folds
    known = [fold.name for fold in lists] or [WHOLE if protocol.split == WHOLE else OFFICIAL]
    for name in names:
        if name not in known:
            raise unknown_name("fold", name, known, location)


def _within_one(protocol: Protocol) -> bool:
    """Whether a protocol trains and tests on one data set."""
    return protocol.train == protocol.test and len(protocol.test) == 1


def _lists(protocol: Protocol, location: str) -> Split:
    return read_split(find_toml("protocols/splits", "split", protocol.split, location))


def _divide_training(
    protocol: Protocol,
    recordings: Mapping[tuple[str, str], Recording],
    tested: tuple[Recording, ...],
    location: str,
) -> list[FoldAssignment]:
    """Assign recordings where a list divides a training set, and other data sets are tested."""
    split = _lists(protocol, location)
    divided = [r for (dataset, _), r in recordings.items() if dataset == split.dataset]
    undivided = tuple(
        r
        for (dataset, _), r in recordings.items()
        if dataset in protocol.train and dataset != split.dataset
    )
    return [
        replace(side, train=(*side.train, *undivided), test=tested)
        for side in assign_by_lists(divided, split.folds)
    ]
