"""The windows of each row of a table, as figures draw them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rppgbench.report.figures.drawing import Download, csv_download
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name

if TYPE_CHECKING:
    import pandas as pd

CSV_LIMIT = 3_000_000
"""Characters of data that the page carries for the windows before it carries means instead."""

_WINDOW = ["dataset", "recording", "fold", "seed", "condition", "region", "window"]
_FACTS = ["subject", "scenario", "start_s", "duration_s", "reference_bpm"]


@dataclass(frozen=True, eq=False)
class Series:
    """One row of the summary (`record`) with its own `windows`; `baseline` where it is one."""

    name: str
    record: Mapping[str, Any]
    windows: pd.DataFrame
    baseline: bool

    def drawn(self) -> pd.DataFrame:
        """The windows that have both an estimate and a reference."""
        has = self.windows["estimate_bpm"].notna() & self.windows["reference_bpm"].notna()
        return self.windows[has]


def summary_series(scores: Scores, baselines: Collection[str] = ()) -> list[Series]:
    """Every row of the summary in the order of the table, with its windows."""
    by = list(scores.by)
    parts = {
        key if isinstance(key, tuple) else (key,): part
        for key, part in scores.windows.groupby(by, sort=False, dropna=False)
    }
    found = []
    for record in records(canonical_order(scores.summary, by)):
        part = parts.get(tuple(record[key] for key in by), scores.windows.iloc[:0])
        found.append(Series(row_name(record, by), record, part, record.get("method") in baselines))
    return found


def windows_download(scores: Scores) -> tuple[Download, str]:
    """The windows as CSV, a column of estimates for every row of the table, and what it lacks.

    Where that is longer than `CSV_LIMIT` characters it is the mean over each recording instead,
    and the second value says so.
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
        f"The data of this page are the means over each recording: all {len(wide):,} windows would "
        "not fit it. They come again from the stored estimates."
    )
    return csv_download(f"recordings-{scores.name}.csv", means), note


def _wide(scores: Scores) -> pd.DataFrame:
    """A row a window; the reference, then the estimate of every row of the table, in bpm."""
    import pandas as pd

    keys = [key for key in _WINDOW if key not in scores.by]
    windows = scores.windows.round({"reference_bpm": 3, "estimate_bpm": 3, "start_s": 3})
    facts = windows.groupby(keys, sort=False, dropna=False)[_FACTS].first()
    columns = {
        f"{one.name} (bpm)": windows.loc[one.windows.index]
        .groupby(keys, sort=False, dropna=False)["estimate_bpm"]
        .first()
        for one in summary_series(scores)
    }
    wide = facts.join(pd.concat(columns, axis=1)) if columns else facts
    return wide.reset_index()
