"""What a printed table's people can tell of pairs of its methods."""

import numpy as np
import pytest

from rppgbench.analysis.printed_gaps import printed_gaps
from rppgbench.evaluation.power import detectable_difference


def test_printed_gaps_are_held_against_their_number() -> None:
    printed = [("b", 3.0, 5.0), ("a", 1.0, np.sqrt(10.0)), ("c", 9.0, 10.0)]
    gaps = printed_gaps(printed, 42, 0.0)
    assert [(gap.first, gap.second) for gap in gaps] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert gaps[0].gap == pytest.approx(2.0)
    assert gaps[0].sd == pytest.approx(5.0)  # of 3 and 4
    assert gaps[0].detectable == pytest.approx(detectable_difference(5.0, 42))
    assert [gap.is_detectable for gap in gaps] == [False, True, True]
    assert printed_gaps(printed, 42, 0.9)[0].detectable < gaps[0].detectable
