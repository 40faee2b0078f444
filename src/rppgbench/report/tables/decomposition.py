"""The tables on different numbers of one method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rppgbench.evaluation.decomposition import GROUP_DESCRIPTIONS, REGION, declared_choices
from rppgbench.report.decomposition_inputs import (
    DecompositionInputs,
    Span,
    error_spans,
    format_bpm,
    scores_on_one_region,
)
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.scores import LABELS
from rppgbench.report.tables.summary_rows import canonical_order, describe_sample, records, row_name
from rppgbench.report.tables.table import Cell, Row, Table


def error_table(inputs: DecompositionInputs) -> Table:
    """Rows against evaluators, with the lowest, the highest and the range."""
    page = inputs.page
    all_scores = scores_on_one_region(inputs)
    default, mae = all_scores[0], metric("mae")
    rows_by_evaluator = {
        scores.name: {tuple(r[k] for k in scores.by): r for r in records(scores.summary)}
        for scores in all_scores
    }
    reach = error_spans(inputs)
    rows = []
    for record in records(canonical_order(default.summary, default.by)):
        key = tuple(record[k] for k in default.by)
        low, high, low_rule, high_rule, _ = reach.get(
            row_name(record, default.by), Span(math.nan, math.nan, "", "", "")
        )
        cells = [Cell(str(part), str(part)) for part in key]
        cells.append(_number(high - low, f"range {format_bpm(high - low)} bpm"))
        cells.append(_number(low, f"lowest, under {low_rule}"))
        cells.append(_number(high, f"highest, under {high_rule}"))
        for scores in all_scores:
            cells.append(_error_cell(rows_by_evaluator[scores.name].get(key, {}), scores.name))
        rows.append(Row(tuple(cells), "baseline" if record["method"] in page.baselines else ""))
    headings = [Column(k, LABELS.get(k, k), text=True) for k in default.by]
    headings += [
        Column("range", "Range", unit="bpm", about="Highest less lowest over all evaluators."),
        Column("lowest", "Lowest", unit="bpm"),
        Column("highest", "Highest", unit="bpm"),
    ]
    headings += [
        Column(
            scores.name,
            scores.name,
            unit="bpm",
            decimals=mae.decimals,
            better="low",
            about=inputs.rules[scores.name].title,
        )
        for scores in all_scores
    ]
    return Table(
        key="decomposition-errors",
        caption=f"Mean absolute error under every evaluator: "
        f"{describe_sample(default, page.protocol.expected)}",
        columns=tuple(headings),
        rows=tuple(rows),
        headers=len(default.by),
        notes=("Below a number, its 95 % interval over subjects.",),
        marks=page.marks,
    )


def share_table(inputs: DecompositionInputs) -> Table:
    """Each row's difference between the two sides, in parts; notes say what could not be read."""
    page = inputs.page
    rows = []
    names_by_note: dict[str, list[str]] = {}
    for split in inputs.splits:
        cells = [Cell(part, part) for part in split.row]
        cells += [_number(split.first_bpm), _number(split.second_bpm)]
        cells.append(_number(split.difference_bpm, signed=True))
        for group in inputs.groups:
            share = split.shares.get(group)
            value = share.value if share else math.nan
            detail = GROUP_DESCRIPTIONS[group]
            if share:
                detail += f"; {_signed(share.low)} to {_signed(share.high)} bpm over the orders"
            cells.append(_number(value, detail, signed=True))
        rows.append(Row(tuple(cells), "baseline" if split.row[0] in page.baselines else ""))
        name = " · ".join(split.row)
        if split.shares and split.orders < split.all_orders:
            names_by_note.setdefault(
                f"over {split.orders} of {split.all_orders} orders", []
            ).append(name)
        for note in split.notes:
            names_by_note.setdefault(note, []).append(name)
    notes = [
        f"{'All rows' if len(names) == len(rows) else ', '.join(names)}: {note}."
        for note, names in names_by_note.items()
    ]
    headings = [Column(k, LABELS.get(k, k), text=True) for k in inputs.by]
    headings += [
        Column("first", inputs.first.label, unit="bpm", about="Mean absolute error of the first."),
        Column(
            "second", inputs.second.label, unit="bpm", about="Mean absolute error of the second."
        ),
        Column("difference", "Difference", unit="bpm", about="Second less first."),
    ]
    headings += [
        Column(
            group,
            group.capitalize(),
            unit="bpm",
            about=f"{GROUP_DESCRIPTIONS[group].capitalize()}.",
        )
        for group in inputs.groups
    ]
    return Table(
        key="decomposition-shares",
        caption=f"The difference between {inputs.first.label} and {inputs.second.label}, in parts",
        columns=tuple(headings),
        rows=tuple(rows),
        headers=len(inputs.by),
        notes=tuple(notes),
        marks=page.marks,
    )


