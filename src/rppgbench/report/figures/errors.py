"""How errors spread over the windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.report.figures.drawing import (
    BLUE,
    MAX_BASELINE_RATIO,
    MUTED,
    PAPER,
    SERIES,
    Download,
    Drawing,
    annotate_beyond_axis,
    drawing_style,
    panels,
    style_row_names,
    to_svg,
)
from rppgbench.report.figures.series import Series
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = 5
_REACH_BPM = 20.0


def error_distribution(
    all_series: Sequence[Series],
    data: Download,
    *,
    key: str = "errors",
    evaluator: str,
    simulated: bool = False,
    data_note: str = "",
) -> Drawing:
    """Signed error of every series in quantiles, and the share of windows within x bpm.

    Left, all series: the middle half as a bar, the median, the middle 90 % as a line. Right, the
    first `_CURVES` series and the baselines, cumulatively; a window without an estimate never
    counts.
    """
    words = []
    bpm = metric("mae")
    curves = [one for one in all_series if not one.baseline][:_CURVES]
    curves += [one for one in all_series if one.baseline]
    drawn = [
        np.percentile(np.abs(e), 95) for s in all_series if not s.baseline and len(e := _signed(s))
    ]
    reach = max(drawn, default=np.inf)
    with drawing_style(key):
        figure, (left, right) = panels(
            2,
            columns=2,
            width_in=10,
            panel_height_in=max(2.9, 0.8 + 0.27 * len(all_series)),
            share=False,
            width_ratios=(1.45, 1),
        )
        for row, one in enumerate(all_series):
            error = _signed(one)
            if not len(error):
                continue
            low, lower, median, upper, high = np.percentile(error, [5, 25, 50, 75, 95])
            words.append(
                f"{one.name}: median {bpm.write(median)}, middle 90 % {bpm.write(low)} to "
                f"{bpm.write(high)}"
            )
            if one.baseline and max(-low, high) > MAX_BASELINE_RATIO * reach:
                annotate_beyond_axis(
                    left, row, f"middle 90 %: {bpm.write(low)} to {bpm.write(high)} bpm"
                )
                continue
            left.hlines(row, low, high, color=BLUE, linewidth=1.1)
            left.barh(row, upper - lower, left=lower, height=0.5, color=BLUE, linewidth=0)
            left.vlines(median, row - 0.25, row + 0.25, color=PAPER, linewidth=1.8)
        left.axvline(0, color=MUTED, linewidth=0.8, linestyle="--", zorder=0.5)
        left.set_yticks(range(len(all_series)), [one.name for one in all_series])
        left.set_ylim(len(all_series) - 0.4, -0.6)
        left.grid(visible=False, axis="y")
        left.set_xlabel("Estimate − reference (bpm)")
        style_row_names(left)
        _draw_shares(right, curves)
        alt = f"Signed error under {evaluator}, in bpm. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    named = "" if len(curves) == len(all_series) else f" of the first {_CURVES} and the baseline"
    caption = (
        f"Errors under {evaluator}. Left, the windows with an estimate: the bar holds the middle "
        "half, its gap is the median, the line spans the middle 90 %; the rest is not drawn. "
        f"Right, the share of windows{named} whose error is at most x; a missing estimate never "
        "counts."
    )
    return Drawing(key, "Distribution of errors", caption, alt, svg, data, data_note)


def _signed(one: Series) -> Array:
    frame = one.drawn()
    error: Array = (frame["estimate_bpm"] - frame["reference_bpm"]).to_numpy(dtype=float)
    return error


def _draw_shares(place: Axes, curves: Sequence[Series]) -> None:
    """Cumulative distributions, in steps of 0.1 bpm so that a curve stays small."""
    import pandas as pd
    import seaborn as sns

    dashes = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2, 1, 2)))
    for number, one in enumerate(curves):
        steps = np.ceil(np.abs(_signed(one)) * 10) / 10
        missing = len(one.windows) - len(steps)
        values = pd.Series(np.concatenate([steps, np.full(missing, 10 * _REACH_BPM)]))
        counts = values.value_counts().sort_index()
        if counts.empty:
            continue
        sns.ecdfplot(
            x=counts.index.to_numpy(),
            weights=counts.to_numpy(),
            ax=place,
            color=MUTED if one.baseline else SERIES[number % len(SERIES)],
            linestyle=dashes[number % len(dashes)],
            linewidth=1.5,
            label=f"{one.name} (baseline)" if one.baseline else one.name,
        )
    place.set_xlim(0, _REACH_BPM)
    place.set_ylim(0, 1)
    place.yaxis.set_major_formatter(lambda value, tick: f"{100 * value:.0f} %")
    place.set_xlabel("Absolute error (bpm)")
    place.set_ylabel("Windows within")
    if place.lines:
        place.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handlelength=2.6)
