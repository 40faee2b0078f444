"""Oracle `gideon`: heart rates and the largest cross-correlation."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.evaluation.heart_rate import heart_rates, prepare
from rppgbench.evaluation.rate_chain import RateChain
from rppgbench.evaluation.signal_quality import mcc

from ..factories.evaluators import evaluator
from .oracle import load

ARRAYS, FACTS = load("gideon")
SIGNAL = ARRAYS["hr_sig"]
FS = 30.0
CHAIN = evaluator("gideon2021").estimate


def within(low_bpm: float, high_bpm: float) -> RateChain:
    limits = {"low_hz": low_bpm / 60, "high_hz": high_bpm / 60}
    return CHAIN.model_copy(update={"band": CHAIN.band.model_copy(update=limits)})


def read(signals: Array, chain: RateChain) -> Array:
    return heart_rates(prepare(signals, FS, chain), FS, chain)


def test_fast_ideal_in_both_bands() -> None:
    values = FACTS["values"]
    assert read(SIGNAL, CHAIN) == pytest.approx(values["hr_fast_ideal_40_250"], rel=1e-5)
    assert read(SIGNAL, within(40, 180)) == pytest.approx(values["hr_fast_ideal"], rel=1e-5)


def test_it_is_within_a_bin_of_the_slow_search() -> None:
    bin_bpm = 60 * FS / (101 * len(SIGNAL))
    slow = FACTS["values"]["hr_ideal"]  # on steps of 0.1 bpm
    assert read(SIGNAL, within(40, 180)) == pytest.approx(slow, abs=bin_bpm + 0.05)


def test_largest_cross_correlation_in_its_band() -> None:
    estimate, reference = (ARRAYS[k].astype(np.float64) for k in ("pred", "label"))
    np.testing.assert_allclose(
        mcc(estimate, reference, FS), -ARRAYS["NegMCC_40_250"], rtol=1e-5, atol=1e-6
    )
