"""Oracle `unsup_toolbox`: the classical methods of rPPG-Toolbox."""

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform

from .oracle import cases, far, load

TRACES, TRACE_FACTS = load("traces")
EXPECTED, _ = load("unsup_toolbox")
CASES = cases(TRACES, "in_rgb")


def trace(case: str) -> Waveform:
    return Waveform(TRACES[f"in_rgb__{case}"], float(TRACE_FACTS["params"][case]["fs"]))


def estimate(name: str, given: Waveform, preset: str) -> Array:
    method = load_methods().available[name]
    params = method.parameters({"preset": preset} if preset else {})
    return method.estimate(given, **params).samples


def test_every_trace_has_every_method() -> None:
    assert len(CASES) >= 2
    kinds = {key.split("__")[0] for key in EXPECTED}
    assert kinds == {"GREEN", "CHROM", "POS", "POS_rawH", "ICA", "LGI", "PBV", "OMIT"}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "preset", "key"),
    [
        ("green", "toolbox", "GREEN"),
        ("chrom", "toolbox", "CHROM"),
        ("pos", "toolbox", "POS"),
        ("pos", "iphys", "POS_rawH"),
        ("lgi", "", "LGI"),
        ("pbv", "toolbox", "PBV"),
        ("omit", "", "OMIT"),
    ],
)
def test_every_sample_equals_that_of_the_toolbox(
    name: str, preset: str, key: str, case: str
) -> None:
    assert far(estimate(name, trace(case), preset), EXPECTED[f"{key}__{case}"]) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_ica_equals_that_of_the_toolbox_up_to_scale_and_sign(case: str) -> None:
    expected = EXPECTED[f"ICA__{case}"]
    result = estimate("ica", trace(case), "toolbox")
    assert result.shape == expected.shape
    assert abs(np.corrcoef(result, expected)[0, 1]) >= 0.9999
