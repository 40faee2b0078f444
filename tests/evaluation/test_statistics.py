"""Intervals, comparisons and agreement against scipy, hand values and simulation."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rppgbench.core.waveform import Array
from rppgbench.evaluation.bland_altman import bland_altman
from rppgbench.evaluation.bootstrap import bca, bootstrap, resampling_weights
from rppgbench.evaluation.significance import holm, paired_tests, ranks
from rppgbench.system.errors import BenchError


def mean_and_spread(total: Array) -> Array:
    """Mean and standard deviation (divided by n) from sums of 1, x and x squared."""
    mean = total[..., 1] / total[..., 0]
    spread = np.sqrt(np.maximum(total[..., 2] / total[..., 0] - mean**2, 0))
    return np.stack([mean, spread], axis=-1)


def by_subject(values: Array) -> Array:
    """(S, 3): every value is one subject's."""
    return np.stack([np.ones_like(values), values, values**2], axis=-1)


@pytest.mark.parametrize("statistic", [np.mean, np.std], ids=["mean", "std"])
@pytest.mark.parametrize("count", [8, 40])
def test_limits_are_scipys_for_the_same_resamples(statistic: Any, count: int) -> None:
    values = np.random.default_rng(count).gamma(2.0, 3.0, count)
    reference = stats.bootstrap(
        (values,), statistic, n_resamples=999, method="BCa", rng=np.random.default_rng(0)
    )
    left_out = np.array([statistic(np.delete(values, k)) for k in range(count)])
    theta = np.array([statistic(values)])
    low, high = bca(theta, reference.bootstrap_distribution[:, None], left_out[:, None])
    assert low[0] == pytest.approx(reference.confidence_interval.low, rel=1e-9)
    assert high[0] == pytest.approx(reference.confidence_interval.high, rel=1e-9)


def test_own_resamples_give_nearly_scipys_limits() -> None:
    values = np.random.default_rng(1).gamma(2.0, 3.0, 30)
    low, high = bootstrap(by_subject(values), mean_and_spread, resamples=20_000, seed=0)
    statistics: tuple[Any, ...] = (np.mean, np.std)
    for k, statistic in enumerate(statistics):
        reference = stats.bootstrap(
            (values,), statistic, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
        ).confidence_interval
        width = reference.high - reference.low
        assert low[k] == pytest.approx(reference.low, abs=0.03 * width)
        assert high[k] == pytest.approx(reference.high, abs=0.03 * width)


def test_the_coverage_of_the_limits_is_near_their_level() -> None:
    generator = np.random.default_rng(2)
    inside = 0
    for trial in range(200):
        low, high = bootstrap(
            by_subject(generator.normal(5, 2, 40)), mean_and_spread, resamples=500, seed=trial
        )
        inside += low[0] <= 5 <= high[0]
    assert 178 <= inside <= 199  # 95 % of 200, three standard errors and a small-sample loss


def test_windows_of_one_subject_are_not_independent() -> None:
    """Ten subjects with a hundred like windows each: as wide as ten values, not as a thousand."""
    values = np.random.default_rng(3).normal(0, 1, 10)
    few = by_subject(values)
    low, high = bootstrap(100 * few, mean_and_spread, resamples=2000, seed=0)
    alone_low, alone_high = bootstrap(few, mean_and_spread, resamples=2000, seed=0)
    assert (low[0], high[0]) == pytest.approx((alone_low[0], alone_high[0]))
    many_low, many_high = bootstrap(
        by_subject(np.repeat(values, 100)), mean_and_spread, resamples=2000, seed=0
    )
    assert high[0] - low[0] > 5 * (many_high[0] - many_low[0])


def test_a_single_subject_has_no_interval_and_equal_subjects_a_point() -> None:
    low, high = bootstrap(by_subject(np.array([3.0])), mean_and_spread, resamples=100, seed=0)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    low, high = bootstrap(by_subject(np.full(5, 3.0)), mean_and_spread, resamples=100, seed=0)
    assert low[0] == high[0] == 3.0


def test_a_statistic_without_a_value_in_many_resamples_has_no_limits() -> None:
    sample = np.where(np.arange(100) < 90, np.arange(100.0), np.nan)[:, None]
    low, _ = bca(np.array([45.0]), sample, np.arange(10.0)[:, None])
    assert np.isnan(low[0])


