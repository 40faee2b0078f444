"""Metrics by hand, against numpy, and between sums and plain formulas."""

import inspect
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rppgbench.core.waveform import Array
from rppgbench.evaluation import metrics
from rppgbench.evaluation.metric_record import Metric
from rppgbench.evaluation.metric_sums import Rows, Sums, row_terms
from rppgbench.evaluation.metrics import METRICS, TERMS, named_sums
from rppgbench.evaluation.signal_quality import (
    CORRELATIONS,
    SNRS,
    macc,
    mcc,
    snr_de_haan,
    snr_toolbox,
)
from rppgbench.report.tables import columns

FS = 30.0
TIME = np.arange(600) / FS
PAIRS = {name: m for name, m in METRICS.items() if not m.column}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mae", 10 / 4),  # errors 2, -4, 0, 4
        ("rmse", 3.0),  # sqrt(36 / 4)
        ("std", math.sqrt(9 - 0.25)),
        ("mape", 100 * (2 / 50 + 4 / 80 + 4 / 80) / 4),
        ("within_5_bpm", 1.0),
        ("within_10_percent", 1.0),
        # deviations -27.5, 2.5, 22.5, 2.5 and -26, -2, 22, 6: products 715 - 5 + 495 + 15
        ("r", 1220 / math.sqrt(1275 * 1200)),
    ],
)
def test_metrics_have_the_values_worked_out_by_hand(name: str, expected: float) -> None:
    reference, estimate = np.array([50.0, 80, 100, 80]), np.array([52.0, 76, 100, 84])
    assert METRICS[name].compute(reference, estimate) == pytest.approx(expected, rel=1e-12)


def test_rmse_is_made_of_mean_and_std() -> None:
    generator = np.random.default_rng(0)
    reference = generator.uniform(50, 120, 40)
    estimate = reference + generator.normal(1, 5, 40)
    mean = float((estimate - reference).mean())
    whole = metrics.std(reference, estimate) ** 2 + mean**2
    assert metrics.rmse(reference, estimate) ** 2 == pytest.approx(whole)


@pytest.mark.parametrize("metric", PAIRS.values(), ids=lambda m: m.name)
def test_a_perfect_estimate_is_best_and_invalid_rates_are_refused(
    metric: Metric,
) -> None:
    reference = np.array([60.0, 75, 90])
    best = metric.range[1] if metric.better == "higher" else metric.range[0]
    assert metric.compute(reference, reference) == pytest.approx(best)
    for bad in (np.array([60.0, np.nan, 90]), np.array([60.0, 75])):
        with pytest.raises(ValueError, match=r"finite|two \(n,\) arrays"):
            metric.compute(reference, bad)
    with pytest.raises(ValueError, match="above 0"):
        metric.compute(np.array([60.0, 0, 90]), reference)
    with pytest.raises(ValueError, match="n > 0"):
        metric.compute(np.empty(0), np.empty(0))


UNITS = {"std": "bpm", "mae": "bpm", "rmse": "bpm", "mape": "%", "snr_db": "dB"}  # else a number


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_has_label_definition_source_range_and_unit(name: str) -> None:
    metric = METRICS[name]
    assert name == metric.name
    assert metric.label
    assert metric.definition.endswith(".")
    assert re.search(r"10\.\d{4,}/|arXiv \d{4}\.\d{5}|ANSI|ICCV|this suite", metric.source)
    low, high = metric.range
    assert low < high
    assert metric.worst == (high if metric.better == "lower" else low)
    in_name = re.search(r"_(ms2?)(_|$)", name)
    unit = {"ms": "ms", "ms2": "ms²"}[in_name[1]] if in_name else UNITS.get(name, "")
    assert metric.unit == unit
    assert metric.unit or (low, high) in {(0, 1), (-1, 1)}
    column = columns.metric(name)
    assert (column.unit, column.scale) in {(metric.unit, 1), ("%", 100)}
    assert column.about == metric.definition


@pytest.mark.parametrize(
    "told",
    [m.compute for m in PAIRS.values()] + [*SNRS.values(), *CORRELATIONS.values()],
    ids=lambda told: told.__name__,
)
def test_every_definition_has_a_docstring_with_its_source_and_an_example(
    told: Callable[..., object],
) -> None:
    text = inspect.getdoc(told) or ""
    assert "Source: " in text
    assert ">>> " in text or told in SNRS.values()  # those are worked by hand below
    if told in [m.compute for m in PAIRS.values()]:
        assert re.search(r"; -?\d+ to (inf|\d+), [01] is best", text)


