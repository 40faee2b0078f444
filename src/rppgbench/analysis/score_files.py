"""Scores of single recordings and windows as CSV files, each evaluator in files of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.core.canonical_order import ordered_rows
from rppgbench.evaluation.recording_limit import RecordingLimit
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.tables.summary_rows import write_csv
from rppgbench.system.io_errors import writing

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("dataset", "recording", "method", "region", "condition", "fold", "seed")

WINDOW_COLUMNS = (
    *("window", "start_s", "duration_s", "reference_bpm", "estimate_bpm", "error_bpm"),
    *("missing", "snr_db", "reason"),
)

NOISE_COLUMNS = ("noise_red", "noise_green", "noise_blue")


def recording_rows(windows: pd.DataFrame, evaluator: str, *, marks: DataMarks) -> pd.DataFrame:
    """One row for each estimate: the means over its windows under one evaluator.

    Args:
        windows: Scored windows.
        evaluator: Name of the evaluator.
        marks: What is simulated or imported; two columns of the rows.

    Returns:
        `evaluator`, the keys of the estimate, `heart_rate_bpm` and `reference_heart_rate_bpm`, the
        mean absolute error `mae_bpm` with the cost of missing estimates, `snr_db`, `n_windows` with
        a reference, `n_missing` of them without an estimate, `simulated`, `imported`, `reason`.
    """
    ordered = ordered_rows(windows)
    scored = ordered["reference_bpm"].notna()
    ordered = ordered.assign(
        mae_bpm=ordered["error_bpm"].abs(),
        n_windows=scored,
        n_missing=scored & ordered["missing"].astype(bool),
    )
    groups = ordered.groupby([*KEYS])
    rates = groups[["estimate_bpm", "reference_bpm"]].mean()
    rows = rates.rename(
        columns={"estimate_bpm": "heart_rate_bpm", "reference_bpm": "reference_heart_rate_bpm"}
    )
    rows = rows.join(groups[["mae_bpm", "snr_db"]].mean())
    rows = rows.join(groups[["n_windows", "n_missing"]].sum())
    rows["simulated"] = marks.simulated
    methods = rows.index.get_level_values("method")
    rows["imported"] = [marks.of_method(str(method)) for method in methods]
    reasons = groups["reason"].agg(lambda texts: "; ".join(dict.fromkeys(filter(None, texts))))
    without = rows["heart_rate_bpm"].isna() | (rows["n_missing"] > 0)
    rows["reason"] = reasons.where(without, "")
    rows = rows.reset_index()
    rows.insert(0, "evaluator", evaluator)
    return rows


def window_rows(windows: pd.DataFrame, evaluator: str, *, marks: DataMarks) -> pd.DataFrame:
    """One row for each window of each estimate under one evaluator.

    Args:
        windows: Scored windows.
        evaluator: Name of the evaluator.
        marks: What is simulated or imported; two columns of the rows.

    Returns:
        `evaluator`, the keys of the estimate with `subject` and `scenario`, the window, both heart
        rates, `error_bpm` (with the cost of a missing estimate), `missing`, `snr_db`, `reason`,
        `simulated`, `imported`.
    """
    keys = [*KEYS[:2], "subject", "scenario", *KEYS[2:]]
    rows = ordered_rows(windows)[[*keys, *WINDOW_COLUMNS]].copy()
    rows.insert(0, "evaluator", evaluator)
    rows["simulated"] = marks.simulated
    rows["imported"] = [marks.of_method(str(method)) for method in rows["method"]]
    return rows


def limit_rows(
    limits: Sequence[RecordingLimit], evaluator: str, *, marks: DataMarks
) -> pd.DataFrame:
    """One row for each recording: its limit, the noise of its video, and the errors of all methods.

    Args:
        limits: The limits and errors.
        evaluator: Name of the evaluator.
        marks: What is simulated or imported; two columns of the rows.

    Returns:
        `evaluator`, `dataset`, `recording`, `windows`, `limit_bpm`, `noise_red`, `noise_green` and
        `noise_blue` (of one frame, as shares of the colour), `strength`, `rmse_bpm_METHOD` of each
        method, `simulated`, `imported`, `reason`.
    """
    import pandas as pd

    methods = sorted({method for limit in limits for method in limit.rmse_bpm})
    return pd.DataFrame(
        [
            {
                "evaluator": evaluator,
                "dataset": limit.dataset,
                "recording": limit.recording,
                "windows": limit.windows,
                "limit_bpm": limit.limit_bpm,
                **dict(zip(NOISE_COLUMNS, limit.noise, strict=True)),
                "strength": limit.strength,
                **{f"rmse_bpm_{m}": limit.rmse_bpm.get(m, float("nan")) for m in methods},
                "simulated": marks.simulated,
                "imported": marks.full if marks.imported else "",
                "reason": limit.reason,
            }
            for limit in limits
        ]
    )


def write_score_files(
    windows: Mapping[str, pd.DataFrame], table: pd.DataFrame, folder: Path, *, marks: DataMarks
) -> list[Path]:
    """Write table.csv, and of each evaluator recordings-NAME.csv and windows-NAME.csv.

    Args:
        windows: Scored windows by evaluator.
        table: The rows of table.csv.
        folder: The folder of the files; it is made.
        marks: What is simulated or imported.

    Returns:
        The files.

    Raises:
        BenchError: A file cannot be written.
    """
    files = [folder / "table.csv"]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(table, files[0])
        for name, scored in windows.items():
            for kind, rows in (("recordings", recording_rows), ("windows", window_rows)):
                files.append(folder / f"{kind}-{name}.csv")
                write_csv(rows(scored, name, marks=marks), files[-1])
    return files
