"""The tables on the parts of a difference, on face regions and on evaluators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rppgbench.evaluation.decomposition import GROUP_DESCRIPTIONS, REGION, declared_choices
from rppgbench.report.decomposition_inputs import DecompositionInputs
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.evaluator_errors import error_cell, format_signed, number_cell
from rppgbench.report.tables.scores import LABELS
from rppgbench.report.tables.summary_rows import canonical_order, records
from rppgbench.report.tables.table import Cell, Row, Table


def share_table(inputs: DecompositionInputs) -> Table:
    """Each row's difference between the two sides, in parts; notes say what could not be read."""
    page = inputs.page
    rows = []
    names_by_note: dict[str, list[str]] = {}
    for split in inputs.splits:
        cells = [Cell(part, part) for part in split.row]
        cells += [number_cell(split.first_bpm), number_cell(split.second_bpm)]
        cells.append(number_cell(split.difference_bpm, signed=True))
        for group in inputs.groups:
            share = split.shares.get(group)
            value = share.value if share else math.nan
            detail = GROUP_DESCRIPTIONS[group]
            if share:
                low, high = format_signed(share.low), format_signed(share.high)
                detail += f"; {low} to {high} bpm over the orders"
            cells.append(number_cell(value, detail, signed=True))
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
        cells += [error_cell(parts.get(region, {}), region) for region in columns]
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
                    number_cell(rule.resolution_bpm or math.nan),
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
