"""Pulses for the tests of evaluators."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation.chain_reading import PulseBatch


def make_pulses(samples: Array, fs: float, start_s: float = 0.0) -> PulseBatch:
    """A batch of pulses (n, T), or of one (T,), that all begin at `start_s`."""
    batch = np.atleast_2d(samples)
    return PulseBatch(
        samples=batch,
        fs=fs,
        start_s=np.full(len(batch), start_s),
        cropped=np.zeros(len(batch)),
    )
