"""How errors spread: over windows, evaluators and seeds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.report.columns import metric
from rppgbench.report.drawing import (
    BLUE,
    INK,
    MARKERS,
    MUTED,
    PAPER,
    RULE,
    SERIES,
    Download,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.inputs import Scores
from rppgbench.report.series import Series
from rppgbench.report.tables import ordered, records, row_name
from rppgbench.waveform import Array

if TYPE_CHECKING:
    import pandas as pd
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
    first `_CURVES` series and the floors, cumulatively; a window without an estimate never counts.
    """
    words = []
    bpm = metric("mae")
    curves = [one for one in all_series if not one.floor][:_CURVES]
    curves += [one for one in all_series if one.floor]
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
            left.hlines(row, low, high, color=BLUE, linewidth=1.1)
            left.barh(row, upper - lower, left=lower, height=0.5, color=BLUE, linewidth=0)
            left.vlines(median, row - 0.25, row + 0.25, color=PAPER, linewidth=1.8)
            words.append(
                f"{one.name}: median {bpm.write(median)}, middle 90 % {bpm.write(low)} to "
                f"{bpm.write(high)}"
            )
        left.axvline(0, color=MUTED, linewidth=0.8, linestyle="--", zorder=0.5)
        left.set_yticks(range(len(all_series)), [one.name for one in all_series])
        left.set_ylim(len(all_series) - 0.4, -0.6)
        left.grid(visible=False, axis="y")
        left.set_xlabel("Estimate − reference (bpm)")
        _plain_names(left)
        _draw_shares(right, curves)
        alt = f"Signed error under {evaluator}, in bpm. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    named = "" if len(curves) == len(all_series) else f" of the first {_CURVES} and the floor"
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
            color=MUTED if one.floor else SERIES[number % len(SERIES)],
            linestyle=dashes[number % len(dashes)],
            linewidth=1.5,
            label=f"{one.name} (floor)" if one.floor else one.name,
        )
    place.set_xlim(0, _REACH_BPM)
    place.set_ylim(0, 1)
    place.yaxis.set_major_formatter(lambda value, tick: f"{100 * value:.0f} %")
    place.set_xlabel("Absolute error (bpm)")
    place.set_ylabel("Windows within")
    if place.lines:
        place.legend(loc="lower right", handlelength=2.6)


def evaluator_overview(
    all_scores: Sequence[Scores],
    *,
    key: str = "evaluators",
    measure: str = "mae",
    floors: Collection[str] = (),
    simulated: bool = False,
) -> Drawing:
    """One measure of every method under every evaluator: the same waveforms, other rules.

    Rows follow the first evaluator's order. A dot is the measure, a thin line its 95 % interval,
    the grey bar spans all evaluators.
    """
    import pandas as pd

    column = metric(measure)
    parts = []
    for scores in all_scores:
        frame = ordered(scores.summary, scores.by)
        part = frame[[*scores.by]].copy()
        part.insert(0, "evaluator", scores.name)
        part["series"] = [row_name(record, scores.by) for record in records(frame)]
        for name in (measure, f"{measure}_low", f"{measure}_high"):
            part[name] = frame[name] * column.scale if name in frame else np.nan
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    names = list(dict.fromkeys(table["series"]))
    floor_names = set(table.loc[table["method"].isin(list(floors)), "series"])
    words = _spread_words(table, names, measure)
    step = min(0.11, 0.7 / max(1, len(all_scores) - 1))
    with drawing_style(key):
        row_in = max(0.3, 0.1 * len(all_scores))
        figure, (axes,) = panels(
            1, columns=1, width_in=10, panel_height_in=0.9 + row_in * len(names)
        )
        rows = {name: place for place, name in enumerate(names)}
        for label, part in table.groupby("series", sort=False):
            span = part[measure].dropna()
            if len(span):
                height = step * (len(all_scores) - 1) + 0.2
                axes.barh(
                    rows[str(label)],
                    span.max() - span.min(),
                    left=span.min(),
                    height=height,
                    color=RULE,
                    alpha=0.55,
                    linewidth=0,
                )
        for number, scores in enumerate(all_scores):
            part = table[table["evaluator"] == scores.name]
            y = np.array([rows[name] for name in part["series"]], dtype=float)
            y += (number - (len(all_scores) - 1) / 2) * step
            colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
            axes.hlines(
                y, part[f"{measure}_low"], part[f"{measure}_high"], color=colour, linewidth=0.9
            )
            axes.plot(
                part[measure],
                y,
                marker,
                color=colour,
                markersize=5,
                markeredgecolor=PAPER,
                markeredgewidth=0.6,
                clip_on=False,  # an error of 0 is a whole marker, not the half of one
                label=scores.name,
            )
        axes.set_yticks(
            range(len(names)),
            [f"{name} (floor)" if name in floor_names else name for name in names],
        )
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        if measure != "r":
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.set_xlabel(f"{column.label} ({column.unit})" if column.unit else column.label)
        _plain_names(axes)
        figure.legend(loc="outside upper left", ncols=min(6, len(all_scores)), handletextpad=0.2)
        alt = (
            f"{column.label} of each method under {len(all_scores)} evaluators. {'; '.join(words)}."
        )
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        f"{column.label} of the same waveforms under {len(all_scores)} evaluators. A marker is one "
        "evaluator, its line the 95 % interval over subjects, the grey bar the span of all: what "
        "changes along a row is the rules alone."
    )
    data = csv_download(f"evaluators-{measure}.csv", table.drop(columns="series"))
    return Drawing(key, "The same waveforms, other rules", caption, alt, svg, data)


