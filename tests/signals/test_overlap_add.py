"""Fast sums over windows against loops over windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rppgbench.core.features import PAIRS
from rppgbench.core.waveform import Array
from rppgbench.signals.overlap_add import (
    half_overlapping,
    hann_overlap_add,
    linear_overlap_add,
    tuning_ratio,
    window_sums,
)
from rppgbench.system.errors import TooShortError


@given(st.integers(1, 40), st.integers(0, 60), st.integers(0, 99))
def test_window_sums_are_the_windows_sums(width: int, more: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(2, width + more))
    expected = np.lib.stride_tricks.sliding_window_view(x, width, axis=-1).sum(axis=-1)
    np.testing.assert_allclose(window_sums(x, width), expected, atol=1e-12)


def test_a_far_sample_leaves_no_rounding_and_a_nan_stays_in_its_windows() -> None:
    x = np.full(100, 0.1)
    x[3], x[90] = 1e18, np.nan
    sums = window_sums(x, 5)
    np.testing.assert_allclose(sums[4:86], 0.5, rtol=1e-15)
    assert np.isnan(sums[86:91]).all()
    assert np.isfinite(sums[91:]).all()


def test_windows_longer_than_the_trace_are_refused() -> None:
    with pytest.raises(ValueError, match="no window of 6 samples in 5"):
        window_sums(np.zeros(5), 6)
    with pytest.raises(ValueError, match="even number of samples, not 3"):
        half_overlapping(np.zeros(9), 3)
    with pytest.raises(TooShortError, match="half-overlapping windows of 10"):
        half_overlapping(np.zeros(9), 10)


def by_loop(x: Array, first: Array, second: Array, width: int) -> Array:
    pulse = np.zeros(x.shape[-1])
    for start in range(x.shape[-1] - width + 1):
        window = x[:, start : start + width]
        a, b = first[:, start] @ window, second[:, start] @ window
        tuned = a - a.std() / b.std() * b
        pulse[start : start + width] += tuned - tuned.mean()
    return pulse


def along(direction: Array, scatter: Array) -> Array:
    """The sum of squares along the direction (3, W) of every window, from its scatter (6, W)."""
    full = np.empty((3, 3, scatter.shape[-1]))
    for k, (i, j) in enumerate(PAIRS):
        full[i, j] = full[j, i] = scatter[k]
    squares: Array = np.zeros(scatter.shape[-1])
    for i in range(3):
        for j in range(3):
            squares += direction[i] * full[i, j] * direction[j]
    return np.asarray(squares, dtype=np.float64)


# From eight samples up: in a window of two or three a projection's spread can all but vanish,
# and then its root has half of the digits. Windows of 1.6 s have 16 samples or more.
@given(st.integers(8, 30), st.integers(0, 60), st.integers(0, 99))
def test_tuned_projections_are_the_loop_s(width: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 2, (3, width + more))
    first, second = rng.normal(size=(2, 3, width + more))

    def weights(means: Array, scatter: Array) -> Array:
        expected = window_sums(x, width) / width
        np.testing.assert_allclose(means[:, : more + 1], expected, rtol=1e-12)
        tuned: Array = first - np.sqrt(along(first, scatter) / along(second, scatter)) * second
        return tuned

    expected = by_loop(x, first, second, width)
    result = linear_overlap_add(x, weights, width)
    np.testing.assert_allclose(result, expected, atol=1e-9 * max(1.0, np.abs(expected).max()))


def test_a_frozen_stretch_within_a_moving_trace_adds_exactly_nothing() -> None:
    x = np.random.default_rng(0).normal(100, 5, (3, 200))
    x[:, 80:150] = np.array([[97.3], [101.9], [110.1]])
    pulse = linear_overlap_add(x, lambda means, scatter: 1.0 / means, 20)
    assert not pulse[99:131].any()
    assert np.abs(pulse[:60]).max() > 1.0


def test_recordings_of_a_batch_do_not_touch() -> None:
    x = np.random.default_rng(0).normal(100, 5, (3, 4, 90))
    together = linear_overlap_add(x, lambda means, scatter: np.sqrt(scatter[:3]) / means, 20)
    for k in range(4):
        alone = linear_overlap_add(x[:, k], lambda means, scatter: np.sqrt(scatter[:3]) / means, 20)
        np.testing.assert_array_equal(together[k], alone)


def test_a_window_without_coefficients_adds_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(3, 30))
    whole = linear_overlap_add(x, lambda means, scatter: np.ones_like(means), 10)

    def weights(means: Array, scatter: Array) -> Array:
        given = np.ones_like(means)
        given[:, 4:] = np.nan
        return given

    part = linear_overlap_add(x, weights, 10)
    np.testing.assert_allclose(part[:4], whole[:4], atol=1e-12)
    assert not part[13:].any()


def test_a_spread_that_is_only_rounding_counts_as_none() -> None:
    own = np.array([1.0, 1.0, 1.0, 1.0])
    ratio = tuning_ratio(
        np.array([9.0, 9.0, -1e-16, 1e-15]), np.array([4.0, 1e-15, 4.0, -1e-17]), own, own
    )
    np.testing.assert_array_equal(ratio, [1.5, 0.0, 0.0, np.nan])


@pytest.mark.parametrize(("total", "width"), [(48, 48), (100, 48), (96, 48), (301, 40), (7, 2)])
def test_mirrored_windows_put_the_signal_back_at_its_full_size(total: int, width: int) -> None:
    x = np.linspace(1.0, 2.0, total)
    back = hann_overlap_add(half_overlapping(x, width, mirrored=True), total=total)
    ripple = np.hanning(width)[: width // 2] + np.hanning(width)[width // 2 :]
    assert back.shape == x.shape
    np.testing.assert_allclose(back, x * np.resize(ripple, total), atol=1e-12)
