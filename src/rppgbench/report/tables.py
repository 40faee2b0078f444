"""One model of a table, read from summaries of scores."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rppgbench.report.columns import COVERAGE, METRICS, RECORDINGS, Column, metric

if TYPE_CHECKING:
    import pandas as pd

    from rppgbench.report.inputs import Scores

Mark = Literal["", "best", "second", "ahead"]

COVERAGE_MARGIN = 0.01
"""How far below the best coverage a row may lie and still be ranked."""

RANKING = (
    "Best in bold, second underlined, as printed (equal prints share a mark), among the rows whose "
    "coverage is within 1 percentage point of the highest; floors are not ranked. A dagger (†) "
    "marks a number that is ahead of the best but stands on less coverage."
)

SAME_RANKING = "Best in bold, second underlined, by the rule of the table of all measures."

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


@dataclass(frozen=True)
class Cell:
    """What one place of a table shows.

    `value` is what sorting goes by (a number, a word, or None, which sorts last); `interval` is
    the 95 % interval as written, "" without one; `detail` says the cell in words.
    """

    text: str
    value: float | str | None = None
    interval: str = ""
    mark: Mark = ""
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """One row; `kind` is "floor" for a method that learns nothing, "printed" for a paper's own."""

    cells: tuple[Cell, ...]
    kind: Literal["", "floor", "printed"] = ""


@dataclass(frozen=True)
class Table:
    """Columns, rows, a caption that says n, and notes below.

    The leading `headers` columns name the row. `key` is unique on a page and names the files.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    headers: int = 1
    notes: tuple[str, ...] = ()
    simulated: bool = False


def method_table(
    scores: Scores,
    *,
    floors: Collection[str] = (),
    expected: int | None = None,
    simulated: bool = False,
) -> Table:
    """Every measure of every row of the summary, in the order of the mean absolute error.

    Marks compare the rows that differ in nothing but the method. `expected` is the protocol's
    number of recordings, taken where the summary has none.
    """
    by = list(scores.by)
    frame = ordered(scores.summary, by)
    measures = [column for column in METRICS if column.key in frame]
    marks = _marks(frame, measures, [key for key in by if key != "method"], floors)
    rows = []
    for number, record in enumerate(records(frame)):
        floor = record.get("method") in floors
        cells = [_name_cell(record[key]) for key in by]
        cells.append(_count_cell(record, expected))
        cells.append(_coverage_cell(record))
        cells += [
            _measure_cell(record, column, marks[column.key][number], floor=floor)
            for column in measures
        ]
        rows.append(Row(tuple(cells), "floor" if floor else ""))
    headings = tuple(Column(key, LABELS.get(key, key), text=True) for key in by)
    return Table(
        key=f"scores-{scores.name}",
        caption=f"Heart-rate error under {scores.name}: {sample_words(frame, expected)}",
        columns=(*headings, RECORDINGS, COVERAGE, *measures),
        rows=tuple(rows),
        headers=len(by),
        notes=(RANKING,),
        simulated=simulated,
    )


def group_table(
    scores: Scores,
    group: str,
    *,
    key: str = "mae",
    floors: Collection[str] = (),
    simulated: bool = False,
) -> Table:
    """One measure with the values of `group` (scenario, fold, ...) across, the methods down."""
    by = list(scores.by)
    column = metric(key)
    frame = scores.groups[group]
    overall = ordered(scores.summary, by)
    values = list(dict.fromkeys(sorted(frame[group].tolist(), key=str)))
    marks = _marks(frame, [column], [*(k for k in by if k != "method"), group], floors)[key]
    found: dict[tuple[Any, ...], tuple[Mapping[str, Any], Mark]] = {
        (*(record[k] for k in by), record[group]): (record, mark)
        for record, mark in zip(records(frame), marks, strict=True)
    }
    rows = []
    for record in records(overall):
        name = tuple(record[k] for k in by)
        floor = record.get("method") in floors
        cells = [_name_cell(part) for part in name]
        for value in values:
            part, mark = found.get((*name, value), ({}, ""))
            cells.append(_measure_cell(part, column, mark, floor=floor, where=str(value)))
        rows.append(Row(tuple(cells), "floor" if floor else ""))
    headings = [Column(k, LABELS.get(k, k), text=True) for k in by]
    for value in values:
        here = frame[frame[group] == value]
        headings.append(
            Column(
                str(value),
                str(value) or "(none)",
                column.unit,
                column.decimals,
                column.better,
                column.scale,
                f"{column.label}, {sample_words(here)}",
            )
        )
    title = LABELS.get(group, group).lower()
    return Table(
        key=f"{group}-{scores.name}",
        caption=f"{column.label} by {title} under {scores.name}",
        columns=tuple(headings),
        rows=tuple(rows),
        headers=len(by),
        notes=(SAME_RANKING,),
        simulated=simulated,
    )


def ordered(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The summary's rows from the lowest mean absolute error to the highest, ties by name."""
    return frame.sort_values(["mae", *by], kind="stable", na_position="last", ignore_index=True)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping for each row, from the name of the column to the value."""
    return [{str(k): v for k, v in record.items()} for record in frame.to_dict("records")]


def row_name(record: Mapping[str, Any], by: Sequence[str]) -> str:
    """What a row of the summary, or of the windows, is called in figures and sentences.

    >>> row_name({"method": "pos", "region": "skin"}, ("method", "region"))
    'pos · skin'
    """
    return " · ".join(str(record[key]) for key in by)


def expected_count(frame: pd.DataFrame, expected: int | None = None) -> int | None:
    """How many recordings the table should hold: the summary's own number, else `expected`."""
    if "n_expected" in frame:
        known = frame["n_expected"].dropna()
        if len(known):
            return int(known.max())
    return expected


