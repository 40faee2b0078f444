"""Estimate against reference: scatter and Bland-Altman plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation import bland_altman as agreement
from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MUTED,
    VERMILLION,
    Download,
    Drawing,
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.figures.series import Series
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 5_000
"""Windows in one figure up to which each is a point; above, hexagons count them."""

_STEPS = (0.16, 0.3, 0.45, 0.6, 0.8, 1.0)
_CELLS = 30


def scatter(
    all_series: Sequence[Series],
    data: Download,
    *,
    key: str = "scatter",
    evaluator: str,
    simulated: bool = False,
    data_note: str = "",
) -> Drawing:
    """Estimated against reference heart rate, a panel a series, the identity as a line."""
    drawn = [one.drawn() for one in all_series]
    points = sum(len(frame) for frame in drawn)
    low, high = _limits([f[c].to_numpy() for f in drawn for c in ("reference_bpm", "estimate_bpm")])
    columns = _columns(len(all_series))
    lifted = _is_crowded(all_series, columns)
    with drawing_style(key):
        figure, axes = panels(
            len(all_series), columns=columns, width_in=10, panel_height_in=min(12 / columns, 4.4)
        )
        for place, one, frame in zip(axes, all_series, drawn, strict=True):
            _name(place, one.name, lifted=lifted)
            place.set_xlim(low, high)
            place.set_ylim(low, high)
            place.set_aspect("equal")
            place.locator_params(nbins=5)
            place.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle="--")
            x, y = frame["reference_bpm"].to_numpy(), frame["estimate_bpm"].to_numpy()
            if points > MAX_POINTS:
                _hexagons(place, x, y, (low, high, low, high))
            else:
                place.plot(x, y, "o", color=BLUE, markersize=2.6, markeredgewidth=0, alpha=0.45)
            _corner(place, _accuracy(one))
        figure.supxlabel("Reference heart rate (bpm)", fontsize=8, color=INK)
        figure.supylabel("Estimated heart rate (bpm)", fontsize=8, color=INK)
        alt = f"Estimated against reference heart rate under {evaluator}, a panel a method. " + (
            "; ".join(f"{one.name}: {', '.join(_accuracy(one))}" for one in all_series)
        )
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        f"Estimated against reference heart rate under {evaluator}; the dashed line is agreement. "
        f"{_what_is_drawn(all_series, drawn, points)}"
    )
    return Drawing(key, "Estimate and reference", caption, alt, svg, data, data_note)


def bland_altman(
    all_series: Sequence[Series],
    data: Download,
    *,
    key: str = "bland-altman",
    evaluator: str,
    simulated: bool = False,
    data_note: str = "",
) -> Drawing:
    """Difference against mean of estimate and reference, with bias and limits of agreement.

    A baseline that learns one rate lies on a slope by construction and would set the scale of all
    panels: baselines are drawn only where there is nothing else.
    """
    methods = [one for one in all_series if not one.baseline] or list(all_series)
    baselines = [one.name for one in all_series if one not in methods]
    all_series = methods
    drawn = [one.drawn() for one in all_series]
    points = sum(len(frame) for frame in drawn)
    means = [((f["reference_bpm"] + f["estimate_bpm"]) / 2).to_numpy() for f in drawn]
    differences = [(f["estimate_bpm"] - f["reference_bpm"]).to_numpy() for f in drawn]
    left, right = _limits(means)
    bottom, top = _limits(differences)
    reach = max(abs(bottom), abs(top))
    words = []
    bpm = metric("mae")
    columns = _columns(len(all_series))
    lifted = _is_crowded(all_series, columns)
    with drawing_style(key):
        figure, axes = panels(
            len(all_series), columns=columns, width_in=10, panel_height_in=min(10 / columns, 4.4)
        )
        for place, one, frame, mean, difference in zip(
            axes, all_series, drawn, means, differences, strict=True
        ):
            _name(place, one.name, lifted=lifted)
            place.set_xlim(left, right)
            place.set_ylim(-reach, reach)
            place.locator_params(nbins=5)
            place.axhline(0, color=MUTED, linewidth=0.6)
            if points > MAX_POINTS:
                _hexagons(place, mean, difference, (left, right, -reach, reach))
            else:
                place.plot(
                    mean, difference, "o", color=BLUE, markersize=2.6, markeredgewidth=0, alpha=0.45
                )
            if len(difference) < 2:
                words.append(f"{one.name}: too few windows")
                continue
            found = agreement.bland_altman(
                frame["reference_bpm"], frame["estimate_bpm"], frame["subject"].astype(str)
            )
            place.axhline(found.bias, color=VERMILLION, linewidth=1.1)
            for limit, below, above in (
                (found.lower, found.lower_low, found.lower_high),
                (found.upper, found.upper_low, found.upper_high),
            ):
                place.axhline(limit, color=VERMILLION, linewidth=0.9, linestyle=(0, (4, 2)))
                if above > below:  # NaN without two subjects
                    place.axhspan(below, above, color=VERMILLION, alpha=0.12, linewidth=0)
            bias, lower, upper = (bpm.write(x) for x in (found.bias, found.lower, found.upper))
            _corner(place, [f"bias {bias}", f"{lower} to {upper}"])
            words.append(f"{one.name}: bias {bias}, limits {lower} to {upper}")
        figure.supxlabel("Mean of estimate and reference (bpm)", fontsize=8, color=INK)
        figure.supylabel("Estimate − reference (bpm)", fontsize=8, color=INK)
        alt = f"Bland-Altman plots under {evaluator}, a panel a method, in bpm. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        f"Bland-Altman plots under {evaluator}: difference of estimate and reference against their "
        "mean. Solid: the bias; dashed: the 95 % limits of agreement, bias ± 1.96 standard "
        "deviations, which add the variance between subjects to that within them (Bland and Altman "
        f"2007), each in the band of its own 95 % interval. {_left_out(baselines)}"
        f"{_what_is_drawn(all_series, drawn, points)}"
    )
    return Drawing(key, "Bland-Altman", caption, alt, svg, data, data_note)


def _left_out(baselines: Sequence[str]) -> str:
    if not baselines:
        return ""
    return f"Not drawn, as it would set the scale: {', '.join(baselines)}. "


def _columns(count: int) -> int:
    """Four panels in a row, or five where that leaves fewer places empty; few are one row.

    >>> [_columns(count) for count in (2, 8, 9, 15)]
    [2, 4, 5, 5]
    """
    return min(count, min((4, 5), key=lambda columns: -count % columns)) or 1


def _accuracy(one: Series) -> list[str]:
    mae, r = metric("mae"), metric("r")
    return [
        f"MAE {mae.write(float(one.record['mae']))}",
        f"r {r.write(float(one.record.get('r', float('nan'))))}",
    ]


def _what_is_drawn(all_series: Sequence[Series], drawn: Sequence[object], points: int) -> str:
    windows = sum(len(one.windows) for one in all_series)
    if points > MAX_POINTS:
        text = (
            f"{points:,} windows as hexagons in {len(_STEPS)} shades: 1 window, 2 or more, 4 or "
            f"more, and so on to {2 ** (len(_STEPS) - 1)} or more."
        )
    else:
        text = f"Each point is a window ({points:,})."
    if windows > points:
        text += f" {windows - points:,} windows without an estimate or a reference cannot be drawn."
    return text


def _limits(values: Sequence[Array]) -> tuple[float, float]:
    """From a little below all values to a little above; (0, 1) where there are none."""
    joined = np.concatenate([*values, np.empty(0)])
    joined = joined[np.isfinite(joined)]
    if not len(joined):
        return 0.0, 1.0
    low, high = float(joined.min()), float(joined.max())
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


_LETTER_IN, _CORNER_IN = 0.08, 1.3  # the width of a name's letter, and of the corner's lines


def _is_crowded(all_series: Sequence[Series], columns: int) -> bool:
    """Whether some name would run into the corner's lines beside it."""
    longest = max((len(line) for one in all_series for line in one.name.split(": ")), default=0)
    return longest * _LETTER_IN > 9 / columns - _CORNER_IN


