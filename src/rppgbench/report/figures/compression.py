"""Error against the strength of video compression, or of any other swept setting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import (
    MARKERS,
    SERIES,
    Drawing,
    csv_download,
    panels,
)
from rppgbench.report.figures.frame import Plot, draw_framed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One method over the settings, NaN where there is no value.

    Attributes:
        name: Name of the method.
        measured: Measured value at each setting.
        low: Lower end of the interval of each measured value.
        high: Upper end of the interval of each measured value.
        printed: The paper's value at each setting.
        seeds: For each setting, the value of every seed and whether its training collapsed.
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
    marks: DataMarks = UNMARKED,
) -> Drawing | None:
    """Measured values as lines with their intervals, printed values as hollow markers.

    Seeds are small dots, and crosses where their training collapsed; collapsed seeds count.
    Simulated curves and printed values are never drawn together.

    Args:
        curves: The methods.
        settings: Names of the settings, in their order.
        measure: Name of the measure with its unit.
        key: Name of the figure, unique on its page.
        title: Title; by default made from the measure.
        bit_rates: Bit rate of each setting in kbit/s, NaN where unknown. With two or more, a
            second panel shows the values against the bit rate.
        marks: What is simulated or imported; beside simulated curves no printed value is drawn.

    Returns:
        The figure; None where no curve has a value.
    """
    simulated = marks.simulated
    table = _curve_table(curves, settings)
    if simulated:
        table = table.drop(columns="printed")
    if not table.drop(columns=["method", "setting"]).notna().to_numpy().any():
        return None
    return draw_framed(
        key,
        title or f"{measure} under compression",
        lambda: Plot(
            figure=_draw(curves, settings, measure, bit_rates, simulated=simulated),
            caption=_caption(curves, simulated=simulated),
            alt=_describe(curves, settings, measure, simulated=simulated),
            data=csv_download(f"{key}.csv", table),
        ),
        marks=marks,
    )


def _curve_table(curves: Sequence[Curve], settings: Sequence[str]) -> pd.DataFrame:
    """A row for each method and setting."""
    import pandas as pd

    rows = [
        (curve.name, name, curve.measured[k], curve.low[k], curve.high[k], curve.printed[k])
        for curve in curves
        for k, name in enumerate(settings)
    ]
    return pd.DataFrame(rows, columns=["method", "setting", "measured", "low", "high", "printed"])


def _draw(
    curves: Sequence[Curve],
    settings: Sequence[str],
    measure: str,
    bit_rates: Sequence[float],
    *,
    simulated: bool,
) -> Figure:
    coded = [k for k, rate in enumerate(bit_rates) if rate > 0]
    count = 2 if len(coded) > 1 else 1
    figure, (axes, *rate_axes) = panels(
        count, columns=count, width_in=10, panel_height_in=3.4, share=False
    )
    for number, curve in enumerate(curves):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        # Curves are shifted against each other, so that their intervals do not overlap.
        x = [k + 0.06 * (number - (len(curves) - 1) / 2) for k in range(len(settings))]
        _draw_measured(axes, curve, x, colour, marker)
        _draw_seeds(axes, curve, x, colour)
        for panel in rate_axes:
            panel.plot(
                [bit_rates[k] for k in coded],
                [curve.measured[k] for k in coded],
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1.2,
            )
        if not simulated:
            _draw_printed(axes, curve, x, colour, marker)
    axes.set_xticks(range(len(settings)), list(settings))
    axes.set_xlim(-0.4, len(settings) - 0.6)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(measure)
    for panel in rate_axes:
        panel.set_xscale("log")
        panel.set_xlabel("Bit rate (kbit/s)")
        panel.xaxis.set_major_formatter(lambda value, tick: f"{value:g}")
        panel.set_ylim(axes.get_ylim())
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def _draw_measured(axes: Axes, curve: Curve, x: Sequence[float], colour: str, marker: str) -> None:
    if not _any_known(curve.measured):
        return
    below = [_arm(value, low) for value, low in zip(curve.measured, curve.low, strict=True)]
    above = [_arm(high, value) for value, high in zip(curve.measured, curve.high, strict=True)]
    axes.errorbar(
        x,
        curve.measured,
        yerr=[below, above],
        color=colour,
        marker=marker,
        capsize=2,
        linewidth=1.2,
        label=curve.name,
    )


def _draw_printed(axes: Axes, curve: Curve, x: Sequence[float], colour: str, marker: str) -> None:
    if not _any_known(curve.printed):
        return
    axes.plot(
        x,
        curve.printed,
        linestyle="none",
        marker=marker,
        markersize=8,
        color=colour,
        markerfacecolor="none",
        label=f"{curve.name}, printed",
    )


def _draw_seeds(axes: Axes, curve: Curve, x: Sequence[float], colour: str) -> None:
    for position, values in zip(x, curve.seeds, strict=False):
        for value, collapsed in values:
            axes.plot(
                position,
                value,
                "x" if collapsed else "o",
                color=colour,
                alpha=1.0 if collapsed else 0.45,
                markersize=4.5 if collapsed else 2.5,
                markeredgewidth=1.0 if collapsed else 0,
            )


def _describe(
    curves: Sequence[Curve], settings: Sequence[str], measure: str, *, simulated: bool
) -> str:
    texts = [
        f"{curve.name}: "
        + ", ".join(
            f"{name} {value:.3g}"
            for name, value in zip(settings, values, strict=True)
            if not math.isnan(value)
        )
        for curve in curves
        for values in ([curve.measured] if simulated else [curve.measured, curve.printed])
        if _any_known(values)
    ]
    return f"{measure} by setting. {'; '.join(texts)}."


def _caption(curves: Sequence[Curve], *, simulated: bool) -> str:
    seeded = any(values for curve in curves for values in curve.seeds)
    deviation = "standard deviations over seeds, else " if seeded else ""
    data = "simulated recordings" if simulated else "measured"
    caption = f"Lines: {data}, with {deviation}95 % intervals over subjects."
    if seeded:
        caption += " Dots: seeds; crosses: seeds whose training collapsed, which count as well."
    if not any(_any_known(curve.printed) for curve in curves):
        return caption
    if simulated:
        return f"The paper's values are left out. {caption}"
    return f"{caption} Hollow markers: as printed."


def _any_known(values: Sequence[float]) -> bool:
    return any(not math.isnan(value) for value in values)


def _arm(high: float, low: float) -> float:
    """The length of one arm of an interval, 0 where there is none."""
    return 0.0 if math.isnan(high - low) else max(high - low, 0.0)
