"""References by their beats: exact means, gaps, disagreement, and what takes their place."""

from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation import beat_reading, reference_reading
from rppgbench.evaluation.band_edge import wide_rates
from rppgbench.evaluation.beat_reading import checked_rates, join_pieces, pulse_beats
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.scores import describe_band_edge, describe_reference, method_table

from ..factories.evaluators import beat_rule, evaluator
from ..factories.heart_beats import beats_of_rate, pulse_of_beats, varying_rate
from ..factories.records import make_estimate, make_pulse

RULE = evaluator("beats_tukey")
READING = beat_rule()
STARTS_S = np.arange(10.0, 60.0, 10.0)


def contact(mean_bpm: float = 72.0, fs: float = 60.0, **where: float) -> tuple[Signal, Array]:
    """A pulse with a varying rate, and the true mean rates of its windows."""
    beats_s = beats_of_rate(varying_rate(mean_bpm), 0.002)
    pulse = pulse_of_beats(beats_s, fs, **{"stop_s": 75.0, **where})
    number = np.arange(len(beats_s))
    ends = (np.interp(STARTS_S + k, beats_s, number) for k in (10, 0))
    return pulse, 6 * np.subtract(*ends)


def rates(pulse: Signal) -> Array:
    bpm, covered = pulse_beats(pulse, READING)[0].rates(STARTS_S, STARTS_S + 10)
    assert (covered > 1 - 1e-9).all()
    return bpm


def scored(truth: GroundTruth, bpm: float = 72.0, rule: str = "beats_tukey") -> pd.DataFrame:
    estimate = make_estimate(make_pulse(bpm))
    return score_windows(evaluator(rule), [estimate], {("set", "a1"): truth})


@pytest.mark.parametrize("fs", [20.0, 25.0, 30.0, 60.0, 250.0, 1000.0])
@pytest.mark.parametrize("mean_bpm", [48.0, 72.0, 130.0, 170.0])
def test_the_mean_rate_of_a_varying_pulse(fs: float, mean_bpm: float) -> None:
    pulse, truth = contact(mean_bpm, fs)
    assert np.abs(rates(pulse) - truth).max() < 0.08


@pytest.mark.parametrize("bpm", [45.0, 60.0, 72.7, 101.3, 180.0])
def test_a_constant_rate_is_exact(bpm: float) -> None:
    pulse = pulse_of_beats(np.arange(0, 80, 60 / bpm), 30.0, stop_s=75.0)
    np.testing.assert_allclose(rates(pulse), bpm, atol=0.005)


def test_noise_of_a_sensor_costs_a_tenth_of_a_beat_per_minute() -> None:
    errors = []
    for seed in range(8):
        pulse, truth = contact(60.0 + 10 * seed)
        noise = 0.2 * np.random.default_rng(seed).normal(size=len(pulse.values))
        errors.append(np.abs(rates(Signal(pulse.values + noise, pulse.times_s)) - truth))
    assert np.mean(errors) < 0.11


@given(
    shift_s=st.floats(0, 1),
    scale=st.floats(1e-3, 1e4),
    level=st.floats(-1e3, 1e3),
    fs=st.sampled_from([25.0, 29.97, 64.0, 128.0]),
)
@settings(max_examples=25, deadline=None)
def test_start_rate_scale_and_level_of_the_samples_change_nothing(
    shift_s: float, scale: float, level: float, fs: float
) -> None:
    pulse, truth = contact(fs=fs, start_s=shift_s)
    bpm = rates(Signal(scale * (pulse.values + level), pulse.times_s))
    assert np.abs(bpm - truth).max() < 0.08


def test_uneven_and_repeated_times_of_a_sensor() -> None:
    pulse, truth = contact(fs=30.0)
    random = np.random.default_rng(0)
    moved = np.sort(pulse.times_s + random.uniform(-0.01, 0.01, len(pulse.times_s)))
    values = np.interp(moved, pulse.times_s, pulse.values)
    assert np.abs(rates(Signal(values, moved).in_order()) - truth).max() < 0.15