def sample_words(frame: pd.DataFrame, expected: int | None = None) -> str:
    """The n of a summary in words: "34 recordings of 12 subjects, of 36 expected".

    Rows may differ in n (a method that failed on a recording still counts there, as missing);
    the range is said then.
    """
    recordings = _span(frame["n_recordings"])
    subjects = _span(frame["n_subjects"])
    words = f"{recordings} recordings of {subjects} subjects"
    wanted = expected_count(frame, expected)
    if wanted is None:
        return words
    if (frame["n_recordings"] == wanted).all():
        return f"{words}, as the protocol expects"
    return f"{words}; the protocol expects {wanted}: n differs"


def scores_frame(summaries: Mapping[str, pd.DataFrame], *, simulated: bool) -> pd.DataFrame:
    """Summaries of several evaluators as one tidy frame: a row an evaluator and method.

    The columns `evaluator` and `simulated` come first, then those of the summaries, in order.
    """
    import pandas as pd

    parts = []
    for name, frame in summaries.items():
        part = frame.copy()
        part.insert(0, "evaluator", name)
        part.insert(1, "simulated", simulated)
        parts.append(part)
    if not parts:
        return pd.DataFrame(columns=["evaluator", "simulated"])
    return pd.concat(parts, ignore_index=True)


def write_table_csv(
    summaries: Mapping[str, pd.DataFrame], path: Path, *, simulated: bool = False
) -> Path:
    """Write `scores_frame` with every digit; `path` comes back. The file is replaced whole."""
    text = scores_frame(summaries, simulated=simulated).to_csv(index=False, lineterminator="\n")
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)
    return path


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"


def _name_cell(name: object) -> Cell:
    return Cell(str(name), str(name))


def _count_cell(record: Mapping[str, Any], expected: int | None) -> Cell:
    count = int(record["n_recordings"])
    wanted = record.get("n_expected", float("nan"))
    wanted = expected if wanted is None or math.isnan(wanted) else int(wanted)
    text = str(count) if wanted in (None, count) else f"{count} of {wanted}"
    detail = f"{count} recordings of {int(record['n_subjects'])} subjects"
    if wanted is not None:
        detail += f", {wanted} expected"
    detail += f"; {int(record['n_windows'])} windows"
    if int(record.get("n_seeds", 1)) > 1:
        detail += f"; {int(record['n_seeds'])} seeds"
    return Cell(text, float(count), detail=detail)


def _coverage_cell(record: Mapping[str, Any]) -> Cell:
    value = float(record["coverage"])
    detail = f"an estimate for {COVERAGE.write(value)} % of what is expected"
    if "mae_covered" in record:
        detail += f"; MAE over these alone {metric('mae').write(float(record['mae_covered']))} bpm"
    return Cell(COVERAGE.write(value), value, detail=detail)


def _measure_cell(
    record: Mapping[str, Any], column: Column, mark: Mark, *, floor: bool, where: str = ""
) -> Cell:
    value = float(record.get(column.key, float("nan")))
    if math.isnan(value):
        return Cell("–", None, detail=f"{column.label} not defined here")
    text = column.write(value) + ("†" if mark == "ahead" else "")
    unit = f" {column.unit}" if column.unit else ""
    label = f"{column.label}, {where}" if where else column.label
    detail = f"{label} {column.write(value)}{unit}"
    low = float(record.get(f"{column.key}_low", float("nan")))
    high = float(record.get(f"{column.key}_high", float("nan")))
    interval = ""
    if not (math.isnan(low) or math.isnan(high)):
        interval = f"{column.write(low)} to {column.write(high)}"
        subjects = int(record["n_subjects"])
        detail += f"; 95 % interval {interval}{unit} over {subjects} subjects"
    spread = float(record.get(f"{column.key}_seed_std", float("nan")))
    if int(record.get("n_seeds", 1)) > 1 and not math.isnan(spread):
        detail += f"; standard deviation over seeds {column.write(spread)}{unit}"
    if floor:
        detail += "; floor, not ranked"
    elif mark == "ahead":
        detail += "; ahead of the best, on less coverage"
    elif mark:
        detail += f"; {mark}"
    return Cell(text, value, interval, mark, detail)


def _marks(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    within: Sequence[str],
    floors: Collection[str],
) -> dict[str, list[Mark]]:
    """The mark of every row for every column, by the rule that `RANKING` states."""
    rows_of = records(frame)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, record in enumerate(rows_of):
        if record.get("method") not in floors:
            groups.setdefault(tuple(record[key] for key in within), []).append(number)
    marks: dict[str, list[Mark]] = {column.key: [""] * len(rows_of) for column in columns}
    for rows in groups.values():
        enough = max(float(rows_of[row]["coverage"]) for row in rows) - COVERAGE_MARGIN - 1e-9
        for column in columns:
            # Ranks go by what is printed: a lead that the table does not show is no lead.
            sign = -1.0 if column.better == "high" else 1.0
            rank = {
                row: sign * round(float(rows_of[row][column.key]) * column.scale, column.decimals)
                for row in rows
                if column.better and not math.isnan(float(rows_of[row][column.key]))
            }
            full = {row for row in rank if float(rows_of[row]["coverage"]) >= enough}
            if len(full) < 2:
                continue
            places = sorted({rank[row] for row in full})
            for row, value in rank.items():
                if row not in full:
                    marks[column.key][row] = "ahead" if value < places[0] else ""
                elif value == places[0]:
                    marks[column.key][row] = "best"
                elif value == places[1]:
                    marks[column.key][row] = "second"
    return marks
