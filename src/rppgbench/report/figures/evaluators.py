"""The same waveforms under every evaluator, in one figure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MAX_BASELINE_RATIO,
    MUTED,
    PAPER,
    RULE,
    annotate_beyond_axis,
    csv_download,
    panels,
    style_row_names,
)
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.figures.window_panels import column_count
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.columns import Column, in_unit, metric
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name, unscored_reason

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NAME, TITLE = "evaluators", "The same waveforms, other rules"

ROW_IN, HEAD_IN = 0.17, 0.66
"""Height of an evaluator's row, and of a panel's title and axis, in inches."""

MAX_REASON = 24
"""Letters of a reason inside a panel; the caption has the whole of it."""


@figure(name=NAME, title=TITLE, place="summary")
def draw(inputs: ReportInputs) -> Plot | None:
    """The evaluators of one quantity; None with fewer than two, or where none scored anything."""
    scored = [scores for scores in inputs.comparable_scores if not scores.summary.empty]
    if len(scored) < 2 or not any(s.summary["mae"].notna().any() for s in scored):
        return None
    return plot_evaluators(scored, baselines=inputs.baselines)


def plot_evaluators(
    all_scores: Sequence[Scores], *, measure: str = "mae", baselines: Collection[str] = ()
) -> Plot:
    """One measure of every method under every evaluator: a panel for each method.

    The panels are in the order of the first evaluator, the evaluators are the rows of a panel. A
    dot is the measure, a line its 95 % interval, the grey band spans all evaluators.

    Args:
        all_scores: The scores of each evaluator.
        measure: Name of the measure.
        baselines: The methods that are baselines.

    Returns:
        The figure with its caption and data.
    """
    column = in_unit(metric(measure), all_scores[0].unit)
    table = _measure_table(all_scores, column)
    names = list(dict.fromkeys(table["series"]))
    baseline_names = set(table.loc[table["method"].isin(list(baselines)), "series"])
    beyond = _beyond_axis(table, baseline_names, column)
    row_of_evaluator = {scores.name: row for row, scores in enumerate(all_scores)}
    drawing, axes = panels(
        len(names),
        columns=column_count(len(names)),
        width_in=10,
        panel_height_in=HEAD_IN + ROW_IN * max(len(all_scores), 3),
    )
    for panel, name in zip(axes, names, strict=True):
        part = table[table["series"] == name]
        rows = part["evaluator"].map(row_of_evaluator).to_numpy()
        panel.set_title(f"{name} (baseline)" if name in baseline_names else name)
        _draw_panel(panel, part, rows, column, beyond=name in beyond)
    axes[0].set_yticks(range(len(all_scores)), [scores.name for scores in all_scores])
    axes[0].set_ylim(len(all_scores) - 0.4, -0.6)
    if measure != "r":
        axes[0].set_xlim(left=min(0.0, axes[0].get_xlim()[0]))
    axes[0].locator_params(axis="x", nbins=4)
    unit = f"{column.label} ({column.unit})" if column.unit else column.label
    drawing.supxlabel(unit, fontsize=8, color=INK)
    spans = "; ".join(_span_texts(table, names, column))
    return Plot(
        figure=drawing,
        caption=(
            f"{column.label} of the same waveforms under {len(all_scores)} evaluators, a panel for "
            "each method. A dot is the number under one evaluator, its line the 95 % interval over "
            "subjects, the grey band the span of all. Only the rules differ within a panel."
            + (" The baseline lies beyond the axis, as written." if beyond else "")
            + "".join(f" {sentence}" for sentence in _unscored_sentences(table))
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
        part["reason"] = [
            unscored_reason(scores, record) if math.isnan(record[column.key]) else ""
            for record in records(frame)
        ]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _draw_panel(
    panel: Axes, part: pd.DataFrame, rows: NDArray[np.int64], column: Column, *, beyond: bool
) -> None:
    """The span of all evaluators of one method, then a dot with its interval in each one's row."""
    values = part[column.key].to_numpy(dtype=float)
    low, high = (part[f"{column.key}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
    style_row_names(panel)
    panel.tick_params(axis="y", labelsize=7)
    panel.grid(visible=False, axis="y")
    there = np.isfinite(values)
    for row, reason in zip(rows[~there], part["reason"][~there], strict=True):
        _write_in_row(panel, row, _shortened(str(reason) or "not defined"))
    if beyond:
        for row, value in zip(rows[there], values[there], strict=True):
            annotate_beyond_axis(panel, row, column.write(value / column.scale))
        return
    if there.any():
        panel.axvspan(values[there].min(), values[there].max(), color=RULE, alpha=0.55, linewidth=0)
    panel.hlines(rows, low, high, color=BLUE, linewidth=0.9)
    panel.plot(
        values,
        rows,
        "o",
        color=BLUE,
        markersize=4,
        markeredgecolor=PAPER,
        markeredgewidth=0.5,
        clip_on=False,  # an error of 0 is a whole marker, not the half of one
    )


def _write_in_row(panel: Axes, row: int, text: str) -> None:
    panel.annotate(
        text,
        (0.02, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=6.5,
        color=MUTED,
    )


def _shortened(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON else f"{reason[: MAX_REASON - 1].rstrip()}…"


def _unscored_sentences(table: pd.DataFrame) -> list[str]:
    """For each reason the evaluators under which it left a method without a score."""
    rows = table[table["reason"] != ""]
    return [
        f"Not scored under {', '.join(dict.fromkeys(part['evaluator']))}: {reason}."
        for reason, part in rows.groupby("reason", sort=False)
    ]


def _span_texts(table: pd.DataFrame, names: Collection[str], column: Column) -> list[str]:
    """Lowest and highest value of each row, as text; rows without a value are left out."""
    values = {name: table.loc[table["series"] == name, column.key].dropna() for name in names}
    return [
        f"{name}: {part.min():.{column.decimals}f} to {part.max():.{column.decimals}f}"
        for name, part in values.items()
        if len(part)
    ]


def _beyond_axis(table: pd.DataFrame, baselines: Collection[str], column: Column) -> set[str]:
    """Baselines that are written and not drawn.

    An axis that reaches to them would leave no room for the differences between the methods.
    """
    if column.better != "low":
        return set()
    ends = [column.key, f"{column.key}_high"]
    largest = table.loc[~table["series"].isin(list(baselines)), ends].max().max()
    least = table.groupby("series")[column.key].min()
    return {name for name in baselines if least[name] > MAX_BASELINE_RATIO * largest}
