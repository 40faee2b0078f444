"""Knowing when not to answer: errors of the windows that a method is surest of.

The confidence of a window needs no reference: the signal-to-noise ratio of the pulse at its own
heart rate and, where a method was run on several face regions, how far the regions agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.evaluation.bootstrap import bca, resampling_weights
from rppgbench.evaluation.evaluator import EDGE_BPM
from rppgbench.evaluation.pulse_verdict import NOISE_DB, PULSE_DB
from rppgbench.signals.rate_confidence import CORRECT_BPM

if TYPE_CHECKING:
    import pandas as pd

MAX_LOSS_DB = 20.0
"""What the disagreement of regions takes at most, and the edge of the band takes always."""

LEVELS_DB = (-np.inf, NOISE_DB, PULSE_DB, 2 * PULSE_DB, np.inf)
"""Limits of the levels of confidence: the two limits of the verdict, and twice the upper one."""

KEPT = (1.0, 0.9, 0.7, 0.5)
"""Shares of the windows for which the error is told."""

RESAMPLES = 500
MAX_WEIGHTS = 1 << 20
"""Weights of errors that are in memory at once: an evaluator of frames has a million errors."""

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
    windows["confidence_db"] = np.where(windows["missing"].to_numpy(bool), np.nan, confidence)


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskCoverage:
    """The mean absolute error of the surest windows, for every share of windows.

    Attributes:
        coverage: Share of the windows that are kept (n,), rising to 1.
        risk_bpm: Mean absolute error of these, in bpm (n,).
        area_bpm: Mean of `risk_bpm`: the area under the curve (AURC).
        low_bpm: Lower 95 % limit of the area over people (BCa); NaN with one person.
        high_bpm: Upper limit.
        best_bpm: Area of the order that knows the errors.
        skill: Share of the avoidable area that the order avoids: 1 for the order that knows the
            errors, 0 for one that knows nothing; NaN where all errors are the same.
    """

    coverage: Array
    risk_bpm: Array
    area_bpm: float
    low_bpm: float
    high_bpm: float
    best_bpm: float
    skill: float

    def risk_at(self, coverage: float) -> float:
        """Mean absolute error in bpm of the surest windows that make up a share of all.

        Args:
            coverage: The share, above 0 to 1.
        """
        return float(self.risk_bpm[max(round(coverage * len(self.risk_bpm)), 1) - 1])


def risk_coverage(windows: pd.DataFrame, *, seed: int = 0) -> RiskCoverage | None:
    """Keep the surest windows first, and see how the error grows.

    Windows of the same confidence enter together, each with their mean error. Windows without an
    estimate or confidence enter last, with the error that the evaluator charges for them. Source:
    Geifman, El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017; the area
    under the curve: Geifman, Uziel, El-Yaniv, ICLR 2019, arXiv 1805.08206.

    Args:
        windows: Rows of `score_windows` of one method with `confidence_db`.
        seed: Seed of the resamples.

    Returns:
        The curve; None without a scored window that has a confidence.
    """
    scored = windows[windows["reference_bpm"].notna()]
    confidence = scored["confidence_db"].to_numpy(np.float64)
    if not np.isfinite(confidence).any():
        return None
    confidence = np.where(np.isfinite(confidence), confidence, -np.inf)
    errors = np.abs(scored["error_bpm"].to_numpy(np.float64))
    order = np.argsort(-confidence, kind="stable")
    shared = _shared_means(errors[order], confidence[order])
    people = scored.groupby(["dataset", "subject"], sort=True).ngroup().to_numpy()[order]
    count, rows = int(people.max()) + 1, len(shared)
    area = _areas(shared, people, np.ones((1, count)))
    low = high = np.full(1, np.nan)
    if count > 1:
        weights = resampling_weights(count, RESAMPLES, seed)
        resampled = _areas(shared, people, weights)
        left_out = _areas(shared, people, 1.0 - np.eye(count))
        low, high = bca(area, resampled[:, None], left_out[:, None])
    best = float(_areas(np.sort(errors), people, np.ones((1, count)))[0])
    avoidable = float(errors.mean()) - best
    return RiskCoverage(
        coverage=np.arange(1, rows + 1) / rows,
        risk_bpm=np.cumsum(shared) / np.arange(1, rows + 1),
        area_bpm=float(area[0]),
        low_bpm=float(low[0]),
        high_bpm=float(high[0]),
        best_bpm=best,
        skill=(float(errors.mean()) - float(area[0])) / avoidable if avoidable > 0 else np.nan,
    )


def _shared_means(errors: Array, confidence: Array) -> Array:
    """The errors (n,), those of one confidence replaced by their mean."""
    group = np.concatenate([[0], np.cumsum(confidence[1:] != confidence[:-1])])
    means: Array = np.bincount(group, weights=errors) / np.bincount(group)
    return np.asarray(means[group], np.float64)


def _areas(errors: Array, people: NDArray[np.integer[Any]], weights: Array) -> Array:
    """Weighted means over k of the means of the first k errors.

    Args:
        errors: The errors (n,).
        people: The person of each error (n,).
        weights: The weight of each person (B, S).

    Returns:
        (B,)
    """
    rows = max(MAX_WEIGHTS // len(errors), 1)
    areas = []
    for start in range(0, len(weights), rows):
        of_errors = weights[start : start + rows][:, people]
        total = np.cumsum(of_errors, axis=1)
        risk = np.cumsum(of_errors * errors, axis=1) / np.maximum(total, 1e-12)
        areas.append((of_errors * risk).sum(axis=1) / np.maximum(total[:, -1], 1e-12))
    return np.concatenate(areas)


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
    scored = windows[windows["reference_bpm"].notna() & windows["confidence_db"].notna()]
    confidence = scored["confidence_db"].to_numpy(np.float64)
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