def test_a_window_without_an_outer_neighbour_is_the_mean_between_its_beats() -> None:
    beats = join_pieces([np.array([0.4, 1.4, 2.4, 3.2, 4.0])])
    bpm, covered = beats.rates(np.array([0.0, 2.4, 3.0]), np.array([2.4, 4.0, 5.0]))
    np.testing.assert_allclose(bpm, [60, 75, 75])
    np.testing.assert_allclose(covered, [2 / 2.4, 1, 0.5])


def test_time_across_a_gap_and_over_lost_beats_does_not_count() -> None:
    beats = join_pieces([np.arange(0.0, 6), np.empty(0), np.arange(5.5, 8), np.arange(12.0, 20)])
    assert beats.counted.tolist() == [False, *[True] * 5, False, *[True] * 2, False, *[True] * 7]
    one_piece = join_pieces([np.array([0.0, 1.0, 3.5, 4.5])])  # a beat is lost for over 2 s
    bpm, covered = one_piece.rates(np.array([0.0]), np.array([4.5]))
    assert bpm == pytest.approx([60.0])
    assert covered == pytest.approx([2 / 4.5])


def test_no_beat_and_one_beat_have_no_rate() -> None:
    for times_s in (np.empty(0), np.array([1.0])):
        bpm, covered = join_pieces([times_s]).rates(np.array([0.0]), np.array([10.0]))
        assert np.isnan(bpm).all()
        assert covered.tolist() == [0.0]


def test_pauses_and_a_hanging_sensor_split_a_pulse() -> None:
    pulse, truth = contact()
    away = (pulse.times_s > 23) & (pulse.times_s < 24.5)
    paused = Signal(pulse.values[~away], pulse.times_s[~away])
    hangs = pulse.values.copy()
    hangs[(pulse.times_s > 42) & (pulse.times_s < 44.3)] = 0.3
    for broken, row in ((paused, 1), (Signal(hangs, pulse.times_s), 3)):
        beats = pulse_beats(broken, READING)[0]
        bpm, covered = beats.rates(STARTS_S, STARTS_S + 10)
        assert (np.delete(covered, row) > 1 - 1e-9).all()
        assert 0.6 < covered[row] < 0.85
        assert np.abs(np.delete(bpm - truth, row)).max() < 0.1
        assert abs(bpm[row] - truth[row]) < 2.0


def test_a_window_that_lacks_beats_says_so() -> None:
    pulse, _ = contact()
    away = (pulse.times_s > 22) & (pulse.times_s < 24.1)
    truth = GroundTruth(pulse=Signal(pulse.values[~away], pulse.times_s[~away]))
    rows = scored(truth)
    assert rows["reference_bpm"].isna().tolist() == [False, False, True, False, False, False]
    assert rows["reason"][2].startswith("reference: beats cover 67% of the window")
    assert np.isnan(rows["error_bpm"][2])


def test_readings_that_disagree_are_no_reference() -> None:
    """A second detector, then the spectrum, reads 6 bpm more; at 4 bpm they agree."""
    pulse, _ = contact()
    truth, stop_s = GroundTruth(pulse=pulse), STARTS_S + 10
    beats, _ = pulse_beats(pulse, READING)
    bpm = beats.rates(STARTS_S, stop_s)[0]

    def check(second_bpm: float, spectral_bpm: Array) -> tuple[Array, list[str]]:
        scale = 72 / (72 + second_bpm)
        second = join_pieces([(beats.times_s - 40) * scale + 40])
        with patch.object(beat_reading, "reference_beats", lambda *_: (beats, second)):
            found = checked_rates(
                truth, READING, STARTS_S, stop_s,
                spectral_bpm=spectral_bpm, gap_share=0.25, marked=False,
            )  # fmt: skip
        return found[0], found[1].tolist()

    np.testing.assert_allclose(check(0.0, bpm)[0], bpm)
    assert np.isfinite(check(0.0, np.full(5, np.nan))[0]).all()  # a spectrum that cannot be read
    assert np.isfinite(check(3.5, bpm + 4)[0]).all()
    none, reasons = check(8.0, bpm)
    assert np.isnan(none).all()
    assert reasons[0].startswith("reference: its beats, a second detector and the spectrum read")
    some, reasons = check(0.0, bpm + np.array([0, 0, 6, 0, -6]))
    assert np.isnan(some).tolist() == [False, False, True, False, True]
    assert reasons[0] == ""


