"""The rows of an import: which prediction and which reference belong to which recording."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rppgbench.core.protocol import WITHOUT_PROTOCOL
from rppgbench.importing.name_matching import NameMatch, first_names, match_names
from rppgbench.importing.survey import Survey
from rppgbench.importing.targets import Expected, Target
from rppgbench.system.errors import BenchError

LEFTOVERS = "leftovers.csv"
"""The file in the results folder that lists predictions without a recording, recordings without a
prediction or a reference, references without a prediction, and files that are not read."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A name without a match.

    Attributes:
        side: where the name comes from: "source", "reference" or "recording".
        name: the name.
        reason: what is missing.
    """

    side: str
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Predictions and references, set beside recordings.

    Attributes:
        targets: name in the source -> its recordings, one for each fold.
        absent: recordings without a prediction that have a row all the same.
        references: name in the source of references -> its recordings; empty where they are
            with the predictions or in a data set.
        rule: how names were matched, in words.
        examples: some names that were not equal, in words; "" where all are.
        leftovers: names without a match.
    """

    targets: Mapping[str, tuple[Target, ...]]
    absent: tuple[Target, ...]
    references: Mapping[str, tuple[Target, ...]]
    rule: str
    examples: str
    leftovers: tuple[Leftover, ...]


def match_rows(
    survey: Survey,
    expected: Expected,
    reference_names: Sequence[str],
    named: Mapping[str, str],
    location: str,
) -> Matched:
    """Set predictions and references beside recordings.

    Args:
        survey: what the source holds.
        expected: the recordings of a protocol or data set, if any.
        reference_names: the names in the source of references; empty for none.
        named: name in the source -> recording, from the user.
        location: the source, for messages.

    Returns:
        The rows and what is left over.

    Raises:
        BenchError: nothing matches, or a name is ambiguous.
    """
    places = _places(survey, expected)
    match = match_names(survey.names, list(places), named, location)
    if not match.pairs:
        raise BenchError(
            f"{location}: none of its recordings ({first_names(survey.names)}) is one of "
            f"{first_names(places)}; say which is which with --names MAP.csv (source,recording)"
        )
    targets = {name: places[text] for name, text in match.pairs.items()}
    absent = [place for text in match.only_expected for place in places[text]]
    references, left = _references(reference_names, places, match, expected, location)
    leftovers = [
        Leftover(side="source", name=name, reason="matches no recording")
        for name in match.only_source
    ]
    leftovers += [
        Leftover(side="recording", name="/".join(place.key), reason="no prediction in the source")
        for place in {place.key: place for place in absent}.values()
    ]
    return Matched(
        targets=targets,
        absent=tuple(absent) if expected.complete else (),
        references=references,
        rule=match.rule,
        examples=_examples(match),
        leftovers=(*leftovers, *left),
    )


def leftovers_csv(leftovers: Sequence[Leftover], files: Sequence[str]) -> str:
    """Names without a match and files that are not read, as a CSV file.

    Args:
        leftovers: names of recordings.
        files: files of the source that are not read, each with the reason.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["side", "name", "reason"])
    writer.writerows((leftover.side, leftover.name, leftover.reason) for leftover in leftovers)
    for line in files:
        name, _, reason = line.rpartition(": ")
        writer.writerow(["file", name, reason])
    return text.getvalue()


def _places(survey: Survey, expected: Expected) -> dict[str, tuple[Target, ...]]:
    """The recordings that names are matched with, by the text that names each."""
    if expected.targets is None:
        return {
            name: (Target(dataset=WITHOUT_PROTOCOL, name=name, subject=name, fold="whole"),)
            for name in survey.names
        }
    sets_of: dict[str, set[str]] = {}
    for target in expected.targets:
        sets_of.setdefault(target.name, set()).add(target.dataset)
    places: dict[str, tuple[Target, ...]] = {}
    for target in expected.targets:
        alone = len(sets_of[target.name]) == 1
        text = target.name if alone else "/".join(target.key)
        places[text] = (*places.get(text, ()), target)
    return places


def _references(
    names: Sequence[str],
    places: Mapping[str, tuple[Target, ...]],
    predictions: NameMatch,
    expected: Expected,
    location: str,
) -> tuple[dict[str, tuple[Target, ...]], list[Leftover]]:
    """References by their name, and those that are left over."""
    if not names:
        return {}, []
    known = list(places) if expected.complete else list(predictions.pairs.values())
    match = match_names(names, known, {}, f"--reference of {location}")
    if not match.pairs:
        raise BenchError(
            f"--reference: none of its recordings ({first_names(names)}) is one of "
            f"{first_names(known)}; rename them"
        )
    left = [
        Leftover(side="reference", name=name, reason="matches no recording with a prediction")
        for name in match.only_source
    ]
    left += [
        Leftover(side="recording", name=name, reason="no reference") for name in match.only_expected
    ]
    return {name: places[text] for name, text in match.pairs.items()}, left


def _examples(match: NameMatch) -> str:
    changed = [f"{name} is {text}" for name, text in match.pairs.items() if name != text]
    return first_names(changed)
