"""Oracle `sinc`: heart rates of sliding windows, and the overlap-add."""

import re

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.heart_rate import heart_rates
from rppgbench.evaluation.rate_chain import BinStep
from rppgbench.evaluation.rate_reading import read_pulses
from rppgbench.signals.overlap_add import hann_overlap_add

from ..factories.evaluators import evaluator
from ..factories.pulses import make_pulses
from .oracle import load

ARRAYS, FACTS = load("sinc")
FS = float(re.findall(r"fps (\d+)", FACTS["params"])[0])
SINC = evaluator("sinc")
WAVE = ARRAYS["wave"].astype(np.float64)


def read_wave(rule: Evaluator) -> Array:
    pulses = make_pulses(WAVE, FS)
    bpm: Array = read_pulses(rule, pulses, [GroundTruth()]).bpm[0]
    return bpm


def test_the_rate_of_the_first_window_is_that_of_the_reference() -> None:
    (key,) = (k for k in ARRAYS if k.startswith("estimate_bpm_first"))
    first = WAVE[: int(key.removeprefix("estimate_bpm_first"))]
    centred = first - first.mean()
    assert heart_rates(centred, FS, SINC.estimate) == pytest.approx(ARRAYS[key][0], rel=1e-5)


def test_a_window_at_every_frame() -> None:
    np.testing.assert_allclose(read_wave(SINC), ARRAYS["sliding_bpm_w300_s1"], rtol=1e-5)


def test_every_frame_takes_the_nearest_window() -> None:
    by_frame = SINC.model_copy(update={"unit": "frame"})
    np.testing.assert_allclose(read_wave(by_frame), ARRAYS["sliding_bpm_pad"], rtol=1e-5)


def test_another_grid_would_not_agree() -> None:
    coarse = SINC.estimate.spectrum.model_copy(update={"nfft": BinStep(bin_bpm=2.0)})
    chain = SINC.estimate.model_copy(update={"spectrum": coarse})
    other = read_wave(SINC.model_copy(update={"estimate": chain}))
    assert not np.allclose(other, ARRAYS["sliding_bpm_w300_s1"], rtol=1e-5)


def test_overlap_add_of_standardised_packets() -> None:
    packets = ARRAYS["oadd_packets"]
    differences = packets - packets.mean(axis=1, keepdims=True)
    added = hann_overlap_add((differences / differences.std(axis=1, keepdims=True)).T)
    standard = (added - added.mean()) / added.std()
    np.testing.assert_allclose(standard, ARRAYS["overlap_add_120_60"], atol=1e-5)
