"""The figures of a paper, drawn from what is stored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import stdev

from rppgbench.analysis.stored_results import StoredResults
from rppgbench.papers.declaration import Interval, Line, Measured, PaperTable, Setting
from rppgbench.papers.label_corrections import LABEL, PEER, CorrectedLabels, load_corrections
from rppgbench.papers.rows import CellContent, LineKey, line_key
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures.compression import Curve, compression_figure
from rppgbench.report.figures.corrections import correction_figure
from rppgbench.report.figures.drawing import Drawing
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.figures.scatter import plot_scatter
from rppgbench.report.figures.series import summary_series, windows_download
from rppgbench.report.figures.waveforms import waveform_figure
from rppgbench.report.inputs import Scores

Result = tuple[Line, StoredResults, Scores]
"""A line with the results folder and the scores behind it."""


def draw_figures(
    table: PaperTable,
    lines: Sequence[Line],
    fills: Mapping[LineKey, CellContent],
    stored: Mapping[LineKey, tuple[StoredResults, Scores]],
) -> Iterator[Drawing]:
    """Draw the figures of a table: waveforms, heart rates, errors under compression, or none.

    Args:
        table: The declaration; its `kind` says what is drawn.
        lines: The lines of the table.
        fills: What was measured of each line.
        stored: The results folder and the scores behind each line that has some.

    Yields:
        One figure after the other.
    """
    results = [(line, *stored[line_key(line)]) for line in lines if line_key(line) in stored]
    if table.kind == "compression":
        yield from _compression(table, lines, fills, _marks(results))
    elif table.kind == "waveforms":
        yield from _corrected_waveforms(results)
        yield from _waveforms(results)
    elif table.kind == "labels" and results:
        yield from _corrected_rates(results)
        yield _scatter(
            _joined_scores(results),
            key="labels",
            title="All test recordings, after training",
            marks=_marks(results),
        )


def _waveforms(results: Sequence[Result]) -> Iterator[Drawing]:
    """Pulse and spectrum of the best, median and worst recording of each line."""
    for number, (_, folder, scores) in enumerate(results):
        estimates = {estimate.key: estimate for estimate in folder.estimates}
        for series in summary_series(scores):
            drawing = waveform_figure(
                series,
                estimates.get,
                folder.ground_truths,
                key=f"waveforms-{number}",
                marks=folder.marks,
            )
            if drawing is not None:
                yield drawing


def _corrected(
    results: Sequence[Result],
) -> Iterator[tuple[int, StoredResults, CorrectedLabels, Scores]]:
    """The lines whose models keep clips that they corrected, read by the line's evaluator."""
    for number, (line, folder, scores) in enumerate(results):
        labels = load_corrections(folder, line.method.method)
        if labels is not None:
            yield number, folder, labels, labels.scores(scores.name)


def _corrected_waveforms(results: Sequence[Result]) -> Iterator[Drawing]:
    for number, folder, labels, scores in _corrected(results):
        drawing = correction_figure(
            labels.spread_clips(scores.windows), key=f"corrected-{number}", marks=folder.marks
        )
        if drawing is not None:
            yield drawing


def _corrected_rates(results: Sequence[Result]) -> Iterator[Drawing]:
    for number, folder, _, scores in _corrected(results):
        yield _scatter(
            scores,
            key=f"corrected-{number}",
            title="Before and after correction",
            about=(
                "Training clips whose labels correction chooses, or would choose, at the end of "
                f"the training: the heart rate of the {LABEL}, and of the {PEER}. "
            ),
            marks=folder.marks,
        )


def _scatter(scores: Scores, *, key: str, title: str, marks: DataMarks, about: str = "") -> Drawing:
    """Estimated against reference heart rate; `about` begins the caption."""
    data, note = windows_download(scores)

    def plot() -> Plot:
        scatter = plot_scatter(summary_series(scores), data, evaluator=scores.name, data_note=note)
        return replace(scatter, caption=about + scatter.caption)

    drawing = draw_framed(key, title, plot, marks=marks)
    assert drawing is not None
    return drawing


