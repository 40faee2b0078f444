"""Rows, names and numbers read from summaries of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.report.data_marks import DataMarks
from rppgbench.system.atomic_files import write_file
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    import pandas as pd

    from rppgbench.report.inputs import Scores


def canonical_order(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The summary's rows from the lowest mean absolute error to the highest, ties by name.

    Args:
        frame: A summary.
        by: The columns that name a row.

    Returns:
        The sorted summary with a new index.
    """
    return frame.sort_values(["mae", *by], kind="stable", na_position="last", ignore_index=True)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping for each row, from the name of the column to the value."""
    return [{str(k): v for k, v in record.items()} for record in frame.to_dict("records")]


def row_name(record: Mapping[str, Any], by: Sequence[str]) -> str:
    """What a row of the summary, or of the windows, is called in figures and sentences.

    Args:
        record: A row of a summary.
        by: The columns that name a row.

    Returns:
        The name.

    >>> row_name({"method": "pos", "region": "skin"}, ("method", "region"))
    'pos · skin'
    """
    return " · ".join(str(record[key]) for key in by)


def count_sample(scores: Scores) -> tuple[int, int]:
    """How many recordings and subjects were scored: those with a reference in some window."""
    scored = scores.windows[scores.windows["reference_bpm"].notna()]
    recordings = scored[["dataset", "recording"]].drop_duplicates()
    subjects = scored[["dataset", "subject"]].drop_duplicates()
    return len(recordings), len(subjects)


def describe_sample(scores: Scores, expected: int | None = None) -> str:
    """The n in words: "34 recordings of 12 subjects; the protocol has 36: n differs".

    Args:
        scores: The scores of one evaluator.
        expected: The protocol's number of recordings, None where it is open.

    Returns:
        The number of recordings and subjects, and whether it is the protocol's.
    """
    recordings, subjects = count_sample(scores)
    sample = f"{pluralise(recordings, 'recording')} of {pluralise(subjects, 'subject')}"
    if expected is None:
        return sample
    if recordings == expected:
        return f"{sample}, as the protocol has it"
    return f"{sample}; the protocol has {expected}: n differs"


def row_windows(scores: Scores, record: Mapping[str, Any]) -> pd.DataFrame:
    """The scored windows of one row.

    Args:
        scores: The scores of one evaluator.
        record: The row of the summary.

    Returns:
        Rows of `scores.windows`, with its `attrs`.
    """
    windows = scores.windows
    for key in scores.by:
        windows = windows[windows[key] == record[key]]
    return windows


def unscored_reason(scores: Scores, record: Mapping[str, Any]) -> str:
    """Why a row has no error: the most frequent reason of its windows; "" where it has one.

    Args:
        scores: The scores of one evaluator.
        record: The row of the summary.

    Returns:
        The reason.
    """
    windows = row_windows(scores, record)
    if windows["reference_bpm"].notna().any():
        return ""
    reasons = windows.loc[windows["reason"] != "", "reason"]
    return str(reasons.value_counts().index[0]) if len(reasons) else "no window with a reference"


def scores_frame(summaries: Mapping[str, pd.DataFrame], *, marks: DataMarks) -> pd.DataFrame:
    """Summaries of several evaluators as one tidy frame: a row an evaluator and method.

    The columns `evaluator`, `simulated` and `imported` come first, then those of the summaries.

    Args:
        summaries: The summary of each evaluator by its name.
        marks: What is simulated or imported.

    Returns:
        One frame.
    """
    import pandas as pd

    parts = []
    for name, frame in summaries.items():
        part = frame.copy()
        part.insert(0, "evaluator", name)
        part.insert(1, "simulated", marks.simulated)
        part.insert(2, "imported", [marks.of_method(str(m)) for m in part["method"]])
        parts.append(part)
    if not parts:
        return pd.DataFrame(columns=["evaluator", "simulated", "imported"])
    return pd.concat(parts, ignore_index=True)


def write_csv(rows: pd.DataFrame, path: Path) -> None:
    """Write rows with every digit. The file is replaced whole.

    Args:
        rows: The rows.
        path: The CSV file.
    """
    write_file(path, rows.to_csv(index=False, lineterminator="\n"))
