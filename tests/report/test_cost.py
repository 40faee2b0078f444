"""Error against cost: which methods no cheaper one beats."""

import pandas as pd

from rppgbench.report.figures.cost import cost_table, plot_cost
from rppgbench.report.inputs import Scores, Timings


def scores(**errors: float) -> Scores:
    summary = pd.DataFrame({"method": list(errors), "mae": list(errors.values())})
    return Scores(name="li2023", windows=pd.DataFrame(), summary=summary)


TIMINGS = Timings(120.0, {}, {"pos": 2.0, "green": 1.0, "net": 60.0, "ica": 8.0, "idle": 0.0})


def test_a_method_is_on_the_frontier_where_no_cheaper_one_is_better() -> None:
    table = cost_table(scores(pos=2.0, green=9.0, net=1.0, ica=3.0, idle=1.0), TIMINGS)
    assert table["method"].tolist() == ["green", "pos", "ica", "net"]
    assert table["seconds_per_video_minute"].tolist() == [0.5, 1.0, 4.0, 30.0]
    assert table["on_frontier"].tolist() == [True, True, False, True]


def test_rows_of_a_method_are_averaged_and_methods_without_an_error_are_left_out() -> None:
    summary = pd.DataFrame(
        {"method": ["pos", "pos", "green", "ica"], "mae": [1.0, 3.0, float("nan"), 5.0]}
    )
    table = cost_table(Scores(name="x", windows=pd.DataFrame(), summary=summary), TIMINGS)
    assert table[["method", "mae_bpm"]].to_numpy().tolist() == [["pos", 2.0], ["ica", 5.0]]


def test_a_method_that_knows_the_data_beats_nobody() -> None:
    known = scores(pos=2.0, green=9.0, net=0.1, ica=3.0)
    known.summary["leaked"] = ["", "", "PURE", ""]
    assert cost_table(known, TIMINGS)["method"].tolist() == ["green", "pos", "ica"]


def test_the_figure_names_the_frontier_and_needs_three_methods() -> None:
    plot = plot_cost(scores(pos=2.0, green=9.0, net=1.0), TIMINGS)
    assert plot is not None
    assert "green (0.5 s, 9.00 bpm), pos (1 s, 2.00 bpm), net (30 s, 1.00 bpm)" in plot.alt
    assert plot_cost(scores(pos=2.0, green=9.0), TIMINGS) is None
