"""The score table as lines of a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rppgbench.evaluation.paired_differences import MIN_PEOPLE
from rppgbench.report.inputs import ReportInputs, Scores, Skipped
from rppgbench.report.tables.columns import COVERAGE, Column, metric
from rppgbench.report.tables.highlights import row_kind
from rppgbench.report.tables.scores import LABELS, NOTED, describe_count
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name
from rppgbench.system.plural import pluralise
from rppgbench.system.text_wrapping import aligned, wrapped

MAX_NAME = 28
"""Letters of a name in a column; a longer one is cut."""

MIN_NAME = 8
"""Letters that stay of a name in a narrow terminal."""

DROPPED_FIRST = ("Coverage", "RMSE", "r", "95 % interval")
"""Columns that a narrow terminal lacks, in this order; MAE and n always stay."""

BEATS_DROPPED = ("floor  ", "floor ", "floor", "IBI error")
"""Columns of beats that a narrow terminal lacks, in this order."""

MAX_REASONS = 8
"""How many reasons the terminal tells; the page has them all."""

MAX_NAMED = 3
"""How many recordings a reason names."""

ASCII = str.maketrans({"−": "-", "–": "-"})
"""Signs that some terminals lack."""


def score_lines(inputs: ReportInputs, width: int) -> list[str]:
    """The scores under the page's first evaluator: title, heading, a line a row, and notes.

    Args:
        inputs: The inputs of the page.
        width: Columns of the terminal.

    Returns:
        Lines, none where nothing was scored.
    """
    if not inputs.scores or inputs.scores[0].summary.empty:
        return []
    scores = inputs.scores[0]
    error = f"{scores.quantity.replace(' ', '-')} error in {scores.unit}"
    subject = f"{error} under {scores.name}, {inputs.role}"
    title = ": ".join(filter(None, (inputs.marks.short, subject)))
    rows = records(canonical_order(scores.summary, scores.by))
    names = {LABELS.get(key, key): [str(row[key]) for row in rows] for key in scores.by}
    values = _value_columns(rows)
    marks = [_row_marks(row, inputs) for row in rows]
    columns = fit_columns(
        names, values | ({"": marks} if any(marks) else {}), width, dropped_first=DROPPED_FIRST
    )
    notes = [
        f"{row_name(row, scores.by)}: {row[column]}"
        for column in NOTED
        for row in rows
        if row.get(column)
    ]
    return [
        *wrapped(title, width),
        *columns,
        *(line for n in notes for line in wrapped(n, width)),
        *_beat_lines(scores, names, rows, width),
    ]


def _beat_lines(
    scores: Scores, names: Mapping[str, list[str]], rows: list[dict[str, Any]], width: int
) -> list[str]:
    """Beats and heart-rate variability, a line a row; none where the evaluator reads none."""
    if "beat_f1" not in scores.summary:
        return []
    shown = {
        "Beat F1": "beat_f1",
        "IBI error": "ibi_error_ms",
        "floor": "ibi_floor_ms",
        "SDNN error": "sdnn_ms_error",
        "floor ": "sdnn_ms_floor",
        "RMSSD error": "rmssd_ms_error",
        "floor  ": "rmssd_ms_floor",
    }
    values = {
        label: [_written(metric(key), row.get(key, float("nan"))) for row in rows]
        for label, key in shown.items()
    }
    title = f"beats and heart-rate variability under {scores.name}: mean errors in ms, and floors"
    return [*wrapped(title, width), *fit_columns(names, values, width, dropped_first=BEATS_DROPPED)]


def left_out_lines(skipped: Sequence[Skipped], width: int) -> list[str]:
    """What has no estimate: a line for each reason, with how many and the first names.

    Args:
        skipped: What has no estimate, each with its reason.
        width: Columns of the terminal.

    Returns:
        Lines, none where nothing was left out.
    """
    names_by_reason: dict[tuple[str, str, str], list[str]] = {}
    for entry in skipped:
        name = "/".join(filter(None, (entry.dataset, entry.recording)))
        names_by_reason.setdefault((entry.stage, entry.method, entry.reason), []).append(name)
    lines = []
    for (stage, method, reason), names in list(names_by_reason.items())[:MAX_REASONS]:
        further = len(names) - MAX_NAMED
        named = ", ".join(names[:MAX_NAMED]) + (f" and {further} more" if further > 0 else "")
        who = f"{pluralise(len(names), 'recording')} ({named})"
        what = f"{stage} {method}".strip()
        lines += wrapped(f"left out: {who}: {what}: {reason}", width)
    if len(names_by_reason) > MAX_REASONS:
        lines.append(f"left out: {len(names_by_reason) - MAX_REASONS} more reasons; see the page")
    return lines


def _value_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The texts of the columns of numbers, by heading."""
    return {
        "MAE": [_number("mae", row) for row in rows],
        "95 % interval": [_interval(row) for row in rows],
        "RMSE": [_number("rmse", row) for row in rows],
        "r": [_number("r", row) for row in rows],
        "Coverage": [f"{COVERAGE.write(float(row['coverage']))} %" for row in rows],
        "n": [describe_count(row) for row in rows],
    }


