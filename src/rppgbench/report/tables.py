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
    "coverage, of recordings and of windows, is within 1 percentage point of the highest; floors "
    "are not ranked. A dagger (†) marks a number that is ahead of the best on less coverage."
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
    the 95 % interval as written, "" without one; `below` is another small line under the text;
    `detail` says the cell in words.
    """

    text: str
    value: float | str | None = None
    interval: str = ""
    below: str = ""
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
    number of recordings: a caption whose n is another says so.
    """
    by = list(scores.by)
    frame = ordered(scores.summary, by)
    there = [column for column in METRICS if column.key in frame]
    measures = [
        column for column in there if column.key == "mae" or frame[column.key].notna().any()
    ]
    empty = ", ".join(column.label for column in there if column not in measures)
    marks = _marks(frame, measures, [key for key in by if key != "method"], floors)
    rows = []
    for number, record in enumerate(records(frame)):
        floor = record.get("method") in floors
        cells = [_name_cell(record[key]) for key in by]
        cells.append(_count_cell(record))
        cells.append(_coverage_cell(record))
        cells += [
            _measure_cell(record, column, marks[column.key][number], floor=floor)
            for column in measures
        ]
        rows.append(Row(tuple(cells), "floor" if floor else ""))
    headings = tuple(Column(key, LABELS.get(key, key), text=True) for key in by)
    return Table(
        key=f"scores-{scores.name}",
        caption=f"Heart-rate error under {scores.name}: {sample_words(scores, expected)}",
        columns=(*headings, RECORDINGS, COVERAGE, *measures),
        rows=tuple(rows),
        headers=len(by),
        notes=(
            RANKING,
            *([f"Not defined for any row: {empty}."] if empty else []),
            *_interval_notes(frame),
        ),
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
                f"{column.label} over {_span(here['n_recordings'])} recordings of "
                f"{_span(here['n_subjects'])} subjects",
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


def sample(scores: Scores) -> tuple[int, int]:
    """How many recordings and subjects were scored: those with a reference in some window."""
    scored = scores.windows[scores.windows["reference_bpm"].notna()]
    recordings = scored[["dataset", "recording"]].drop_duplicates()
    subjects = scored[["dataset", "subject"]].drop_duplicates()
    return len(recordings), len(subjects)


def sample_words(scores: Scores, expected: int | None = None) -> str:
    """The n in words: "34 recordings of 12 subjects; the protocol has 36: n differs"."""
    recordings, subjects = sample(scores)
    words = f"{_number(recordings, 'recording')} of {_number(subjects, 'subject')}"
    if expected is None:
        return words
    if recordings == expected:
        return f"{words}, as the protocol has it"
    return f"{words}; the protocol has {expected}: n differs"


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


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _count_cell(record: Mapping[str, Any]) -> Cell:
    count, wanted = int(record["n_recordings"]), int(record["n_expected"])
    text = str(count) if wanted == count else f"{count} of {wanted}"
    detail = (
        f"{_number(count, 'recording')} of {_number(int(record['n_subjects']), 'subject')}, "
        f"{wanted} expected; {_number(int(record['n_windows']), 'window')}"
    )
    if record.get("n_unscored", 0):
        detail += f", {int(record['n_unscored'])} more without a reference"
    if int(record.get("n_seeds", 1)) > 1:
        detail += f"; {int(record['n_seeds'])} seeds"
    return Cell(text, float(count), detail=detail)


def _coverage_cell(record: Mapping[str, Any]) -> Cell:
    value = float(record["coverage"])
    windows = float(record.get("window_coverage", value))
    detail = f"an estimate for {COVERAGE.write(value)} % of the recordings expected"
    below = ""
    if windows < value:
        below = f"{COVERAGE.write(windows)} of windows"
        detail += f" and {COVERAGE.write(windows)} % of the windows"
    if "mae_covered" in record:
        detail += f"; MAE over these alone {metric('mae').write(float(record['mae_covered']))} bpm"
    return Cell(COVERAGE.write(value), value, below=below, detail=detail)


def _interval_notes(frame: pd.DataFrame) -> list[str]:
    """Why intervals are missing or doubtful, said once for each reason."""
    if "interval_note" not in frame:
        return []
    noted = frame[frame["interval_note"] != ""]
    told = []
    for note, part in noted.groupby("interval_note", sort=False):
        who = "all rows" if len(part) == len(frame) else ", ".join(part["method"].astype(str))
        told.append(f"{str(note).capitalize()} ({who}).")
    return told


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
        detail += f"; 95 % interval {interval}{unit} over {_number(subjects, 'subject')}"
    spread = float(record.get(f"{column.key}_seed_std", float("nan")))
    if int(record.get("n_seeds", 1)) > 1 and not math.isnan(spread):
        detail += f"; standard deviation over seeds {column.write(spread)}{unit}"
    if floor:
        detail += "; floor, not ranked"
    elif mark == "ahead":
        detail += "; ahead of the best, on less coverage"
    elif mark:
        detail += f"; {mark}"
    return Cell(text, value, interval, mark=mark, detail=detail)


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
        covered = {row: _covered(rows_of[row]) for row in rows}
        most = [max(parts) for parts in zip(*covered.values(), strict=True)]
        enough = {
            row
            for row, parts in covered.items()
            if all(
                part >= top - COVERAGE_MARGIN - 1e-9 for part, top in zip(parts, most, strict=True)
            )
        }
        for column in columns:
            # Ranks go by what is printed: a lead that the table does not show is no lead.
            sign = -1.0 if column.better == "high" else 1.0
            rank = {
                row: sign * round(float(rows_of[row][column.key]) * column.scale, column.decimals)
                for row in rows
                if column.better and not math.isnan(float(rows_of[row][column.key]))
            }
            full = rank.keys() & enough
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


def _covered(record: Mapping[str, Any]) -> tuple[float, float]:
    recordings = float(record["coverage"])
    return recordings, float(record.get("window_coverage", recordings))
