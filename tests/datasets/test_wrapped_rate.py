"""Heart rates that lost their highest bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rppgbench.core.waveform import Signal
from rppgbench.datasets.wrapped_rate import STEP_BPM, to_seven_bits, unwrap_rate, wrap_warnings


def read(*values: float) -> Signal:
    """Two readings a second."""
    times_s = np.arange(len(values), dtype=np.float64) / 2
    return Signal(np.array(values, dtype=np.float64), times_s)


def courses() -> st.SearchStrategy[list[int]]:
    """Whole heart rates that change by 3 bpm at most, between 60 and 200."""
    steps = st.lists(st.integers(-3, 3), min_size=2, max_size=60)
    return st.tuples(st.integers(90, 160), steps).map(
        lambda drawn: [int(v) for v in np.clip(drawn[0] + np.cumsum(drawn[1]), 60, 200)]
    )


@settings(max_examples=200, deadline=None)
@given(courses())
def test_what_wrapped_comes_back_where_a_step_proves_it(course: list[int]) -> None:
    true = np.array(course, dtype=np.float64)
    seen = to_seven_bits(true)
    rates = unwrap_rate(Signal(seen, np.arange(len(seen)) / 30))
    proven = bool((np.abs(np.diff(seen)) >= STEP_BPM).any())
    expected = np.where(true == 128, 127, true) if proven else seen
    np.testing.assert_array_equal(rates.heart_rate.values, expected)
    assert rates.corrected == int((expected != seen).sum())
    assert rates.averaged == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(30, 127), min_size=1, max_size=40))
def test_plausible_rates_are_unchanged(values: list[int]) -> None:
    rates = unwrap_rate(read(*values))
    np.testing.assert_array_equal(rates.heart_rate.values, values)
    assert (rates.corrected, rates.averaged) == (0, 0)


def test_a_recording_that_begins_above_128_is_corrected_from_its_first_reading() -> None:
    rates = unwrap_rate(read(6, 4, 1, 127, 126))
    np.testing.assert_array_equal(rates.heart_rate.values, [134, 132, 129, 127, 126])
    assert wrap_warnings(rates, "ground_truth.txt") == [
        "ground_truth.txt: 3 of 5 heart rates wrapped at 128 (1 follows 127): 128 bpm added"
    ]


def test_a_mean_across_the_wrap_is_no_ground_truth() -> None:
    rates = unwrap_rate(read(127, 127, 1, 2, 1, 43, 127, 126))
    np.testing.assert_array_equal(
        rates.heart_rate.values, [127, 127, 129, 130, 129, np.nan, 127, 126]
    )
    assert wrap_warnings(rates, "g.txt") == [
        "g.txt: 3 of 8 heart rates wrapped at 128 (1 follows 127): 128 bpm added",
        "g.txt: 1 of 8 heart rates are means across the wrap at 128: no truth there",
    ]


@pytest.mark.parametrize(
    "values",
    [
        [2.0, 3, 2, 4],
        [127.0, 1, 60, 61],
        [127.0, *range(1, 119, 9)],
        [127.0, 1, 1, 113, 113, 127, 126],
        [90.0, 5, 5, 90],
        [127.0, 0, 0, 127],
        [127.0, np.nan, np.nan, np.nan, np.nan, np.nan, 1, 2],
    ],
    ids=["no step", "a jump", "beyond 240", "climbs back", "a dropout", "0 is none", "a gap"],
)
def test_what_is_not_certain_is_left_as_it_is(values: list[float]) -> None:
    rates = unwrap_rate(read(*values))
    np.testing.assert_array_equal(rates.heart_rate.values, values)
    assert (rates.corrected, rates.averaged) == (0, 0)


def test_readings_of_0_do_not_hide_a_step() -> None:
    rates = unwrap_rate(read(127, 0, 1, 0, 127))
    np.testing.assert_array_equal(rates.heart_rate.values, [127, 0, 129, 0, 127])
