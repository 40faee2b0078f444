"""Oracle `pyvhr_pca`: the principal components of pyVHR, channels as observations."""

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.filters import butterworth

from .oracle import cases, load

EXPECTED, _ = load("pyvhr_pca")
CASES = cases(EXPECTED, "in_rgb")


def estimate(samples: Array, fs: float, **params: object) -> Array:
    declared = load_methods().available["pca"]
    return declared.estimate(Waveform(samples, fs), **declared.parameters(params)).samples


def far(result: Array, expected: Array) -> float:
    """The largest difference over the largest value, whatever the sign."""
    size = np.abs(expected).max()
    return float(min(np.abs(result - expected).max(), np.abs(result + expected).max()) / size)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("component", [1, 2])
def test_components_equal_those_of_pyvhr(case: str, component: int) -> None:
    fs = float(EXPECTED[f"fs__{case}"])
    result = estimate(EXPECTED[f"in_rgb__{case}"], fs, preset="pyvhr", component=component)
    assert far(result, EXPECTED[f"all_comp__raw64__{case}"][component - 1]) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_the_second_of_filtered_colours_equals_that_of_pyvhr(case: str) -> None:
    fs = float(EXPECTED[f"fs__{case}"])
    filtered = butterworth(EXPECTED[f"in_rgb__{case}"], fs, 0.65, 4.0, 6, axis=0)
    result = estimate(filtered, fs, preset="pyvhr")
    assert far(result, EXPECTED[f"second_comp__filtered64__{case}"][0]) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_usual_components_are_uncorrelated_and_fall_in_variance(case: str) -> None:
    fs = float(EXPECTED[f"fs__{case}"])
    scores = np.stack([estimate(EXPECTED[f"in_rgb__{case}"], fs, component=k) for k in (1, 2, 3)])
    variance = scores.var(axis=1)
    assert (np.diff(variance) < 0).all()
    assert np.abs(np.corrcoef(scores) - np.eye(3)).max() < 1e-6
    level = EXPECTED[f"in_rgb__{case}"]
    relative = level / level.mean(axis=0)
    assert variance.sum() == pytest.approx(relative.var(axis=0).sum(), rel=1e-9)
