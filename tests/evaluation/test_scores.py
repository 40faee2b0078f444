"""Scores of waveforms with known heart rates, and the pitfalls of other toolboxes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy import signal

from rppgbench.core.canonical_order import ordered_rows
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.metric_record import Metric
from rppgbench.evaluation.metric_sums import ratio
from rppgbench.evaluation.metrics import METRICS, TERMS
from rppgbench.evaluation.scores import score_windows, summarise, worst_error
from rppgbench.evaluation.summary import block_scores
from rppgbench.report.tables.columns import metric_column
from rppgbench.system.errors import BenchError

from ..factories.evaluators import NAMES, OF_HEART_RATES, evaluator
from ..factories.records import make_estimate, make_ground_truth, make_pulse, make_sine

LI2023 = evaluator("li2023")
SECONDS = 60.0


def truths(**bpm: float) -> Mapping[tuple[str, str], GroundTruth]:
    return {("set", name): make_ground_truth(rate) for name, rate in bpm.items()}


# What a row holds


def test_columns_and_clock() -> None:
    late = Waveform(make_sine(72, 30.0, 30.0, start_s=5.0), 30.0, start_s=5.0)
    rows = score_windows(LI2023, [make_estimate(late, fold="2", seed=3)], truths(a1=72.0))
    assert list(rows.columns) == [
        "dataset", "recording", "subject", "scenario", "method", "fold", "seed", "condition",
        "region", "window", "start_s", "duration_s", "reference_bpm", "estimate_bpm", "missing",
        "error_bpm", "snr_db", "own_snr_db", "confidence", "truth", "band_edge", "fs", "reason",
        "mcc",
    ]  # fmt: skip
    assert rows["start_s"].tolist() == [5.0, 15.0, 25.0]
    assert rows["window"].tolist() == [0, 1, 2]
    assert (rows[["fold", "seed", "truth"]] == ["2", 3, "pulse"]).all().all()
    np.testing.assert_allclose(rows["reference_bpm"], 72, atol=0.01)
    np.testing.assert_allclose(rows["error_bpm"], 0, atol=0.01)
    np.testing.assert_allclose(rows["mcc"], 1, atol=0.02)
    assert rows.attrs["evaluator"] == LI2023.digest


@pytest.mark.parametrize("name", OF_HEART_RATES)
def test_every_preset_reads_a_clean_pulse_to_its_resolution(name: str) -> None:
    rule = evaluator(name)
    rows = score_windows(rule, [make_estimate(make_pulse(96.3))], truths(a1=93.1))
    assert not rows["missing"].any()
    limit = rule.resolution_bpm + 0.25  # two grids, and the ends of a filter
    np.testing.assert_allclose(rows["estimate_bpm"], 96.3, atol=limit)
    np.testing.assert_allclose(rows["reference_bpm"], 93.1, atol=limit)


def test_contrast_phys_halves_a_clean_pulse_near_72() -> None:
    """Its rule as it is: the leak at the band's edge, 36 bpm, is the second maximum."""
    wave, fs = make_sine(76.3, 30.0, 30.0), 30.0
    b, a = signal.butter(2, [0.6, 4.0], "bandpass", fs=fs)
    magnitude = np.abs(np.fft.fft(signal.filtfilt(b, a, wave) * signal.windows.hann(900)))
    magnitude[:18] = magnitude[120:] = 0
    peaks = signal.find_peaks(magnitude)[0]
    second, first = peaks[np.argsort(magnitude[peaks])[-2:]] * 2.0  # bins of 2 bpm
    assert abs(first - 2 * second) < 10
    rows = score_windows(
        evaluator("contrast_phys"), [make_estimate(make_pulse(76.3))], truths(a1=93.1)
    )
    assert rows["estimate_bpm"].tolist() == pytest.approx([second] * 2)


def test_a_window_at_every_frame_and_a_row_a_recording() -> None:
    one = [make_estimate(make_pulse(72.0))]
    assert len(score_windows(evaluator("sinc"), one, truths(a1=72.0))) == 1800 - 300 + 1
    assert len(score_windows(evaluator("v4v"), one, truths(a1=72.0))) == 1800
    row = score_windows(evaluator("vipl"), one, truths(a1=72.0))
    assert len(row) == 1
    assert row.loc[0, "duration_s"] == SECONDS
    assert row.loc[0, "truth"] == "heart_rate"