rates = st.lists(st.tuples(st.floats(40, 180), st.floats(40, 180)), min_size=2, max_size=40).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)


def sums_of_rates(reference: Array, estimate: Array) -> Sums:
    rows = Rows(
        reference=reference,
        error=estimate - reference,
        missing=np.zeros(len(reference), np.bool_),
        columns={},
    )
    return named_sums(row_terms(rows, TERMS).sum(axis=0))


@given(rates)
@settings(max_examples=40, deadline=None)
def test_the_formula_from_sums_equals_the_plain_formula(pair: tuple[Array, Array]) -> None:
    reference, estimate = pair
    sums = sums_of_rates(reference, estimate)
    for metric in PAIRS.values():
        plain, summed = metric.compute(reference, estimate), float(metric.from_sums(sums))
        if metric.name == "r" and min(reference.var(), estimate.var()) < 1e-4:
            continue  # there the sums hold rounding: constant to any device
        tolerance = 1e-5 if metric.name in ("r", "std") else 1e-9  # differences of large sums
        assert summed == pytest.approx(plain, rel=tolerance, abs=tolerance, nan_ok=True)


@given(rates)
@settings(max_examples=40, deadline=None)
def test_metrics_stay_in_their_range_and_errors_ignore_sign(pair: tuple[Array, Array]) -> None:
    reference, estimate = pair
    for metric in PAIRS.values():
        value = metric.compute(reference, estimate)
        low, high = metric.range
        assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9
    mirrored = 2 * reference - estimate
    assert metrics.mae(reference, mirrored) == pytest.approx(metrics.mae(reference, estimate))


@pytest.mark.parametrize("metric", [m for m in METRICS.values() if m.column], ids=lambda m: m.name)
def test_sums_give_the_mean_of_the_windows_with_a_value(metric: Metric) -> None:
    values = np.array([0.5, np.nan, 0.25, 1.0])
    bpm = np.full(4, 70.0)
    rows = Rows(
        reference=bpm, error=0 * bpm, missing=np.isnan(values), columns={metric.column: values}
    )
    summed = metric.from_sums(named_sums(row_terms(rows, TERMS).sum(axis=0)))
    assert float(summed) == pytest.approx(metric.compute(values))
    assert math.isnan(float(metric.from_sums(sums_of_rates(bpm, bpm))))


def test_correlation_of_a_constant_is_unknown() -> None:
    reference, constant = np.array([60.0, 70, 80]), np.full(3, 72.123456789)
    assert math.isnan(metrics.r(reference, constant))
    sums = sums_of_rates(reference, constant)
    assert math.isnan(float(METRICS["r"].from_sums(sums)))


def wave(bpm: float, phase: float = 0.0) -> Array:
    out: Array = np.sin(2 * np.pi * bpm / 60 * TIME + phase)
    return out


@pytest.mark.parametrize("name", SNRS)
def test_snr_of_pulse_in_white_noise_falls_by_as_many_decibels(name: str) -> None:
    """20 dB less pulse is 20 dB less SNR while noise makes up the rest, under any definition."""
    noise = np.random.default_rng(1).normal(size=(40, len(TIME)))
    bpm = np.full(40, 72.0)
    high = SNRS[name](3 * wave(72) + noise, bpm, FS, 0.66, 3.0)
    low = SNRS[name](0.3 * wave(72) + noise, bpm, FS, 0.66, 3.0)
    assert 10 < (high - low).mean() < 21
    assert SNRS[name](7 * (3 * wave(72) + noise), bpm, FS, 0.66, 3.0) == pytest.approx(high)


@pytest.mark.parametrize("name", SNRS)
def test_snr_counts_the_double_as_signal_and_others_as_noise(name: str) -> None:
    noise = 0.05 * np.random.default_rng(2).normal(size=len(TIME))
    bpm = np.array(72.0)
    plain = SNRS[name](wave(72) + noise, bpm, FS, 0.66, 3.0)
    with_double = SNRS[name](wave(72) + 0.5 * wave(144) + noise, bpm, FS, 0.66, 3.0)
    with_other = SNRS[name](wave(72) + 0.5 * wave(105) + noise, bpm, FS, 0.66, 3.0)
    assert with_double > plain - 0.5
    assert with_other < 9 < plain
    assert np.isnan(SNRS[name](wave(72) + noise, np.array(np.nan), FS, 0.66, 3.0))