def test_noise_alone_is_mostly_no_reference() -> None:
    times_s = np.arange(3700) / 60
    unusable = []
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(size=3700)
        unusable += (
            scored(GroundTruth(pulse=Signal(noise, times_s)))["reference_bpm"].isna().tolist()
        )
    assert np.mean(unusable) > 0.5


def test_the_devices_own_beats_come_first() -> None:
    """Marks of 78 bpm beside a pulse of 75: the marks are the reference; at 90 they disagree."""
    pulse = pulse_of_beats(np.arange(0, 66, 0.8), 60.0, stop_s=61.0)
    rows = scored(GroundTruth(pulse=pulse, beats_s=np.arange(0, 66, 60 / 78)))
    np.testing.assert_allclose(rows["reference_bpm"], 78)
    assert set(rows["truth"]) == {"beats"}
    assert np.isfinite(rows["mcc"]).all()
    rows = scored(GroundTruth(pulse=pulse, beats_s=np.arange(0, 66, 60 / 90)))
    assert rows["reference_bpm"].isna().all()
    assert "read 90, 75, 75 bpm" in rows["reason"][0]


def test_beat_marks_without_a_pulse_are_a_reference() -> None:
    rows = scored(GroundTruth(beats_s=np.arange(0.3, 66, 60 / 78)))
    np.testing.assert_allclose(rows["reference_bpm"], 78)
    assert set(rows["reason"]) == {""}
    some = scored(GroundTruth(beats_s=np.arange(0.3, 32, 60 / 78)))
    assert some["reference_bpm"].isna().tolist() == [False] * 3 + [True] * 3
    assert some["reason"][4] == "reference: beats cover 0% of the window"
    failed = make_estimate(None, reason="no face")
    rows = score_windows(
        RULE, [failed], {("set", "a1"): GroundTruth(beats_s=np.arange(0, 66, 0.8))}
    )
    assert rows["missing"].all()
    assert len(rows) == 6


def test_a_device_rate_takes_the_place_of_a_pulse_and_each_row_says_so() -> None:
    rate = Signal(np.full(62, 66.0), np.arange(62.0))
    rows = scored(GroundTruth(heart_rate=rate))
    np.testing.assert_allclose(rows["reference_bpm"], 66)
    assert set(rows["truth"]) == {"heart_rate"}
    both = scored(GroundTruth(heart_rate=rate, pulse=contact()[0]))
    assert set(both["truth"]) == {"pulse"}
    assert (both["reference_bpm"] > 67).all()


def test_a_table_says_how_many_windows_have_a_device_rate_for_want_of_a_pulse() -> None:
    rate = GroundTruth(heart_rate=Signal(np.full(62, 66.0), np.arange(62.0)))
    pulse = GroundTruth(pulse=contact()[0])
    estimates = [
        make_estimate(make_pulse(66.0), name, method=m) for name in "ab" for m in ("pos", "green")
    ]
    windows = score_windows(RULE, estimates, {("set", "a"): rate, ("set", "b"): pulse})
    scores = Scores(name="beats_tukey", windows=windows, summary=summarise(windows, resamples=0))
    (sentence,) = describe_reference(scores)
    assert sentence.startswith(
        "Under beats_tukey the reference of 6 of 12 windows is the device's own heart rate"
    )
    assert sentence in method_table(scores).notes
    for rule, truth in (("beats_tukey", pulse), ("vipl", rate)):
        windows = score_windows(evaluator(rule), estimates[:1], {("set", "a"): truth})
        summary = summarise(windows, resamples=0)
        assert describe_reference(Scores(name=rule, windows=windows, summary=summary)) == []


