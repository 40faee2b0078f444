"""Error against how strongly the video was compressed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.report.figures.drawing import (
    MARKERS,
    SERIES,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    to_svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Curve:
    """One method over the settings, NaN where there is no value.

    `low` and `high` are the measured values' intervals, `printed` the paper's own values. `seeds`
    holds, for each setting, the value of every seed and whether its training collapsed.
    """

    name: str
    measured: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    printed: tuple[float, ...]
    seeds: tuple[tuple[tuple[float, bool], ...], ...] = ()


def compression_figure(
    curves: Sequence[Curve],
    settings: Sequence[str],
    measure: str,
    *,
    key: str = "compression",
    title: str = "",
    bit_rates: Sequence[float] = (),
    simulated: bool = False,
) -> Drawing | None:
    """Measured values as lines with their intervals, printed ones as hollow marks.

    Seeds are small dots, and crosses where their training collapsed: they count all the same. With
    `bit_rates` (kbit/s, NaN where there is none) a second panel shows the values against these.
    None where there is nothing to draw. Simulated curves never stand in one figure with printed
    marks: with `simulated` the printed values are left out.
    """
    import pandas as pd

    rows = [
        (one.name, settings[k], one.measured[k], one.low[k], one.high[k], one.printed[k])
        for one in curves
        for k in range(len(settings))
    ]
    columns = ["method", "setting", "measured", "low", "high", "printed"]
    table = pd.DataFrame(rows, columns=columns)
    if simulated:
        table = table.drop(columns="printed")
    shown = table.drop(columns=["method", "setting"])
    if not shown.notna().to_numpy().any():
        return None
    with drawing_style(key):
        coded = [k for k, rate in enumerate(bit_rates) if rate > 0]
        figure, (axes, *others) = panels(
            2 if len(coded) > 1 else 1,
            columns=2 if len(coded) > 1 else 1,
            width_in=10,
            panel_height_in=3.4,
            share=False,
        )
        for number, one in enumerate(curves):
            colour = SERIES[number % len(SERIES)]
            marker = MARKERS[number % len(MARKERS)]
            x = [k + 0.06 * (number - (len(curves) - 1) / 2) for k in range(len(settings))]
            if any(not math.isnan(v) for v in one.measured):
                below = [_gap(v, low) for v, low in zip(one.measured, one.low, strict=True)]
                above = [_gap(high, v) for v, high in zip(one.measured, one.high, strict=True)]
                axes.errorbar(
                    x,
                    one.measured,
                    yerr=[below, above],
                    color=colour,
                    marker=marker,
                    capsize=2,
                    linewidth=1.2,
                    label=one.name,
                )
            _draw_seeds(axes, one, x, colour)
            for place in others:
                place.plot(
                    [bit_rates[k] for k in coded],
                    [one.measured[k] for k in coded],
                    color=colour,
                    marker=marker,
                    markersize=4,
                    linewidth=1.2,
                )
            if not simulated and any(not math.isnan(v) for v in one.printed):
                axes.plot(
                    x,
                    one.printed,
                    linestyle="none",
                    marker=marker,
                    markersize=8,
                    color=colour,
                    markerfacecolor="none",
                    label=f"{one.name}, printed",
                )
        axes.set_xticks(range(len(settings)), list(settings))
        axes.set_xlim(-0.4, len(settings) - 0.6)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(measure)
        for place in others:
            place.set_xscale("log")
            place.set_xlabel("Bit rate (kbit/s)")
            place.xaxis.set_major_formatter(lambda value, tick: f"{value:g}")
            place.set_ylim(axes.get_ylim())
        figure.legend(loc="outside upper left", ncols=3)
        words = [
            f"{one.name}: "
            + ", ".join(
                f"{s} {v:.3g}" for s, v in zip(settings, values, strict=True) if not math.isnan(v)
            )
            for one in curves
            for values in ([one.measured] if simulated else [one.measured, one.printed])
            if any(not math.isnan(v) for v in values)
        ]
        alt = f"{measure} by setting. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    seeded = any(values for one in curves for values in one.seeds)
    spread = "standard deviations over seeds, else " if seeded else ""
    caption = f"Lines: measured, with {spread}95 % intervals over subjects."
    if simulated:
        caption = f"Lines: simulated recordings, with {spread}95 % intervals over subjects."
    if seeded:
        caption += (
            " Dots: seeds; crosses: seeds whose training collapsed, which count all the same."
        )
    if simulated:
        caption = f"The paper's values are left out. {caption}"
    elif table["printed"].notna().any():
        caption += " Hollow marks: as printed."
    return Drawing(
        key,
        title or f"{measure} under compression",
        caption,
        alt,
        svg,
        csv_download(f"{key}.csv", table),
    )


def _draw_seeds(axes: Axes, one: Curve, x: Sequence[float], colour: str) -> None:
    for place, values in zip(x, one.seeds, strict=False):
        for value, collapsed in values:
            axes.plot(
                place,
                value,
                "x" if collapsed else "o",
                color=colour,
                alpha=1.0 if collapsed else 0.45,
                markersize=4.5 if collapsed else 2.5,
                markeredgewidth=1.0 if collapsed else 0,
            )


def _gap(high: float, low: float) -> float:
    """The length of one arm of an interval, 0 where there is none."""
    return 0.0 if math.isnan(high - low) else max(high - low, 0.0)
