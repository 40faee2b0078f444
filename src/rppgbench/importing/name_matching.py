"""Names of recordings in a source, set beside the names that are expected."""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rppgbench.system.errors import BenchError, one_line
from rppgbench.system.io_errors import check_regular

HEADER = ["source", "recording"]
"""The header of a map of names."""

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class NameMatch:
    """Which name of a source is which expected name.

    Attributes:
        pairs: name in the source -> expected name.
        rule: how the names were matched, in words.
        only_source: names of the source without a match, in the order of the source.
        only_expected: expected names without a match, in their order.
    """

    pairs: Mapping[str, str]
    rule: str
    only_source: tuple[str, ...]
    only_expected: tuple[str, ...]


def letters_and_digits(name: str) -> str:
    """The name without separators and case.

    >>> letters_and_digits("Subject_01-b")
    'subject01b'
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def last_part(name: str) -> str:
    """The last part of a path, without its suffix, separators and case.

    >>> last_part("data/UBFC/Subject_1.avi")
    'subject1'
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    return letters_and_digits(PurePosixPath(parts[-1]).stem) if parts else ""


def numbers(name: str) -> str:
    """The whole numbers in the name, without leading zeros; "" where there is none.

    >>> numbers("subject_01-02"), numbers("1/2")
    ('1-2', '1-2')
    """
    return "-".join(str(int(digits)) for digits in re.findall(r"[0-9]+", name))


RULES: Mapping[str, Callable[[str], str]] = {
    "letters and digits alone, without case": letters_and_digits,
    "the last part of the path, without suffix and case": last_part,
    "the numbers in the names": numbers,
}
"""Rules by their words, the strictest first."""


def match_names(
    source: Sequence[str], expected: Sequence[str], named: Mapping[str, str], location: str
) -> NameMatch:
    """Match the names of a source with the expected names.

    1. Names in the map are matched as the map says.
    2. Other names are matched with equal names.
    3. Without a map, one of `RULES` matches the remaining names: the first rule that matches all
       remaining names of the source, or all remaining expected names. If no rule does so, the rule
       with the most matches is taken. The rule of numbers is not taken for some names only, because
       a few equal numbers may be chance.

    Args:
        source: the distinct names in the source.
        expected: the distinct expected names.
        named: name in the source -> expected name, from the user; empty for none. With a map, names
            outside it are matched exactly alone.
        location: the source, for messages.

    Raises:
        BenchError: the map names what is not there, or a name has two partners.

    >>> match_names(["S_1", "S_2"], ["s1", "s2", "s3"], {}, "x.csv").pairs
    {'S_1': 's1', 'S_2': 's2'}
    """
    pairs = _mapped(source, expected, named) if named else {}
    taken = set(pairs.values())
    known = set(expected)
    pairs |= {
        name: name for name in source if name not in pairs and name in known and name not in taken
    }
    rule = "by the map of names, else exactly" if named else "exactly"
    left, open_names = _unmatched(source, expected, pairs)
    if left and open_names and not named:
        rule_text, matches = _best_rule(left, open_names, location)
        if matches:
            rule = rule_text if not pairs else f"exactly, else by {rule_text.removeprefix('by ')}"
            pairs |= matches
            left, open_names = _unmatched(source, expected, pairs)
    return NameMatch(pairs=pairs, rule=rule, only_source=left, only_expected=open_names)


def read_name_map(file: Path) -> dict[str, str]:
    """A map of names: a CSV file with the columns source and recording.

    Raises:
        BenchError: the file cannot be read, has other columns, or names something twice.
    """
    check_regular(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"--names {file}: not readable: {one_line(error)}") from error
    if not rows or rows[0] != HEADER or any(len(row) != 2 for row in rows):
        raise BenchError(
            f"--names {file}: needs the two columns {','.join(HEADER)} with this header"
        )
    for column, noun in enumerate(HEADER):
        names = [row[column] for row in rows[1:]]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BenchError(f"--names {file}: names the {noun} {one_line(twice[0])!r} twice")
    return dict(rows[1:])


def first_names(names: Iterable[str]) -> str:
    """The first names for one line, and how many more there are.

    >>> first_names(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    every = [one_line(name) for name in names]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def _mapped(
    source: Sequence[str], expected: Sequence[str], named: Mapping[str, str]
) -> dict[str, str]:
    known_source, known_expected = set(source), set(expected)
    for name, recording in named.items():
        if name not in known_source:
            raise BenchError(
                f"--names: {one_line(name)!r} is not in the source, which has {first_names(source)}"
            )
        if recording not in known_expected:
            raise BenchError(
                f"--names: {one_line(recording)!r} is no recording; there are "
                f"{first_names(expected)}"
            )
    return dict(named)


def _unmatched(
    source: Sequence[str], expected: Sequence[str], pairs: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    taken = set(pairs.values())
    left = tuple(name for name in source if name not in pairs)
    return left, tuple(name for name in expected if name not in taken)


def _best_rule(
    source: Sequence[str], expected: Sequence[str], location: str
) -> tuple[str, dict[str, str]]:
    """The words of the rule that matches most, and its pairs; BenchError where it is ambiguous."""
    most: tuple[str, dict[str, str]] = ("", {})
    doubts = []
    for rule_text, form in RULES.items():
        pairs, doubt = _by_form(source, expected, form)
        if len(pairs) == min(len(source), len(expected)) and not doubt:
            return f"by {rule_text}", pairs
        if doubt and not (most[1] and form is numbers):
            doubts.append(doubt)
        elif len(pairs) > len(most[1]) and form is not numbers:  # few equal numbers are chance
            most = f"by {rule_text}", pairs
    if doubts:
        raise BenchError(
            f"{location}: {doubts[0]}; say which is which with --names MAP.csv ({','.join(HEADER)})"
        )
    return most


def _by_form(
    source: Sequence[str], expected: Sequence[str], form: Callable[[str], str]
) -> tuple[dict[str, str], str]:
    """Pairs of equal forms, and what is ambiguous, in words ("" where nothing is)."""
    ours, theirs = _groups(source, form), _groups(expected, form)
    pairs = {}
    for key in ours.keys() & theirs.keys():
        if len(ours[key]) > 1:
            first, second = map(one_line, ours[key][:2])
            return {}, f"{first!r} and {second!r} both fit the recording {theirs[key][0]!r}"
        if len(theirs[key]) > 1:
            first, second = map(one_line, theirs[key][:2])
            return {}, f"{ours[key][0]!r} fits both recordings {first!r} and {second!r}"
        pairs[ours[key][0]] = theirs[key][0]
    ordered = {name: pairs[name] for name in source if name in pairs}
    return ordered, ""


def _groups(names: Sequence[str], form: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        key = form(name)
        if key:
            groups[key].append(name)
    return groups
