"""Oracle `unsup_toolbox`: the classical methods of rPPG-Toolbox."""

import numpy as np
import pytest

from ..factories.methods import estimate
from .oracle import far, load
from .traces import CASES, trace

EXPECTED, _ = load("unsup_toolbox")


def test_every_trace_has_every_method() -> None:
    assert len(CASES) >= 2
    kinds = {key.split("__")[0] for key in EXPECTED}
    assert kinds == {"GREEN", "CHROM", "POS", "POS_rawH", "ICA", "LGI", "PBV", "OMIT"}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "preset", "key"),
    [
        ("green", {"preset": "toolbox"}, "GREEN"),
        ("chrom", {"preset": "toolbox"}, "CHROM"),
        ("pos", {"preset": "toolbox"}, "POS"),
        ("pos", {"preset": "iphys"}, "POS_rawH"),
        ("lgi", {}, "LGI"),
        ("pbv", {"preset": "toolbox"}, "PBV"),
        ("omit", {}, "OMIT"),
    ],
)
def test_every_sample_equals_that_of_the_toolbox(
    name: str, preset: dict[str, str], key: str, case: str
) -> None:
    assert far(estimate(name, trace(case), **preset).samples, EXPECTED[f"{key}__{case}"]) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_ica_equals_that_of_the_toolbox_up_to_scale_and_sign(case: str) -> None:
    expected = EXPECTED[f"ICA__{case}"]
    result = estimate("ica", trace(case), preset="toolbox").samples
    assert result.shape == expected.shape
    assert abs(np.corrcoef(result, expected)[0, 1]) >= 0.9999
