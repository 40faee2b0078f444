"""Critical-difference diagram: mean ranks and who is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rppgbench.evaluation.significance import Ranks
from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MUTED,
    VERMILLION,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.tables.summary_rows import pluralise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.24
"""Inches from one name to the next."""


def rank_figure(
    placed: Ranks, noun: str, evaluator: str, *, key: str, simulated: bool = False
) -> Drawing:
    """Mean ranks on a line, names to both sides, a bar under those that do not differ.

    After Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR 2006,
    figure 1.
    """
    import pandas as pd

    order = np.argsort(placed.mean_rank, kind="stable")
    names = [placed.methods[k] for k in order]
    rank = [float(placed.mean_rank[k]) for k in order]
    half = (len(names) + 1) // 2
    bars = 0.09 * len(placed.cliques)
    depth = bars + _ROW * half + 0.1
    with drawing_style(key):
        figure, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=depth + 0.75)
        axes.set_xlim(0.6 - 0.25 * len(names) ** 0.5, len(names) + 0.4 + 0.25 * len(names) ** 0.5)
        axes.set_ylim(-depth, 0.62)
        axes.set_axis_off()
        _line(axes, len(names))
        _ruler(axes, placed.critical_difference)
        for place, (name, at) in enumerate(zip(names, rank, strict=True)):
            left = place < half
            y = -bars - _ROW * ((place if left else len(names) - 1 - place) + 0.8)
            end = 0.9 if left else len(names) + 0.1
            axes.plot([at, at, end], [0, y, y], color=INK, linewidth=0.8)
            axes.plot(at, 0, "o", color=BLUE, markersize=4, zorder=3)
            side = "right" if left else "left"
            axes.annotate(
                f"{name}  {at:.2f}" if left else f"{at:.2f}  {name}",
                (end, y),
                xytext=(-4 if left else 4, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=8,
                color=INK,
            )
        place_of = dict(zip(names, rank, strict=True))
        for number, clique in enumerate(placed.cliques):
            ends = [place_of[clique[0]] - 0.04, place_of[clique[-1]] + 0.04]
            y = -0.09 * (number + 0.8)
            axes.plot(ends, [y, y], color=VERMILLION, linewidth=3.2, solid_capstyle="butt")
        told = ", ".join(f"{name} {at:.2f}" for name, at in zip(names, rank, strict=True))
        alike = "; ".join(", ".join(clique) for clique in placed.cliques) or "none"
        alt = (
            f"Mean ranks under {evaluator}: {told}. Critical difference "
            f"{placed.critical_difference:.2f}. Not told apart: {alike}."
        )
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        f"Mean rank of the error under {evaluator} over {pluralise(placed.n, noun)}; 1 is best. A "
        "bar joins methods that Nemenyi's test does not tell apart at the 5 % level: their mean "
        "ranks lie within the critical difference (CD), drawn above the line (Demšar 2006)."
    )
    data = pd.DataFrame({"method": names, "mean_rank": rank})
    data["critical_difference"] = placed.critical_difference
    return Drawing(key, f"Ranks over {noun}s", caption, alt, svg, csv_download(f"{key}.csv", data))


def _line(axes: Axes, count: int) -> None:
    axes.plot([1, count], [0, 0], color=MUTED, linewidth=0.9)
    for tick in range(1, count + 1):
        axes.plot([tick, tick], [0, 0.05], color=MUTED, linewidth=0.9)
        axes.annotate(str(tick), (tick, 0.09), ha="center", fontsize=7.5, color=MUTED)


def _ruler(axes: Axes, length: float) -> None:
    y = 0.38
    axes.plot([1, 1 + length], [y, y], color=INK, linewidth=1.2)
    for end in (1, 1 + length):
        axes.plot([end, end], [y - 0.035, y + 0.035], color=INK, linewidth=1.2)
    axes.annotate(
        f"CD = {length:.2f}", (1 + length / 2, y + 0.06), ha="center", fontsize=8, color=INK
    )
