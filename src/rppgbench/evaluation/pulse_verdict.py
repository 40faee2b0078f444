"""The verdict on whether a video without a reference shows a pulse."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rppgbench.core.waveform import Array

Word = Literal["yes", "doubtful", "no"]

PULSE_DB = 3.0
"""From this SNR on, the rate and its double hold twice the power of the rest of the band."""

NOISE_DB = 0.0
"""Below this SNR more power lies elsewhere, as for pictures without a pulse (docs: verdict)."""

AGREES_BPM = 5.0
"""A window agrees where its rate lies this close to the median of all."""

MAJORITY = 0.5
STEADY, STEADY_WINDOWS, STEADY_DB = 0.8, 5, -2.0
"""With so many windows and such an agreement, an SNR from here on is doubtful, not "no"."""

ENOUGH_S = 8.0
"""In shorter windows noise alone passes `PULSE_DB` too often."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the windows of a pulse (W,) show a pulse.

    Attributes:
        word: The verdict.
        snr_db: Median signal-to-noise ratio of the windows, in dB.
        agreement: Share of the windows with a rate near the median.
        reason: Why the verdict is not "yes"; "" otherwise.
    """

    word: Word
    snr_db: float
    agreement: float
    reason: str = ""


def verdict(bpm: Array, snr_db: Array, lasts_s: float) -> Verdict:
    """Whether the rates (W,) of windows of `lasts_s`, in bpm, are those of a pulse.

    Args:
        bpm: the rate of each window, NaN where there is none.
        snr_db: de Haan's signal-to-noise ratio of each window at its own rate, in dB.
        lasts_s: how long a window is, in seconds.

    Returns:
        "yes", "doubtful" or "no", by the rule in docs/measurements/verdict.md.
    """
    finite = np.isfinite(bpm) & np.isfinite(snr_db)
    count = int(finite.sum())
    if not count:
        return Verdict(word="no", snr_db=float("nan"), agreement=0.0, reason="no window has a rate")
    snr = float(np.median(snr_db[finite]))
    agreement = float((np.abs(bpm[finite] - np.median(bpm[finite])) <= AGREES_BPM).mean())
    steady = count >= STEADY_WINDOWS and agreement >= STEADY and snr >= STEADY_DB
    weak = f"an SNR of {snr:.1f} dB"
    share = f"{agreement:.0%} of the windows lie within {AGREES_BPM:g} bpm of their median"
    rule: tuple[tuple[bool, Word, str], ...] = (
        (
            snr < NOISE_DB and not steady,
            "no",
            f"{weak} is what noise gives; a pulse has {NOISE_DB:g} dB or more",
        ),
        (snr < PULSE_DB and agreement < MAJORITY, "no", f"{weak}, and only {share}"),
        (snr < PULSE_DB, "doubtful", f"{weak}; from {PULSE_DB:g} dB on it is a pulse"),
        (agreement < MAJORITY, "doubtful", f"only {share}"),
        (lasts_s < ENOUGH_S, "doubtful", f"{lasts_s:.1f} s are few; {ENOUGH_S:g} s are needed"),
    )
    word, reason = next(((word, reason) for holds, word, reason in rule if holds), ("yes", ""))
    return Verdict(word=word, snr_db=snr, agreement=agreement, reason=reason)