def test_a_recording_is_the_mean_of_its_windows() -> None:
    two = np.concatenate([make_sine(60, 30.0, 30.0), make_sine(90, 30.0, 30.0)])
    row = score_windows(evaluator("vipl"), [make_estimate(Waveform(two, 30.0))], truths(a1=75.0))
    assert row.loc[0, "estimate_bpm"] == pytest.approx(75, abs=0.1)
    rule = evaluator("vipl").model_copy(update={"unit": "recording_median"})
    mixed = np.concatenate([make_sine(60, 30.0, 40.0), make_sine(90, 30.0, 20.0)])
    row = score_windows(rule, [make_estimate(Waveform(mixed, 30.0))], truths(a1=75.0))
    assert row.loc[0, "estimate_bpm"] == pytest.approx(60, abs=0.1)


def test_estimates_scored_together_have_the_scores_of_each_alone() -> None:
    generator = np.random.default_rng(0)
    names = {f"{c}1": 60.0 + 7 * k for k, c in enumerate("abcd")}
    rates = {"a1": 30.0, "b1": 30.0, "c1": 29.7, "d1": 25.0}
    made = [
        make_estimate(Waveform(make_sine(names[n], rates[n])
                               + generator.normal(size=round(60 * rates[n])), rates[n]),
                      n, method=method)
        for n in names for method in ("pos", "chrom")
    ]  # fmt: skip
    gappy = make_sine(names["a1"], 30.0)
    gappy[400:1000] = np.nan
    made += [make_estimate(Waveform(gappy, 30.0), "a1", method="lgi")]
    made += [make_estimate(None, "b1", method="lgi", reason="no face")]
    known = truths(**names)
    for rule in (LI2023, evaluator("toolbox_now"), evaluator("pyvhr")):
        together = score_windows(rule, made, known)
        single = pd.concat([score_windows(rule, [one], known) for one in made[:-1]])
        failed = (together["recording"] == "b1") & (together["method"] == "lgi")
        pd.testing.assert_frame_equal(
            together[~failed].reset_index(drop=True),
            ordered_rows(single).reset_index(drop=True), rtol=1e-9, atol=1e-9,
        )  # fmt: skip
        backward = score_windows(rule, made[::-1], known)
        pd.testing.assert_frame_equal(backward, together, check_exact=True)


# Pitfalls (facts/peers.md 3.8), one each


def test_a_coarse_grid_hides_errors_and_the_default_does_not() -> None:
    one, known = [make_estimate(make_pulse(72.0))], truths(a1=70.0)
    coarse = score_windows(evaluator("toolbox_now_10s"), one, known)
    assert (coarse["error_bpm"] == 0).all()
    fine = score_windows(LI2023, one, known)
    np.testing.assert_allclose(fine["error_bpm"], 2.0, atol=0.02)


def test_a_reference_is_placed_by_its_timestamps_not_stretched_by_index() -> None:
    """A sensor clocked at 60 Hz that really ran at 60.6 Hz: as many samples, other times."""
    true_fs = 60.6
    count = round(SECONDS * true_fs)
    samples = np.sin(2 * np.pi * 1.2 * np.arange(count) / true_fs)
    known = {("set", "a1"): GroundTruth(pulse=Signal(samples, np.arange(count) / true_fs))}
    rows = score_windows(LI2023, [make_estimate(make_pulse(72.0))], known)
    np.testing.assert_allclose(rows["error_bpm"], 0, atol=0.02)
    by_index = {("set", "a1"): GroundTruth(pulse=Signal(samples, np.arange(count) / 60.0))}
    wrong = score_windows(LI2023, [make_estimate(make_pulse(72.0))], by_index)
    assert np.nanmean(wrong["error_bpm"]) == pytest.approx(72 - 72 / 1.01, abs=0.05)


def test_uneven_and_repeated_timestamps_of_a_reference() -> None:
    generator = np.random.default_rng(1)
    times = np.cumsum(generator.uniform(0.005, 0.03, 5000))
    times[100] = times[99]
    known = {("set", "a1"): GroundTruth(pulse=Signal(np.sin(2 * np.pi * 1.2 * times), times))}
    rows = score_windows(LI2023, [make_estimate(make_pulse(72.0))], known)
    np.testing.assert_allclose(rows["reference_bpm"], 72, atol=0.05)


