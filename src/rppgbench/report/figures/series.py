"""The windows of each row of a table, as figures draw them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from rppgbench.report.figures.drawing import Download, csv_download
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name

if TYPE_CHECKING:
    import pandas as pd

    from rppgbench.report.figures.frame import Plot

CSV_LIMIT = 3_000_000
"""Largest CSV of windows on a page, in characters; above it, the page has means of recordings."""

_WINDOW = ["dataset", "recording", "fold", "seed", "condition", "region", "window"]
_FACTS = ["subject", "scenario", "start_s", "duration_s", "reference_bpm"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One row of the summary (`record`) and its windows; `baseline` is True for a baseline."""

    name: str
    record: Mapping[str, Any]
    windows: pd.DataFrame
    baseline: bool

    def paired_windows(self) -> pd.DataFrame:
        """The windows that have both an estimate and a reference."""
        has = self.windows["estimate_bpm"].notna() & self.windows["reference_bpm"].notna()
        return self.windows[has]


def summary_series(scores: Scores, baselines: Collection[str] = ()) -> list[Series]:
    """Every row of the summary in the order of the table, with its windows.

    Args:
        scores: The scores of one evaluator.
        baselines: The methods that are baselines.

    Returns:
        One series for each row.
    """
    by = list(scores.by)
    parts = {
        key if isinstance(key, tuple) else (key,): part
        for key, part in scores.windows.groupby(by, sort=False, dropna=False)
    }
    all_series = []
    for record in records(canonical_order(scores.summary, by)):
        part = parts.get(tuple(record[key] for key in by), scores.windows.iloc[:0])
        baseline = record.get("method") in baselines
        all_series.append(
            Series(name=row_name(record, by), record=record, windows=part, baseline=baseline)
        )
    return all_series


def drawn_series(inputs: ReportInputs) -> list[Series]:
    """The series of the default evaluator whose windows the report draws.

    Under several conditions only those of `ReportInputs.drawn_conditions` are drawn. Empty where
    no window has both an estimate and a reference.
    """
    if not inputs.scores or inputs.scores[0].summary.empty:
        return []
    conditions = {*inputs.drawn_conditions, ""}
    all_series = [
        series
        for series in summary_series(inputs.scores[0], inputs.baselines)
        if not inputs.drawn_conditions or series.record.get("condition", "") in conditions
    ]
    return all_series if any(len(series.paired_windows()) for series in all_series) else []


_DOWNLOADS: WeakKeyDictionary[ReportInputs, tuple[Download, str]] = WeakKeyDictionary()


def report_download(inputs: ReportInputs) -> tuple[Download, str]:
    """`windows_download` of the default evaluator, made once for all figures of a report."""
    if inputs not in _DOWNLOADS:
        _DOWNLOADS[inputs] = windows_download(inputs.scores[0])
    return _DOWNLOADS[inputs]


def plot_windows(inputs: ReportInputs, plot: Callable[..., Plot]) -> Plot | None:
    """Draw the windows of the default evaluator; None where no window has both rates.

    Args:
        inputs: The inputs of the report.
        plot: Draws series and a download, with the keywords `evaluator` and `data_note`.
    """
    all_series = drawn_series(inputs)
    if not all_series:
        return None
    data, note = report_download(inputs)
    return plot(all_series, data, evaluator=inputs.scores[0].name, data_note=note)


def windows_download(scores: Scores) -> tuple[Download, str]:
    """The windows as CSV, with a column of estimates for every row of the table.

    Where the CSV is longer than `CSV_LIMIT` characters, the file has the mean over each recording
    instead.

    Args:
        scores: The scores of one evaluator.

    Returns:
        The file, and a sentence on what the file lacks, empty where it lacks nothing.
    """
    wide = _wide(scores)
    download = csv_download(f"windows-{scores.name}.csv", wide)
    if len(download.text) <= CSV_LIMIT:
        return download, ""
    keys = [key for key in _WINDOW[:-1] if key in wide] + ["subject", "scenario"]
    skip = {"window", "start_s", "duration_s"}
    values = [column for column in wide if column not in {*keys, *skip}]
    means = wide.groupby(keys, sort=False, dropna=False)[values].mean().reset_index()
    note = (
        f"The data file has the means over each recording: all {len(wide):,} windows would make "
        "the page too large. The stored estimates give the windows again."
    )
    return csv_download(f"recordings-{scores.name}.csv", means), note


def _wide(scores: Scores) -> pd.DataFrame:
    """A row for each window: the reference, then the estimate of every row of the table."""
    import pandas as pd

    keys = [key for key in _WINDOW if key not in scores.by]
    windows = scores.windows.round({"reference_bpm": 3, "estimate_bpm": 3, "start_s": 3})
    references = windows.groupby(keys, sort=False, dropna=False)[_FACTS].first()
    columns = {
        f"{series.name} ({scores.unit})": windows.loc[series.windows.index]
        .groupby(keys, sort=False, dropna=False)["estimate_bpm"]
        .first()
        for series in summary_series(scores)
    }
    wide = references.join(pd.concat(columns, axis=1)) if columns else references
    return wide.reset_index()
