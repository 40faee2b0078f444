"""Summaries of scores as tables, with marks and intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rppgbench.evaluation.evaluator import EDGE_BPM
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import (
    BAND_EDGE,
    COVERAGE,
    PAGE_METRICS,
    RECORDINGS,
    Column,
    in_unit,
    metric,
)
from rppgbench.report.tables.highlights import RANKING, SAME_RANKING, highlights, row_kind
from rppgbench.report.tables.summary_rows import (
    canonical_order,
    describe_sample,
    records,
    row_name,
)
from rppgbench.report.tables.table import Cell, Highlight, Row, RowKind, Table
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    "method": "Method",
    "dataset": "Data set",
    "fold": "Fold",
    "scenario": "Scenario",
    "condition": "Condition",
    "region": "Region",
    "seed": "Seed",
    "subject": "Subject",
    "skin_tone": "Skin tone",
    "light": "Light",
}

NOTED = ("training", "rule_note", "control_note")
"""Columns of words on a row: how the method was trained, what the rule was not made for, and that
the method is not shown to beat its controls."""


def method_table(
    scores: Scores,
    *,
    measures: Sequence[Column] = PAGE_METRICS,
    baselines: Collection[str] = (),
    expected: int | None = None,
    marks: DataMarks = UNMARKED,
) -> Table:
    """Measures of every row of the summary, in the order of the mean absolute error.

    Marks compare the rows that differ in nothing but the method. `expected` is the protocol's
    number of recordings: a caption whose n is another says so.

    Args:
        scores: The scores of one evaluator.
        measures: The columns of measures, in their order; a note names those that no row has.
        baselines: The methods that are baselines; they are not ranked.
        expected: The protocol's number of recordings, None where it is open.
        marks: What is simulated or imported.

    Returns:
        The table.
    """
    by = list(scores.by)
    frame = canonical_order(scores.summary, by)
    known = [in_unit(column, scores.unit) for column in measures if column.key in frame]
    shown = [column for column in known if column.key == "mae" or frame[column.key].notna().any()]
    empty = ", ".join(column.label for column in known if column not in shown)
    marked = highlights(frame, shown, [key for key in by if key != "method"], baselines)
    rows, counts_edges = [], "n_band_edge" in frame
    for place, record in enumerate(records(frame)):
        kind = row_kind(record, baselines)
        cells = _name_cells(record, by)
        cells.append(_count_cell(record))
        cells.append(_coverage_cell(record, scores.unit))
        cells += [_band_cell(record)] if counts_edges else []
        cells += [
            _measure_cell(record, column, marked[column.key][place], kind=kind) for column in shown
        ]
        rows.append(Row(tuple(cells), kind))
    headings = tuple(Column(key, LABELS.get(key, key), text=True) for key in by)
    return Table(
        key=f"scores-{scores.name}",
        caption=f"{scores.quantity.capitalize().replace(' ', '-')} error under {scores.name}: "
        f"{describe_sample(scores, expected)}",
        columns=(*headings, RECORDINGS, COVERAGE, *[BAND_EDGE] * counts_edges, *shown),
        rows=tuple(rows),
        headers=len(by),
        notes=(
            RANKING,
            *_leak_notes(frame, by),
            *_row_notes(frame, by),
            *describe_reference(scores),
            *describe_band_edge(scores),
            *describe_region(scores),
            *([f"Not defined for any row: {empty}."] if empty else []),
            *_interval_notes(frame),
        ),
        marks=marks,
    )


def _leak_notes(frame: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Which rows were tested on what their weights were learned on."""
    if "leaked" not in frame:
        return []
    return [
        f"{row_name(record, by)} has weights that were learned on {record['leaked']}: leaked."
        for record in records(frame[frame["leaked"] != ""])
    ]


