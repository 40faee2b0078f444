"""The same waveforms under every evaluator, in one figure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.report.figures.drawing import (
    MARKERS,
    MAX_BASELINE_RATIO,
    PAPER,
    RULE,
    SERIES,
    Drawing,
    annotate_beyond_axis,
    csv_download,
    drawing_style,
    panels,
    style_row_names,
    to_svg,
)
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import metric
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name

if TYPE_CHECKING:
    import pandas as pd


def evaluator_overview(
    all_scores: Sequence[Scores],
    *,
    key: str = "evaluators",
    measure: str = "mae",
    baselines: Collection[str] = (),
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
        frame = canonical_order(scores.summary, scores.by)
        part = frame[[*scores.by]].copy()
        part.insert(0, "evaluator", scores.name)
        part["series"] = [row_name(record, scores.by) for record in records(frame)]
        for name in (measure, f"{measure}_low", f"{measure}_high"):
            part[name] = frame[name] * column.scale if name in frame else np.nan
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    names = list(dict.fromkeys(table["series"]))
    baseline_names = set(table.loc[table["method"].isin(list(baselines)), "series"])
    words = _spread_words(table, names, measure)
    step = min(0.11, 0.7 / max(1, len(all_scores) - 1))
    beyond = _beyond(table, baseline_names, measure)
    with drawing_style(key):
        row_in = max(0.3, 0.1 * len(all_scores))
        figure, (axes,) = panels(
            1, columns=1, width_in=10, panel_height_in=0.9 + row_in * len(names)
        )
        rows = {name: place for place, name in enumerate(names)}
        for label, part in table.groupby("series", sort=False):
            span = part[measure].dropna()
            if len(span) and label not in beyond:
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
            part = table[(table["evaluator"] == scores.name) & ~table["series"].isin(list(beyond))]
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
        for name, text in beyond.items():
            annotate_beyond_axis(axes, rows[name], f"{text} {column.unit}".strip())
        axes.set_yticks(
            range(len(names)),
            [f"{name} (baseline)" if name in baseline_names else name for name in names],
        )
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        if measure != "r":
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.set_xlabel(f"{column.label} ({column.unit})" if column.unit else column.label)
        style_row_names(axes)
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
    if beyond:
        caption += " The baseline lies beyond the axis, as written."
    data = csv_download(f"evaluators-{measure}.csv", table.drop(columns="series"))
    return Drawing(key, "The same waveforms, other rules", caption, alt, svg, data)


def _spread_words(table: pd.DataFrame, names: Sequence[str], measure: str) -> list[str]:
    column = metric(measure)
    words = []
    for name in names:
        values = table.loc[table["series"] == name, measure].dropna()
        if len(values):
            low, high = (f"{value:.{column.decimals}f}" for value in (values.min(), values.max()))
            words.append(f"{name}: {low} to {high}")
    return words


def _beyond(table: pd.DataFrame, baselines: Collection[str], measure: str) -> dict[str, str]:
    """Floors that lie so far out that an axis that holds them squeezes every method, with words."""
    column = metric(measure)
    ends = [measure, f"{measure}_high"]
    methods = table.loc[~table["series"].isin(list(baselines)), ends].max().max()
    found = {}
    for name in baselines:
        values = table.loc[table["series"] == name, measure].dropna()
        if column.better == "low" and len(values) and values.min() > MAX_BASELINE_RATIO * methods:
            low, high = (f"{value:.{column.decimals}f}" for value in (values.min(), values.max()))
            found[name] = low if low == high else f"{low} to {high}"
    return found
