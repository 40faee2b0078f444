"""The atlas: published values of the same method on the same data set, as one static page."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.core.content_roots import content_roots
from rppgbench.papers.csv_rows import read_rows
from rppgbench.papers.published import METRICS, PublishedValue, ValueGroup, group_values
from rppgbench.report.data_marks import UNMARKED
from rppgbench.report.figures.drawing import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    VERMILLION,
    Drawing,
    csv_download,
    panels,
)
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.rendering import render
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAUSES_FILE = "published_causes.csv"
CAUSE_COLUMNS = ["tested_on", "method", "cause", "evidence"]
COLOURS: Mapping[str, str] = {
    "paper": BLUE,
    "repository": ORANGE,
    "recomputed": GREEN,
    "challenge": VERMILLION,
}
DRAWN_RATIO = 1.05
"""Groups whose values are closer than this are not drawn."""

ROW_HEIGHT_IN, FRAME_IN = 0.24, 1.0
ROUNDED = 1e-9


def atlas_html(values: Sequence[PublishedValue], command: str) -> str:
    """The page; every name that comes from a file is escaped.

    Args:
        values: The published values.
        command: The command that makes the page.

    Returns:
        The page as HTML.

    Raises:
        BenchError: The file of causes is at fault.
    """
    groups = group_values(values)
    several = [group for group in groups if group.sources > 1]
    return render(
        "atlas.html.jinja",
        key_numbers=_key_numbers(values, groups),
        summary=summarise(several),
        drawing=_figure([group for group in several if group.ratio > DRAWN_RATIO]),
        apart=_table_of_groups(several, read_causes()),
        everything=_table_of_values(values),
        command=command,
    )


def read_causes() -> dict[tuple[str, str], str]:
    """What measurements say of the differences: data set and method -> cause and evidence.

    Raises:
        BenchError: A file cannot be read, or its columns or cells are others.
    """
    causes: dict[tuple[str, str], str] = {}
    for root in content_roots():
        file = root / "reports" / CAUSES_FILE
        if not file.is_file():
            continue
        for _, row in read_rows(file, CAUSE_COLUMNS):
            causes[row["tested_on"], row["method"]] = f"{row['cause']} ({row['evidence']})"
    return causes


def summarise(several: Sequence[ValueGroup]) -> list[str]:
    """Sentences on how far values of several sources are apart.

    Args:
        several: Groups with more than one source.

    Returns:
        The sentences; one where there is no such group.
    """
    if not several:
        return ["No method and data set have values of two sources."]
    sentences = []
    for word, members in (
        ("that learn nothing", [g for g in several if g.trained_on == "none"]),
        ("that learn", [g for g in several if g.trained_on != "none"]),
    ):
        differing = [group.ratio for group in members if group.ratio > 1 + ROUNDED]
        if differing:
            sentences.append(
                f"Of methods {word}, {pluralise(len(members), 'group')} of method, data sets and "
                f"metric have values of several sources; {len(differing)} of them differ. Where "
                f"they differ, the largest value is {statistics.median(differing):.1f} times the "
                f"smallest in the median, and {max(differing):.1f} times at most."
            )
        elif members:
            sentences.append(
                f"Of methods {word}, {pluralise(len(members), 'group')} have several sources, "
                "which print the same value: to cite a table is no second measurement."
            )
    sentences.append(
        "Values of one group may be of other videos of the data set, other regions of the face, "
        "other windows, filters and references. Equal values in two papers are often one "
        "measurement that the second paper cites."
    )
    return sentences


def _key_numbers(
    values: Sequence[PublishedValue], groups: Sequence[ValueGroup]
) -> list[tuple[str, str, str]]:
    sources = {value.source for value in values}
    several = [group for group in groups if group.sources > 1]
    apart = [group for group in several if group.ratio >= 2]
    return [
        ("values", f"{len(values)}", f"of {pluralise(len(sources), 'source')}"),
        (
            "methods",
            f"{len({value.method for value in values})}",
            f"on {pluralise(len({value.tested_on for value in values}), 'data set')}",
        ),
        ("several sources", f"{len(several)}", f"of {pluralise(len(groups), 'group')}"),
        ("twice and more", f"{len(apart)}", "groups whose largest value is at least the double"),
    ]


@dataclass(frozen=True)
class _Place:
    """Where a group is drawn."""

    height: float
    group: ValueGroup


def _figure(groups: Sequence[ValueGroup]) -> Drawing | None:
    """A row of dots for each group, on a logarithmic axis; None without a group."""
    if not groups:
        return None
    return draw_framed(
        "atlas", "Values from several sources", lambda: _plot(groups), marks=UNMARKED
    )


def _plot(groups: Sequence[ValueGroup]) -> Plot:
    import pandas as pd

    height_in = FRAME_IN + ROW_HEIGHT_IN * len(groups)
    figure, (panel,) = panels(
        1,
        columns=1,
        width_in=9,
        panel_height_in=height_in,
        margins_in=(3.1, 0.55, 0.7, 0.45),
    )
    places = [_Place(float(-number), group) for number, group in enumerate(groups)]
    _draw_rows(panel, places)
    panel.set_xscale("log")
    panel.set_xlabel("Published error (bpm), logarithmic")
    panel.set_yticks([place.height for place in places], [_name(place.group) for place in places])
    panel.set_ylim(0.7 - len(groups), 0.7)
    panel.xaxis.set_major_formatter("{x:g}")
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", ncols=len(labels))
    drawn = pd.DataFrame([asdict(value) for group in groups for value in group.values])
    worst = groups[0]
    return Plot(
        figure=figure,
        caption=(
            "A row for each method, tested and trained data sets and metric with values of several "
            "sources that differ; a dot for each value. At the right: the largest value over the "
            "smallest."
        ),
        alt=(
            f"Published errors of {len(groups)} groups. The most apart: {_name(worst)}, "
            f"{worst.least:g} to {worst.most:g} bpm."
        ),
        data=csv_download("atlas.csv", drawn),
    )


def _draw_rows(panel: Axes, places: Sequence[_Place]) -> None:
    for place in places:
        least, most = place.group.least, place.group.most
        panel.plot([least, most], [place.height] * 2, color=MUTED, linewidth=0.8, zorder=1)
        panel.annotate(
            f"{place.group.ratio:.1f}",
            (1.01, place.height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            color=MUTED,
        )
    for kind, colour in COLOURS.items():
        dots = [
            (value.value, place.height)
            for place in places
            for value in place.group.values
            if value.kind == kind
        ]
        if dots:
            across, height = zip(*dots, strict=True)
            panel.plot(across, height, "o", color=colour, markersize=4.5, label=kind, zorder=2)


def _name(group: ValueGroup) -> str:
    learned = "" if group.trained_on == "none" else f", from {group.trained_on}"
    return f"{group.method} on {group.tested_on}{learned} ({group.metric.upper()})"


def _table_of_groups(groups: Sequence[ValueGroup], causes: Mapping[tuple[str, str], str]) -> Table:
    rows = []
    for group in groups:
        listed = "; ".join(f"{value.value:g} {value.source}" for value in group.values)
        cause = causes.get((group.tested_on, group.method), "")
        texts = (group.method, group.tested_on, group.trained_on, group.metric.upper())
        numbers = [
            Cell(f"{number:.2f}", number)
            for number in (group.least, group.median, group.most, group.ratio)
        ]
        rows.append(
            Row(
                (
                    *(Cell(text, text) for text in texts),
                    Cell(f"{group.sources}", float(group.sources)),
                    *numbers,
                    Cell(listed, listed),
                    Cell(cause or "not measured", cause),
                )
            )
        )
    return Table(
        key="atlas-groups",
        caption=f"{len(groups)} groups of values, those most apart first",
        columns=(
            *_NAME_COLUMNS,
            Column("sources", "Sources", decimals=0),
            Column("least", "Least", unit="bpm"),
            Column("median", "Median", unit="bpm"),
            Column("most", "Most", unit="bpm"),
            Column("ratio", "Ratio", about="The largest value over the smallest."),
            Column("values", "Values and sources", text=True),
            Column("cause", "What measurements say", text=True),
        ),
        rows=tuple(rows),
        headers=2,
    )


_NAME_COLUMNS = (
    Column("method", "Method", text=True),
    Column("tested_on", "Tested on", text=True),
    Column("trained_on", "Trained on", text=True, about="none: the method learns nothing."),
    Column("metric", "Metric", text=True),
)


def _table_of_values(values: Sequence[PublishedValue]) -> Table:
    rows = [
        Row(
            (
                *(
                    Cell(text, text)
                    for text in (v.method, v.tested_on, v.trained_on, v.metric.upper())
                ),
                Cell(f"{v.value:g}", v.value),
                *(Cell(text, text) for text in (v.source, v.kind, v.rule, v.note)),
            )
        )
        for v in sorted(values, key=lambda v: (METRICS.index(v.metric), v))
    ]
    return Table(
        key="atlas-values",
        caption=f"{len(values)} published values",
        columns=(
            *_NAME_COLUMNS,
            Column("value", "Value", unit="bpm"),
            Column("source", "Source", text=True),
            Column("kind", "Kind", text=True),
            Column("rule", "Evaluator", text=True, about="Where it is known."),
            Column("note", "Note", text=True),
        ),
        rows=tuple(rows),
        headers=2,
    )


def write_atlas(out: Path, values: Sequence[PublishedValue], command: str) -> Path:
    """Write the page, whole or not at all.

    Args:
        out: The file.
        values: The published values.
        command: The command that makes the page.

    Returns:
        `out`.

    Raises:
        BenchError: The file cannot be written.
    """
    from rppgbench.papers.page import write_text

    return write_text(out, atlas_html(values, command))
