"""Beats and heart-rate variability of estimates: exact ones, late ones, missing ones, floors."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.beat_reading import join_pieces
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.metrics import METRICS
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.evaluation.variability_reading import (
    COLUMNS,
    intervals_of,
    measures,
    sampled_pulse,
)
from rppgbench.signals.beats import between_samples

from ..factories.evaluators import evaluator
from ..factories.heart_beats import beats_of_rate, pulse_of_beats, varying_rate
from ..factories.records import make_estimate, make_ground_truth
from ..oracles.oracle import load

RULE, WHOLE = evaluator("hrv"), evaluator("hrv_whole")
SECONDS = 125.0


def heart_beats(bpm: float = 70.0, seconds: float = SECONDS) -> Array:
    return beats_of_rate(varying_rate(bpm, seconds + 5), 0.002)


def contact(beats_s: Array, fs: float = 60.0, seconds: float = SECONDS) -> GroundTruth:
    return GroundTruth(pulse=pulse_of_beats(beats_s, fs, stop_s=seconds))


def seen(
    beats_s: Array, fs: float = 30.0, seconds: float = SECONDS, noise: float = 0.0
) -> Waveform:
    pulse = pulse_of_beats(beats_s, fs, stop_s=seconds)
    random = np.random.default_rng(3).normal(0, 1, len(pulse.values))
    return Waveform(pulse.values + noise * random, fs)


def scored(
    waveform: Waveform | None, truth: GroundTruth, rule: Evaluator = RULE, **fields: Any
) -> pd.DataFrame:
    estimate = make_estimate(waveform, **fields)
    return score_windows(rule, [estimate], {("set", "a1"): truth})


def test_a_clean_pulse_has_all_beats_and_errors_of_a_few_milliseconds() -> None:
    beats_s = heart_beats()
    rows = scored(seen(beats_s), contact(beats_s))
    assert len(rows) == 2
    assert (rows["beat_f1"] == 1).all()
    assert (rows["ibi_error_ms"] < 4).all()
    assert (rows["sdnn_ms_error"] < 4).all()
    assert (rows["rmssd_ms_error"] < 5).all()
    assert (rows["variability_reason"] == "").all()
    true_ms = 1000 * np.diff(beats_s[(beats_s > 0) & (beats_s < 60)])
    assert rows["sdnn_ms_reference"][0] == pytest.approx(np.std(true_ms, ddof=1), abs=3)
    assert rows["lf_ms2"].isna().all()  # a minute is too short
    assert rows["hf_ms2_error"].notna().all()


@pytest.mark.parametrize("fs", [20.0, 25.0, 30.0, 60.0])
def test_the_floor_is_the_error_of_a_clean_estimate(fs: float) -> None:
    beats_s = heart_beats()
    rows = scored(seen(beats_s, fs), contact(beats_s))
    for error, floor in (
        ("ibi_error_ms", "ibi_floor_ms"),
        ("sdnn_ms_error", "sdnn_ms_floor"),
        ("rmssd_ms_error", "rmssd_ms_floor"),
    ):
        assert rows[floor].to_numpy() == pytest.approx(rows[error].to_numpy(), abs=0.6), error
    noisy = scored(seen(beats_s, fs, noise=0.3), contact(beats_s))
    np.testing.assert_array_equal(noisy["ibi_floor_ms"], rows["ibi_floor_ms"])
    assert (noisy["ibi_error_ms"] > 1.5 * noisy["ibi_floor_ms"]).all()


def test_a_slow_sensor_raises_the_floor() -> None:
    beats_s = heart_beats()
    assert RULE.variability is not None
    band = RULE.variability.filter.model_copy(update={"high_hz": 8.0})
    changed = RULE.variability.model_copy(update={"filter": band})
    wide = RULE.model_copy(update={"variability": changed})
    fast, slow = (scored(seen(beats_s), contact(beats_s, fs), wide) for fs in (250.0, 20.0))
    assert slow["ibi_floor_ms"].mean() > 1.5 * fast["ibi_floor_ms"].mean()


def test_the_time_of_a_beat_between_samples_is_as_exact_as_in_the_oracle() -> None:
    """Timing of a noiseless pulse by a parabola, at six rates."""
    try:
        arrays, _ = load("beat_floor")
    except FileNotFoundError:
        pytest.skip("needs the oracle beat_floor (RPPGBENCH_ORACLES)")
    column = arrays["columns"].tolist().index("timing_sd_ms")
    expected = dict(zip(arrays["rows"].tolist(), arrays["values"][:, column], strict=True))
    random = np.random.default_rng(3)
    clean = [row for row in expected if row.endswith("_0_parabola") and "_0_" not in row[:6]]
    assert clean
    for row in clean:
        bpm, share, fs = (float(part) for part in row.split("_")[:3])
        intervals_s = [60 / bpm]
        while len(intervals_s) < 2000:
            breath = np.sin(2 * np.pi * 0.25 * sum(intervals_s))
            jitter = 1 + share * breath + 0.015 * random.normal()
            intervals_s.append(60 / bpm * float(jitter))
        beats = join_pieces([np.cumsum(intervals_s)])
        pulse = sampled_pulse(beats, fs)
        near = np.searchsorted(pulse.times_s, beats.times_s[1:-1])
        around = near[:, None] + np.arange(-int(0.15 * fs), int(0.15 * fs) + 1)
        tops = around[np.arange(len(near)), pulse.values[around].argmax(axis=1)]
        found_s = pulse.times_s[0] + between_samples(pulse.values, tops) / fs
        timing_ms = 1000 * np.std(found_s - beats.times_s[1:-1])
        assert timing_ms == pytest.approx(expected[row], rel=0.15), row


def test_lost_beats_cost_f1_and_not_the_errors_of_the_others() -> None:
    beats_s = heart_beats()
    truth = contact(beats_s)
    marked = GroundTruth(pulse=truth.pulse, beats_s=np.delete(beats_s, [20, 40]))
    rows = scored(seen(beats_s), marked)
    of_minute = int(((beats_s >= 0) & (beats_s < 60)).sum())
    assert rows["beat_f1"][0] == pytest.approx(2 * (of_minute - 2) / (2 * of_minute - 2), abs=0.01)
    assert rows["ibi_error_ms"][0] < 6
    assert rows["beat_f1"][1] == 1


def test_an_interval_that_is_not_normal_counts_in_no_difference() -> None:
    """A premature beat: its two intervals and the three differences with them are left out."""
    assert RULE.variability is not None
    lasts_s = np.array([0.80, 0.82, 0.80, 0.50, 1.30, 0.90, 0.92, 0.90, 0.92, 0.90])
    beats_s = np.concatenate([[0.0], np.cumsum(lasts_s)])
    intervals = intervals_of(join_pieces([beats_s]), RULE.variability)
    assert np.flatnonzero(~intervals.normal).tolist() == [3, 4]
    values, reason = measures(intervals, 0.0, float(beats_s[-1]), RULE.variability, 0.25)
    assert reason == ""
    assert values["rmssd_ms"] == pytest.approx(20)
    kept_ms = 1000 * np.delete(lasts_s, [3, 4])
    assert values["sdnn_ms"] == pytest.approx(np.std(kept_ms, ddof=1))
    _, reason = measures(intervals, 0.0, 2 * float(beats_s[-1]), RULE.variability, 0.25)
    assert reason == "normal intervals cover 40% of the window"


def test_a_late_estimate_on_a_drifting_clock_keeps_its_beats() -> None:
    """0.1 s late and 0.2 % slow, as a genuine webcam: at the end 0.7 s."""
    beats_s = heart_beats(seconds=300.0)
    wave = seen(beats_s, seconds=300.0)
    stretched = np.interp(
        np.arange(len(wave.samples)) / 30, 0.1 + 1.002 * wave.times_s(), wave.samples
    )
    rows = scored(Waveform(stretched, 30.0), contact(beats_s, seconds=300.0))
    assert len(rows) == 5
    assert (rows["beat_f1"] > 0.98).all()
    assert np.diff(rows["beat_lag_s"]) == pytest.approx(0.12, abs=0.02)
    assert (rows["ibi_error_ms"] < 6).all()


def test_an_estimate_of_brightness_is_turned_over_and_one_of_blood_is_not() -> None:
    """With a fast rise, as a genuine pulse has; as it is given, its beats are at the foot."""
    beats_s = heart_beats(55.0)
    phase = np.interp(np.arange(0, SECONDS, 1 / 30), beats_s, 2 * np.pi * np.arange(len(beats_s)))
    rising = np.cos(phase) + 0.4 * np.cos(2 * phase + 0.9)
    truth = GroundTruth(pulse=Signal(rising, np.arange(len(rising)) / 30))
    for sign in (1, -1):
        rows = scored(Waveform(sign * rising, 30.0), truth)
        assert (rows["beat_sign"] == sign).all()
        assert (rows["beat_f1"] > 0.99).all()
        assert rows["beat_lag_s"].abs().max() < 0.03
    assert RULE.variability is not None
    as_given = RULE.variability.model_copy(update={"polarity": "as_given"})
    rows = scored(Waveform(-rising, 30.0), truth, RULE.model_copy(update={"variability": as_given}))
    assert (rows["beat_sign"] == 1).all()
    assert (rows["beat_f1"] < 0.9).all()


def test_low_frequencies_need_two_minutes() -> None:
    beats_s = heart_beats()
    long, short = (
        scored(seen(beats_s, seconds=s), contact(beats_s), WHOLE) for s in (SECONDS, 112.0)
    )
    assert long["lf_ms2_error"].notna().all()
    assert long["lf_ms2_reference"].gt(50).all()
    assert short["lf_ms2_error"].isna().all()
    assert short["hf_ms2_error"].notna().all()


def test_noise_without_a_pulse_has_no_variability_and_a_reason() -> None:
    beats_s = heart_beats()
    noise = Waveform(np.random.default_rng(0).normal(size=int(30 * SECONDS)), 30.0)
    rows = scored(noise, contact(beats_s))
    assert rows["sdnn_ms_error"].isna().all()
    assert rows["variability_reason"].str.startswith("estimate: normal intervals cover").all()
    assert (rows["beat_f1"] < 0.7).all()


def test_a_failed_estimate_has_f1_0_and_no_error() -> None:
    beats_s = heart_beats()
    other = make_estimate(seen(beats_s), job="x", method="chrom")
    failed = make_estimate(None, reason="no face")
    rows = score_windows(RULE, [other, failed], {("set", "a1"): contact(beats_s)})
    failed_rows = rows[rows["method"] == "pos"]
    assert (failed_rows["beat_f1"] == 0).all()
    assert failed_rows["sdnn_ms_error"].isna().all()
    assert summarise(rows).set_index("method")["beat_f1"].to_dict() == {"chrom": 1.0, "pos": 0.0}


def test_heart_rates_without_a_waveform_have_a_reason_and_no_number() -> None:
    beats_s = heart_beats()
    rates = Signal(np.full(120, 70.0), np.arange(120.0))
    rows = scored(None, contact(beats_s), heart_rate=rates)
    assert rows[[*COLUMNS]].isna().all().all()
    assert (rows["variability_reason"] == "estimate: heart rates without a waveform").all()


def test_a_reference_without_a_waveform_has_a_reason_and_no_number() -> None:
    device = GroundTruth(heart_rate=make_ground_truth(70.0, seconds=SECONDS).heart_rate)
    rows = scored(seen(heart_beats()), device)
    assert rows["reference_bpm"].isna().all()
    assert rows[[*COLUMNS]].isna().all().all()
    assert rows["reason"].str.contains("reference: no beats or pulse").all()


def test_the_summary_has_intervals_by_subject_and_other_rules_have_no_columns() -> None:
    truths: dict[tuple[str, str], GroundTruth] = {}
    estimates: list[Estimate] = []
    for number, subject in enumerate("abcdef"):
        beats_s = heart_beats(60 + 6 * number, 65.0)
        truths["set", subject] = contact(beats_s, seconds=65.0)
        wave = seen(beats_s, seconds=65.0, noise=0.1 * number)
        estimates.append(make_estimate(wave, subject))
    (row,) = summarise(score_windows(RULE, estimates, truths)).to_dict("records")
    assert row["ibi_error_ms_low"] < row["ibi_error_ms"] < row["ibi_error_ms_high"]
    assert row["ibi_floor_ms"] < row["ibi_error_ms"]
    beats = {name for name, metric in METRICS.items() if metric.group == "beats"}
    assert beats <= set(row)
    plain = summarise(score_windows(evaluator("beats_tukey"), estimates, truths))
    assert not beats & set(plain.columns)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"reference": "same", "truth": ["pulse"]},
            'variability needs a reference of kind "beats"',
        ),
        ({"unit": "recording_mean"}, 'variability needs unit = "window"'),
    ],
)
def test_a_rule_without_beats_or_windows_is_refused(
    changed: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Evaluator.model_validate(RULE.model_dump() | changed)


def test_a_rule_without_variability_keeps_its_digest() -> None:
    plain = evaluator("beats_tukey")
    assert plain.variability is None
    assert "variability" in plain.model_dump()
    assert plain.digest != plain.model_copy(update={"variability": RULE.variability}).digest
