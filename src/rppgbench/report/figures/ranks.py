"""Critical-difference diagram: mean ranks, and methods without a significant difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.evaluation.significance import Ranks
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MUTED,
    VERMILLION,
    Drawing,
    csv_download,
    panels,
)
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.24
"""Inches from one name to the next."""


def rank_figure(
    ranks: Ranks, noun: str, evaluator: str, *, key: str, marks: DataMarks = UNMARKED
) -> Drawing:
    """Mean ranks on a line, names at both sides, a bar under methods that do not differ.

    After Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR 2006,
    figure 1.

    Args:
        ranks: Mean ranks, critical difference and cliques.
        noun: What is ranked over: "recording" or "data set".
        evaluator: Name of the evaluator.
        key: Name of the figure, unique on its page.
        marks: What is simulated or imported.

    Returns:
        The figure.
    """
    drawing = draw_framed(
        key,
        f"Ranks over {noun}s",
        lambda: _plot(ranks, noun, evaluator, key),
        marks=marks,
    )
    assert drawing is not None
    return drawing


def _plot(ranks: Ranks, noun: str, evaluator: str, key: str) -> Plot:
    import pandas as pd

    order = np.argsort(ranks.mean_rank, kind="stable")
    rank_by_name = {ranks.methods[k]: float(ranks.mean_rank[k]) for k in order}
    count = len(rank_by_name)
    bars_in = 0.09 * len(ranks.cliques)
    depth_in = bars_in + _ROW * ((count + 1) // 2) + 0.1
    figure, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=depth_in + 0.75)
    axes.set_xlim(0.6 - 0.25 * count**0.5, count + 0.4 + 0.25 * count**0.5)
    axes.set_ylim(-depth_in, 0.62)
    axes.set_axis_off()
    _draw_scale(axes, count)
    _draw_critical_difference(axes, ranks.critical_difference)
    _draw_names(axes, rank_by_name, bars_in)
    for number, clique in enumerate(ranks.cliques):
        ends = [rank_by_name[clique[0]] - 0.04, rank_by_name[clique[-1]] + 0.04]
        y = -0.09 * (number + 0.8)
        axes.plot(ends, [y, y], color=VERMILLION, linewidth=3.2, solid_capstyle="butt")
    values = ", ".join(f"{name} {rank:.2f}" for name, rank in rank_by_name.items())
    cliques = "; ".join(", ".join(clique) for clique in ranks.cliques) or "none"
    data = pd.DataFrame({"method": list(rank_by_name), "mean_rank": list(rank_by_name.values())})
    data["critical_difference"] = ranks.critical_difference
    return Plot(
        figure=figure,
        caption=(
            f"Mean rank of the error under {evaluator} over {pluralise(ranks.n, noun)}; 1 is best. "
            "A bar joins methods whose difference is not significant in Nemenyi's test at the 5 % "
            "level: their mean ranks lie within the critical difference (CD), drawn above the line "
            "(Demšar 2006)."
        ),
        alt=(
            f"Mean ranks under {evaluator}: {values}. Critical difference "
            f"{ranks.critical_difference:.2f}. No significant difference within: {cliques}."
        ),
        data=csv_download(f"{key}.csv", data),
    )


def _draw_names(axes: Axes, rank_by_name: Mapping[str, float], bars_in: float) -> None:
    """The better half of the names at the left, the other half at the right."""
    count = len(rank_by_name)
    half = (count + 1) // 2
    for number, (name, rank) in enumerate(rank_by_name.items()):
        on_left = number < half
        y = -bars_in - _ROW * ((number if on_left else count - 1 - number) + 0.8)
        end = 0.9 if on_left else count + 0.1
        axes.plot([rank, rank, end], [0, y, y], color=INK, linewidth=0.8)
        axes.plot(rank, 0, "o", color=BLUE, markersize=4, zorder=3)
        axes.annotate(
            f"{name}  {rank:.2f}" if on_left else f"{rank:.2f}  {name}",
            (end, y),
            xytext=(-4 if on_left else 4, 0),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            fontsize=8,
            color=INK,
        )


def _draw_scale(axes: Axes, count: int) -> None:
    axes.plot([1, count], [0, 0], color=MUTED, linewidth=0.9)
    for tick in range(1, count + 1):
        axes.plot([tick, tick], [0, 0.05], color=MUTED, linewidth=0.9)
        axes.annotate(str(tick), (tick, 0.09), ha="center", fontsize=7.5, color=MUTED)


def _draw_critical_difference(axes: Axes, length: float) -> None:
    y = 0.38
    axes.plot([1, 1 + length], [y, y], color=INK, linewidth=1.2)
    for end in (1, 1 + length):
        axes.plot([end, end], [y - 0.035, y + 0.035], color=INK, linewidth=1.2)
    axes.annotate(
        f"CD = {length:.2f}", (1 + length / 2, y + 0.06), ha="center", fontsize=8, color=INK
    )
