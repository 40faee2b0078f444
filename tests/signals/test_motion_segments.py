"""Segments of motion: which are cut, and what becomes of the rest."""

import numpy as np
import pytest

from rppgbench.signals.motion_segments import (
    bridge_segments,
    join_segments,
    segment_spreads,
    spread_limit,
)

LENGTH = 30


def moving(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A slow wave with two segments of motion, 3 and 7 of 12, and a rest of 11 samples."""
    times = np.arange(12 * LENGTH + 11)
    signal = np.sin(times / 40) + np.random.default_rng(seed).normal(0, 0.01, len(times))
    kept = np.ones(12, np.bool_)
    kept[[3, 7]] = False
    signal[: 12 * LENGTH] += np.repeat(~kept, LENGTH) * 5 * np.sin(times[: 12 * LENGTH] / 3)
    return signal, kept


@pytest.mark.parametrize(("share", "cut"), [(0.0, 1), (0.05, 1), (0.1, 2)])
def test_one_segment_more_than_the_share_is_cut(share: float, cut: int) -> None:
    signal, kept = moving()
    spreads = segment_spreads(signal, LENGTH)
    stays = spreads <= spread_limit(spreads, share)
    assert (~stays).sum() == cut
    assert not stays[~kept].all()


def test_too_few_segments_have_no_limit() -> None:
    assert spread_limit(np.array([1.0]), 0.05) == float("inf")


def test_a_bridge_keeps_the_clock_and_the_samples_that_stay() -> None:
    signal, kept = moving()
    bridged = bridge_segments(signal, kept, LENGTH)
    stays = np.append(np.repeat(kept, LENGTH), np.ones(11, np.bool_))
    np.testing.assert_array_equal(bridged[stays], signal[stays])
    assert np.abs(np.diff(bridged, 2)[3 * LENGTH + 1 : 4 * LENGTH - 3]).max() < 1e-12
    assert np.abs(bridged).max() < 1.2


def test_a_join_is_without_steps_and_that_of_the_authors_is_not() -> None:
    signal, kept = moving()
    steps = np.abs(np.diff(join_segments(signal, kept, LENGTH)))
    assert steps.max() < 0.1
    jumps = np.abs(np.diff(join_segments(signal, kept, LENGTH, from_unshifted=True)))
    assert jumps.max() > 0.1


def test_where_nothing_stays_nothing_is_joined_and_the_bridge_is_the_signal() -> None:
    signal, kept = moving()
    signal = signal[: 12 * LENGTH]
    none = np.zeros_like(kept)
    assert join_segments(signal, none, LENGTH).shape == (0,)
    np.testing.assert_array_equal(bridge_segments(signal, none, LENGTH), signal)