def test_a_rate_of_frames_taken_for_another_is_an_error_not_a_match() -> None:
    mixed_up = Waveform(make_sine(72, 25.0), 30.0)
    rows = score_windows(LI2023, [make_estimate(mixed_up)], truths(a1=72.0))
    np.testing.assert_allclose(rows["error_bpm"].iloc[:5], 72 * 0.2, atol=0.1)


@pytest.mark.parametrize("name", OF_HEART_RATES)
@pytest.mark.parametrize("samples", [0.0, 5.0, np.nan, np.inf])
def test_a_constant_or_absent_wave_has_no_heart_rate(name: str, samples: float) -> None:
    wave = Waveform(np.full(1800, samples), 30.0)
    rows = score_windows(evaluator(name), [make_estimate(wave)], truths(a1=72.0))
    assert len(rows)
    assert rows["missing"].all()
    assert rows["estimate_bpm"].isna().all()
    assert (rows["reason"] != "").all()
    assert (rows["error_bpm"].abs() > 50).all()


@pytest.mark.parametrize("name", ["li2023", "toolbox_now", "sinc", "gideon2021"])
def test_a_constant_reference_is_no_heart_rate_either(name: str) -> None:
    flat = GroundTruth(pulse=Signal(np.full(4000, 3.0), np.arange(4000) / 60))
    rows = score_windows(evaluator(name), [make_estimate(make_pulse(72.0))], {("set", "a1"): flat})
    assert rows["reference_bpm"].isna().all()
    assert rows["error_bpm"].isna().all()
    assert (rows["reason"] == "reference: constant").all()


def test_a_straight_line_is_detrended_to_nothing() -> None:
    line = Waveform(np.linspace(0, 1e3, 1800), 30.0)
    rows = score_windows(evaluator("toolbox_now"), [make_estimate(line)], truths(a1=72.0))
    assert rows["missing"].all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [1, 8, 25, 61])
def test_a_recording_shorter_than_a_filter_or_window_ends_in_a_row(name: str, samples: int) -> None:
    short = make_estimate(Waveform(make_sine(72, 30.0)[:samples], 30.0))
    ticks = np.array([0.0, samples / 30])
    tiny = GroundTruth(
        pulse=Signal(make_sine(72, 30.0)[:samples], np.arange(samples) / 30),
        heart_rate=Signal(np.full(2, 72.0), ticks),
    )
    rows = score_windows(evaluator(name), [short], {("set", "a1"): tiny})
    assert len(rows) >= 1
    unread = rows[rows["estimate_bpm"].isna()]
    assert (unread["reason"] != "").all()


def test_too_slow_a_camera_says_so() -> None:
    slow = Waveform(make_sine(72, 5.0), 5.0)
    rows = score_windows(LI2023, [make_estimate(slow)], truths(a1=72.0))
    assert rows["missing"].all()
    assert rows["reason"].str.contains("5 samples a second are too few for 3 Hz").all()


def test_the_ends_of_a_filter_do_not_reach_the_heart_rate() -> None:
    """A wave that starts at its peak on a high level: the first window is as good as the others."""
    wave = 40 + np.cos(2 * np.pi * 1.1 * np.arange(1800) / 30)
    rows = score_windows(LI2023, [make_estimate(Waveform(wave, 30.0))], truths(a1=66.0))
    np.testing.assert_allclose(rows["error_bpm"], 0, atol=0.05)


def test_a_device_reading_of_0_is_none() -> None:
    ticks = np.arange(61.0)
    readings = np.where(ticks < 20, 0.0, 72.0)
    readings[35] = 0
    known = {("set", "a1"): GroundTruth(heart_rate=Signal(readings, ticks))}
    rows = score_windows(LI2023, [make_estimate(make_pulse(72.0))], known)
    assert rows["reference_bpm"].isna().tolist() == [True, True, False, False, False, False]
    assert (rows["reference_bpm"].dropna() == 72).all()
    assert rows["reason"][0] == "reference: no device rate in the window"
    frames = score_windows(evaluator("v4v"), [make_estimate(make_pulse(72.0))], known)
    assert frames["reference_bpm"].dropna().between(71.999, 72.001).all()
    assert frames["reference_bpm"].isna().mean() == pytest.approx(22 / 60, abs=0.02)


