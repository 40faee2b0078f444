"""The same waveforms under every evaluator, in one figure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.report.figures.drawing import (
    MARKERS,
    MAX_BASELINE_RATIO,
    PAPER,
    RULE,
    SERIES,
    annotate_beyond_axis,
    csv_download,
    panels,
    style_row_names,
)
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NAME, TITLE = "evaluators", "The same waveforms, other rules"


@figure(name=NAME, title=TITLE, place="summary")
def draw(inputs: ReportInputs) -> Plot | None:
    """All evaluators that scored something; None with fewer than two."""
    scored = [
        scores
        for scores in inputs.scores
        if not scores.summary.empty and scores.summary["mae"].notna().any()
    ]
    return plot_evaluators(scored, baselines=inputs.baselines) if len(scored) > 1 else None


def plot_evaluators(
    all_scores: Sequence[Scores], *, measure: str = "mae", baselines: Collection[str] = ()
) -> Plot:
    """One measure of every method under every evaluator: the same waveforms, other rules.

    Rows are in the order of the first evaluator. A marker is the measure, a thin line its 95 %
    interval; the grey bar spans all evaluators.

    Args:
        all_scores: The scores of each evaluator.
        measure: Name of the measure.
        baselines: The methods that are baselines.

    Returns:
        The figure with its caption and data.
    """
    column = metric(measure)
    table = _measure_table(all_scores, column)
    names = list(dict.fromkeys(table["series"]))
    baseline_names = set(table.loc[table["method"].isin(list(baselines)), "series"])
    beyond = _beyond_axis(table, baseline_names, column)
    row_in = max(0.3, 0.1 * len(all_scores))
    drawing, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=0.9 + row_in * len(names))
    rows = {name: number for number, name in enumerate(names)}
    _draw_markers(axes, table[~table["series"].isin(list(beyond))], all_scores, rows, measure)
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
    drawing.legend(loc="outside upper left", ncols=min(6, len(all_scores)), handletextpad=0.2)
    spans = "; ".join(_span_texts(table, names, column))
    return Plot(
        figure=drawing,
        caption=(
            f"{column.label} of the same waveforms under {len(all_scores)} evaluators. A marker is "
            "one evaluator, its line the 95 % interval over subjects, the grey bar the span of "
            "all. Only the rules differ along a row."
            + (" The baseline lies beyond the axis, as written." if beyond else "")
        ),
        alt=f"{column.label} of each method under {len(all_scores)} evaluators. {spans}.",
        data=csv_download(f"evaluators-{measure}.csv", table.drop(columns="series")),
    )


def _measure_table(all_scores: Sequence[Scores], column: Column) -> pd.DataFrame:
    """A row for each evaluator and row of its summary: the measure with its interval."""
    import pandas as pd

    parts = []
    for scores in all_scores:
        frame = canonical_order(scores.summary, scores.by)
        part = frame[[*scores.by]].copy()
        part.insert(0, "evaluator", scores.name)
        part["series"] = [row_name(record, scores.by) for record in records(frame)]
        for name in (column.key, f"{column.key}_low", f"{column.key}_high"):
            part[name] = frame[name] * column.scale if name in frame else np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _draw_markers(
    axes: Axes,
    table: pd.DataFrame,
    all_scores: Sequence[Scores],
    rows: Mapping[str, int],
    measure: str,
) -> None:
    """Draw each row's span over the evaluators, then the markers of each evaluator."""
    count = len(all_scores)
    step = min(0.11, 0.7 / max(1, count - 1))
    for label, part in table.groupby("series", sort=False):
        values = part[measure].dropna()
        if len(values):
            axes.barh(
                rows[str(label)],
                values.max() - values.min(),
                left=values.min(),
                height=step * (count - 1) + 0.2,
                color=RULE,
                alpha=0.55,
                linewidth=0,
            )
    for number, scores in enumerate(all_scores):
        part = table[table["evaluator"] == scores.name]
        y = np.array([rows[name] for name in part["series"]], dtype=float)
        y += (number - (count - 1) / 2) * step
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        axes.hlines(y, part[f"{measure}_low"], part[f"{measure}_high"], color=colour, linewidth=0.9)
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


def _span_texts(table: pd.DataFrame, names: Collection[str], column: Column) -> list[str]:
    """Lowest and highest value of each row, as text; rows without a value are left out."""
    values = {name: table.loc[table["series"] == name, column.key].dropna() for name in names}
    return [
        f"{name}: {part.min():.{column.decimals}f} to {part.max():.{column.decimals}f}"
        for name, part in values.items()
        if len(part)
    ]


def _beyond_axis(table: pd.DataFrame, baselines: Collection[str], column: Column) -> dict[str, str]:
    """Baselines that are not drawn, with their values as text.

    An axis that reaches to them would leave no room for the differences between the methods.
    """
    ends = [column.key, f"{column.key}_high"]
    methods = table.loc[~table["series"].isin(list(baselines)), ends].max().max()
    beyond = {}
    for name in baselines:
        values = table.loc[table["series"] == name, column.key].dropna()
        if column.better == "low" and len(values) and values.min() > MAX_BASELINE_RATIO * methods:
            low, high = (f"{value:.{column.decimals}f}" for value in (values.min(), values.max()))
            beyond[name] = low if low == high else f"{low} to {high}"
    return beyond
