"""NeuroKit2's detector of beats, run as it is: a second opinion on our own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.system.errors import BenchError


def neurokit_elgendi(wave: Array, fs: float) -> NDArray[np.int64]:
    """Systolic peaks by NeuroKit2's `ppg_findpeaks(method="elgendi")`.

    Args:
        wave: A pulse (T,) without trend, systole upward, band-passed.
        fs: Samples per second.

    Returns:
        The samples of the beats (B,).

    Raises:
        BenchError: NeuroKit2 is not installed.
    """
    try:
        import neurokit2
    except ImportError as error:
        raise BenchError(
            "evaluator: its detector is NeuroKit2's, which is not installed; "
            "pip install 'rppgbench[hrv]', or choose the detector elgendi"
        ) from error
    peaks = neurokit2.ppg_findpeaks(wave, sampling_rate=round(fs), method="elgendi")
    return np.asarray(peaks["PPG_Peaks"], np.int64)
