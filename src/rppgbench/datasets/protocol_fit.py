"""Whether a protocol can run on the recordings of a data set that can be used."""

from collections.abc import Callable, Collection, Sequence

from rppgbench.core.recording import Recording
from rppgbench.datasets.splits import FoldAssignment
from rppgbench.system.errors import BenchError

Need = Callable[[Sequence[Recording]], str]
"""Takes the usable recordings; returns why a protocol cannot run on them, or ""."""

Share = Callable[[Sequence[Recording]], str]
"""Takes the usable recordings; returns which part of a protocol's test set they are, or ""."""


def protocol_need(
    assign: Callable[[Sequence[Recording]], Sequence[FoldAssignment]], *, trains: bool = False
) -> Need:
    """The need of a protocol: every fold has test subjects and, if it trains, training subjects.

    Args:
        assign: assigns recordings to folds, as `splits.assign_by_lists` does.
        trains: whether methods are trained.
    """

    def describe_obstacle(recordings: Sequence[Recording]) -> str:
        try:
            sides = assign(recordings)
        except BenchError as error:
            return str(error)
        untested = [side.fold for side in sides if not side.test]
        if len(untested) == len(sides):
            return "no usable recording is on the test side"
        if untested:
            return f"nothing to test in fold {', '.join(untested)}"
        unlearned = [side.fold for side in sides if trains and not side.train]
        return f"nothing to learn from in fold {', '.join(unlearned)}" if unlearned else ""

    return describe_obstacle


def describe_share(
    assign: Callable[[Sequence[Recording]], Sequence[FoldAssignment]],
    *,
    entries: Collection[str] = (),
    number: int = 0,
) -> Share:
    """The share of a protocol's test set that is here, as text.

    Args:
        assign: assigns recordings to folds.
        entries: the subjects (or recordings) in the test lists of the split, where there are lists.
        number: the number of test recordings, where the protocol fixes it.

    Returns:
        "2 of its 12 test subjects are here", or "" where all are, or the protocol says no number.
    """

    def share(recordings: Sequence[Recording]) -> str:
        try:
            tested = {(r.subject, r.name) for side in assign(recordings) for r in side.test}
        except BenchError:
            return ""  # the protocol cannot run, which is reported already
        if entries:
            present = {entry for pair in tested for entry in pair} & set(entries)
            if len(present) < len(entries):
                return f"{len(present)} of its {len(entries)} test subjects are here"
        if number and len(tested) != number:
            return f"{len(tested)} of its {number} test recordings are here"
        return ""

    return share
