"""Oracles `reading_synthetic`, `beats_hrv` and `reading_real`: mean rates against the integral."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.beat_reading import join_pieces, pulse_beats
from rppgbench.evaluation.scores import score_windows
from rppgbench.signals.filters import butterworth

from ..factories.evaluators import beat_rule, evaluator
from ..factories.records import make_estimate
from .oracle import cases, load

ARRAYS, FACTS = load("reading_synthetic")
CASES = cases(ARRAYS, "in_pulse")
BEATS = beat_rule()


def noise_sd(pulse: Array, fs: float) -> float:
    """The standard deviation of white noise, from what lies above 8.5 Hz."""
    above = (pulse - butterworth(pulse, fs, 0.3, 8.5, 4))[int(fs) : -int(fs)]
    return float(above.std() / np.sqrt(1 - 8.5 / (fs / 2)))


def contact(case: str) -> tuple[Signal, float]:
    pulse, fs = ARRAYS[f"in_pulse__{case}"].astype(np.float64), float(ARRAYS[f"fs__{case}"])
    return Signal(pulse, np.arange(len(pulse)) / fs), fs


@pytest.mark.parametrize("case", CASES)
def test_the_beats_give_the_mean_rate_of_each_window(case: str) -> None:
    """0.1 bpm; 0.15 with noise of sd 0.2 (0.08 and 0.11 measured); 0.15 with first and last."""
    pulse, fs = contact(case)
    start_s, truth = ARRAYS[f"start_s__{case}"], ARRAYS[f"true_mean_bpm__{case}"]
    bpm, covered = pulse_beats(pulse, BEATS)[0].rates(start_s, start_s + 10.0)
    error = np.abs(bpm - truth)
    whole = covered > 1 - 1e-9
    assert whole.sum() >= len(whole) - 2
    assert error[whole].mean() <= (0.15 if noise_sd(pulse.values, fs) > 0.1 else 0.1)
    assert error.mean() <= 0.17


@pytest.mark.parametrize("case", CASES)
def test_the_beats_are_those_of_the_reference_program(case: str) -> None:
    """At least 99 % within 60 ms, both ways; one beat more or less at each end is let pass."""
    pulse, _ = contact(case)
    for beats in pulse_beats(pulse, BEATS):
        ours, theirs = beats.times_s, ARRAYS[f"beats_s__{case}"]
        apart = np.abs(ours[:, None] - theirs)
        inner = apart.min(axis=1)[1:-1], apart.min(axis=0)[1:-1]
        assert min((values <= 0.06).mean() for values in inner) >= 0.99


@pytest.mark.parametrize("case", CASES)
def test_where_both_neighbours_are_there_the_integral_is_that_of_the_reference_program(
    case: str,
) -> None:
    pulse, _ = contact(case)
    start_s, theirs = ARRAYS[f"start_s__{case}"], ARRAYS[f"integral__{case}"]
    bpm, covered = pulse_beats(pulse, BEATS)[0].rates(start_s, start_s + 10.0)
    both = np.isfinite(theirs) & (covered > 1 - 1e-9)
    assert both.any()
    assert np.abs(bpm - theirs)[both].mean() < 0.02


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("rule", "key"), [("li2023", "bench"), ("li2023", "hann_filter1"),
                      ("li2023_boxcar", "boxcar_filter1"), ("beats_boxcar", "boxcar_filter1"),
                      ("beats_hann", "hann_filter1")],
)  # fmt: skip
def test_the_spectral_readings_are_those_of_the_oracle(case: str, rule: str, key: str) -> None:
    pulse, fs = contact(case)
    rows = score_windows(
        evaluator(rule),
        [make_estimate(Waveform(pulse.values, fs), "a1")],
        {("set", "a1"): GroundTruth(pulse=pulse)},
    )
    np.testing.assert_allclose(rows["estimate_bpm"], ARRAYS[f"{key}__{case}"], atol=0.011)


def test_a_tukey_taper_reads_the_mean_rate_better_than_a_hann_taper() -> None:
    errors: dict[str, list[float]] = {"beats_hann": [], "beats_tukey": [], "beats_boxcar": []}
    for case in CASES:
        pulse, fs = contact(case)
        for rule, all_errors in errors.items():
            rows = score_windows(
                evaluator(rule),
                [make_estimate(Waveform(pulse.values, fs), "a1")],
                {("set", "a1"): GroundTruth(pulse=pulse)},
            )
            apart = np.abs(rows["estimate_bpm"].to_numpy() - ARRAYS[f"true_mean_bpm__{case}"])
            all_errors.append(float(apart.mean()))
    mean = {rule: np.mean(values) for rule, values in errors.items()}
    assert mean["beats_tukey"] < mean["beats_hann"]
    assert mean["beats_boxcar"] < mean["beats_hann"]


def test_the_integral_holds_on_longer_pulses_at_five_rates_with_and_without_noise() -> None:
    try:
        arrays, _ = load("beats_hrv")
    except FileNotFoundError:
        pytest.skip("needs the oracle beats_hrv (RPPGBENCH_ORACLES)")
    clean: list[float] = []
    noisy: list[float] = []
    for case in cases(arrays, "in_pulse"):
        of_rate, kind = case.rsplit("_", 1)
        pulse, fs = arrays[f"in_pulse__{case}"].astype(np.float64), float(arrays[f"fs__{of_rate}"])
        truth = join_pieces([arrays[f"true_beats_s__{of_rate}"]])
        beats = pulse_beats(Signal(pulse, np.arange(len(pulse)) / fs), BEATS)[0]
        start_s = np.arange(10.0, len(pulse) / fs - 19, 10.0)
        bpm, covered = beats.rates(start_s, start_s + 10.0)
        assert (covered > 1 - 1e-9).all()
        error = np.abs(bpm - truth.rates(start_s, start_s + 10.0)[0]).mean()
        (clean if kind == "clean" else noisy).append(float(error))
    assert clean
    assert max(clean) < 0.05
    assert noisy
    assert max(noisy) < 0.4


def genuine(real: Path, name: str) -> Signal | None:
    """The contact pulse of a genuine recording, by its name in the oracle."""
    kind = name.rstrip("0123456789")
    number = name.removeprefix(kind)
    if kind == "webcam":
        with np.load(real / "webcam-traces-60hz" / "traces.npz", allow_pickle=False) as archive:
            ms, values, _ = archive[f"{number}_ppg"].astype(np.float64).T
        return Signal(values, ms / 1000).in_order()
    if kind == "ubfc":
        file = real / "ubfc-labels" / f"subject{number}" / "ground_truth.txt"
        if not file.is_file():
            return None
        values, _, times_s = np.loadtxt(file)
        return Signal(values, times_s).in_order()
    file = real / "vitallens-labels" / f"sample_vitals_{number}.csv"
    values = np.genfromtxt(file, delimiter=",", names=True)["ppg"]
    return Signal(values, np.arange(len(values)) / 30)


@pytest.mark.real
def test_genuine_contact_pulses(real: Path) -> None:
    """Beats and rates of the reference program; recordings that are not at hand are left out.

    A recording with pauses is read piece by piece here and across them there, so only windows
    without a pause are compared.
    """
    try:
        arrays, facts = load("reading_real")
    except FileNotFoundError:
        pytest.skip("needs the oracle reading_real (RPPGBENCH_ORACLES)")
    compared = 0
    for case, name in facts["source"]["recordings"].items():
        pulse = genuine(real, name)
        if pulse is None:
            continue
        beats = pulse_beats(pulse, BEATS)[0]
        theirs = arrays[f"beats_s__{case}"]
        apart = np.abs(theirs[:, None] - beats.times_s).min(axis=1)
        paused = np.interp(theirs, beats.times_s, np.cumsum(~beats.counted)) % 1 != 0
        # A pause hides a beat or two on either side of it.
        assert (apart[~paused] <= 0.06).mean() >= 0.98, name
        assert np.median(apart) < 0.005, name
        start_s = arrays[f"start_s__{case}"]
        bpm, covered = beats.rates(start_s, start_s + arrays[f"duration_s__{case}"])
        both = np.isfinite(arrays[f"integral__{case}"]) & (covered > 1 - 1e-9)
        difference = np.abs(bpm - arrays[f"integral__{case}"])[both]
        assert np.median(difference) < 0.05, name
        compared += int(both.sum())
    assert compared > 20
