"""The difference between two scorings, split into the effects of single settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rppgbench.evaluation.decomposition import Decomposition
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Drawing,
    csv_download,
    panels,
    style_row_names,
)
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
KEY = "share-steps"

_STEP = 0.11


def waterfall_figure(
    splits: Sequence[Decomposition],
    groups: Sequence[str],
    endpoints: tuple[str, str],
    data: pd.DataFrame,
    *,
    marks: DataMarks = UNMARKED,
) -> Drawing | None:
    """A waterfall for each row: from the first error to the second, a bar for each group.

    Args:
        splits: The split difference of each row of the table.
        groups: The groups of settings, in the order of the bars.
        endpoints: Names of the first and the second scoring.
        data: The shares, for the file beside the figure.
        marks: What is simulated or imported.

    Returns:
        The figure; None where no row has shares.
    """
    with_shares = [split for split in splits if split.shares]
    if not with_shares or not groups:
        return None
    return draw_framed(
        KEY,
        "The difference in parts",
        lambda: _plot(with_shares, groups, endpoints, data),
        marks=marks,
    )


def _plot(
    splits: Sequence[Decomposition],
    groups: Sequence[str],
    endpoints: tuple[str, str],
    data: pd.DataFrame,
) -> Plot:
    figure, (axes,) = panels(
        1,
        columns=1,
        width_in=10,
        panel_height_in=1.0 + 0.17 * (len(groups) + 3) * len(splits),
    )
    for row, split in enumerate(splits):
        _draw_row(axes, row, split, groups, endpoints)
    axes.set_yticks(range(len(splits)), [" · ".join(split.row) for split in splits])
    axes.set_ylim(len(splits) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    axes.set_xlim(low - 0.04 * (high - low), high + 0.12 * (high - low))
    axes.set_xlabel(f"Change of the MAE from {endpoints[0]} (bpm)")
    style_row_names(axes)
    figure.legend(loc="outside upper left", ncols=len(groups) + 2, handletextpad=0.4)
    rows = "; ".join(_describe(split, groups) for split in splits)
    return Plot(
        figure=figure,
        caption=(
            f"From the error under {endpoints[0]} (dot) to the error under {endpoints[1]} "
            "(square), with a bar for each group of settings. A bar to the right raises the error. "
            "The numbers beside dot and square are the MAE. Each bar begins where the bar above "
            "ends; its length is the mean over all orders in which the groups can be changed."
        ),
        alt=f"Steps from {endpoints[0]} to {endpoints[1]} in bpm. {rows}.",
        data=csv_download(f"{KEY}.csv", data),
    )


def _draw_row(
    axes: Axes, row: int, split: Decomposition, groups: Sequence[str], endpoints: tuple[str, str]
) -> None:
    """Dot, bars and square of one row; only the first row has entries in the legend."""
    mae = metric("mae")
    start, top = 0.0, row - _STEP * (len(groups) + 1) / 2
    axes.plot(start, top, "o", color=INK, markersize=5, label=None if row else endpoints[0])
    for number, group in enumerate(groups):
        value = split.shares[group].value
        y = top + (number + 1) * _STEP
        axes.vlines(start, y - _STEP / 2, y + _STEP / 2, color=MUTED, linewidth=0.6)
        axes.barh(
            y,
            value,
            left=start,
            height=0.8 * _STEP,
            color=COLOURS[number % len(COLOURS)],
            linewidth=0,
            label=None if row else group,
        )
        sign = "+" if round(value, mae.decimals) > 0 else ""
        _annotate(axes, f"{group} {sign}{mae.write(value)}", (max(start, start + value), y))
        start += value
    end = top + (len(groups) + 1) * _STEP
    axes.plot(start, end, "s", color=INK, markersize=5, label=None if row else endpoints[1])
    for x, y, value in ((0.0, top, split.first_bpm), (start, end, split.second_bpm)):
        _annotate(axes, mae.write(value), (x, y), left=True)


def _annotate(axes: Axes, text: str, position: tuple[float, float], *, left: bool = False) -> None:
    axes.annotate(
        text,
        position,
        xytext=(-6, 0) if left else (4, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=6.5,
        color=INK if left else MUTED,
    )


def _describe(split: Decomposition, groups: Sequence[str]) -> str:
    mae = metric("mae")
    shares = ", ".join(f"{group} {mae.write(split.shares[group].value)}" for group in groups)
    return (
        f"{' · '.join(split.row)}: {mae.write(split.first_bpm)} to "
        f"{mae.write(split.second_bpm)} ({shares})"
    )