def _number(key: str, row: Mapping[str, Any]) -> str:
    """A measure, its interval's end or its spread over seeds, as the measure is written."""
    return _written(metric(key.split("_", maxsplit=1)[0]), row.get(key, float("nan")))


def _written(column: Column, value: float) -> str:
    return column.write(float(value)).translate(ASCII)


def _interval(row: Mapping[str, Any]) -> str:
    low, high = _number("mae_low", row), _number("mae_high", row)
    return "-" if "-" in (low, high) else f"{low} to {high}"


def _row_marks(row: Mapping[str, Any], inputs: ReportInputs) -> str:
    """What a reader has to know of a row: not ranked, imported, of how many seeds, no skill."""
    imported = "imported" if inputs.marks.of_method(str(row.get("method"))) else ""
    marks = [row_kind(row, inputs.baselines), imported]
    if int(row.get("n_seeds", 1)) > 1:
        spread = _number("mae_seed_std", row)
        marks.append(f"{int(row['n_seeds'])} seeds, MAE std {spread}")
    if row.get("control_note"):
        few = int(row["n_subjects"]) < MIN_PEOPLE
        marks.append("too few subjects to show skill" if few else "no skill shown")
    return ", ".join(filter(None, marks))


def fit_columns(
    names: Mapping[str, Sequence[str]],
    values: Mapping[str, Sequence[str]],
    width: int,
    *,
    dropped_first: Sequence[str],
    left_aligned: Sequence[str] = ("",),
) -> list[str]:
    """The columns side by side: names are cut first, then columns are left out.

    Args:
        names: The texts that name the rows, by heading.
        values: The texts of the other columns, by heading.
        width: Columns of the terminal.
        dropped_first: The headings of columns that a narrow terminal lacks, in this order.
        left_aligned: The headings of columns of words.

    Returns:
        A line for the headings and one for each row; last, what is not shown.
    """
    shown = dict(values)
    left_out: list[str] = []
    for letters in range(MAX_NAME, MIN_NAME - 1, -1):
        if _line_width(names, shown, letters) <= width:
            break
    for heading in dropped_first:
        if _line_width(names, shown, letters) <= width:
            break
        del shown[heading]
        left_out.append(heading)
    cut_names = [[_cut(text, letters) for text in (name, *texts)] for name, texts in names.items()]
    columns = [*cut_names, *((heading, *texts) for heading, texts in shown.items())]
    left = [
        place
        for place, heading in enumerate((*names, *shown))
        if heading in {*names, *left_aligned}
    ]
    rows = list(zip(*columns, strict=True))
    lines = [line[:width] for line in aligned(rows, left=left)]
    if left_out:
        note = f"not shown in {width} columns: {', '.join(left_out)}; the page has them"
        lines += wrapped(note, width)
    return lines


def _line_width(
    names: Mapping[str, Sequence[str]], values: Mapping[str, Sequence[str]], letters: int
) -> int:
    widths = [_width(heading, texts, letters) for heading, texts in names.items()]
    widths += [max(map(len, (heading, *texts))) for heading, texts in values.items()]
    return sum(widths) + 2 * (len(widths) - 1)


def _width(heading: str, texts: Sequence[str], letters: int) -> int:
    return min(letters, max(map(len, (heading, *texts))))


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 2]}.."
