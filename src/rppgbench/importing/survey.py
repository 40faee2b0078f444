"""What a source holds, by name: the first of two readings, which keeps no signal."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rppgbench.importing.name_matching import first_names
from rppgbench.importing.options import FORBIDDEN, MOST_CHARACTERS, check_method_name
from rppgbench.importing.signals import digest_of, imported_signal
from rppgbench.predictions.record import PredictionSource
from rppgbench.system.errors import BenchError, one_line

MOST_ASSUMPTIONS = 20
"""Assumptions that are told of a method; a source may make another one for each recording."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a source holds.

    Attributes:
        names: the distinct names of recordings, in the order of the source.
        predictions: (method in the source, name) of every row.
        methods: method in the source -> its name in results.
        with_reference: the names whose recording has a reference in the source, usable or not.
        fs: by name, the samples per second of a waveform.
        cumulated: the methods in the source whose waveforms are sums of differences.
        assumptions: by method in the source, what its rows take as given.
    """

    names: tuple[str, ...]
    predictions: tuple[tuple[str, str], ...]
    methods: Mapping[str, str]
    with_reference: frozenset[str]
    fs: Mapping[str, float]
    cumulated: frozenset[str]
    assumptions: Mapping[str, tuple[str, ...]]


def survey_source(source: PredictionSource, method: str) -> Survey:
    """Read a source once, a recording at a time.

    Args:
        source: the predictions.
        method: the name of the method in results.

    Returns:
        Names, methods and assumptions.

    Raises:
        BenchError: the source cannot be read, a method in it has a name that cannot be used, or a
            recording has another reference under another method.
    """
    names: dict[str, None] = {}
    predictions: list[tuple[str, str]] = []
    references: dict[str, str] = {}
    fs: dict[str, float] = {}
    lines: dict[str, Counter[str]] = {}
    cumulated: set[str] = set()
    for recording in source:
        names[recording.name] = None
        predictions.append((recording.method, recording.name))
        mark = digest_of(recording.references, recording.beats_s) or recording.reference_reason
        if references.setdefault(recording.name, mark) != mark:
            raise BenchError(
                f"{source.path}: {one_line(recording.name)!r} has different references under "
                "different methods; split the source"
            )
        if recording.prediction is not None and recording.prediction.kind == "waveform":
            fs[recording.name] = recording.prediction.fs
        if recording.cumulated:
            cumulated.add(recording.method)
        notes = lines.setdefault(recording.method, Counter())
        notes.update(set(recording.assumptions))
        if recording.prediction is not None and (n := imported_signal(recording.prediction).note):
            notes[n] += 1
    counts = Counter(name for name, _ in predictions)
    return Survey(
        names=tuple(names),
        predictions=tuple(predictions),
        methods=method_names(list(lines), method),
        with_reference=frozenset(name for name, mark in references.items() if mark),
        fs=fs,
        cumulated=frozenset(cumulated),
        assumptions={
            name: (*source.assumptions, *_assumptions(lines[name], counts[name])) for name in lines
        },
    )


def method_names(source_methods: list[str], method: str) -> dict[str, str]:
    """The names of a source's methods in results.

    Args:
        source_methods: the methods as the source names them; "" for one without a name.
        method: the name that the user gives.

    Raises:
        BenchError: two methods would have one name.

    >>> method_names(["CHROM"], "pyvhr_run"), method_names(["CHROM", "POS"], "theirs")
    ({'CHROM': 'pyvhr_run'}, {'CHROM': 'theirs_CHROM', 'POS': 'theirs_POS'})
    """
    if len(source_methods) == 1:
        return {source_methods[0]: method}
    names = {name: f"{method}_{_usable(name)}" if name else method for name in source_methods}
    for name in names.values():
        check_method_name(name)
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        both = first_names(source for source, name in names.items() if name == twice[0])
        raise BenchError(f"--method: {both} of the source would both be called {twice[0]!r}")
    return names


def _usable(name: str) -> str:
    """A method's name in a source without what no name of a method holds."""
    letters = ["_" if c.isspace() or c in FORBIDDEN else c for c in one_line(name)]
    return "".join(letters)[: MOST_CHARACTERS // 2]


def _assumptions(lines: Counter[str], rows: int) -> list[str]:
    """Each assumption, with the number of its rows where it is not of all."""
    texts = [
        line if count == rows else f"{line} ({count} of {rows} recordings)"
        for line, count in lines.most_common()
    ]
    more = len(texts) - MOST_ASSUMPTIONS
    return [*texts[:MOST_ASSUMPTIONS], *([f"{more} more like these"] if more > 0 else [])]