def change_table(inputs: DecompositionInputs) -> Table:
    """What each part is, and what either side declares of it."""
    rows = [
        Row(
            tuple(
                Cell(text, text)
                for text in (
                    group.capitalize(),
                    GROUP_DESCRIPTIONS[group],
                    declared_choices(inputs.first, group),
                    declared_choices(inputs.second, group),
                )
            )
        )
        for group in inputs.groups
    ]
    names = ("Part", "What it is", inputs.first.label, inputs.second.label)
    columns = tuple(Column(f"change-{n}", name, text=True) for n, name in enumerate(names))
    return Table(
        key="decomposition-changes",
        caption="What differs between the two",
        columns=columns,
        rows=tuple(rows),
    )


def region_table(inputs: DecompositionInputs, scores: Scores) -> Table:
    """Rows against the face regions that are stored, under one evaluator.

    Args:
        inputs: The inputs of the page.
        scores: The scores of one evaluator, with a row for each region.

    Returns:
        The table.
    """
    page, mae = inputs.page, metric("mae")
    rows_by_region: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for record in records(canonical_order(scores.summary, scores.by)):
        row = tuple(str(record[k]) for k in inputs.by)
        rows_by_region.setdefault(row, {})[str(record.get(REGION, ""))] = record
    own_region = "" if any("" in parts for parts in rows_by_region.values()) else None
    columns = [*inputs.regions, *([own_region] if own_region is not None else [])]
    rows = []
    for row, parts in rows_by_region.items():
        cells = [Cell(part, part) for part in row]
        cells += [_error_cell(parts.get(region, {}), region) for region in columns]
        rows.append(Row(tuple(cells), "baseline" if row[0] in page.baselines else ""))
    headings = [Column(k, LABELS.get(k, k), text=True) for k in inputs.by]
    headings += [
        Column(
            f"region-{name}", name or "its own", unit=mae.unit, decimals=mae.decimals, better="low"
        )
        for name in columns
    ]
    return Table(
        key=f"decomposition-regions-{scores.name}",
        caption=f"Mean absolute error on every stored face region under {scores.name}",
        columns=tuple(headings),
        rows=tuple(rows),
        headers=len(inputs.by),
        notes=("A dash: the method was not run on that region, or has regions of its own.",),
        marks=page.marks,
    )


def evaluator_table(inputs: DecompositionInputs) -> Table:
    """The evaluators: rule, resolution, source and digest."""
    about = {scores.name: scores.about for scores in inputs.page.scores}
    rows = []
    for scores in inputs.page.scores:
        rule = inputs.rules[scores.name]
        text = about[scores.name].removeprefix(f"{rule.meaning} {rule.title}.")
        text = text.partition(" A missing ")[0].strip()
        rows.append(
            Row(
                (
                    Cell(scores.name, scores.name),
                    Cell(rule.title, rule.title),
                    Cell(rule.meaning, rule.meaning),
                    Cell(text, text),
                    _number(rule.resolution_bpm or math.nan),
                    Cell(rule.source, rule.source),
                    Cell(rule.digest, rule.digest),
                )
            )
        )
    columns = (
        Column("evaluator", "Evaluator", text=True),
        Column("title", "Title", text=True),
        Column("meaning", "What a reading is", text=True),
        Column("rule", "Rule", text=True),
        Column("resolution", "Resolution", unit="bpm", about="How finely a heart rate is told."),
        Column("source", "Source", text=True),
        Column("digest", "Digest", text=True, about="Of everything but the words."),
    )
    notes = tuple(
        f"{scores.name}: {' '.join(inputs.rules[scores.name].notes.split())}"
        for scores in inputs.page.scores
    )
    return Table(
        key="decomposition-rules",
        caption="The evaluators",
        columns=columns,
        rows=tuple(rows),
        notes=notes,
    )


def _error_cell(record: Mapping[str, Any], column: str) -> Cell:
    mae = metric("mae")
    value = float(record.get("mae", math.nan))
    if math.isnan(value):
        return Cell("–", None, detail=f"nothing scored under {column}" if column else "")
    low, high = (float(record.get(f"mae_{end}", math.nan)) for end in ("low", "high"))
    interval = "" if math.isnan(low) else f"{mae.write(low)} to {mae.write(high)}"
    covered = float(record["window_coverage"])
    detail = f"{column}: {mae.write(value)} bpm over {int(record['n_windows'])} rows"
    detail += f"; 95 % interval {interval} bpm" if interval else ""
    detail += f"; {covered:.1%} of the rows have an estimate" if covered < 1 else ""
    return Cell(mae.write(value), value, interval=interval, detail=detail)


def _number(value: float, detail: str = "", *, signed: bool = False) -> Cell:
    if math.isnan(value):
        return Cell("–", None, detail=detail)
    return Cell(_signed(value) if signed else format_bpm(value), value, detail=detail)


def _signed(value: float) -> str:
    """With its sign, but for what is printed as zero."""
    text = format_bpm(value)
    return text if text.startswith("−") or float(text) == 0 else f"+{text}"
