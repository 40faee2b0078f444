"""Power of paired comparisons: published numbers, and what simulated people show."""

import math
from itertools import pairwise

import numpy as np
import pytest

from rppgbench.evaluation.paired_differences import paired_interval
from rppgbench.evaluation.power import (
    detectable_difference,
    paired_sd,
    people_needed,
    power,
    printed_sd,
)

REPEATS = 4000


@pytest.mark.parametrize(
    ("effect", "people"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (2.0, 5)]
)
def test_people_needed_are_those_of_published_tables(effect: float, people: int) -> None:
    """Two-sided paired t test at 5 % with a power of 80 %: G*Power 3.1, matched pairs."""
    assert people_needed(effect, 1.0) == people
    assert power(effect, 1.0, people) >= 0.8 > power(effect, 1.0, people - 1)


@pytest.mark.parametrize("people", [2, 5, 10, 23, 42, 107, 2378])
def test_the_detectable_difference_has_its_power_and_scales(people: int) -> None:
    difference = detectable_difference(3.0, people)
    assert power(difference, 3.0, people) == pytest.approx(0.8, abs=1e-6)
    assert detectable_difference(6.0, people) == pytest.approx(2 * difference)


def test_power_at_no_difference_is_the_level_and_never_falls_with_the_difference() -> None:
    for people in (2, 4, 12, 60, 500):
        assert power(0.0, 1.0, people) == pytest.approx(0.05, abs=1e-9)
        values = [power(difference, 1.0, people) for difference in np.linspace(0, 60, 61)]
        assert all(0 <= low <= high + 1e-9 for low, high in pairwise(values))
        assert values[-1] > 0.99


def test_simulated_people_are_found_as_often_as_the_power_says() -> None:
    rng = np.random.default_rng(3)
    for people, difference in ((10, 1.0), (42, 0.4)):
        samples = rng.normal(difference, 1.0, (REPEATS, people))
        means, sd = samples.mean(axis=1), samples.std(axis=1, ddof=1)
        low = [paired_interval(row) for row in samples]
        found = np.mean([not lower <= 0 <= upper for lower, upper in low])
        assert found == pytest.approx(power(difference, 1.0, people), abs=0.02)
        assert np.allclose([(a + b) / 2 for a, b in low], means)
        assert (sd > 0).all()


def draw(kind: str, rng: np.random.Generator, people: int) -> np.ndarray:
    """Differences of two methods (REPEATS, people) with mean 0."""
    if kind == "student":
        return rng.standard_t(3, (REPEATS, people))
    sides = []
    for _ in range(2):  # most errors small, every tenth one a harmonic or a motion
        usual = np.abs(rng.normal(0, 2, (REPEATS, people)))
        gross = rng.uniform(10, 60, (REPEATS, people))
        sides.append(np.where(rng.random((REPEATS, people)) < 0.1, gross, usual))
    return sides[0] - sides[1]


@pytest.mark.parametrize("people", [10, 23, 42, 107])
@pytest.mark.parametrize("kind", ["student", "gross"])
def test_the_interval_covers_heavy_tailed_differences(kind: str, people: int) -> None:
    """At least 93 of 100 intervals hold the truth; with ten people and gross errors it is wide."""
    differences = draw(kind, np.random.default_rng(people), people)
    hits = [low <= 0 <= high for low, high in map(paired_interval, differences)]
    assert np.mean(hits) >= 0.93


def test_the_mean_over_recordings_of_people_who_have_several() -> None:
    """Equal counts give the plain interval; else the delete-one jackknife is close to it."""
    means = np.array([1.0, 2.0, 4.0, 3.0, 7.0])
    assert paired_interval(3 * means, np.full(5, 3.0)) == pytest.approx(paired_interval(means))
    rng = np.random.default_rng(5)
    counts = rng.integers(1, 6, 60).astype(float)
    sums = counts * rng.normal(1.0, 2.0, 60)
    low, high = paired_interval(sums, counts)
    left_out = (sums.sum() - sums) / (counts.sum() - counts)
    jackknife = math.sqrt(59 / 60 * ((left_out - left_out.mean()) ** 2).sum())
    assert (low + high) / 2 == pytest.approx(sums.sum() / counts.sum())
    assert (high - low) / 2 / 2.001 == pytest.approx(jackknife, rel=0.05)


def test_absent_people_do_not_count_and_one_person_has_no_interval() -> None:
    values = np.array([1.0, np.nan, 2.0, 3.0])
    assert paired_interval(values) == paired_interval(values[[3, 0, 2]])
    assert all(map(math.isnan, paired_interval(np.array([1.0, np.nan]))))
    assert math.isnan(power(1.0, 1.0, 1))
    assert people_needed(float("nan"), 1.0) is None
    assert math.isnan(detectable_difference(float("nan"), 9))
    assert detectable_difference(0.0, 9) == 0
    assert people_needed(1e-6, 1.0) is None
    assert people_needed(1.0, 0.0) == 2


def test_the_spread_of_printed_errors() -> None:
    rng = np.random.default_rng(0)
    shared, own = rng.gamma(0.7, 3.0, 200_000), rng.gamma(0.7, 3.0, 200_000)
    errors = np.stack([shared, 0.6 * shared + 0.8 * own])
    first, second = (printed_sd(float(e.mean()), float(np.sqrt((e**2).mean()))) for e in errors)
    assert first == pytest.approx(errors[0].std(), rel=1e-6)
    correlation = float(np.asarray(np.corrcoef(errors)).item(1))
    assert paired_sd(first, second, correlation) == pytest.approx(
        np.std(errors[0] - errors[1]), rel=1e-6
    )
    assert math.isnan(printed_sd(3.0, 2.0))
