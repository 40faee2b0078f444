"""Is there a pulse at all? A word for one without a truth."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rppgbench.core.waveform import Array

Word = Literal["pulse", "doubtful", "no pulse"]

PULSE_DB = 3.0
"""From here on twice as much power lies at the rate and its double as elsewhere in the band."""

NOISE_DB = 0.0
"""Below this more power lies elsewhere: what pictures without a pulse give (docs, verdict)."""

AGREES_BPM = 5.0
"""Windows agree whose rates lie this close to the median of all."""

MAJORITY = 0.5
STEADY, STEADY_WINDOWS, STEADY_DB = 0.8, 5, -2.0
"""A weak rate that so many windows share is doubtful, not absent, unless it is weaker still."""

ENOUGH_S = 8.0
"""In less than this noise alone passes `PULSE_DB` too often to be told from a pulse."""


@dataclass(frozen=True)
class Verdict:
    """What the windows of a pulse (W,) say: a word, its evidence, and why it is not "pulse"."""

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
        "pulse", "doubtful" or "no pulse", by the rule in docs/measurements/verdict.md.
    """
    there = np.isfinite(bpm) & np.isfinite(snr_db)
    count = int(there.sum())
    if not count:
        return Verdict("no pulse", float("nan"), 0.0, "no window has a rate")
    snr = float(np.median(snr_db[there]))
    agreement = float((np.abs(bpm[there] - np.median(bpm[there])) <= AGREES_BPM).mean())
    steady = count >= STEADY_WINDOWS and agreement >= STEADY and snr >= STEADY_DB
    weak = f"an SNR of {snr:.1f} dB"
    share = f"{agreement:.0%} of the windows lie within {AGREES_BPM:g} bpm of their median"
    rule: tuple[tuple[bool, Word, str], ...] = (
        (
            snr < NOISE_DB and not steady,
            "no pulse",
            f"{weak} is what noise gives; a pulse has {NOISE_DB:g} dB or more",
        ),
        (snr < PULSE_DB and agreement < MAJORITY, "no pulse", f"{weak}, and only {share}"),
        (snr < PULSE_DB, "doubtful", f"{weak}; from {PULSE_DB:g} dB on it is a pulse"),
        (agreement < MAJORITY, "doubtful", f"only {share}"),
        (lasts_s < ENOUGH_S, "doubtful", f"{lasts_s:.1f} s are few; {ENOUGH_S:g} s are needed"),
    )
    word, why = next(((word, why) for holds, word, why in rule if holds), ("pulse", ""))
    return Verdict(word, snr, agreement, why)
