"""The parts of a difference, drawn step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rppgbench.evaluation.decomposition import Decomposition
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
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    import pandas as pd

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)

_STEP = 0.11


def waterfall_figure(
    splits: Sequence[Decomposition],
    groups: Sequence[str],
    sides: tuple[str, str],
    data: pd.DataFrame,
    *,
    key: str = "share-steps",
    simulated: bool = False,
) -> Drawing | None:
    """Each row's way from the first error to the second, a bar a part; None without any share."""
    drawn = [one for one in splits if one.shares]
    if not drawn or not groups:
        return None
    mae = metric("mae")
    words = []
    with drawing_style(key):
        figure, (axes,) = panels(
            1,
            columns=1,
            width_in=10,
            panel_height_in=1.0 + 0.17 * (len(groups) + 3) * len(drawn),
        )
        height = _STEP * (len(groups) + 2)
        for place, one in enumerate(drawn):
            at, top = 0.0, place - height / 2 + _STEP / 2
            axes.plot(at, top, "o", color=INK, markersize=5, label=sides[0] if not place else None)
            for number, group in enumerate(groups):
                value = one.shares[group].value
                y = top + (number + 1) * _STEP
                axes.vlines(at, y - _STEP / 2, y + _STEP / 2, color=MUTED, linewidth=0.6)
                axes.barh(
                    y,
                    value,
                    left=at,
                    height=0.8 * _STEP,
                    color=COLOURS[number % len(COLOURS)],
                    linewidth=0,
                    label=None if place else group,
                )
                axes.annotate(
                    f"{group} {'+' if round(value, mae.decimals) > 0 else ''}{mae.write(value)}",
                    (max(at, at + value), y),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=6.5,
                    color=MUTED,
                )
                at += value
            end = top + (len(groups) + 1) * _STEP
            axes.plot(at, end, "s", color=INK, markersize=5, label=None if place else sides[1])
            told = ", ".join(f"{g} {mae.write(one.shares[g].value)}" for g in groups)
            for x, y, value in ((0.0, top, one.first_bpm), (at, end, one.second_bpm)):
                axes.annotate(
                    mae.write(value),
                    (x, y),
                    xytext=(-6, 0),
                    textcoords="offset points",
                    ha="right",
                    va="center",
                    fontsize=6.5,
                    color=INK,
                )
            words.append(
                f"{' · '.join(one.row)}: {mae.write(one.first_bpm)} to "
                f"{mae.write(one.second_bpm)} ({told})"
            )
        axes.set_yticks(range(len(drawn)), [" · ".join(one.row) for one in drawn])
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        low, high = axes.get_xlim()
        axes.set_xlim(low - 0.04 * (high - low), high + 0.12 * (high - low))
        axes.set_xlabel(f"Change of the MAE from {sides[0]} (bpm)")
        axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        figure.legend(loc="outside upper left", ncols=len(groups) + 2, handletextpad=0.4)
        alt = f"Steps from {sides[0]} to {sides[1]} in bpm. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        f"From the error under {sides[0]} (dot) to that under {sides[1]} (square), a bar for each "
        "part, to the right where it raises the error; beside dot and square stands the MAE. Each "
        "bar begins where the one above ends; its length is the mean over all orders in which the "
        "parts can be changed."
    )
    return Drawing(
        key, "The difference in parts", caption, alt, svg, csv_download(f"{key}.csv", data)
    )
