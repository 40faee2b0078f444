"""Panels of single windows, one panel for each row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.report.figures.drawing import BLUE, MUTED, panels
from rppgbench.report.figures.series import Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_POINTS = 5_000
"""Windows in one figure up to which each window is a point; above, hexagons count the windows."""

_OPACITIES = (0.16, 0.3, 0.45, 0.6, 0.8, 1.0)
_HEXAGONS_ACROSS = 30
_LETTER_IN, _CORNER_IN = 0.08, 1.3  # the width of a name's letter, and of the corner's lines


def series_panels(
    all_series: Sequence[Series], *, row_width_in: float
) -> tuple[Figure, list[Axes]]:
    """A named panel for each series.

    Args:
        all_series: The series, in the order of the panels.
        row_width_in: Height of a row of panels times the number of columns, in inches.

    Returns:
        The figure and its panels, in the order of `all_series`.
    """
    columns = column_count(len(all_series))
    figure, axes = panels(
        len(all_series),
        columns=columns,
        width_in=10,
        panel_height_in=min(row_width_in / columns, 4.4),
    )
    crowded = _is_crowded(all_series, columns)
    for panel, series in zip(axes, all_series, strict=True):
        # Where names and corner lines would overlap, the name stands above the lines.
        name = series.name.replace(": ", ":\n") if crowded else series.name
        panel.set_title(name, pad=24 if crowded else None)
    return figure, axes


def draw_windows(
    panel: Axes, x: Array, y: Array, extent: tuple[float, float, float, float], *, points: int
) -> None:
    """Draw windows as points, or as hexagons where the figure has more than `MAX_POINTS`.

    Args:
        panel: Where to draw.
        x: Abscissa of each window (N,).
        y: Ordinate of each window (N,).
        extent: Limits of the panel: left, right, bottom, top.
        points: Number of windows in all panels of the figure.
    """
    if points > MAX_POINTS:
        _draw_hexagons(panel, x, y, extent)
    else:
        panel.plot(x, y, "o", color=BLUE, markersize=2.6, markeredgewidth=0, alpha=0.45)


def annotate_corner(panel: Axes, lines: Sequence[str]) -> None:
    """Write lines above the right end of a panel.

    Each line is placed by its own right end, because the width of the reader's font is unknown.

    Args:
        panel: The panel.
        lines: The lines, from top to bottom.
    """
    for number, line in enumerate(reversed(lines)):
        panel.annotate(
            line,
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 3 + 9 * number),
            textcoords="offset points",
            ha="right",
            fontsize=7,
            color=MUTED,
        )


def describe_windows(all_series: Sequence[Series], *, points: int) -> str:
    """A sentence on what a mark stands for and on windows that cannot be drawn.

    Args:
        all_series: The drawn series.
        points: Number of windows with an estimate and a reference.

    Returns:
        The end of a caption.
    """
    windows = sum(len(series.windows) for series in all_series)
    if points > MAX_POINTS:
        text = (
            f"{points:,} windows as hexagons in {len(_OPACITIES)} shades: 1 window, 2 or more, 4 "
            f"or more, and so on to {2 ** (len(_OPACITIES) - 1)} or more."
        )
    else:
        text = f"Each point is a window ({points:,})."
    if windows > points:
        text += f" {windows - points:,} windows without an estimate or a reference cannot be drawn."
    return text


def value_limits(values: Sequence[Array]) -> tuple[float, float]:
    """From a little below all values to a little above; (0, 1) where there are none."""
    joined = np.concatenate([*values, np.empty(0)])
    joined = joined[np.isfinite(joined)]
    if not len(joined):
        return 0.0, 1.0
    low, high = float(joined.min()), float(joined.max())
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def column_count(count: int) -> int:
    """Four panels in a row, or five where that leaves fewer places empty; few are one row.

    >>> [column_count(count) for count in (2, 8, 9, 15)]
    [2, 4, 5, 5]
    """
    return min(count, min((4, 5), key=lambda columns: -count % columns)) or 1


def _is_crowded(all_series: Sequence[Series], columns: int) -> bool:
    """Whether some name would overlap the corner's lines beside it."""
    longest = max(
        (len(line) for series in all_series for line in series.name.split(": ")), default=0
    )
    return longest * _LETTER_IN > 9 / columns - _CORNER_IN


def _draw_hexagons(
    panel: Axes, x: Array, y: Array, extent: tuple[float, float, float, float]
) -> None:
    """Count the points in hexagons and draw one path for each of the few shades."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not len(x):
        return
    bins = panel.hexbin(x, y, gridsize=_HEXAGONS_ACROSS, extent=extent, mincnt=1)
    counts = np.asarray(bins.get_array(), dtype=float)
    centres = np.asarray(bins.get_offsets(), dtype=float)
    hexagon = np.asarray(bins.get_paths()[0].vertices, dtype=float)
    bins.remove()
    shade = np.minimum(np.log2(counts).astype(int), len(_OPACITIES) - 1)
    for step, opacity in enumerate(_OPACITIES):
        in_shade = centres[shade == step]
        if len(in_shade):
            hexagons = [Path(hexagon + centre, closed=True) for centre in in_shade]
            shape = Path.make_compound_path(*hexagons)
            panel.add_patch(PathPatch(shape, facecolor=BLUE, alpha=opacity, linewidth=0))
