"""Heart rates of a pulse in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.execution.prediction_reading import read_rates

if TYPE_CHECKING:
    import pandas as pd


def load_evaluator(name: str) -> Evaluator:
    """An evaluator by its name, as `bench list evaluators` shows it.

    Raises:
        BenchError: there is no evaluator of that name; the message names near ones.
    """
    return find_evaluator(name, "evaluator")


def read_heart_rate(
    pulse: Waveform | ArrayLike, *, evaluator: str = "beats_tukey", fs: float | None = None
) -> pd.DataFrame:
    """Read the heart rate of a pulse in the evaluator's windows, one window each second.

    A pulse that is shorter than a window is read whole, as `bench predict` does.

    Args:
        pulse: a waveform, or its samples (T,) together with `fs`.
        evaluator: the rule by which the rate is read.
        fs: samples per second, where `pulse` is an array.

    Returns:
        One row for each window: start_s, duration_s, heart_rate_bpm (NaN without one), snr_db,
        reason (why there is no rate, or "").

    Raises:
        BenchError: there is no such evaluator, or it reads respiration.
        ValueError: `pulse` is an array and `fs` is missing, or the array is not (T,).

    Examples:
        >>> import rppgbench as rb
        >>> pulse = np.sin(2 * np.pi * 1.2 * np.arange(300) / 30.0)
        >>> rates = rb.read_heart_rate(pulse, evaluator="beats_tukey", fs=30.0)
        >>> rates["heart_rate_bpm"].round(1).tolist()
        [72.0]
    """
    import pandas as pd

    wave, rule = _waveform(pulse, fs), load_evaluator(evaluator)
    rule.require_heart_rates(evaluator)
    rates = read_rates(wave, rule)
    return pd.DataFrame(
        {
            "start_s": rates.start_s[0],
            "duration_s": rates.duration_s[0],
            "heart_rate_bpm": rates.bpm[0],
            "snr_db": rates.snr_db[0],
            "reason": rates.reason[0],
        }
    )


def _waveform(pulse: Waveform | ArrayLike, fs: float | None) -> Waveform:
    if isinstance(pulse, Waveform):
        return pulse
    samples = np.asarray(pulse, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError(f"a pulse is (T,), not {samples.shape}")
    if fs is None or not fs > 0:
        raise ValueError("give fs, the samples per second of the array")
    return Waveform(samples, float(fs))
