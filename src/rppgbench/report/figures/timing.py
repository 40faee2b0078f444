"""Computing time of each stage and method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MUTED,
    VERMILLION,
    csv_download,
    panels,
    style_row_names,
)
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.inputs import ReportInputs, Timings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_REAL_TIME_S = 60.0
_COST = "seconds_per_video_minute"


@figure(name="timings", title="Timings", place="figures", order=50)
def draw(inputs: ReportInputs) -> Plot | None:
    """Computing times of the run; None where nothing was timed."""
    return None if inputs.timings is None else plot_timings(inputs.timings)


def plot_timings(timings: Timings) -> Plot | None:
    """Seconds of computing for a minute of video: shared stages, then methods by their cost.

    None where nothing was timed. The axis is logarithmic: methods differ by orders of magnitude.
    """
    table = _timing_table(timings)
    if table is None:
        return None
    drawing, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=0.75 + 0.24 * len(table))
    axes.set_xscale("log")
    for kind, colour, marker, label in (
        ("stage", VERMILLION, "s", "once for all methods"),
        ("method", BLUE, "o", "the method itself"),
    ):
        costs = table.loc[table["kind"] == kind, _COST]
        axes.plot(costs, costs.index, marker, color=colour, markersize=5.5, label=label)
        for row, seconds in zip(costs.index, costs, strict=True):
            _annotate(axes, f"{seconds:.3g} s", (seconds, row))
    _style_axes(axes, table)
    drawing.legend(loc="outside upper left", ncols=2, handletextpad=0.2)
    texts = [f"{name} {cost:.3g}" for name, cost in zip(table["name"], table[_COST], strict=True)]
    return Plot(
        figure=drawing,
        caption=(
            f"Computing time for a minute of video, over {timings.video_s / 60:.1f} minutes of "
            "video. The time of a method is the median over recordings. Left of the dashed line "
            "is faster than real time."
        ),
        alt=f"Seconds of computing for a minute of video: {', '.join(texts)}.",
        data=csv_download("timings.csv", table),
    )


def _timing_table(timings: Timings) -> pd.DataFrame | None:
    """A row for each stage and method that took time; None without any."""
    import pandas as pd

    methods = dict(sorted(timings.methods.items(), key=lambda item: (item[1], item[0])))
    rows = [
        (kind, name, seconds)
        for kind, group in (("stage", timings.stages), ("method", methods))
        for name, seconds in group.items()
        if seconds > 0
    ]
    if not rows or timings.video_s <= 0:
        return None
    table = pd.DataFrame(rows, columns=["kind", "name", "seconds"])
    table[_COST] = table["seconds"] / timings.video_s * 60
    return table


def _annotate(axes: Axes, text: str, position: tuple[float, float]) -> None:
    axes.annotate(
        text,
        position,
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        color=INK,
    )


def _style_axes(axes: Axes, table: pd.DataFrame) -> None:
    axes.axvline(_REAL_TIME_S, color=MUTED, linewidth=0.8, linestyle="--")
    axes.annotate(
        "real time",
        (_REAL_TIME_S, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(3, -2),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
        color=MUTED,
    )
    axes.set_xlim(float(table[_COST].min()) / 2, max(_REAL_TIME_S, float(table[_COST].max())) * 4)
    axes.xaxis.set_major_formatter(lambda value, tick: f"{value:g}")
    axes.minorticks_off()
    axes.set_yticks(range(len(table)), list(table["name"]))
    axes.set_ylim(len(table) - 0.4, -0.6)
    style_row_names(axes)
    axes.set_xlabel("Seconds of computing for a minute of video (logarithmic)")