def _row_notes(frame: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """What is to be said of rows: for tables that are read without the page."""
    return [
        f"{row_name(record, by)}: {record[column]}."
        for column in NOTED
        if column in frame
        for record in records(frame[frame[column] != ""])
    ]


def describe_band_edge(scores: Scores) -> list[str]:
    """How many windows have a truth outside the evaluator's band or at its edge, where any has."""
    windows = scores.windows
    if "band_edge" not in windows or not windows["band_edge"].any():
        return []
    keys = ["dataset", "recording", "window"]
    scored = windows[windows["reference_bpm"].notna()]
    beyond = len(scored.loc[scored["band_edge"], keys].drop_duplicates())
    every = len(scored[keys].drop_duplicates())
    low, high = windows.attrs.get("band_bpm", (math.nan, math.nan))
    edge_bpm = windows.attrs.get("edge_bpm", EDGE_BPM)
    band = "" if math.isnan(low) else f", {low:.0f} to {high:.0f} {scores.unit},"
    beyond_band = (
        "the rule reads an estimate beyond the band as a rate within, and the reference by its "
        "beats, so an error there is one of the rule."
        if "beats" in windows.attrs.get("truth", [])
        else "the rule reads a rate beyond the band as a rate within, for reference and estimate "
        "alike, so a small error there is no evidence."
    )
    return [
        f"Under {scores.name} the true {scores.quantity} of {beyond} of "
        f"{pluralise(every, 'window')} lies outside the band{band} or within {edge_bpm:g} "
        f"{scores.unit} of its edge: {beyond_band}"
    ]


def describe_reference(scores: Scores) -> list[str]:
    """How many windows have the device's heart rate for want of the pulse that the rule prefers."""
    windows = scores.windows
    if "pulse" not in windows.attrs.get("truth", []) or "truth" not in windows:
        return []
    keys = ["dataset", "recording", "window"]
    scored = windows[windows["reference_bpm"].notna()]
    device = scored[scored["truth"] == "heart_rate"]
    if windows.attrs["truth"][0] == "heart_rate" or device.empty:
        return []
    count, every = (len(rows[keys].drop_duplicates()) for rows in (device, scored))
    return [
        f"Under {scores.name} the reference of {count} of {pluralise(every, 'window')} is the "
        "device's own heart rate: these recordings have no contact pulse. A device averages over "
        "seconds that its maker does not state."
    ]


def describe_region(scores: Scores) -> list[str]:
    """On which face region methods are compared, where waveforms of several are stored."""
    if "region" not in scores.groups:
        return []
    (name,) = set(scores.windows["region"]) - {""}
    return [
        f"Methods that average pixels are compared on the face region {name}; the others are in "
        "the table by region."
    ]


def group_table(
    scores: Scores,
    group: str,
    *,
    key: str = "mae",
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> Table:
    """One measure with the values of `group` (scenario, fold, ...) across, the methods down.

    Args:
        scores: The scores of one evaluator.
        group: Name of the further column, a key of `scores.groups`.
        key: Name of the measure.
        baselines: The methods that are baselines; they are not ranked.
        marks: What is simulated or imported.

    Returns:
        The table.
    """
    by = list(scores.by)
    column = in_unit(metric(key), scores.unit)
    frame = scores.groups[group]
    overall = canonical_order(scores.summary, by)
    values = list(dict.fromkeys(sorted(frame[group].tolist(), key=str)))
    marked = highlights(frame, [column], [*(k for k in by if k != "method"), group], baselines)[key]
    part_by_key: dict[tuple[Any, ...], tuple[Mapping[str, Any], Highlight]] = {
        (*(record[k] for k in by), record[group]): (record, mark)
        for record, mark in zip(records(frame), marked, strict=True)
    }
    rows = []
    for record in records(overall):
        name = tuple(record[k] for k in by)
        kind = row_kind(record, baselines)
        cells = _name_cells(record, by)
        for value in values:
            part, mark = part_by_key.get((*name, value), ({}, ""))
            cells.append(_measure_cell(part, column, mark, kind=kind, group_value=str(value)))
        rows.append(Row(tuple(cells), kind))
    headings = [Column(k, LABELS.get(k, k), text=True) for k in by]
    for value in values:
        value_rows = frame[frame[group] == value]
        headings.append(
            Column(
                str(value),
                str(value) or ("its own" if group == "region" else "(none)"),
                unit=column.unit,
                decimals=column.decimals,
                better=column.better,
                scale=column.scale,
                about=f"{column.label} over {_span(value_rows['n_recordings'])} recordings of "
                f"{_span(value_rows['n_subjects'])} subjects",
            )
        )
    title = LABELS.get(group, group).lower()
    return Table(
        key=f"{group}-{scores.name}",
        caption=f"{column.label} by {title} under {scores.name}",
        columns=tuple(headings),
        rows=tuple(rows),
        headers=len(by),
        notes=(SAME_RANKING, *_row_notes(overall, by)),
        marks=marks,
    )


def _name_cells(record: Mapping[str, Any], by: Sequence[str]) -> list[Cell]:
    """What names a row; below the method, what is to be said of its training and of the rule."""
    first, *rest = (Cell(str(record[key]), str(record[key])) for key in by)
    row_notes = [str(record[key]) for key in NOTED if record.get(key)]
    return [replace(first, below="; ".join(row_notes)), *rest]


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"


def describe_count(record: Mapping[str, Any]) -> str:
    """The n of a row: the recordings scored, and of how many where that is another number."""
    count, expected = int(record["n_recordings"]), int(record["n_expected"])
    return str(count) if expected == count else f"{count} of {expected}"


def _count_cell(record: Mapping[str, Any]) -> Cell:
    count, expected = int(record["n_recordings"]), int(record["n_expected"])
    text = describe_count(record)
    present = f", {int(record['n_present'])} of them here" if "n_present" in record else ""
    detail = (
        f"{pluralise(count, 'recording')} of {pluralise(int(record['n_subjects']), 'subject')}, "
        f"{expected} expected{present}; {pluralise(int(record['n_windows']), 'window')}"
    )
    if record.get("n_unscored", 0):
        detail += f", {int(record['n_unscored'])} more without a reference"
    if int(record.get("n_seeds", 1)) > 1:
        detail += f"; {int(record['n_seeds'])} seeds"
    return Cell(text, float(count), detail=detail)


def _band_cell(record: Mapping[str, Any]) -> Cell:
    count = int(record["n_band_edge"])
    windows = pluralise(int(record["n_windows"]), "window")
    detail = f"{count} of {windows} outside the band or at its edge"
    return Cell(str(count), float(count), detail=detail)


def _coverage_cell(record: Mapping[str, Any], unit: str) -> Cell:
    value = float(record["coverage"])
    windows = float(record.get("window_coverage", value))
    detail = f"an estimate for {COVERAGE.write(value)} % of the recordings here"
    below = ""
    if windows < value:
        below = f"{COVERAGE.write(windows)} of windows"
        detail += f" and {COVERAGE.write(windows)} % of the windows"
    if "mae_covered" in record:
        detail += (
            f"; MAE over these alone {metric('mae').write(float(record['mae_covered']))} {unit}"
        )
    return Cell(COVERAGE.write(value), value, below=below, detail=detail)


def _interval_notes(frame: pd.DataFrame) -> list[str]:
    """Why intervals are missing or doubtful, said once for each reason."""
    if "interval_note" not in frame:
        return []
    rows_with_note = frame[frame["interval_note"] != ""]
    sentences = []
    for note, part in rows_with_note.groupby("interval_note", sort=False):
        who = "all rows" if len(part) == len(frame) else ", ".join(part["method"].astype(str))
        sentences.append(f"{str(note).capitalize()} ({who}).")
    return sentences


def _measure_cell(
    record: Mapping[str, Any],
    column: Column,
    mark: Highlight,
    *,
    kind: RowKind,
    group_value: str = "",
) -> Cell:
    value = float(record.get(column.key, float("nan")))
    if math.isnan(value):
        return Cell("–", None, detail=f"{column.label} not defined here")
    text = column.write(value) + ("†" if mark == "ahead" else "")
    unit = f" {column.unit}" if column.unit else ""
    label = f"{column.label}, {group_value}" if group_value else column.label
    detail = f"{label} {column.write(value)}{unit}"
    low = float(record.get(f"{column.key}_low", float("nan")))
    high = float(record.get(f"{column.key}_high", float("nan")))
    interval = ""
    if not (math.isnan(low) or math.isnan(high)):
        interval = f"{column.write(low)} to {column.write(high)}"
        subjects = int(record["n_subjects"])
        detail += f"; 95 % interval {interval}{unit} over {pluralise(subjects, 'subject')}"
    spread = float(record.get(f"{column.key}_seed_std", float("nan")))
    if int(record.get("n_seeds", 1)) > 1 and not math.isnan(spread):
        detail += f"; standard deviation over seeds {column.write(spread)}{unit}"
    if kind:
        detail += f"; {kind}, not ranked"
    elif mark == "ahead":
        detail += "; ahead of the best, on less coverage"
    elif mark:
        detail += f"; {mark}"
    return Cell(text, value, interval=interval, mark=mark, detail=detail)
