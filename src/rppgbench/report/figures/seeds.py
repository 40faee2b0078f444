"""Each seed as a dot."""

from __future__ import annotations

import numpy as np

from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    style_row_names,
    to_svg,
)
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name


def seed_figure(scores: Scores, *, key: str = "seeds", simulated: bool = False) -> Drawing | None:
    """Mean absolute error of each seed as a dot and their mean as a bar; None without seeds.

    Drawn are the rows of the table that have more than one seed in `scores.groups["seed"]`.
    """
    import pandas as pd

    if "seed" not in scores.groups:
        return None
    groups = records(canonical_order(scores.groups["seed"], [*scores.by, "seed"]))
    names = [
        row_name(record, scores.by)
        for record in records(canonical_order(scores.summary, scores.by))
    ]
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
        style_row_names(axes)
        alt = f"Mean absolute error of each seed under {evaluator}, in bpm. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = f"Mean absolute error of each seed under {evaluator} (dots) and their mean (bar)."
    return Drawing(key, "Seeds", caption, alt, svg, csv_download("seeds.csv", table))
