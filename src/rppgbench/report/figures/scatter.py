"""Estimated against reference heart rate, window by window."""

from __future__ import annotations

from collections.abc import Sequence

from rppgbench.report.figures.drawing import INK, MUTED, Download
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
from rppgbench.report.inputs import ReportInputs, quantity_of, unit_of
from rppgbench.report.tables.columns import metric

TITLE = "Estimate and reference"


@figure(name="scatter", title=TITLE, place="figures", order=10)
def draw(inputs: ReportInputs) -> Plot | None:
    """Every window of the default evaluator; None where no window has both rates."""
    return plot_windows(inputs, plot_scatter)


def plot_scatter(
    all_series: Sequence[Series], data: Download, *, evaluator: str, data_note: str = ""
) -> Plot:
    """Estimated against reference heart rate, a panel for each series, the identity as a line.

    Args:
        all_series: The series to draw, at least one.
        data: The windows as a file.
        evaluator: Name of the evaluator that read the rates.
        data_note: What the file lacks, or empty.

    Returns:
        The figure with its caption and data.
    """
    windows = all_series[0].windows
    quantity, unit = quantity_of(windows), unit_of(windows)
    frames = [series.paired_windows() for series in all_series]
    points = sum(len(frame) for frame in frames)
    low, high = value_limits(
        [frame[c].to_numpy() for frame in frames for c in ("reference_bpm", "estimate_bpm")]
    )
    drawing, axes = series_panels(all_series, row_width_in=12)
    for panel, series, frame in zip(axes, all_series, frames, strict=True):
        panel.set_xlim(low, high)
        panel.set_ylim(low, high)
        panel.set_aspect("equal")
        panel.locator_params(nbins=5)
        panel.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle="--")
        x, y = frame["reference_bpm"].to_numpy(), frame["estimate_bpm"].to_numpy()
        draw_windows(panel, x, y, (low, high, low, high), points=points)
        annotate_corner(panel, _accuracy(series))
    drawing.supxlabel(f"Reference {quantity} ({unit})", fontsize=8, color=INK)
    drawing.supylabel(f"Estimated {quantity} ({unit})", fontsize=8, color=INK)
    return Plot(
        figure=drawing,
        caption=(
            f"Estimated against reference {quantity} under {evaluator}. On the dashed line both "
            f"are equal. {describe_windows(all_series, points=points)}"
        ),
        alt=(
            f"Estimated against reference {quantity} under {evaluator}, a panel for each method. "
            + "; ".join(f"{series.name}: {', '.join(_accuracy(series))}" for series in all_series)
        ),
        data=data,
        data_note=data_note,
    )


def _accuracy(series: Series) -> list[str]:
    mae, r = metric("mae"), metric("r")
    return [
        f"MAE {mae.write(float(series.record['mae']))}",
        f"r {r.write(float(series.record.get('r', float('nan'))))}",
    ]
