"""Oracle `toolbox_metrics`: heart rates, SNR and MACC of rPPG-Toolbox."""

import re

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.heart_rate import heart_rates, prepare
from rppgbench.evaluation.rate_chain import PeakIntervals, RateChain, Untouched
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.signal_quality import macc, snr_toolbox

from ..factories.evaluators import evaluator
from ..factories.records import make_estimate
from .oracle import load

ARRAYS, FACTS = load("toolbox_metrics")
PATTERN = re.compile(r"fs(\d+)_diff([01])_(FFT|Peak)_bp([01])")
CASES = sorted(m.groups() for key in ARRAYS if (m := PATTERN.fullmatch(key)))


def chain(hr_method: str, band_pass: str) -> RateChain:
    made = evaluator("toolbox_now").estimate
    if band_pass == "0":
        made = made.model_copy(update={"filter": Untouched(kind="none")})
    if hr_method == "Peak":
        made = made.model_copy(update={"spectrum": PeakIntervals(kind="peak_intervals")})
    return made


def fed(fs: str, diff: str) -> tuple[Array, Array]:
    """Label and prediction as the reference code takes them: it sums up differences itself."""
    pair = ARRAYS[f"label_fs{fs}"], ARRAYS[f"pred_fs{fs}"]
    if diff == "1":
        label, pred = (np.cumsum(np.diff(x, prepend=x[0])) for x in pair)
        return label, pred
    return pair


def test_both_rates_and_both_ways_are_compared() -> None:
    assert len({case[0] for case in CASES}) >= 2
    assert {case[2] for case in CASES} == {"FFT", "Peak"}


@pytest.mark.parametrize("case", CASES, ids="_".join)
def test_rates_snr_and_correlation(case: tuple[str, str, str, str]) -> None:
    fs_name, diff, hr_method, band_pass = case
    fs, made = float(fs_name), chain(hr_method, band_pass)
    label, pred = (prepare(x, fs, made) for x in fed(fs_name, diff))
    hr_label, hr_pred = heart_rates(label, fs, made), heart_rates(pred, fs, made)
    snr = snr_toolbox(pred, hr_label, fs, made.band.low_hz, made.band.high_hz)
    expected = ARRAYS[f"fs{fs_name}_diff{diff}_{hr_method}_bp{band_pass}"]
    matches = [hr_label, hr_pred, snr, macc(pred, label, fs)]
    # the sums of differences carry rounding of 1e-13, which the SNR's small remainder magnifies
    tolerance = 1e-9 if diff == "0" else 1e-7
    np.testing.assert_allclose(matches, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("fs_name", sorted({case[0] for case in CASES}))
def test_the_preset_gives_the_same_from_stored_waveforms(fs_name: str) -> None:
    fs = float(fs_name)
    label, pred = fed(fs_name, "0")
    times = np.arange(len(label)) / fs
    estimate = make_estimate(Waveform(pred, fs), "r", dataset="d")
    truth = GroundTruth(pulse=Signal(label, times))
    rows = score_windows(evaluator("toolbox_now"), [estimate], {("d", "r"): truth})
    assert len(rows) == 1
    result = rows.loc[0, ["reference_bpm", "estimate_bpm", "snr_db", "macc"]].to_numpy(np.float64)
    np.testing.assert_allclose(result, ARRAYS[f"fs{fs_name}_diff0_FFT_bp1"], rtol=1e-9)
