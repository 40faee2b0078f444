"""What became of the hypotheses that were registered before a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rppgbench.core.registration import Hypothesis
from rppgbench.evaluation.paired_differences import CONFIDENCE, error_difference

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["supported", "contradicted", "undecided", "no value", "leaked"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one hypothesis; errors in bpm.

    Attributes:
        hypothesis: The hypothesis.
        people: People with an error of both methods.
        difference_bpm: Mean absolute error of the first method less that of the second.
        low_bpm: Lower limit of the interval over people.
        high_bpm: Upper limit.
        confidence: Level of the interval.
        verdict: "supported" where the whole interval lies below minus the margin, "contradicted"
            where it lies above, else "undecided"; "no value" where a method has no error, and
            "leaked" where the weights of a method were learned on what is tested.
    """

    hypothesis: Hypothesis
    people: int
    difference_bpm: float
    low_bpm: float
    high_bpm: float
    confidence: float
    verdict: Verdict


def judge(hypotheses: Sequence[Hypothesis], windows: pd.DataFrame, *, region: str) -> list[Outcome]:
    """Set each hypothesis beside the errors.

    With k hypotheses the level of each interval is 1 - 0.05 / k, so that all of them hold at once
    with a chance of at least 95 % (Bonferroni; Dunn 1961, 10.2307/2282330).

    Args:
        hypotheses: The hypotheses.
        windows: The rows of `score_windows`.
        region: The face region of methods that average one.
    """
    confidence = 1 - (1 - CONFIDENCE) / max(len(hypotheses), 1)
    rows = windows[windows["region"].isin([region, ""])]
    return [_outcome(hypothesis, rows, confidence) for hypothesis in hypotheses]


def _outcome(hypothesis: Hypothesis, rows: pd.DataFrame, confidence: float) -> Outcome:
    if hypothesis.condition:
        rows = rows[rows["condition"] == hypothesis.condition]
    first, second = (rows[rows["method"] == m] for m in (hypothesis.first, hypothesis.second))
    scored = [part[part["error_bpm"].notna()] for part in (first, second)]
    names = [set(zip(part["dataset"], part["subject"], strict=True)) for part in scored]
    difference = error_difference(first, second, confidence)
    verdict: Verdict = "undecided"
    if not math.isfinite(difference.value_bpm):
        verdict = "no value"
    elif any("leaked" in part and (part["leaked"] != "").any() for part in scored):
        verdict = "leaked"
    elif difference.high_bpm < -hypothesis.margin_bpm:
        verdict = "supported"
    elif difference.low_bpm > -hypothesis.margin_bpm:
        verdict = "contradicted"
    return Outcome(
        hypothesis=hypothesis,
        people=len(names[0] & names[1]),
        difference_bpm=difference.value_bpm,
        low_bpm=difference.low_bpm,
        high_bpm=difference.high_bpm,
        confidence=confidence,
        verdict=verdict,
    )
