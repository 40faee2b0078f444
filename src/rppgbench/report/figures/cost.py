"""The error of each method against what it costs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from rppgbench.report.figures.drawing import BLUE, INK, MUTED, VERMILLION, csv_download, panels
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.inputs import ReportInputs, Scores, Timings
from rppgbench.report.tables.columns import format_bpm

if TYPE_CHECKING:
    import pandas as pd

LABEL_PLACES = (8, -14, 19, -25)
"""Heights of names over their dots in points, in turn: neighbours do not cover each other."""

SMALLEST_BPM = 0.01
"""Smaller errors are drawn here: the axis is logarithmic."""

COST, ERROR = "seconds_per_video_minute", "mae_bpm"


@figure(name="cost", title="Error against cost", place="figures", order=51)
def draw(inputs: ReportInputs) -> Plot | None:
    """Error and computing time; None where fewer than three methods have both."""
    if inputs.timings is None or not inputs.scores:
        return None
    return plot_cost(inputs.scores[0], inputs.timings, baselines=inputs.baselines)


def cost_table(scores: Scores, timings: Timings) -> pd.DataFrame:
    """Error and cost of each method, the cheapest first.

    Args:
        scores: The scores of one evaluator; under several conditions or data sets a method has the
            mean of its rows. Rows whose weights were learned on what is tested do not count.
        timings: The computing times.

    Returns:
        Columns method, seconds_per_video_minute, mae_bpm, and `on_frontier`: whether no method
        that costs at most as much has a smaller error.
    """
    import pandas as pd

    summary = scores.summary
    if "leaked" in summary:
        summary = summary[summary["leaked"] == ""]
    errors = summary.groupby("method")["mae"].mean()
    costs = {m: 60 * s / timings.video_s for m, s in timings.methods.items() if s > 0}
    table = pd.DataFrame({COST: pd.Series(costs, dtype=float), ERROR: errors}).dropna()
    table = table.rename_axis("method").reset_index().sort_values([COST, ERROR, "method"])
    table["on_frontier"] = table[ERROR] <= table[ERROR].cummin()
    return table.reset_index(drop=True)


def plot_cost(scores: Scores, timings: Timings, *, baselines: Collection[str] = ()) -> Plot | None:
    """The mean absolute error of each method over its computing time, with the Pareto frontier.

    Args:
        scores: The scores of one evaluator.
        timings: The computing times.
        baselines: Methods that are left out: they do not look at the video.

    Returns:
        The figure; None with fewer than three methods.
    """
    videos = {m: s for m, s in timings.methods.items() if m not in baselines}
    table = cost_table(scores, replace(timings, methods=videos))
    if len(table) < 3:
        return None
    drawing, (axes,) = panels(1, columns=1, width_in=7.5, panel_height_in=3.4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    best = table[table["on_frontier"]]
    axes.step(
        best[COST],
        best[ERROR].clip(lower=SMALLEST_BPM),
        where="post",
        color=VERMILLION,
        linewidth=1.2,
    )
    for on_frontier, colour in ((True, VERMILLION), (False, BLUE)):
        part = table[table["on_frontier"] == on_frontier]
        axes.plot(part[COST], part[ERROR].clip(lower=SMALLEST_BPM), "o", color=colour, markersize=5)
    columns = (table[name] for name in ("method", COST, ERROR, "on_frontier"))
    for number, (method, seconds, error, on_frontier) in enumerate(zip(*columns, strict=True)):
        axes.annotate(
            str(method),
            (seconds, max(error, SMALLEST_BPM)),
            xytext=(0, LABEL_PLACES[number % len(LABEL_PLACES)]),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=INK if on_frontier else MUTED,
        )
    axes.set_xlim(float(table[COST].min()) / 2, float(table[COST].max()) * 6)
    lowest, highest = (
        max(float(e), SMALLEST_BPM) for e in (table[ERROR].min(), table[ERROR].max())
    )
    axes.set_ylim(lowest / 2, highest * 2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, tick: f"{value:g}")
    axes.minorticks_off()
    axes.set_xlabel("Seconds of computing for a minute of video, the method alone (logarithmic)")
    axes.set_ylabel(f"MAE under {scores.name} ({scores.unit}, logarithmic)")
    names = ", ".join(
        f"{method} ({seconds:.3g} s, {format_bpm(error)} {scores.unit})"
        for method, seconds, error in zip(best["method"], best[COST], best[ERROR], strict=True)
    )
    return Plot(
        figure=drawing,
        caption=(
            "Mean absolute error against computing time of the method itself, on the machine of "
            "the run. The line joins the methods that no cheaper one beats (the Pareto frontier). "
            "Decoding and following the face cost the same for all and are not in it. Rows whose "
            "weights were learned on what is tested are left out."
        ),
        alt=f"Methods that no cheaper one beats: {names}.",
        data=csv_download("cost.csv", table),
    )
