"""What the noise of each video permits, beside what each method reached."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import median

from rppgbench.evaluation.recording_limit import RecordingLimit
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Section
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

MOST_RECORDINGS, MOST_METHODS = 100, 8
"""Rows and methods of the table of recordings; limits.csv has all."""

MOST_REASONS = 3

NEAR = 2.0
"""A method is near the limit of a recording where its error is at most this many times as large."""

BY_METHOD = (
    Column("method", "Method", text=True),
    Column("error", "Median error", unit="bpm", better="low", about="RMSE of a recording."),
    Column("limit", "Median limit", unit="bpm", about="Of the same recordings."),
    Column("times", "Error over limit", better="low", about="Median of the ratios."),
    Column("near", "Near the limit", unit="%", better="high", about="At most twice the limit."),
    Column("n", "n", decimals=0, about="Recordings with a limit and an error."),
)


def limit_sections(
    limits: Sequence[RecordingLimit],
    evaluator: str,
    *,
    region: str,
    titles: Mapping[str, str],
    baselines: Collection[str] = (),
    left_out: Sequence[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """The limit of each recording beside the errors of the methods.

    Args:
        limits: The limits and errors of all recordings.
        evaluator: Name of the evaluator.
        region: The face region whose mean colour the limit is of.
        titles: What the page calls each method; a name without a title stays.
        baselines: Names of methods that are left out: they read no video.
        left_out: Sentences on rows that are left out.
        marks: What is simulated or imported.

    Returns:
        One section; none without recordings. Where no recording has a limit, it has the reasons in
        place of numbers.
    """
    if not limits:
        return ()
    known = [limit for limit in limits if not limit.reason]
    methods = _methods(known, baselines)
    tables = (
        (
            _method_table(known, methods, titles, evaluator, marks),
            _recording_table(known, methods, titles, evaluator, marks),
        )
        if methods
        else ()
    )
    return (
        Section(
            key="limits",
            title="What the videos permit",
            paragraphs=(
                *(_meaning(known, methods, evaluator, region, titles) if methods else ()),
                *_without(limits),
                *(left_out if methods else ()),
            ),
            tables=tables,
        ),
    )


def _methods(known: Sequence[RecordingLimit], baselines: Collection[str]) -> list[str]:
    """The methods with an error, the lowest median first."""
    names = sorted({name for limit in known for name in limit.rmse_bpm} - set(baselines))
    errors = {name: _errors(known, name) for name in names}
    return sorted((name for name in names if errors[name]), key=lambda name: median(errors[name]))


def _errors(known: Sequence[RecordingLimit], method: str) -> list[float]:
    values = (limit.rmse_bpm.get(method, math.nan) for limit in known)
    return [value for value in values if math.isfinite(value)]


def _meaning(
    known: Sequence[RecordingLimit],
    methods: Sequence[str],
    evaluator: str,
    region: str,
    titles: Mapping[str, str],
) -> tuple[str, ...]:
    best = methods[0]
    error, limit = median(_errors(known, best)), median(limit.limit_bpm for limit in known)
    return (
        "The limit is the smallest standard error of a heart rate that the noise of a video "
        f"permits to any unbiased reading of the mean colour of {region.replace('_', ' ')} "
        "(Cramér-Rao): noise of photons, sensor, rounding and codec, as each video has it above "
        "5 Hz. Errors are the root mean square error of a recording in the same windows, under "
        f"{evaluator}, on untouched frames.",
        f"{titles.get(best, best)}: {format_bpm(error)} bpm, limit {_format_limit(limit)} "
        f"(medians of {pluralise(len(known), 'recording')}). What lies between is motion, light, "
        "and how a rate is read from the waveform and from the reference. The command bench limit "
        "adds the error of the most likely rate.",
    )


def _without(limits: Sequence[RecordingLimit]) -> tuple[str, ...]:
    """How many recordings have no limit, and why."""
    reasons = Counter(limit.reason for limit in limits if limit.reason)
    if not reasons:
        return ()
    shown = [f"{reason} ({count})" for reason, count in reasons.most_common(MOST_REASONS)]
    more = len(reasons) - len(shown)
    shown += [f"{pluralise(more, 'more reason')} in limits.csv"] if more else []
    return (
        f"No limit for {reasons.total()} of {pluralise(len(limits), 'recording')}: "
        f"{'; '.join(shown)}.",
    )


def _method_table(
    known: Sequence[RecordingLimit],
    methods: Sequence[str],
    titles: Mapping[str, str],
    evaluator: str,
    marks: DataMarks,
) -> Table:
    rows = []
    for method in methods:
        pairs = [
            (error, limit.limit_bpm)
            for limit in known
            if math.isfinite(error := limit.rmse_bpm.get(method, math.nan))
        ]
        ratios = [error / bound for error, bound in pairs]
        near = 100 * sum(ratio <= NEAR for ratio in ratios) / len(ratios)
        error, bound = (median(values) for values in zip(*pairs, strict=True))
        title, times = titles.get(method, method), median(ratios)
        rows.append(
            Row(
                (
                    Cell(title, title),
                    Cell(format_bpm(error), error),
                    Cell(_format_limit(bound), bound),
                    Cell(f"{times:.1f}", times),
                    Cell(f"{near:.0f}", near),
                    Cell(str(len(pairs)), float(len(pairs))),
                )
            )
        )
    return Table(
        key="limits-by-method",
        caption=f"Errors of recordings beside their limits under {evaluator}",
        columns=BY_METHOD,
        rows=tuple(rows),
        marks=marks,
    )


def _recording_table(
    known: Sequence[RecordingLimit],
    methods: Sequence[str],
    titles: Mapping[str, str],
    evaluator: str,
    marks: DataMarks,
) -> Table:
    """A row for each recording, where the best method is farthest above the limit first."""
    shown, best = methods[:MOST_METHODS], methods[0]

    def distance(limit: RecordingLimit) -> float:
        error = limit.rmse_bpm.get(best, math.nan)
        return error - limit.limit_bpm if math.isfinite(error) else -math.inf

    ordered = sorted(known, key=lambda limit: (-distance(limit), limit.dataset, limit.recording))
    several = len({limit.dataset for limit in known}) > 1
    columns = (
        Column("recording", "Recording", text=True),
        Column("windows", "Windows", decimals=0),
        Column("limit", "Limit", unit="bpm"),
        *(Column(method, titles.get(method, method), unit="bpm", better="low") for method in shown),
    )
    left_out = [
        f"{shown_count} of {pluralise(total, noun)}"
        for shown_count, total, noun in (
            (MOST_RECORDINGS, len(known), "recording"),
            (MOST_METHODS, len(methods), "method"),
        )
        if total > shown_count
    ]
    notes = (f"Shown are {' and '.join(left_out)}; limits.csv has all.",) if left_out else ()
    return Table(
        key="limits-by-recording",
        caption=f"Limits and errors of recordings under {evaluator}; first those where "
        f"{titles.get(best, best)} is farthest above the limit",
        columns=columns,
        rows=tuple(
            _recording_row(limit, shown, several=several) for limit in ordered[:MOST_RECORDINGS]
        ),
        notes=notes,
        marks=marks,
    )


def _recording_row(limit: RecordingLimit, methods: Sequence[str], *, several: bool) -> Row:
    name = f"{limit.dataset}/{limit.recording}" if several else limit.recording
    errors = [limit.rmse_bpm.get(method, math.nan) for method in methods]
    return Row(
        (
            Cell(name, name),
            Cell(str(limit.windows), float(limit.windows)),
            Cell(_format_limit(limit.limit_bpm), limit.limit_bpm),
            *(Cell(format_bpm(e), None if math.isnan(e) else e) for e in errors),
        )
    )


def _format_limit(limit_bpm: float) -> str:
    """A limit as tables write it: that of a whole recording may be very small.

    >>> _format_limit(0.123), _format_limit(0.098), _format_limit(0.003)
    ('0.12', '0.10', '0.003')
    """
    return format_bpm(limit_bpm) if limit_bpm >= 0.01 else f"{limit_bpm:.1g}"
