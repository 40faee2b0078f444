"""Bland-Altman plots: difference of estimate and reference against their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rppgbench.evaluation.bland_altman import bland_altman
from rppgbench.report.figures.drawing import INK, MUTED, VERMILLION, Download
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.figures.series import Series, plot_windows
from rppgbench.report.figures.window_panels import (
    annotate_corner,
    describe_windows,
    draw_windows,
    series_panels,
    value_limits,
)
from rppgbench.report.inputs import ReportInputs, unit_of
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@figure(name="bland-altman", title="Bland-Altman", place="figures", order=20)
def draw(inputs: ReportInputs) -> Plot | None:
    """Every window of the default evaluator; None where no window has both rates."""
    return plot_windows(inputs, plot_bland_altman)


def plot_bland_altman(
    all_series: Sequence[Series], data: Download, *, evaluator: str, data_note: str = ""
) -> Plot:
    """Difference against mean of estimate and reference, with bias and limits of agreement.

    The differences of a baseline with one constant rate lie on a slope by construction and would
    set the scale of all panels. Baselines are drawn only where there is nothing else.

    Args:
        all_series: The series to draw, at least one.
        data: The windows as a file.
        evaluator: Name of the evaluator that read the rates.
        data_note: What the file lacks, or empty.

    Returns:
        The figure with its caption and data.
    """
    methods = [series for series in all_series if not series.baseline] or list(all_series)
    left_out = [series.name for series in all_series if series not in methods]
    frames = [series.paired_windows() for series in methods]
    points = sum(len(frame) for frame in frames)
    means = [((f["reference_bpm"] + f["estimate_bpm"]) / 2).to_numpy() for f in frames]
    differences = [(f["estimate_bpm"] - f["reference_bpm"]).to_numpy() for f in frames]
    left, right = value_limits(means)
    reach = max(abs(limit) for limit in value_limits(differences))
    parts = []
    drawing, axes = series_panels(methods, row_width_in=10)
    for panel, series, frame, mean, difference in zip(
        axes, methods, frames, means, differences, strict=True
    ):
        panel.set_xlim(left, right)
        panel.set_ylim(-reach, reach)
        panel.locator_params(nbins=5)
        panel.axhline(0, color=MUTED, linewidth=0.6)
        draw_windows(panel, mean, difference, (left, right, -reach, reach), points=points)
        parts.append(f"{series.name}: {_draw_limits(panel, frame)}")
    unit = unit_of(all_series[0].windows)
    drawing.supxlabel(f"Mean of estimate and reference ({unit})", fontsize=8, color=INK)
    drawing.supylabel(f"Estimate − reference ({unit})", fontsize=8, color=INK)
    not_drawn = f"Not drawn, to keep the scale: {', '.join(left_out)}. " if left_out else ""
    return Plot(
        figure=drawing,
        caption=(
            f"Bland-Altman plots under {evaluator}: difference of estimate and reference against "
            "their mean. Solid: the bias. Dashed: the 95 % limits of agreement, bias ± 1.96 "
            "standard deviations; the variance is that between subjects plus that within subjects "
            "(Bland and Altman 2007). The band of each limit is its 95 % interval. "
            f"{not_drawn}{describe_windows(methods, points=points)}"
        ),
        alt=(
            f"Bland-Altman plots under {evaluator}, a panel for each method, in {unit}. "
            f"{'; '.join(parts)}."
        ),
        data=data,
        data_note=data_note,
    )


def _draw_limits(panel: Axes, frame: pd.DataFrame) -> str:
    """Draw bias and limits of agreement, and return both as text."""
    if len(frame) < 2:
        return "too few windows"
    limits = bland_altman(
        frame["reference_bpm"], frame["estimate_bpm"], frame["subject"].astype(str)
    )
    panel.axhline(limits.bias, color=VERMILLION, linewidth=1.1)
    for limit, low, high in (
        (limits.lower, limits.lower_low, limits.lower_high),
        (limits.upper, limits.upper_low, limits.upper_high),
    ):
        panel.axhline(limit, color=VERMILLION, linewidth=0.9, linestyle=(0, (4, 2)))
        if high > low:  # NaN without two subjects
            panel.axhspan(low, high, color=VERMILLION, alpha=0.12, linewidth=0)
    bpm = metric("mae")
    bias, lower, upper = (bpm.write(x) for x in (limits.bias, limits.lower, limits.upper))
    annotate_corner(panel, [f"bias {bias}", f"{lower} to {upper}"])
    return f"bias {bias}, limits {lower} to {upper}"