def test_a_true_rate_beyond_the_band_is_read_and_counted() -> None:
    """185 bpm: the estimate's chain ends at 180, the beats do not."""
    fast = GroundTruth(pulse=pulse_of_beats(np.arange(0, 66, 60 / 185), 60.0, stop_s=61.0))
    rows = scored(fast, bpm=185.0)
    np.testing.assert_allclose(rows["reference_bpm"], 185, atol=0.1)
    assert (rows["estimate_bpm"] < 181).all()
    assert rows["band_edge"].all()
    scores = Scores(name="beats_tukey", windows=rows, summary=summarise(rows, resamples=0))
    assert describe_band_edge(scores)[0].endswith("so an error there is one of the rule.")


def test_a_rule_that_reads_no_beats_ignores_them() -> None:
    pulse, _ = contact()
    plain = scored(GroundTruth(pulse=pulse), rule="li2023")
    marked = scored(GroundTruth(pulse=pulse, beats_s=np.arange(0, 66, 0.5)), rule="li2023")
    pd.testing.assert_frame_equal(plain, marked)


def test_a_perfect_estimate_of_a_constant_rate_has_no_error() -> None:
    pulse = pulse_of_beats(np.arange(0, 80, 60 / 77), 60.0, stop_s=75.0)
    estimate = make_estimate(make_pulse(77.0))
    for rule, limit in (("beats_tukey", 0.05), ("beats_hann", 0.02), ("beats_boxcar", 0.35)):
        rows = score_windows(evaluator(rule), [estimate], {("set", "a1"): GroundTruth(pulse=pulse)})
        assert rows["error_bpm"].abs().max() < limit


def test_the_beats_of_a_reference_are_found_once() -> None:
    truth = GroundTruth(pulse=contact()[0])
    estimates = [
        make_estimate(make_pulse(70.0 + k, fs=fs), method=f"m{k}", region=region)
        for k, fs in enumerate((30.0, 30.0, 25.0))
        for region in ("skin", "box")
    ]
    with patch.object(beat_reading, "pulse_beats", wraps=pulse_beats) as find:
        for rule in ("beats_tukey", "beats_hann"):
            rows = score_windows(evaluator(rule), estimates, {("set", "a1"): truth})
    assert len(rows) == 36
    assert find.call_count == 1


def test_a_slow_sensor_is_read_as_far_as_its_rate_allows() -> None:
    pulse, truth = contact(60.0, 10.0)
    assert np.abs(rates(pulse) - truth).max() < 0.5
    short = Signal(np.sin(np.arange(5.0)), np.arange(5) / 10)
    assert len(pulse_beats(short, READING)[0].times_s) == 0
    assert len(pulse_beats(Signal(np.zeros(0), np.zeros(0)), READING)[0].times_s) == 0


def test_samples_that_are_no_numbers_are_left_out() -> None:
    pulse, truth = contact()
    values = pulse.values.copy()
    values[::97] = np.nan
    assert np.abs(rates(Signal(values, pulse.times_s)) - truth).max() < 0.08


def test_an_estimate_that_starts_late_is_beside_the_beats_of_its_own_time() -> None:
    pulse, truth = contact()
    late = make_estimate(Waveform(np.sin(np.arange(600) / 3.9), 30.0, start_s=20.0))
    rows = score_windows(RULE, [late], {("set", "a1"): GroundTruth(pulse=pulse)})
    np.testing.assert_allclose(rows["reference_bpm"], truth[1:3], atol=0.05)


@pytest.mark.parametrize(("rule", "taper"), [("beats_tukey", "boxcar"), ("li2023", "hann")])
def test_the_spectrum_that_checks_beats_has_no_taper(rule: str, taper: str) -> None:
    with patch.object(reference_reading, "wide_rates", wraps=wide_rates) as read_wide:
        scored(GroundTruth(pulse=contact()[0]), rule=rule)
    assert {call.args[2] for call in read_wide.call_args_list} == {taper}