def seed_figure(scores: Scores, *, key: str = "seeds", simulated: bool = False) -> Drawing | None:
    """Mean absolute error of each seed as a dot and their mean as a bar; None without seeds.

    Drawn are the rows of the table that have more than one seed in `scores.groups["seed"]`.
    """
    import pandas as pd

    if "seed" not in scores.groups:
        return None
    groups = records(ordered(scores.groups["seed"], [*scores.by, "seed"]))
    names = [row_name(record, scores.by) for record in records(ordered(scores.summary, scores.by))]
    table = pd.DataFrame(
        [(row_name(one, scores.by), one["seed"], one["mae"]) for one in groups],
        columns=["series", "seed", "mae"],
    )
    counts = table["series"].value_counts()
    names = [name for name in names if counts.get(name, 0) > 1]
    if not names:
        return None
    table = table[table["series"].isin(names)]
    evaluator = scores.name
    words = []
    with drawing_style(key):
        figure, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=0.8 + 0.3 * len(names))
        for row, name in enumerate(names):
            values = table.loc[table["series"] == name, "mae"].to_numpy(dtype=float)
            axes.plot(
                values,
                np.full(len(values), row),
                "o",
                color=BLUE,
                markersize=5,
                alpha=0.75,
                markeredgewidth=0,
                clip_on=False,
            )
            axes.vlines(values.mean(), row - 0.25, row + 0.25, color=INK, linewidth=1.6)
            words.append(
                f"{name}: mean {values.mean():.2f}, standard deviation {values.std(ddof=1):.2f} "
                f"over {len(values)} seeds"
            )
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("MAE (bpm)")
        _plain_names(axes)
        alt = f"Mean absolute error of each seed under {evaluator}, in bpm. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = f"Mean absolute error of each seed under {evaluator} (dots) and their mean (bar)."
    return Drawing(key, "Seeds", caption, alt, svg, csv_download("seeds.csv", table))


def _spread_words(table: pd.DataFrame, names: Sequence[str], measure: str) -> list[str]:
    column = metric(measure)
    words = []
    for name in names:
        values = table.loc[table["series"] == name, measure].dropna()
        if len(values):
            low, high = (f"{value:.{column.decimals}f}" for value in (values.min(), values.max()))
            words.append(f"{name}: {low} to {high}")
    return words


def _plain_names(axes: Axes) -> None:
    """Names of rows read as text, without ticks or an axis line."""
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    axes.spines["left"].set_visible(False)
