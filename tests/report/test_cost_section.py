"""The table of costs beside errors, and the lines on the energy of runs."""

import pandas as pd
import pytest

from rppgbench.report.costs import Costs, MethodCost, RunEnergy
from rppgbench.report.figures.cost import cost_table, plot_cost
from rppgbench.report.inputs import Scores, Timings
from rppgbench.report.sections.cost import cost_sections

TIMINGS = Timings(60.0, {}, {"pos": 0.2, "net": 3.0, "wide": 9.0, "deep": 4.0, "mean": 0.1})
COSTS = Costs(
    methods={
        "pos": MethodCost(not_counted="no tool", look_ahead_s=47 / 30),
        "net": MethodCost(
            parameters=1_000, flop_per_minute=7e9, flop_per_training=8e15, training_s=60.0
        ),
        "wide": MethodCost(parameters=50_000, flop_per_minute=2e9, not_counted="train: no rule"),
        "deep": MethodCost(parameters=700, flop_per_minute=3e10, flop_per_training=1e3),
    },
    runs=[
        RunEnergy(began="A", seconds=10.0, joules=1500.0, processor_share=0.25),
        RunEnergy(began="B", seconds=10.0, joules=None, reason="no counters"),
    ],
)


def scores(**errors: float) -> Scores:
    summary = pd.DataFrame({"method": list(errors), "mae": list(errors.values())})
    return Scores(name="li2023", windows=pd.DataFrame(), summary=summary)


SCORES = scores(pos=2.0, net=1.5, wide=1.0, deep=3.0, mean=9.0)


def texts(costs: Costs = COSTS, **titles: str) -> list[list[str]]:
    (section,) = cost_sections(SCORES, TIMINGS, costs, titles)
    (table,) = section.tables
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_each_method_has_its_costs_and_what_is_not_counted_has_no_number() -> None:
    assert texts(pos="POS") == [
        ["POS", "2.00", "0.2", "–", "not counted", "–", "–", "1.57"],
        ["net", "1.50", "3", "1,000", "7.00 GFLOP", "8.00 PFLOP", "60", "whole recording"],
        ["deep", "3.00", "4", "700", "30.0 GFLOP", "1.00 kFLOP", "–", "whole recording"],
        ["wide", "1.00", "9", "50,000", "2.00 GFLOP", "not counted", "–", "whole recording"],
    ]


def test_the_energy_of_trainings_has_a_column_where_it_is_known() -> None:
    measured = MethodCost(parameters=1, training_s=60.0, training_joules=2500.0)
    (section,) = cost_sections(SCORES, TIMINGS, Costs(methods={"net": measured}))
    (table,) = section.tables
    energy = [column.key for column in table.columns].index("training_energy")
    assert table.rows[0].cells[energy].text == "2.5"


def test_delay_and_energy_of_methods_name_the_machine_of_the_measurement() -> None:
    measured = MethodCost(look_ahead_s=1.5, delay_s=1.6, joules_per_minute=0.25)
    costs = Costs(methods={"pos": measured}, measured_on="a machine")
    (section,) = cost_sections(SCORES, TIMINGS, costs)
    (table,) = section.tables
    assert [column.key for column in table.columns[-2:]] == ["delay", "energy"]
    assert [cell.text for cell in table.rows[0].cells[-3:]] == ["1.50", "1.6", "0.25"]
    assert table.notes == (
        "Delay, processor time and energy: by bench speed, at 30 frames a second, on a machine.",
    )


def test_cells_sort_by_numbers_and_say_why_there_is_none() -> None:
    (section,) = cost_sections(SCORES, TIMINGS, COSTS)
    pos, net, _, wide = section.tables[0].rows
    assert [cell.value for cell in net.cells[1:6]] == [1.5, 3.0, 1_000, 7e9, 8e15]
    assert (pos.cells[4].value, pos.cells[4].detail) == (None, "no tool")
    assert wide.cells[5].detail == "train: no rule"


def test_the_energy_of_each_run_is_told_or_why_it_is_not_known() -> None:
    (section,) = cost_sections(SCORES, TIMINGS, COSTS)
    assert section.tables[0].notes == (
        "Run of A: the processors of the machine took 1.5 kJ in 10 s, for all programs together; "
        "the run had 25 % of their processor time.",
        "Run of B: energy is not known: no counters.",
    )


def test_without_costs_or_times_there_is_no_section() -> None:
    assert cost_sections(SCORES, TIMINGS, Costs()) == ()
    assert cost_sections(SCORES, Timings(60.0), COSTS) == ()


def test_the_figure_has_a_panel_for_each_cost_that_three_methods_have() -> None:
    plot = plot_cost(SCORES, TIMINGS, COSTS.methods)
    assert plot is not None
    by_time, by_operations, by_parameters = plot.figure.axes
    assert by_time.get_xlabel().startswith("Seconds")
    assert {text.get_text() for text in by_operations.texts} == {"wide", "net", "deep"}
    for axes, least, most in ((by_operations, 2, 30), (by_parameters, 700, 50_000)):
        low, high = axes.get_xlim()
        assert low < least < most < high
    assert "wide (2 GFLOP, 1.00 bpm)." in plot.alt
    assert "deep (700 parameters, 3.00 bpm), net (1,000 parameters" in plot.alt
    less = {name: COSTS.methods[name] for name in ("pos", "net", "wide")}
    plot = plot_cost(SCORES, TIMINGS, less)
    assert plot is not None
    assert len(plot.figure.axes) == 1


def test_the_table_of_the_figure_has_the_costs_that_are_known() -> None:
    table = cost_table(SCORES, TIMINGS, COSTS.methods).set_index("method")
    assert table.loc["net", "gflop_per_video_minute"] == pytest.approx(7.0)
    assert table["parameters"].isna()["pos"]
    assert "parameters" not in cost_table(SCORES, TIMINGS)