def test_frames_take_the_rate_of_their_time() -> None:
    ticks = np.arange(0, 60.04, 0.04)
    known = {("set", "a1"): GroundTruth(heart_rate=Signal(60 + ticks, ticks))}
    rows = score_windows(evaluator("v4v"), [make_estimate(make_pulse(72.0, 25.0))], known)
    np.testing.assert_allclose(rows["reference_bpm"], 60 + rows["start_s"], atol=1e-6)


# Gaps, failures, and what counts


def test_a_gap_is_missing_beyond_the_declared_share() -> None:
    wave = make_sine(72, 30.0)
    wave[300 : 300 + 74] = np.nan  # 24.7 % of the second window
    wave[600 : 600 + 76] = np.nan  # 25.3 % of the third
    rows = score_windows(LI2023, [make_estimate(Waveform(wave, 30.0))], truths(a1=72.0))
    assert rows["missing"].tolist() == [False, False, True, False, False, False]
    assert rows["reason"][2] == "estimate: absent in 25% of the window"
    assert rows["error_bpm"][2] == pytest.approx(180 - 72, abs=0.01)


def test_whole_recordings_are_read_between_their_first_and_last_sample() -> None:
    wave = make_sine(72, 30.0)
    wave[:60] = wave[-90:] = np.nan
    rule = evaluator("toolbox_now")
    row = score_windows(rule, [make_estimate(Waveform(wave, 30.0))], truths(a1=72.0))
    assert (row["start_s"][0], row["duration_s"][0]) == (2.0, 55.0)
    wave[:600] = np.nan
    row = score_windows(rule, [make_estimate(Waveform(wave, 30.0))], truths(a1=72.0))
    assert row["missing"][0]
    assert "absent in 38%" in row["reason"][0]


def test_a_missing_estimate_costs_the_farther_edge_of_the_band() -> None:
    result = worst_error(LI2023, np.array([50.0, 150.0, np.nan]))
    np.testing.assert_allclose(result, [180 - 50, 0.66 * 60 - 150, np.nan])


def test_a_failed_estimate_has_the_windows_of_the_others() -> None:
    made = [make_estimate(None, method="net", reason="no face"), make_estimate(make_pulse(72.0))]
    rows = score_windows(LI2023, made, truths(a1=72.0))
    failed = rows[rows["method"] == "net"]
    assert failed["start_s"].tolist() == rows[rows["method"] == "pos"]["start_s"].tolist()
    assert failed["missing"].all()
    assert (failed["reason"] == "no face").all()
    np.testing.assert_allclose(failed["error_bpm"], 108, atol=0.01)
    assert rows["method"].tolist() == ["net"] * 6 + ["pos"] * 6


def test_a_recording_that_failed_everywhere_has_the_windows_of_its_truth() -> None:
    rows = score_windows(LI2023, [make_estimate(None, reason="no face")], truths(a1=72.0))
    assert len(rows) == 6
    np.testing.assert_allclose(rows["reference_bpm"], 72, atol=0.05)
    nobody = score_windows(LI2023, [make_estimate(None, reason="no face")], {})
    assert len(nobody) == 1
    assert nobody["error_bpm"].isna().all()
    assert nobody["reason"][0].startswith("no face")


def test_a_method_that_gives_a_stump_of_a_long_recording_has_failed() -> None:
    stump = make_estimate(Waveform(make_sine(72, 30.0)[:90], 30.0))
    rows = score_windows(LI2023, [stump], truths(a1=72.0))
    assert len(rows) == 6
    assert rows["missing"].all()
    assert rows["reason"][0] == "its 3.0 s are too short; the evaluator's window takes at least 9 s"
    assert rows["error_bpm"].notna().all()


def test_a_failed_estimate_with_a_single_device_rate_has_one_missing_window() -> None:
    """Three seconds beside a rate that holds for a million: it took 11 GB of missing windows."""
    stump = make_estimate(Waveform(make_sine(72, 30.0)[:90], 30.0))
    rate = GroundTruth(heart_rate=Signal(np.array([72.0, 72.0]), np.array([0.0, 1e6])))
    rows = score_windows(LI2023, [stump], {(stump.dataset, stump.recording): rate})
    assert len(rows) == 1
    assert rows["missing"].all()


