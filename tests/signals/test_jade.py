"""JADE: what it separates, and that a batch is its recordings."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.signals.jade import jade


def sources(seed: int, total: int = 1500) -> Array:
    """A sine, a saw and sparse clicks: three independent signals, none Gaussian: (3, T)."""
    rng = np.random.default_rng(seed)
    t = np.arange(total)
    saw = (t * rng.uniform(0.02, 0.03)) % 1.0 - 0.5
    clicks = (rng.uniform(size=total) < 0.05) * rng.normal(size=total)
    made = np.stack([np.sin(t * rng.uniform(0.1, 0.2)), saw, clicks])
    unit: Array = (made - made.mean(axis=1, keepdims=True)) / made.std(axis=1, keepdims=True)
    return unit


def likeness(result: Array, true: Array) -> Array:
    """|r| of every found source with every true one: (3, 3)."""
    both: Array = np.abs(np.corrcoef(np.concatenate([result, true]))[:3, 3:])
    return both


def test_known_sources_are_found_from_any_mixture() -> None:
    for seed in range(5):
        true = sources(seed)
        mixed = np.random.default_rng(seed + 100).normal(size=(3, 3)) @ true
        result = jade(mixed)
        alike = likeness(result, true)
        assert sorted(alike.argmax(axis=1)) == [0, 1, 2]
        assert alike.max(axis=1).min() > 0.995
        np.testing.assert_allclose(result @ result.T / result.shape[1], np.eye(3), atol=1e-9)


def test_another_mixture_of_the_same_signals_gives_the_same_sources() -> None:
    true = sources(7)
    first, second = (jade(np.random.default_rng(k).normal(size=(3, 3)) @ true) for k in (1, 2))
    assert np.sort(likeness(first, second).max(axis=1))[0] > 1 - 1e-4


def test_a_batch_is_its_recordings() -> None:
    mixed = np.stack([np.random.default_rng(k).normal(size=(3, 3)) @ sources(k) for k in range(4)])
    together = jade(mixed.reshape(2, 2, 3, -1)).reshape(4, 3, -1)
    for k in range(4):
        np.testing.assert_allclose(together[k], jade(mixed[k]), atol=1e-12)


def test_constant_signals_become_sources_of_zeros() -> None:
    wave = np.sin(np.arange(300.0) / 7)
    result = jade(np.stack([wave, 2 * wave, -0.5 * wave]))
    assert np.isfinite(result).all()
    power = (result**2).sum(axis=1)
    assert np.count_nonzero(power > 1e-9) >= 1
    assert not jade(np.ones((3, 50))).any()
