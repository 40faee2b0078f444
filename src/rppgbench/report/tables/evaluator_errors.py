"""The errors of every method under every evaluator, with the evaluators in rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rppgbench.report.decomposition_inputs import (
    DecompositionInputs,
    error_spans,
    scores_on_one_region,
)
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import Column, format_bpm, metric
from rppgbench.report.tables.scores import LABELS
from rppgbench.report.tables.summary_rows import (
    canonical_order,
    describe_sample,
    records,
    row_name,
    unscored_reason,
)
from rppgbench.report.tables.table import Cell, Row, Table

MAX_METHODS = 8
"""Methods beside each other in one table: as many as a sheet of paper holds."""


def span_table(inputs: DecompositionInputs) -> Table:
    """For each method the lowest and the highest error over all evaluators, and the range."""
    page = inputs.page
    default = scores_on_one_region(inputs)[0]
    spans = error_spans(inputs)
    rows = []
    for record in records(canonical_order(default.summary, default.by)):
        cells = [Cell(str(record[k]), str(record[k])) for k in default.by]
        span = spans.get(row_name(record, default.by))
        if span is None:
            cells += [Cell("–", None, detail="scored under no evaluator")] * 5
        else:
            cells += [
                number_cell(span.high - span.low),
                number_cell(span.low),
                Cell(span.low_rule, span.low_rule),
                number_cell(span.high),
                Cell(span.high_rule, span.high_rule),
            ]
        rows.append(Row(tuple(cells), "baseline" if record["method"] in page.baselines else ""))
    columns = (
        *(Column(k, LABELS.get(k, k), text=True) for k in default.by),
        Column("range", "Range", unit="bpm", about="Highest less lowest over all evaluators."),
        Column("lowest", "Lowest", unit="bpm"),
        Column("lowest_under", "under", text=True),
        Column("highest", "Highest", unit="bpm"),
        Column("highest_under", "under", text=True),
    )
    return Table(
        key="decomposition-spans",
        caption="Lowest and highest mean absolute error over all evaluators",
        columns=columns,
        rows=tuple(rows),
        headers=len(default.by),
        marks=page.marks,
    )


def error_tables(inputs: DecompositionInputs) -> tuple[Table, ...]:
    """The mean absolute errors: an evaluator a row, a method a column, few methods a table."""
    all_scores = scores_on_one_region(inputs)
    default = all_scores[0]
    methods = records(canonical_order(default.summary, default.by))
    count = -(-len(methods) // MAX_METHODS)
    size = -(-len(methods) // max(count, 1))
    return tuple(
        _error_table(inputs, all_scores, methods[number * size : (number + 1) * size], number)
        for number in range(count)
    )


def _error_table(
    inputs: DecompositionInputs,
    all_scores: Sequence[Scores],
    methods: Sequence[Mapping[str, Any]],
    number: int,
) -> Table:
    page, mae, by = inputs.page, metric("mae"), all_scores[0].by
    rows = []
    for scores in all_scores:
        errors = {tuple(r[k] for k in by): r for r in records(scores.summary)}
        cells = [Cell(scores.name, scores.name)]
        for method in methods:
            record = errors.get(tuple(method[k] for k in by), {})
            reason = "" if record else "no waveform stored"
            if record and math.isnan(float(record["mae"])):
                reason = unscored_reason(scores, method)
            cells.append(error_cell(record, scores.name, reason))
        rows.append(Row(tuple(cells)))
    names = [row_name(method, by) for method in methods]
    part = (
        f", {names[0]} to {names[-1]}" if number or len(names) < len(all_scores[0].summary) else ""
    )
    columns = [Column("evaluator", "Evaluator", text=True)]
    columns += [
        Column(
            name,
            f"{name} (baseline)" if method["method"] in page.baselines else name,
            unit=mae.unit,
            decimals=mae.decimals,
            better="low",
        )
        for name, method in zip(names, methods, strict=True)
    ]
    return Table(
        key="decomposition-errors" + (f"-{number + 1}" if number else ""),
        caption=f"Mean absolute error under every evaluator{part}: "
        f"{describe_sample(all_scores[0], page.protocol.expected)}",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=("Below a number, its 95 % interval over subjects; below a dash, why.",),
        marks=page.marks,
    )


def error_cell(record: Mapping[str, Any], column: str, reason: str = "") -> Cell:
    """A mean absolute error with its interval, or a dash with the reason.

    Args:
        record: The row of a summary; empty where there is none.
        column: What the column or row of the cell is called.
        reason: Why there is no error.

    Returns:
        The cell.
    """
    mae = metric("mae")
    value = float(record.get("mae", math.nan))
    if math.isnan(value):
        detail = f"nothing scored under {column}" if column else ""
        return Cell("–", None, below=reason, detail=": ".join(filter(None, (detail, reason))))
    low, high = (float(record.get(f"mae_{end}", math.nan)) for end in ("low", "high"))
    interval = "" if math.isnan(low) else f"{mae.write(low)} to {mae.write(high)}"
    covered = float(record["window_coverage"])
    detail = f"{column}: {mae.write(value)} bpm over {int(record['n_windows'])} rows"
    detail += f"; 95 % interval {interval} bpm" if interval else ""
    detail += f"; {covered:.1%} of the rows have an estimate" if covered < 1 else ""
    return Cell(mae.write(value), value, interval=interval, detail=detail)


def number_cell(value: float, detail: str = "", *, signed: bool = False) -> Cell:
    """A number in bpm, or a dash for NaN.

    Args:
        value: The number.
        detail: The cell in words.
        signed: Whether a positive number has its sign.

    Returns:
        The cell.
    """
    if math.isnan(value):
        return Cell("–", None, detail=detail)
    return Cell(format_signed(value) if signed else format_bpm(value), value, detail=detail)


def format_signed(value: float) -> str:
    """With its sign, but for what is printed as zero."""
    text = format_bpm(value)
    return text if text.startswith("−") or float(text) == 0 else f"+{text}"
