"""The classical methods over 64 recordings of 60 s against plain loops of the same values.

The loops take a few of the recordings, and their time is scaled to all: one costs as much as the
next.
"""

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.filters import smoothness_priors
from rppgbench.signals.jade import jade
from rppgbench.signals.subspace import subspace_rotation

from . import loops
from .paired import measured, paired

pytestmark = measured

RECORDINGS, FRAMES, FS = 64, 1800, 30.0


@pytest.fixture(scope="module")
def traces() -> Array:
    """Mean colours (64, 1800, 3): a pulse at another rate each, a slow light and noise."""
    rng = np.random.default_rng(0)
    times = np.arange(FRAMES) / FS
    pulse = np.sin(2 * np.pi * rng.uniform(0.8, 2.0, (RECORDINGS, 1)) * times)[..., None]
    light = 0.02 * np.sin(2 * np.pi * 0.05 * times)[:, None]
    noise = rng.normal(0, 0.002, (RECORDINGS, FRAMES, 3))
    colours = np.array([160.0, 112.0, 88.0])
    made: Array = colours * (1 + light - 0.006 * pulse * np.array([0.33, 0.77, 0.53]) + noise)
    return made


def estimate(name: str, samples: Array, **given: Any) -> Array:
    method = load_methods().available[name]
    return method.estimate(Waveform(samples, FS), **method.parameters(given)).samples


def assert_same(result: Array, expected: Array, within: float) -> None:
    assert result.shape == expected.shape
    assert np.abs(result - expected).max() <= within * np.abs(expected).max()


def assert_faster(benchmark: BenchmarkFixture, name: str, least: float, **what: Any) -> None:
    timing = paired(benchmark, name, enough=1.25 * least, **what)
    assert timing.ratio >= least, f"{timing.ratio:.1f} times as fast, not {least}: {timing}"


def test_pos(benchmark: BenchmarkFixture, traces: Array) -> None:
    assert_same(estimate("pos", traces)[3], loops.pos(traces[3], FS), 1e-10)
    assert_faster(
        benchmark,
        "POS, 64 recordings",
        150,
        loop=lambda: loops.pos(traces[0], FS),
        fast=lambda: estimate("pos", traces),
        share=1 / RECORDINGS,
    )


def test_pos_of_one_recording(benchmark: BenchmarkFixture, traces: Array) -> None:
    assert_faster(
        benchmark,
        "POS, one recording",
        100,
        loop=lambda: loops.pos(traces[0], FS),
        fast=lambda: [estimate("pos", traces[0]) for _ in range(50)],
        share=1 / 50,
    )


def test_chrom(benchmark: BenchmarkFixture, traces: Array) -> None:
    band = {"low_hz": 0.7, "high_hz": 2.5}
    result = estimate("chrom", traces, ends="drop", **band)
    assert_same(result[3], loops.chrom(traces[3], FS, 0.7, 2.5), 1e-8)
    assert_faster(
        benchmark,
        "CHROM, 64 recordings",
        80,
        loop=lambda: loops.chrom(traces[0], FS, 0.7, 2.5),
        fast=lambda: estimate("chrom", traces, ends="drop", **band),
        share=1 / RECORDINGS,
    )


def test_two_sr(benchmark: BenchmarkFixture) -> None:
    rng = np.random.default_rng(1)
    times = np.arange(FRAMES) / FS
    pulse = 0.008 * np.sin(2 * np.pi * rng.uniform(0.8, 2.0, (4, 1)) * times)
    pixels = 100 * rng.uniform(0.8, 1.2, (4, 1, 30, 3)) * (1 - pulse[..., None, None] * [1, 2, 1.5])
    pixels += rng.normal(0, 0.5, pixels.shape)
    moments = np.swapaxes(pixels, -1, -2) @ pixels / 30
    moments = np.tile(moments, (RECORDINGS // 4, 1, 1, 1))
    # A tenth of the recording for the loop, whose windows are all alike in cost.
    part = moments[1, : FRAMES // 10]
    assert_same(subspace_rotation(part, FS), loops.two_sr(part, 30), 1e-9)
    assert_faster(
        benchmark,
        "2SR, 64 recordings",
        50,
        loop=lambda: loops.two_sr(part, 30),
        fast=lambda: subspace_rotation(moments, FS),
        share=(len(part) - 30) / (FRAMES - 30) / RECORDINGS,
    )


def test_jade(benchmark: BenchmarkFixture, traces: Array) -> None:
    mixed = np.ascontiguousarray(np.swapaxes(traces, 1, 2))
    result, expected = jade(mixed)[3], loops.jade(mixed[3])
    likeness = np.abs(np.corrcoef(np.concatenate([result, expected]))[:3, 3:])
    assert likeness.max(axis=0).min() > 1 - 1e-6
    assert_faster(
        benchmark,
        "JADE, 64 recordings",
        10,
        loop=lambda: [loops.jade(one) for one in mixed[:8]],
        fast=lambda: jade(mixed),
        share=8 / RECORDINGS,
    )


def test_ica(benchmark: BenchmarkFixture, traces: Array) -> None:
    """The whole method against its plain form, the toolbox's dense detrending included."""

    def plain(rgb: Array) -> Array:
        return loops.ica(rgb, lambda colour: loops.dense_detrend(colour, 100.0))

    assert_same(estimate("ica", traces)[0], plain(traces[0]), 1e-6)
    assert_faster(
        benchmark,
        "ICA with dense detrending, 64 recordings",
        100,
        loop=lambda: plain(traces[0]),
        fast=lambda: estimate("ica", traces),
        share=1 / RECORDINGS,
    )


def test_ica_against_a_loop_without_dense_matrices(
    benchmark: BenchmarkFixture, traces: Array
) -> None:
    """What is left of it where the loop detrends by a banded solution."""

    def plain(rgb: Array) -> Array:
        return loops.ica(rgb, lambda colour: loops.banded_detrend(colour, 100.0))

    assert_same(estimate("ica", traces)[0], plain(traces[0]), 1e-6)
    assert_faster(
        benchmark,
        "ICA with banded detrending, 64 recordings",
        10,
        loop=lambda: [plain(one) for one in traces[:8]],
        fast=lambda: estimate("ica", traces),
        share=8 / RECORDINGS,
    )


def test_detrending(benchmark: BenchmarkFixture, traces: Array) -> None:
    green = traces[0, :, 1]
    assert_same(smoothness_priors(green, 100.0), loops.dense_detrend(green, 100.0), 1e-8)
    assert_faster(
        benchmark,
        "detrending, 1,800 samples",
        1000,
        loop=lambda: loops.dense_detrend(green, 100.0),
        fast=lambda: [smoothness_priors(green, 100.0) for _ in range(200)],
        share=1 / 200,
    )
