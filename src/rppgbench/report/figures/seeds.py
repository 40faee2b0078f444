"""The error of each seed of a learned method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rppgbench.report.figures.drawing import BLUE, INK, csv_download, panels, style_row_names
from rppgbench.report.figures.frame import Plot
from rppgbench.report.figures.registry import figure
from rppgbench.report.figures.series import drawn_series
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@figure(name="seeds", title="Seeds", place="figures", order=40)
def draw(inputs: ReportInputs) -> Plot | None:
    """Errors of seeds under the default evaluator; None where no row has several seeds."""
    return plot_seeds(inputs.scores[0]) if drawn_series(inputs) else None


def plot_seeds(scores: Scores) -> Plot | None:
    """Mean absolute error of each seed as a dot and their mean as a bar.

    The rows of the table that have more than one seed in `scores.groups["seed"]` are drawn; None
    where there is no such row.
    """
    import pandas as pd

    if "seed" not in scores.groups:
        return None
    groups = records(canonical_order(scores.groups["seed"], [*scores.by, "seed"]))
    table = pd.DataFrame(
        [(row_name(record, scores.by), record["seed"], record["mae"]) for record in groups],
        columns=["series", "seed", "mae"],
    )
    counts = table["series"].value_counts()
    rows = records(canonical_order(scores.summary, scores.by))
    names = [name for row in rows if counts.get(name := row_name(row, scores.by), 0) > 1]
    if not names:
        return None
    table = table[table["series"].isin(names)]
    drawing, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=0.8 + 0.3 * len(names))
    texts = []
    for row, name in enumerate(names):
        values = table.loc[table["series"] == name, "mae"].to_numpy(dtype=float)
        _draw_seeds(axes, row, values)
        texts.append(
            f"{name}: mean {values.mean():.2f}, standard deviation {values.std(ddof=1):.2f} "
            f"over {len(values)} seeds"
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"MAE ({scores.unit})")
    style_row_names(axes)
    return Plot(
        figure=drawing,
        caption=(
            f"Mean absolute error of each seed under {scores.name} (dots) and their mean (bar)."
        ),
        alt=f"Mean absolute error of each seed under {scores.name}, in {scores.unit}. "
        f"{'; '.join(texts)}.",
        data=csv_download("seeds.csv", table),
    )


def _draw_seeds(axes: Axes, row: int, values: np.ndarray) -> None:
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
