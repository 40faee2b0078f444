"""Oracle `detrend`: smoothness-priors detrending."""

import re

import numpy as np
import pytest

from rppgbench.signals.filters import smoothness_priors

from .oracle import load

ARRAYS, _ = load("detrend")
LAMBDAS = sorted(int(m[1]) for key in ARRAYS if (m := re.fullmatch(r"detrend_lam(\d+)", key)))


def test_several_regularisations_are_compared() -> None:
    assert len(LAMBDAS) >= 3


@pytest.mark.parametrize("lam", LAMBDAS)
def test_equals_the_dense_inverse_of_the_toolbox(lam: int) -> None:
    x, expected = ARRAYS["x"], ARRAYS[f"detrend_lam{lam}"]
    np.testing.assert_allclose(smoothness_priors(x, lam), expected, atol=1e-9 * np.abs(x).max())
