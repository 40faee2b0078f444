"""Scores of single recordings: what a bundle says of errors where it holds no references.

A row holds sums over the windows of one recording, so that the mean absolute error and the root of
the mean squared error of any group of recordings can be made of the rows.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.canonical_order import ordered_rows
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset",
    "recording",
    "subject",
    "scenario",
    "method",
    "fold",
    "seed",
    "condition",
    "region",
)
SUMS = (
    "n_windows",
    "n_missing",
    "absolute_error_bpm",
    "absolute_error_missing_bpm",
    "squared_error_bpm2",
)
COLUMNS = (*KEYS, *SUMS, "leaked")
TOLERANCE = 1e-9
"""Largest relative difference of a sum that counts as none: another order of additions."""


def recording_scores(windows: pd.DataFrame) -> pd.DataFrame:
    """Sum the windows of each recording.

    Args:
        windows: The rows of `score_windows`, with `leaked`.

    Returns:
        One row for each estimate: its keys; `n_windows` with a reference and, of these, `n_missing`
        without an estimate; the sums of their absolute and squared errors, and the part of the
        former that missing estimates cost; `leaked`.
    """
    frame = ordered_rows(windows)
    scored = np.isfinite(frame["reference_bpm"].to_numpy(np.float64))
    error = np.where(scored, frame["error_bpm"].to_numpy(np.float64), 0.0)
    missing = scored & frame["missing"].to_numpy(bool)
    group = frame.groupby([*KEYS], sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(group, return_index=True)[1]
    terms = {
        "n_windows": scored,
        "n_missing": missing,
        "absolute_error_bpm": np.abs(error),
        "absolute_error_missing_bpm": np.where(missing, np.abs(error), 0.0),
        "squared_error_bpm2": error**2,
    }
    scores = frame[[*KEYS]].iloc[first].reset_index(drop=True)
    for name, values in terms.items():
        total = np.bincount(group, weights=values, minlength=len(first))
        scores[name] = total.astype(np.int64) if values.dtype == np.bool_ else total
    scores["leaked"] = frame["leaked"].to_numpy()[first] if "leaked" in frame else ""
    return scores


def to_csv(scores: pd.DataFrame) -> bytes:
    """The table as CSV; numbers with all their digits."""
    text: str = scores[[*COLUMNS]].to_csv(index=False, lineterminator="\n")
    return text.encode()


def from_csv(data: bytes, location: str) -> pd.DataFrame:
    """The table of `to_csv`.

    Args:
        data: The bytes of the file.
        location: Its name, for messages.

    Returns:
        The scores.

    Raises:
        BenchError: The file has other columns, or values that are no numbers.
    """
    import pandas as pd

    counts = {"seed": np.int64, **dict.fromkeys(SUMS[:2], np.int64)}
    sums = dict.fromkeys(SUMS[2:], np.float64)
    texts = {name: str for name in COLUMNS if name not in {*counts, *sums}}
    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            dtype={**texts, **counts, **sums},
            keep_default_na=False,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise BenchError(f"{location}: not a table of scores: {error}") from error
    if list(frame.columns) != list(COLUMNS):
        raise BenchError(
            f"{location}: not a table of scores: its columns are {list(frame.columns)}"
        )
    sums_of = frame[list(SUMS)].to_numpy(np.float64)
    if not (np.isfinite(sums_of).all() and (sums_of >= 0).all()):
        raise BenchError(f"{location}: a sum of errors is negative or no number")
    return frame


def differing_rows(stated: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    """The rows of a table of scores that do not follow from the estimates.

    Args:
        stated: The scores of a bundle.
        again: The scores of some or all of its estimates, computed again.

    Returns:
        What differs, a line for each row of `again`; empty where all are alike.
    """
    rows = {tuple(row[: len(KEYS)]): row[len(KEYS) :] for row in stated[[*COLUMNS]].to_numpy()}
    lines = []
    for row in again[[*COLUMNS]].to_numpy():
        key, sums = tuple(row[: len(KEYS)]), row[len(KEYS) : -1].astype(np.float64)
        name = f"{row[0]}/{row[1]}, {row[4]}"
        if key not in rows:
            lines.append(f"{name}: has no row")
        elif not np.allclose(rows[key][:-1].astype(np.float64), sums, rtol=TOLERANCE, atol=1e-9):
            lines.append(f"{name}: {SUMS[2]} is {rows[key][2]}, computed again {sums[2]}")
    return lines