def _name(place: Axes, name: str, *, lifted: bool) -> None:
    """The panel's name, above the corner's lines where it is `lifted`, broken where it may be."""
    place.set_title(name.replace(": ", ":\n") if lifted else name, pad=24 if lifted else None)


def _corner(place: Axes, lines: Sequence[str]) -> None:
    """Two lines above the panel, each placed by its own right end: the reader's font may differ."""
    for number, line in enumerate(reversed(lines)):
        place.annotate(
            line,
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 3 + 9 * number),
            textcoords="offset points",
            ha="right",
            fontsize=7,
            color=MUTED,
        )


def _hexagons(place: Axes, x: Array, y: Array, extent: tuple[float, float, float, float]) -> None:
    """Count the points in hexagons and draw one path for each of the few shades."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not len(x):
        return
    bins = place.hexbin(x, y, gridsize=_CELLS, extent=extent, mincnt=1)
    counts = np.asarray(bins.get_array(), dtype=float)
    centres = np.asarray(bins.get_offsets(), dtype=float)
    cell = np.asarray(bins.get_paths()[0].vertices, dtype=float)
    bins.remove()
    shade = np.minimum(np.log2(counts).astype(int), len(_STEPS) - 1)
    for step, opacity in enumerate(_STEPS):
        here = centres[shade == step]
        if len(here):
            cells = [Path(cell + centre, closed=True) for centre in here]
            shape = Path.make_compound_path(*cells)
            place.add_patch(PathPatch(shape, facecolor=BLUE, alpha=opacity, linewidth=0))