def test_a_window_without_truth_is_listed_and_not_scored() -> None:
    short = {("set", "a1"): make_ground_truth(72.0, seconds=35.0)}
    rows = score_windows(LI2023, [make_estimate(make_pulse(72.0))], short)
    assert rows["error_bpm"].isna().tolist() == [False] * 3 + [True] * 3
    assert rows["reason"][3] == "reference: absent in 50% of the window"
    summary = summarise(rows, resamples=0)
    assert (summary.loc[0, "n_windows"], summary.loc[0, "n_unscored"]) == (3, 3)


def test_an_estimate_that_comes_twice_is_refused() -> None:
    with pytest.raises(BenchError, match="comes twice: set, a1"):
        score_windows(LI2023, [make_estimate(make_pulse(72.0))] * 2, truths(a1=72.0))


def test_nothing_to_score_is_an_empty_frame() -> None:
    rows = score_windows(LI2023, [], {})
    assert len(rows) == 0
    assert "error_bpm" in rows


# Summaries


def people(errors: Mapping[str, float], **more: int) -> list[Estimate]:
    return [
        make_estimate(make_pulse(72 + e), name, seed=more.get("seed", 0))
        for name, e in errors.items()
    ]


KNOWN = truths(a1=72.0, a2=72.0, b1=72.0, c1=72.0)


def test_a_summary_by_hand() -> None:
    rows = score_windows(LI2023, people({"a1": 1, "a2": -3, "b1": 8, "c1": 0}), KNOWN)
    summary = summarise(rows, expected=5).loc[0]
    assert (summary.n_subjects, summary.n_recordings, summary.n_expected) == (3, 4, 5)
    assert (summary.n_windows, summary.n_unscored, summary.n_seeds) == (24, 0, 1)
    assert summary.coverage == 4 / 5
    assert summary.mae == pytest.approx(3, abs=0.02)
    assert summary.rmse == pytest.approx(np.sqrt((1 + 9 + 64) / 4), abs=0.02)
    assert summary["std"] == pytest.approx(np.std([1, -3, 8, 0]), abs=0.02)
    assert summary.mape == pytest.approx(300 / 72, abs=0.03)
    assert summary.within_5_bpm == 0.75
    assert np.isnan(summary.r)  # all truths are alike
    assert summary.mae_low <= summary.mae <= summary.mae_high
    assert "only 3 subjects" in summary.interval_note


def test_metrics_of_a_summary_are_the_plain_functions() -> None:
    generator = np.random.default_rng(2)
    bpm = {f"{c}1": 60.0 + 9 * k for k, c in enumerate("abcdef")}
    made = [
        make_estimate(Waveform(make_sine(rate, 30.0) + 3 * generator.normal(size=1800), 30.0), name)
        for name, rate in bpm.items()
    ]
    made.append(make_estimate(None, "g1", reason="no face"))
    rows = score_windows(LI2023, made, truths(g1=80.0, **bpm))
    summary = summarise(rows).loc[0]
    reference = rows["reference_bpm"].to_numpy()
    text = reference + rows["error_bpm"].to_numpy()
    for name, metric in METRICS.items():
        if name in summary:
            pair = (reference, text)
            given = (rows[name].to_numpy(),) if metric.column else pair
            assert summary[name] == pytest.approx(metric.compute(*given), rel=1e-6)
            assert summary[f"{name}_low"] <= summary[name] <= summary[f"{name}_high"]
    assert summary.mae_covered < summary.mae
    assert summary.mape_covered < summary.mape
    assert summary.max_error == rows["error_bpm"].abs().max()
    assert summary.coverage == 6 / 7
    assert summary.window_coverage == pytest.approx(36 / 42)


def test_a_metric_of_the_registry_is_in_the_summary_the_blocks_and_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = Metric(
        name="beyond_3_bpm",
        label="Beyond 3 bpm",
        better="lower",
        range=(0, 1),
        definition="Share of estimates more than 3 bpm from the reference.",
        source="this test",
        compute=lambda reference, estimate: float(np.mean(np.abs(estimate - reference) > 3)),
        from_sums=ratio("beyond_3", "n"),
        percent=True,
    )
    monkeypatch.setattr("rppgbench.evaluation.metrics.TERMS", terms := dict(TERMS))
    monkeypatch.setattr("rppgbench.evaluation.summary.TERMS", terms)
    terms["beyond_3"] = lambda rows: rows.absolute > 3
    metrics = {**METRICS, far.name: far}
    monkeypatch.setattr("rppgbench.evaluation.summary.METRICS", metrics)
    rows = score_windows(LI2023, people({"a1": 1, "b1": 4, "c1": 9}), KNOWN)
    ends = summarise(rows)[["beyond_3_bpm_low", "beyond_3_bpm", "beyond_3_bpm_high"]]
    low, share, high = ends.to_numpy(np.float64)[0]
    assert low <= share <= high
    assert share == pytest.approx(2 / 3)
    np.testing.assert_array_equal(block_scores(rows, far.name)["pos"], [0, 1, 1])
    assert metric_column(far).write(float(share)) == "66.67"