def _marks(results: Sequence[Result]) -> DataMarks:
    """What is simulated or imported in any of the results."""
    return DataMarks(
        simulated=any(folder.simulated for _, folder, _ in results),
        twins=tuple({twin: None for _, folder, _ in results for twin in folder.twins}),
        imported={name: text for _, folder, _ in results for name, text in folder.imported.items()},
    )


def _joined_scores(results: Sequence[Result]) -> Scores:
    """The scores of several lines as one, each under its printed name."""
    import pandas as pd

    # Regions are dropped so that the windows of all lines stand in the same rows of the data.
    windows = [
        scores.windows.assign(method=line.method.printed, region="") for line, _, scores in results
    ]
    rows = [scores.summary.assign(method=line.method.printed) for line, _, scores in results]
    return Scores(
        name=" and ".join(dict.fromkeys(scores.name for _, _, scores in results)),
        windows=pd.concat(windows, ignore_index=True),
        summary=pd.concat(rows, ignore_index=True),
    )


def _compression(
    table: PaperTable,
    lines: Sequence[Line],
    fills: Mapping[LineKey, CellContent],
    marks: DataMarks,
) -> Iterator[Drawing]:
    """A figure for each panel of the settings, in their order."""
    measure = next(iter(table.measures)) + " (bpm)"
    for number, panel in enumerate(dict.fromkeys(s.panel for s in table.settings)):
        settings = [setting for setting in table.settings if setting.panel == panel]
        drawing = compression_figure(
            _curves(table, settings, lines, fills),
            [_name_in_panel(setting) for setting in settings],
            measure,
            key=f"compression-{number}" if number else "compression",
            title=f"{panel}: {measure} under compression" if panel else "",
            marks=marks,
        )
        if drawing is not None:
            yield drawing


def _name_in_panel(setting: Setting) -> str:
    """The label of a setting without what all settings of its panel share.

    >>> from types import SimpleNamespace
    >>> _name_in_panel(SimpleNamespace(panel="a", label="clean training, rate factor 6"))
    'rate factor 6'
    """
    return setting.label.rpartition(", ")[2] if setting.panel else setting.label


def _curves(
    table: PaperTable,
    settings: Sequence[Setting],
    lines: Sequence[Line],
    fills: Mapping[LineKey, CellContent],
) -> list[Curve]:
    """A curve for each method over the settings; of the first measure alone.

    Where a method has several seeds, the arms are one standard deviation over the seeds, as in the
    paper's figure; else they are the interval over subjects.
    """
    name, measure = next(iter(table.measures.items()))
    by_key = {line_key(line): line for line in lines}
    curves = []
    for method in table.methods:
        points = [
            _point(fills.get((setting.label, method.printed)), measure) for setting in settings
        ]
        rows = [by_key.get((setting.label, method.printed)) for setting in settings]
        values = [line.printed.get(name) if line else None for line in rows]
        curves.append(
            Curve(
                name=method.printed,
                measured=tuple(point[0] for point, _ in points),
                low=tuple(point[1] for point, _ in points),
                high=tuple(point[2] for point, _ in points),
                printed=tuple(value.number if value else math.nan for value in values),
                seeds=tuple(seeds for _, seeds in points) if any(s for _, s in points) else (),
            )
        )
    return curves


def _point(
    fill: CellContent | None, measure: str
) -> tuple[Interval, tuple[tuple[float, bool], ...]]:
    """A value with its arms, and the values of the seeds."""
    if not isinstance(fill, Measured):
        return (math.nan, math.nan, math.nan), ()
    value, low, high = fill.values[measure]
    seeds = fill.seeds.get(measure, ())
    finite = [number for number, _ in seeds if math.isfinite(number)]
    if len(finite) > 1:
        deviation = stdev(finite)
        low, high = value - deviation, value + deviation
    return (value, low, high), seeds
