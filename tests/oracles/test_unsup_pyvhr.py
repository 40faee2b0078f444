"""Oracle `unsup_pyvhr`: the classical methods and the filter of pyVHR.

Its PCA is no method here, and its Welch spectra are compared with the evaluators.
"""

import numpy as np
import pytest

from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.filters import butterworth
from rppgbench.signals.jade import jade

from ..factories.methods import estimate
from .oracle import far, load
from .traces import CASES, trace

EXPECTED, _ = load("unsup_pyvhr")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "preset", "key"),
    [
        ("green", {"preset": "toolbox"}, "GREEN"),
        ("chrom", {"preset": "pyvhr"}, "CHROM"),
        ("pos", {"preset": "pyvhr"}, "POS"),
        ("lgi", {}, "LGI"),
        ("pbv", {"preset": "pyvhr"}, "PBV"),
        ("omit", {}, "OMIT"),
    ],
)
def test_every_sample_equals_that_of_pyvhr(
    name: str, preset: dict[str, str], key: str, case: str
) -> None:
    assert far(estimate(name, trace(case), **preset).samples, EXPECTED[f"{key}__{case}"][0]) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_pos_of_the_paper_differs_at_the_ends_only(case: str) -> None:
    given = trace(case)
    width = int(1.6 * given.fs)
    result, expected = estimate("pos", given).samples, EXPECTED[f"POS__{case}"][0]
    size = np.abs(expected).max()
    away = np.abs(result - expected) / size
    if width == np.ceil(1.6 * given.fs):  # else the windows differ by a frame
        assert away[width:-width].max() < 1e-6
        assert away[:width].max() > 1e-6


@pytest.mark.parametrize("case", CASES)
def test_the_band_pass_equals_that_of_pyvhr(case: str) -> None:
    given = trace(case)
    result = butterworth(given.samples.T, given.fs, 0.65, 4.0, 6)
    assert far(result, EXPECTED[f"BPfilter_o6_065_4__{case}"][0]) < 1e-6
    # Their own pulse: with b, a of order 6 the filter itself makes 1e-5 of a difference of 1e-13.
    pulse = butterworth(EXPECTED[f"POS__{case}"], given.fs, 0.65, 4.0, 6)
    assert far(pulse, EXPECTED[f"POS_bp__{case}"]) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_chrom_on_filtered_colours_equals_that_of_pyvhr(case: str) -> None:
    given = trace(case)
    filtered = butterworth(given.samples, given.fs, 0.65, 4.0, 6, axis=0)
    result = estimate("chrom", Waveform(filtered, given.fs), preset="pyvhr").samples
    assert far(result, EXPECTED[f"CHROM_on_BPfiltered__{case}"][0]) < 1e-6


def dependence(sources: Array) -> float:
    """What JADE makes small: the squares of all cumulants of (p, q, k, m) with p unlike q."""
    z = sources - sources.mean(axis=1, keepdims=True)
    z /= z.std(axis=1, keepdims=True)
    total = 0.0
    for k in range(3):
        for m in range(3):
            for p in range(3):
                for q in range(p + 1, 3):
                    normal = (k == p) * (m == q) + (k == q) * (m == p)
                    total += float(np.mean(z[k] * z[m] * z[p] * z[q]) - normal) ** 2
    return total


@pytest.mark.parametrize("case", CASES)
def test_jade_unmixes_the_same_signals_further_than_pyvhr(case: str) -> None:
    """pyVHR's JADE stops at another rotation of the same white signals, a worse one."""
    reference = EXPECTED[f"ICA_all__{case}"]
    measured = jade(trace(case).samples.T)
    centred = reference - reference.mean(axis=1, keepdims=True)
    turn = centred @ measured.T / measured.shape[1]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    assert far(turn @ measured, centred) < 1e-6
    assert dependence(measured) <= dependence(reference) * (1 + 1e-3)
