"""Confidence of windows, and their errors by level of it.

The confidence of a window needs no reference: the signal-to-noise ratio of the pulse at its own
heart rate and, where a method was run on several face regions, how far the regions agree. A method
may give a confidence of its own beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.evaluation.evaluator import EDGE_BPM
from rppgbench.evaluation.pulse_verdict import NOISE_DB, PULSE_DB
from rppgbench.signals.rate_confidence import CORRECT_BPM

if TYPE_CHECKING:
    import pandas as pd

SNR_CONFIDENCE, OWN_CONFIDENCE = "confidence_db", "confidence"
"""Columns of windows: the confidence of every method, and that which a method gives itself."""

MAX_LOSS_DB = 20.0
"""What the disagreement of regions takes at most, and the edge of the band takes always."""

LEVELS_DB = (-np.inf, NOISE_DB, PULSE_DB, 2 * PULSE_DB, np.inf)
"""Limits of the levels of confidence: the two limits of the verdict, and twice the upper one."""

SAME_WINDOW = ("dataset", "recording", "method", "fold", "seed", "condition", "window")


def add_confidence(windows: pd.DataFrame) -> None:
    """Write the column `confidence_db`, higher for a surer estimate; NaN without an estimate.

    It is the pulse's signal-to-noise ratio at its own heart rate, by the evaluator's definition.
    Where a method has several regions, an estimate that lies d bpm from the median of its regions
    in the window loses d dB, at most 20. An estimate at the edge of the evaluator's band loses 20
    dB: a slow drift has its peak there, and it is narrow. Heart rates without a waveform have no
    confidence.

    Args:
        windows: The rows of `score_windows`.
    """
    confidence = windows["own_snr_db"].to_numpy(np.float64).copy()
    if windows.groupby("method")["region"].nunique().max() > 1:
        groups = windows.groupby(list(SAME_WINDOW), sort=False)["estimate_bpm"]
        disagreement = (windows["estimate_bpm"] - groups.transform("median")).abs()
        confidence -= np.minimum(disagreement.fillna(0.0), MAX_LOSS_DB)
    low_bpm, high_bpm = windows.attrs.get("band_bpm", (-np.inf, np.inf))
    rate_bpm = windows["estimate_bpm"].to_numpy(np.float64)
    edge_bpm = windows.attrs.get("edge_bpm", EDGE_BPM)
    at_edge = (rate_bpm < low_bpm + edge_bpm) | (rate_bpm > high_bpm - edge_bpm)
    confidence -= np.where(at_edge, MAX_LOSS_DB, 0.0)
    windows[SNR_CONFIDENCE] = np.where(windows["missing"].to_numpy(bool), np.nan, confidence)


@dataclass(frozen=True, kw_only=True)
class ConfidenceLevel:
    """Windows of one level of confidence.

    Attributes:
        low_db: Least confidence of the level.
        high_db: Upper limit, not part of it.
        windows: Number of scored windows.
        share: Of all windows that have a confidence.
        mae_bpm: Mean absolute error; NaN without a window.
        correct: Share of windows with an error of 5 bpm at most; NaN without a window.
    """

    low_db: float
    high_db: float
    windows: int
    share: float
    mae_bpm: float
    correct: float


def confidence_levels(windows: pd.DataFrame) -> list[ConfidenceLevel]:
    """What the confidence is worth: errors by level of confidence.

    Args:
        windows: Rows of `score_windows` with `confidence_db`.

    Returns:
        One record for each level, the lowest first.
    """
    scored = windows[windows["reference_bpm"].notna() & windows[SNR_CONFIDENCE].notna()]
    confidence = scored[SNR_CONFIDENCE].to_numpy(np.float64)
    errors = np.abs(scored["error_bpm"].to_numpy(np.float64))
    levels = []
    for low, high in pairwise(LEVELS_DB):
        part = errors[(confidence >= low) & (confidence < high)]
        levels.append(
            ConfidenceLevel(
                low_db=float(low),
                high_db=float(high),
                windows=len(part),
                share=len(part) / max(len(errors), 1),
                mae_bpm=float(part.mean()) if len(part) else np.nan,
                correct=float((part <= CORRECT_BPM).mean()) if len(part) else np.nan,
            )
        )
    return levels