def test_draws_are_counts_of_subjects_and_repeat_with_the_seed() -> None:
    weights = resampling_weights(107, 300, 4)
    assert (weights.sum(axis=1) == 107).all()
    assert weights.mean() == pytest.approx(1.0)
    assert weights.var() == pytest.approx(1 - 1 / 107, abs=0.02)  # of a multinomial count
    np.testing.assert_array_equal(weights, resampling_weights.__wrapped__(107, 300, 4))


def test_seeds_are_averaged_within_each_resample() -> None:
    values = np.random.default_rng(5).normal(size=(20, 2))
    both = np.stack([by_subject(values[:, 0]), by_subject(values[:, 1])], axis=1)
    low, high = bootstrap(both, mean_and_spread, resamples=3000, seed=1)
    mean_low, mean_high = bootstrap(
        by_subject(values.mean(axis=1)), mean_and_spread, resamples=3000, seed=1
    )
    assert (low[0], high[0]) == pytest.approx((mean_low[0], mean_high[0]), rel=1e-6)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    corrected = holm([0.01, math.nan])
    assert corrected[0] == 0.01
    assert math.isnan(corrected[1])


def test_pairs_are_scipys_wilcoxon_over_common_blocks() -> None:
    generator = np.random.default_rng(6)
    one = generator.gamma(2, 2, 30)
    scores = {"a": one, "b": one + generator.normal(0.5, 1, 30), "c": one.copy()}
    scores["b"][3] = np.nan
    tests = {(p.first, p.second): p for p in paired_tests(scores)}
    ab = tests["a", "b"]
    differences = np.delete(scores["a"] - scores["b"], 3)
    assert ab.n == 29
    assert ab.difference == pytest.approx(differences.mean())
    assert ab.p == pytest.approx(stats.wilcoxon(differences).pvalue)
    assert tests["a", "c"].p == 1.0
    assert ab.p_holm >= ab.p
    with pytest.raises(ValueError, match="same order"):
        paired_tests({"a": np.zeros(3), "b": np.zeros(4)})


def test_ranks_by_hand() -> None:
    """Demšar 2006, section 3.2.2: k = 3, n = 5: q(0.05) = 2.343, CD = 2.343 sqrt(12 / 30)."""
    scores = {
        "best": np.array([1.0, 1, 1, 1, 1]),
        "middle": np.array([2.0, 2, 2, 3, 2]),
        "worst": np.array([3.0, 3, 3, 2, 3]),
    }
    result = ranks(scores)
    np.testing.assert_allclose(result.mean_rank, [1, 2.2, 2.8])
    # chi2 = 12 n / (k (k + 1)) (sum R^2 - k (k + 1)^2 / 4) = 5 (13.68 - 12) = 8.4
    assert result.p == pytest.approx(stats.chi2.sf(8.4, 2))
    assert result.critical_difference == pytest.approx(2.343 * math.sqrt(12 / 30), abs=1e-3)
    assert result.cliques == (("best", "middle"), ("middle", "worst"))
    assert result.p_nemenyi[0, 2] < 0.05 < result.p_nemenyi[0, 1]
    assert ranks(scores, lower_is_better=False).mean_rank[0] == 3


def test_nemenyi_is_scipys_studentized_range() -> None:
    scores = {name: np.random.default_rng(k).normal(size=12) for k, name in enumerate("abcd")}
    result = ranks(scores)
    placed = stats.rankdata(np.stack(list(scores.values())), axis=0)
    q = abs(placed[0].mean() - placed[1].mean()) / math.sqrt(4 * 5 / (12 * 12))
    assert result.p_nemenyi[0, 1] == pytest.approx(
        stats.studentized_range.sf(q, 4, np.inf), rel=1e-6
    )
    assert result.p == pytest.approx(stats.friedmanchisquare(*scores.values()).pvalue)


def test_ranks_without_enough_say_so() -> None:
    two = ranks({"a": np.array([1.0, 2]), "b": np.array([2.0, 1])})
    assert math.isnan(two.p)
    with pytest.raises(BenchError, match="no block has a score of all"):
        ranks({"a": np.array([1.0, np.nan]), "b": np.array([np.nan, 1.0])})
    assert ranks({"a": np.ones(4), "b": np.ones(4), "c": np.ones(4)}).p == 1.0
    assert ranks({"a": np.array([1.0, 9]), "b": np.array([2.0, np.nan])}).n == 1