def test_snr_by_hand_on_exact_bins() -> None:
    """Lines at 60 bpm (power 1) and 90 bpm (power 1/4) of 512 samples: 10 log10(4)."""
    time = np.arange(512) / 32.0
    both = np.sin(2 * np.pi * time) + 0.5 * np.sin(2 * np.pi * 1.5 * time)
    result = snr_toolbox(both, np.array(60.0), 32.0, 0.66, 3.0)
    assert result == pytest.approx(10 * math.log10(4), abs=1e-6)


def test_the_definitions_of_snr_differ() -> None:
    noisy = wave(72) + np.random.default_rng(3).normal(size=len(TIME))
    values = [float(f(noisy, np.array(72.0), FS, 0.66, 3.0)) for f in SNRS.values()]
    assert len({round(v, 2) for v in values}) == len(values)


@pytest.mark.parametrize("compare", CORRELATIONS.values())
def test_correlations_of_waves(compare: Callable[[Array, Array, float], Array]) -> None:
    noise = np.random.default_rng(4).normal(size=(2, len(TIME)))
    assert compare(wave(72), wave(72), FS) == pytest.approx(1, abs=0.02)
    assert compare(wave(72), 5 * wave(72, 0.7) + 2, FS) > 0.95
    assert compare(wave(72), noise[0], FS) < 0.5
    assert np.isnan(compare(wave(72), np.full(len(TIME), 3.0), FS))
    both = compare(np.stack([wave(72), noise[0]]), np.stack([wave(72), noise[1]]), FS)
    assert both.shape == (2,)


def test_macc_is_the_slow_loop() -> None:
    a, b = np.random.default_rng(5).normal(size=(2, 60))
    slow = max(abs(np.corrcoef(a, np.roll(b, lag))[0, 1]) for lag in range(59))
    assert macc(a, b, FS) == pytest.approx(slow, rel=1e-12)


def test_mcc_sets_off_a_drift_that_both_have_and_not_that_of_one() -> None:
    drift = 5 * np.sin(2 * np.pi * 0.1 * TIME)
    assert mcc(wave(72) + drift, wave(72, 0.3) + drift, FS) > 0.95
    assert mcc(wave(72) + drift, wave(72), FS) < 0.5
    assert mcc(wave(72), wave(110), FS) < 0.3


def test_a_longer_window_than_the_grid_of_the_snr() -> None:
    """Over 120 s the grid of 0.5 bpm is coarser than the window's own bins."""
    time = np.arange(4000) / 20.0
    pulse = np.sin(2 * np.pi * 1.2 * time) + 0.1 * np.random.default_rng(6).normal(size=4000)
    assert snr_de_haan(pulse, np.array(72.0), 20.0, 0.66, 3.0) > 10


def test_concordance_is_the_correlation_times_what_bias_and_scale_leave() -> None:
    """Lin 1989: ccc = r C with C = 2 / (v + 1 / v + u^2), v and u the shifts of scale and place."""
    rng = np.random.default_rng(1)
    reference = rng.uniform(50, 120, 200)
    estimate = 0.8 * reference + 20 + rng.normal(0, 3, 200)
    scale = reference.std() / estimate.std()
    place = (reference.mean() - estimate.mean()) / np.sqrt(reference.std() * estimate.std())
    accuracy = 2 / (scale + 1 / scale + place**2)
    expected = np.corrcoef(reference, estimate)[0, 1] * accuracy
    assert METRICS["ccc"].compute(reference, estimate) == pytest.approx(expected, abs=1e-12)


def test_harmonics_are_counted_once_and_never_near_the_reference() -> None:
    reference = np.array([80.0, 80.0, 80.0, 80.0, 8.0])
    estimate = np.array([41.0, 165.0, 80.0, 60.0, 5.0])  # half, double, right, neither, right
    assert METRICS["at_half_rate"].compute(reference, estimate) == 0.2
    assert METRICS["at_double_rate"].compute(reference, estimate) == 0.2
