"""The error of each method against what it costs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from rppgbench.report.costs import MethodCost
from rppgbench.report.figures.drawing import BLUE, INK, MUTED, VERMILLION, csv_download, panels
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.inputs import ReportInputs, Scores, Timings
from rppgbench.report.tables.columns import format_bpm

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LABEL_PLACES = (8, -14, 19, -25)
"""Heights of names over their dots in points, in turn: neighbours do not cover each other."""

SMALLEST_BPM = 0.01
"""Smaller errors are drawn here: the axis is logarithmic."""

COST, ERROR = "seconds_per_video_minute", "mae_bpm"
OPERATIONS, PARAMETERS = "gflop_per_video_minute", "parameters"

LEAST_METHODS = 3
"""Fewest methods of a panel."""

AXIS_TITLES = {
    COST: "Seconds of computing for a minute of video, the method alone (logarithmic)",
    OPERATIONS: "Counted operations for a minute of video (GFLOP, logarithmic): networks only",
    PARAMETERS: "Parameters (logarithmic): networks only",
}


@figure(name="cost", title="Error against cost", place="figures", order=51)
def draw(inputs: ReportInputs) -> Plot | None:
    """Error and cost; None where fewer than three methods have both."""
    if inputs.timings is None or not inputs.scores:
        return None
    return plot_cost(
        inputs.scores[0], inputs.timings, inputs.costs.methods, baselines=inputs.baselines
    )


def cost_table(
    scores: Scores, timings: Timings, costs: Mapping[str, MethodCost] = MappingProxyType({})
) -> pd.DataFrame:
    """Error and cost of each method, the cheapest first.

    Args:
        scores: The scores of one evaluator; under several conditions or data sets a method has the
            mean of its rows. Rows whose weights were learned on what is tested do not count.
        timings: The computing times.
        costs: Further costs of methods.

    Returns:
        Columns method, seconds_per_video_minute, mae_bpm, and `on_frontier`: whether no method
        that takes at most as long has a smaller error; gflop_per_video_minute and parameters where
        a method has them.
    """
    import pandas as pd

    summary = scores.summary
    if "leaked" in summary:
        summary = summary[summary["leaked"] == ""]
    errors = summary.groupby("method")["mae"].mean()
    times_s = {m: 60 * s / timings.video_s for m, s in timings.methods.items() if s > 0}
    table = pd.DataFrame({COST: pd.Series(times_s, dtype=float), ERROR: errors}).dropna()
    table = table.rename_axis("method").reset_index().sort_values([COST, ERROR, "method"])
    table["on_frontier"] = table[ERROR] <= table[ERROR].cummin()
    counts = [costs.get(method, MethodCost()) for method in table["method"]]
    table[OPERATIONS] = [
        math.nan if c.flop_per_minute is None else c.flop_per_minute / 1e9 for c in counts
    ]
    table[PARAMETERS] = [math.nan if c.parameters is None else c.parameters for c in counts]
    return table.dropna(axis="columns", how="all").reset_index(drop=True)


def plot_cost(
    scores: Scores,
    timings: Timings,
    costs: Mapping[str, MethodCost] = MappingProxyType({}),
    *,
    baselines: Collection[str] = (),
) -> Plot | None:
    """The mean absolute error of each method over what it costs, with the Pareto frontiers.

    Args:
        scores: The scores of one evaluator.
        timings: The computing times.
        costs: Operations and parameters of methods.
        baselines: Methods that are left out: they do not look at the video.

    Returns:
        The figure, with a panel for each kind of cost that three methods have; None without any.
    """
    videos = {m: s for m, s in timings.methods.items() if m not in baselines}
    table = cost_table(scores, replace(timings, methods=videos), costs)
    panel_tables = {
        column: part
        for column in AXIS_TITLES
        if column in table and len(part := _with_frontier(table, column)) >= LEAST_METHODS
    }
    if not panel_tables:
        return None
    drawing, panel_axes = panels(
        len(panel_tables), columns=1, width_in=7.5, panel_height_in=3.2, share=False
    )
    for axes, (column, part) in zip(panel_axes, panel_tables.items(), strict=True):
        _draw_panel(axes, part, column)
        axes.set_ylabel(f"MAE under {scores.name} ({scores.unit}, logarithmic)")
    return Plot(
        figure=drawing,
        caption=(
            "Mean absolute error against computing time of the method itself, on the machine of "
            "the run, and against operations and parameters where three methods have them. The "
            "line joins the methods that no cheaper one beats (the Pareto frontier). Decoding and "
            "following the face cost the same for all and are not in it. Rows whose weights were "
            "learned on what is tested are left out."
        ),
        alt=" ".join(
            _frontier_text(part, column, scores.unit) for column, part in panel_tables.items()
        ),
        data=csv_download("cost.csv", table),
    )


def _with_frontier(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The methods that have a cost, the cheapest first, and whether no cheaper one is better."""
    part = table[["method", column, ERROR]].dropna().sort_values([column, ERROR, "method"])
    part["on_frontier"] = part[ERROR] <= part[ERROR].cummin()
    return part


QUANTITIES = {COST: "{:.3g} s", OPERATIONS: "{:.3g} GFLOP", PARAMETERS: "{:,.0f} parameters"}


def _frontier_text(part: pd.DataFrame, column: str, unit: str) -> str:
    best = part[part["on_frontier"]]
    names = ", ".join(
        f"{method} ({QUANTITIES[column].format(cost)}, {format_bpm(error)} {unit})"
        for method, cost, error in zip(best["method"], best[column], best[ERROR], strict=True)
    )
    return f"Methods that no cheaper one beats: {names}."


def _draw_panel(axes: Axes, part: pd.DataFrame, column: str) -> None:
    """The methods of one kind of cost, and the line of those that no cheaper one beats."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    best = part[part["on_frontier"]]
    heights = part[ERROR].clip(lower=SMALLEST_BPM)
    axes.step(best[column], heights[best.index], where="post", color=VERMILLION, linewidth=1.2)
    for on_frontier, colour in ((True, VERMILLION), (False, BLUE)):
        drawn = part["on_frontier"] == on_frontier
        axes.plot(part.loc[drawn, column], heights[drawn], "o", color=colour, markersize=5)
    columns = part["method"], part[column], heights, part["on_frontier"]
    for number, (method, cost, height, on_frontier) in enumerate(zip(*columns, strict=True)):
        axes.annotate(
            str(method),
            (cost, height),
            xytext=(0, LABEL_PLACES[number % len(LABEL_PLACES)]),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=INK if on_frontier else MUTED,
        )
    axes.set_xlim(float(part[column].min()) / 2, float(part[column].max()) * 6)
    axes.set_ylim(float(heights.min()) / 2, float(heights.max()) * 2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, tick: f"{value:,.10g}")
    axes.minorticks_off()
    axes.set_xlabel(AXIS_TITLES[column])