def test_seeds_are_averaged_and_have_a_standard_deviation() -> None:
    made = people({"a1": 1, "b1": 1, "c1": 1}) + people({"a1": 4, "b1": 4, "c1": 4}, seed=1)
    summary = summarise(score_windows(LI2023, made, KNOWN)).loc[0]
    assert summary.n_seeds == 2
    assert summary.mae == pytest.approx(2.5, abs=0.02)
    assert summary.rmse == pytest.approx(2.5, abs=0.02)  # not sqrt((1 + 16) / 2) = 2.92
    assert summary.mae_seed_std == pytest.approx(3 / np.sqrt(2), abs=0.02)
    assert summary.coverage == 1.0
    single = summarise(score_windows(LI2023, people({"a1": 1}), KNOWN)).loc[0]
    assert np.isnan(single.mae_seed_std)


def test_a_seed_that_failed_lowers_coverage_and_counts() -> None:
    made = people({"a1": 0, "b1": 0}) + [
        make_estimate(None, name, seed=1, reason="collapsed") for name in ("a1", "b1")
    ]
    summary = summarise(score_windows(LI2023, made, KNOWN)).loc[0]
    assert summary.coverage == 0.5
    assert summary.mae == pytest.approx(108 / 2, abs=0.02)


def test_groups_and_groups_that_are_expected_but_absent() -> None:
    made = [make_estimate(make_pulse(72.0), "a1", method=m) for m in ("pos", "chrom")]
    rows = score_windows(LI2023, made, KNOWN)
    summary = summarise(rows, expected={"pos": 2, "chrom": 1, "ica": 3})
    assert summary["method"].tolist() == ["chrom", "ica", "pos"]
    assert summary["n_expected"].tolist() == [1, 3, 2]
    assert summary["coverage"].tolist() == [1.0, 0.0, 0.5]
    assert summary["n_recordings"].tolist() == [1, 0, 1]
    assert np.isnan(summary["mae"][1])
    assert summary["interval_note"][0] == "no interval: one subject"
    both = summarise(rows, by=("method", "scenario"), expected={("pos", "rest"): 4})
    assert both["n_expected"].tolist() == [1, 4]
    rows["skin_tone"] = ["dark"] * 6 + ["light"] * 6
    assert summarise(rows, by=["skin_tone"])["skin_tone"].tolist() == ["dark", "light"]
    with pytest.raises(BenchError, match="no column 'colour'"):
        summarise(rows, by=["colour"])


def test_pooling_by_recordings_weighs_long_and_short_recordings_equally() -> None:
    made = [
        make_estimate(make_pulse(73.0), "a1"),
        make_estimate(make_pulse(76.0, seconds=20.0), "b1"),
    ]
    rows = score_windows(LI2023, made, KNOWN)
    assert summarise(rows).loc[0, "mae"] == pytest.approx((6 * 1 + 2 * 4) / 8, abs=0.02)
    summary = summarise(rows, pooling="recordings").loc[0]
    assert summary.mae == pytest.approx(2.5, abs=0.02)
    rows.attrs["pooling"] = "recordings"
    assert summarise(rows).loc[0, "mae"] == summary.mae


def test_subjects_of_two_data_sets_are_two_people() -> None:
    rows = score_windows(LI2023, people({"a1": 1}), KNOWN)
    other = rows.assign(dataset="other")
    assert summarise(pd.concat([rows, other])).loc[0, "n_subjects"] == 2


def test_the_same_seed_gives_the_same_intervals() -> None:
    rows = score_windows(LI2023, people({"a1": 1, "b1": -3, "c1": 5}), KNOWN)
    pd.testing.assert_frame_equal(summarise(rows, seed=3), summarise(rows, seed=3))
    assert summarise(rows, seed=3).loc[0, "mae_low"] == pytest.approx(1, abs=0.5)
