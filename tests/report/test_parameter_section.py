"""The figure of a parameter of which the table has several values."""

import math

import pandas as pd
import pytest

from rppgbench.report.inputs import Scores, Section
from rppgbench.report.sections.parameters import parameter_sections


def section(*rows: tuple[str, float], baselines: tuple[str, ...] = ()) -> tuple[Section, ...]:
    """The section of a table of these methods with these errors."""
    summary = pd.DataFrame(rows, columns=["method", "rmse"]).assign(
        rmse_low=math.nan, rmse_high=math.nan
    )
    scores = Scores(name="made", windows=pd.DataFrame(), summary=summary)
    return parameter_sections(scores, baselines=baselines)


def test_values_are_drawn_in_their_order_with_the_error_of_each() -> None:
    (made,) = section(("pos window_s=10.0", 3.0), ("pos", 9.0), ("pos window_s=2.0", 1.5))
    (drawing,) = made.drawings
    assert drawing.key == "parameter-pos-window_s"
    assert "pos: 2.0 1.5, 10.0 3" in drawing.alt


def test_a_second_parameter_makes_a_curve_for_each_of_its_values() -> None:
    names = [f"pos window_s={w} order={k}" for w in (1.0, 2.0) for k in (1, 2)]
    (made,) = section(*((name, float(number)) for number, name in enumerate(names)))
    by_key = {drawing.key: drawing.alt for drawing in made.drawings}
    assert by_key.keys() == {"parameter-pos-window_s", "parameter-pos-order"}
    text = by_key["parameter-pos-window_s"]
    assert "pos order=1: 1.0 0, 2.0 2; pos order=2: 1.0 1, 2.0 3" in text


@pytest.mark.parametrize(
    ("names", "baselines"),
    [
        (("pos", "chrom"), ()),
        (("pos window_s=1.0", "pos"), ()),
        (("floor a=1", "floor a=2"), ("floor a=1", "floor a=2")),
    ],
)
def test_there_is_no_section_without_several_values(
    names: tuple[str, ...], baselines: tuple[str, ...]
) -> None:
    assert section(*((name, 1.0) for name in names), baselines=baselines) == ()
