"""Distribution of the errors over the windows."""

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
    annotate_beyond_axis,
    panels,
    style_row_names,
)
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.figures.series import Series, plot_windows
from rppgbench.report.inputs import ReportInputs, unit_of
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CURVES = 5
"""Methods with a cumulative curve; the table's first ones."""

_REACH_BPM = 20.0


@figure(name="errors", title="Distribution of errors", place="figures", order=30)
def draw(inputs: ReportInputs) -> Plot | None:
    """Errors of the default evaluator; None where no window has both rates."""
    return plot_windows(inputs, plot_errors)


def plot_errors(
    all_series: Sequence[Series], data: Download, *, evaluator: str, data_note: str = ""
) -> Plot:
    """Signed error of every series in quantiles, and the share of windows within x bpm.

    Left, all series: the middle half as a bar, the median, the middle 90 % as a line. Right, the
    first `MAX_CURVES` series and the baselines, cumulatively; a window without an estimate is
    within no x.

    Args:
        all_series: The series to draw, at least one.
        data: The windows as a file.
        evaluator: Name of the evaluator that read the rates.
        data_note: What the file lacks, or empty.

    Returns:
        The figure with its caption and data.
    """
    curves = [series for series in all_series if not series.baseline][:MAX_CURVES]
    curves += [series for series in all_series if series.baseline]
    drawing, (left, right) = panels(
        2,
        columns=2,
        width_in=10,
        panel_height_in=max(2.9, 0.8 + 0.27 * len(all_series)),
        share=False,
        width_ratios=(1.45, 1),
    )
    unit = unit_of(all_series[0].windows)
    quantiles = _draw_quantiles(left, all_series, unit)
    _draw_shares(right, curves, unit)
    scope = "" if len(curves) == len(all_series) else f" of the first {MAX_CURVES} and the baseline"
    return Plot(
        figure=drawing,
        caption=(
            f"Errors under {evaluator}. Left, the windows with an estimate: the bar is the middle "
            "half, its gap the median, the line the middle 90 %; the rest is not drawn. Right, the "
            f"share of windows{scope} whose error is at most x; a missing estimate is within no x."
        ),
        alt=f"Signed error under {evaluator}, in {unit}. {'; '.join(quantiles)}.",
        data=data,
        data_note=data_note,
    )


def _draw_quantiles(panel: Axes, all_series: Sequence[Series], unit: str) -> list[str]:
    """Draw the quantiles of each series in a row, and return them as text."""
    bpm = metric("mae")
    texts = []
    errors = [_signed_errors(series) for series in all_series]
    largest = max(
        (
            np.percentile(np.abs(error), 95)
            for series, error in zip(all_series, errors, strict=True)
            if not series.baseline and len(error)
        ),
        default=np.inf,
    )
    for row, (series, error) in enumerate(zip(all_series, errors, strict=True)):
        if not len(error):
            continue
        low, lower, median, upper, high = np.percentile(error, [5, 25, 50, 75, 95])
        middle = f"middle 90 %{{}} {bpm.write(low)} to {bpm.write(high)}"
        texts.append(f"{series.name}: median {bpm.write(median)}, {middle.format('')}")
        if series.baseline and max(-low, high) > MAX_BASELINE_RATIO * largest:
            annotate_beyond_axis(panel, row, f"{middle.format(':')} {unit}")
            continue
        panel.hlines(row, low, high, color=BLUE, linewidth=1.1)
        panel.barh(row, upper - lower, left=lower, height=0.5, color=BLUE, linewidth=0)
        panel.vlines(median, row - 0.25, row + 0.25, color=PAPER, linewidth=1.8)
    panel.axvline(0, color=MUTED, linewidth=0.8, linestyle="--", zorder=0.5)
    panel.set_yticks(range(len(all_series)), [series.name for series in all_series])
    panel.set_ylim(len(all_series) - 0.4, -0.6)
    panel.grid(visible=False, axis="y")
    panel.set_xlabel(f"Estimate − reference ({unit})")
    style_row_names(panel)
    return texts


def _signed_errors(series: Series) -> Array:
    frame = series.paired_windows()
    error: Array = (frame["estimate_bpm"] - frame["reference_bpm"]).to_numpy(dtype=float)
    return error


def _draw_shares(panel: Axes, curves: Sequence[Series], unit: str) -> None:
    """Cumulative distributions, in steps of 0.1 a minute so that a curve stays small."""
    import pandas as pd
    import seaborn as sns

    dashes = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2, 1, 2)))
    for number, series in enumerate(curves):
        steps = np.ceil(np.abs(_signed_errors(series)) * 10) / 10
        missing = len(series.windows) - len(steps)
        values = pd.Series(np.concatenate([steps, np.full(missing, 10 * _REACH_BPM)]))
        counts = values.value_counts().sort_index()
        if counts.empty:
            continue
        sns.ecdfplot(
            x=counts.index.to_numpy(),
            weights=counts.to_numpy(),
            ax=panel,
            color=MUTED if series.baseline else SERIES[number % len(SERIES)],
            linestyle=dashes[number % len(dashes)],
            linewidth=1.5,
            label=f"{series.name} (baseline)" if series.baseline else series.name,
        )
    panel.set_xlim(0, _REACH_BPM)
    panel.set_ylim(0, 1)
    panel.yaxis.set_major_formatter(lambda value, tick: f"{100 * value:.0f} %")
    panel.set_xlabel(f"Absolute error ({unit})")
    panel.set_ylabel("Windows within")
    if panel.lines:
        panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handlelength=2.6)
