"""Methods that are the mean heart rate of others."""

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
"""What the windows of the members share; a region belongs to a member alone."""


def ensemble_rates(
    windows: pd.DataFrame, name: str, members: Sequence[str], rule: Evaluator
) -> pd.DataFrame:
    """`windows` of `score_windows` with rows of method `name`: the members' mean heart rate.

    A window counts as missing where any member has none, and costs what the evaluator declares.
    The SNR belongs to a waveform, so a combination has none (NaN). A window that some member was
    not run on has no row.

    Source of the practice: W. Qian et al., "Joint Spatial-Temporal Modeling and Contrastive
    Learning for Self-supervised Heart Rate Measurement", 2024, section 3.2.
    """
    import pandas as pd

    parts = ordered_rows(windows[windows["method"].isin(members)])
    groups = parts.groupby(SAME, sort=False)
    whole = groups["method"].transform("nunique") == len(members)
    parts = parts[whole]
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
    rows["snr_db"] = np.nan
    rows["reason"] = np.where(
        rows["missing"], "a member of the combination has no estimate", rows["reason"]
    )
    if rule.correlation != "none":
        rows[rule.correlation] = np.nan
    out = ordered_rows(pd.concat([windows, rows], ignore_index=True)).reset_index(drop=True)
    out.attrs = dict(windows.attrs)
    return out
