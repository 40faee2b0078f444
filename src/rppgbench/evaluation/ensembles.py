"""Ensembles: methods whose heart rate is the mean of other methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.canonical_order import ordered_rows
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.scores import worst_error

if TYPE_CHECKING:
    import pandas as pd

SAME = ["dataset", "recording", "fold", "seed", "condition", "window"]
"""The columns that windows of all members share; a region belongs to one member."""


def ensemble_rates(
    windows: pd.DataFrame, name: str, members: Sequence[str], rule: Evaluator
) -> pd.DataFrame:
    """Add the rows of an ensemble: the mean heart rate of its members.

    A window is missing where any member has no estimate, and costs what the evaluator declares.
    The SNR belongs to a waveform, and the confidence to a member: an ensemble has neither (NaN). A
    window that some member was
    not run on has no row. Source of the practice: W. Qian et al., "Joint Spatial-Temporal Modeling
    and Contrastive Learning for Self-supervised Heart Rate Measurement", 2024, section 3.2.

    Args:
        windows: The rows of `score_windows`.
        name: Name of the ensemble.
        members: Names of the methods.
        rule: The evaluator that read the windows.

    Returns:
        The rows of `windows` and those of the ensemble, in canonical order.
    """
    import pandas as pd

    parts = ordered_rows(windows[windows["method"].isin(members)])
    groups = parts.groupby(SAME, sort=False)
    complete = groups["method"].transform("nunique") == len(members)
    parts = parts[complete]
    if parts.empty:
        return windows
    groups = parts.groupby(SAME, sort=False)
    rows = groups.head(1).copy()
    # min_count makes the sum NaN where any member has no estimate.
    total = groups["estimate_bpm"].sum(min_count=len(members)).to_numpy()
    rows["method"], rows["region"] = name, ""
    rows["estimate_bpm"] = total / len(members)
    rows["missing"] = np.isnan(rows["estimate_bpm"])
    reference = rows["reference_bpm"].to_numpy()
    error = rows["estimate_bpm"].to_numpy() - reference
    rows["error_bpm"] = np.where(rows["missing"], worst_error(rule, reference), error)
    rows[["snr_db", "own_snr_db", "confidence"]] = np.nan
    rows["reason"] = np.where(
        rows["missing"], "a member of the combination has no estimate", rows["reason"]
    )
    if rule.correlation != "none":
        rows[rule.correlation] = np.nan
    out = ordered_rows(pd.concat([windows, rows], ignore_index=True)).reset_index(drop=True)
    out.attrs = dict(windows.attrs)
    return out
