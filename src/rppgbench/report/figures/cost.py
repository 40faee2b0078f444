"""The error of each method against what it costs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
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

PANEL_PT = (480.0, 180.0)
"""Width and height of the axes of a panel in points, about: names are placed by them."""

NAME_PT = 7.5
"""Size of the names of methods."""

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
    limits = (
        (float(part[column].min()) / 2, float(part[column].max()) * 6),
        (float(heights.min()) / 2, float(heights.max()) * 2),
    )
    places = name_places(part["method"], part[column], heights, limits)
    columns = part["method"], part[column], heights, part["on_frontier"], places
    for method, cost, height, on_frontier, place in zip(*columns, strict=True):
        axes.annotate(
            str(method),
            (cost, height),
            xytext=place,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=NAME_PT,
            color=INK if on_frontier else MUTED,
        )
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, tick: f"{value:,.10g}")
    axes.minorticks_off()
    axes.set_xlabel(AXIS_TITLES[column])


Limits = tuple[float, float]


def name_places(
    names: Iterable[str],
    costs: Iterable[float],
    errors: Iterable[float],
    limits: tuple[Limits, Limits],
) -> list[tuple[float, float]]:
    """Where the names of methods stand beside their dots, in points from the dots.

    Each name takes the first place above, below, right or left of its dot that covers neither a dot
    nor a name before it.

    Args:
        names: Names of methods.
        costs: Their costs, the x axis.
        errors: Their errors, the y axis.
        limits: Least and greatest value of both axes, which are logarithmic.

    >>> name_places(["a", "b", "c"], [1, 1.01, 1.02], [1, 1, 1], ((0.1, 10), (0.1, 10)))
    [(0.0, 9.0), (0.0, -9.0), (8.0, 0.0)]
    """
    dots = [
        tuple(
            size * math.log(value / low) / math.log(high / low)
            for value, (low, high), size in zip(point, limits, PANEL_PT, strict=True)
        )
        for point in zip(costs, errors, strict=True)
    ]
    boxes = [(x, y, NAME_PT, NAME_PT) for x, y in dots]  # centre, width, height
    places = []
    for name, (x, y) in zip(names, dots, strict=True):
        width = 0.6 * NAME_PT * len(name)
        beside = 0.5 * (width + NAME_PT) + 2
        candidates = [
            (0.0, 9.0),
            (0.0, -9.0),
            (beside, 0.0),
            (-beside, 0.0),
            *((0.0, sign * distance) for distance in (20.0, 31.0, 42.0) for sign in (1, -1)),
        ]
        place = next(
            (
                (right, up)
                for right, up in candidates
                if not any(
                    abs(x + right - other_x) < 0.5 * (width + other_width)
                    and abs(y + up - other_y) < 0.5 * (NAME_PT + other_height)
                    for other_x, other_y, other_width, other_height in boxes
                )
            ),
            candidates[0],
        )
        places.append(place)
        boxes.append((x + place[0], y + place[1], width, NAME_PT))
    return places
