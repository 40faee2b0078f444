"""Notes on rows that an evaluator was not made for."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from rppgbench.evaluation.evaluator import Evaluator


GIVEN_RATES = "heart rates without a waveform: filter, spectrum, peak and SNR do not apply"


def mark_rule_notes(
    windows: pd.DataFrame, rule: Evaluator, cumulated: Collection[str] = ()
) -> None:
    """Write the column `rule_note`: what of a row the rule was not made for, or "".

    - Estimates at a rate outside the evaluator's `made_for_fs`: the rule counts samples, so that
      its windows are shorter or longer in time than meant.
    - Cumulated outputs (`Method.cumulated`) under a rule that does not detrend: drift may be read
      in place of the pulse.
    - Heart rates without a waveform: the rule's filter, spectrum and peak do not apply to them.

    Args:
        windows: the frame of `score_windows`.
        rule: the evaluator that read them.
        cumulated: the methods whose pulse is a running sum that still drifts.
    """
    notes = np.full(len(windows), "", dtype=object)
    if rule.made_for_fs is not None:
        low, high = rule.made_for_fs
        fs = windows["fs"].to_numpy(np.float64)
        present = ~windows["missing"].to_numpy(bool)
        outside = present & ((fs < low) | (fs > high))
        for rate in np.unique(fs[outside]):
            notes[outside & (fs == rate)] = (
                f"{rate:.3g} samples a second, the rule is made for {low:g} to {high:g}"
            )
    if not rule.removes_drift and cumulated:
        summed = windows["method"].isin(list(cumulated)).to_numpy(bool)
        drift = "cumulated output, the rule does not detrend"
        notes[summed] = [f"{note}; {drift}" if note else drift for note in notes[summed]]
    has_rates_only = windows["fs"].isna().to_numpy() & ~windows["missing"].to_numpy(bool)
    notes[has_rates_only] = GIVEN_RATES
    windows["rule_note"] = notes