def test_limits_of_agreement_of_single_measurements() -> None:
    reference = np.array([60.0, 70, 80, 90, 100])
    differences = np.array([1.0, -1, 3, 0, 2])
    limits = bland_altman(reference, reference + differences)
    sd = differences.std(ddof=1)
    assert limits.bias == pytest.approx(1.0)
    assert limits.upper == pytest.approx(1 + 1.96 * sd)
    assert limits.lower == pytest.approx(1 - 1.96 * sd)
    half = stats.t.ppf(0.975, 4) * sd / math.sqrt(5)
    assert limits.bias_high - limits.bias == pytest.approx(half)
    # 1999, section 2: the limit's standard error is sqrt(1/n + 1.96^2 / (2 (n - 1))) sd
    wide = stats.t.ppf(0.975, 4) * sd * math.sqrt(1 / 5 + 1.96**2 / 8)
    assert limits.upper_high - limits.upper == pytest.approx(wide)


def test_repeated_measurements_by_hand() -> None:
    """Subjects with differences (1, 3), (5, 7), (0, 2)."""
    differences = np.array([1.0, 3, 5, 7, 0, 2])
    subjects = ["a", "a", "b", "b", "c", "c"]
    limits = bland_altman(np.zeros(6) + 70, 70 + differences, subjects)
    # means 2, 6, 1 about 3: mean square between 2 (1 + 9 + 4) / 2 = 14, within 6 / 3 = 2
    assert stats.f_oneway([1, 3], [5, 7], [0, 2]).statistic == pytest.approx(14 / 2)
    assert limits.within_sd**2 == pytest.approx(2)
    assert limits.between_sd**2 == pytest.approx((14 - 2) / 2)
    assert limits.upper == pytest.approx(3 + 1.96 * math.sqrt(8))
    assert limits.subjects == 3


def test_unequal_numbers_of_measurements_by_hand() -> None:
    # a = 1, 3 (mean 2); b = 6, 7, 8 (mean 7); mean of all 5
    # within (1 + 1 + 1 + 0 + 1) / 3 = 4/3; between 2 * 9 + 3 * 4 = 30; m0 = 5 - 13/5 = 2.4
    limits = bland_altman(np.zeros(5), np.array([1.0, 3, 6, 7, 8]), list("aabbb"))
    assert limits.bias == 5
    variance = 4 / 3 + (30 - 4 / 3) / 2.4
    assert (limits.upper - limits.lower) / 2 == pytest.approx(1.96 * variance**0.5)


def test_repeats_do_not_shrink_the_limits() -> None:
    """With a subject effect of 3 and noise of 1 the limits are 1.96 sqrt(10), repeats or not."""
    generator = np.random.default_rng(7)
    inside_upper = inside_bias = inside_naive = 0
    for _ in range(150):
        subjects = np.repeat(np.arange(60), generator.integers(1, 12, 60))
        differences = generator.normal(0, 3, 60)[subjects] + generator.normal(0, 1, len(subjects))
        reference = np.full(len(differences), 70.0)
        limits = bland_altman(reference, reference + differences, subjects)
        naive = bland_altman(reference, reference + differences)
        inside_upper += limits.upper_low < 1.96 * math.sqrt(10) < limits.upper_high
        inside_bias += limits.bias_low < 0 < limits.bias_high
        inside_naive += naive.bias_low < 0 < naive.bias_high
    assert inside_upper >= 132  # 95 % of 150 are 142, less three standard errors and skewness
    assert inside_bias >= 132
    assert inside_naive < 120  # as if the windows of a subject were independent


def test_agreement_of_little_or_nothing() -> None:
    one = bland_altman([60.0], [61.0])
    assert one.bias == 1.0
    assert math.isnan(one.upper)
    alone = bland_altman([60.0, 60], [61.0, 63], ["a", "a"])
    assert alone.upper == pytest.approx(2 + 1.96 * math.sqrt(2))
    assert math.isnan(alone.bias_low)
    assert math.isnan(bland_altman([], []).bias)
    gaps = bland_altman([60.0, np.nan, 60], [61.0, 61, 59])
    assert gaps.n == 2
    with pytest.raises(ValueError, match="two"):
        bland_altman([1.0], [1.0, 2.0])
