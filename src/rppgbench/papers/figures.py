"""The figures of a paper, drawn from what is stored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rppgbench.papers.declaration import Line, Measured, PaperTable
from rppgbench.papers.label_corrections import LABEL, PEER, CorrectedLabels, load_corrections
from rppgbench.papers.measures import StoredResults
from rppgbench.papers.rows import CellContent, LineKey, line_key
from rppgbench.report.figures.bland_altman import scatter
from rppgbench.report.figures.compression import Curve, compression_figure
from rppgbench.report.figures.corrections import correction_figure
from rppgbench.report.figures.drawing import Drawing
from rppgbench.report.figures.series import summary_series, windows_download
from rppgbench.report.figures.waveforms import waveform_figure
from rppgbench.report.inputs import EstimateKey, Scores


def draw_figures(
    table: PaperTable,
    lines: Sequence[Line],
    fills: Mapping[LineKey, CellContent],
    behind: Mapping[LineKey, tuple[StoredResults, Scores]],
) -> Iterator[Drawing]:
    """What a table's kind draws: waveforms, heart rates, an error under compression, or nothing."""
    there = [(line, *behind[line_key(line)]) for line in lines if line_key(line) in behind]
    if table.kind == "compression":
        simulated = any(held.simulated for _, held, _ in there)
        drawing = compression_figure(
            _curves(table, lines, fills),
            [setting.label for setting in table.settings],
            next(iter(table.measures)) + " (bpm)",
            simulated=simulated,
        )
        if drawing is not None:
            yield drawing
        return
    if table.kind == "waveforms":
        yield from _corrected_waveforms(there)
        for number, (_, held, scores) in enumerate(there):
            stored = {
                EstimateKey(
                    e.dataset, e.recording, e.method, e.fold, e.seed, e.condition, e.region
                ): e
                for e in held.estimates
            }
            for one in summary_series(scores):
                drawing = waveform_figure(
                    one,
                    stored.get,
                    held.ground_truths,
                    key=f"waveforms-{number}",
                    simulated=held.simulated,
                )
                if drawing is not None:
                    yield drawing
    if table.kind == "labels" and there:
        yield from _corrected_rates(there)
        together = _together(there)
        data, note = windows_download(together)
        drawing = scatter(
            summary_series(together),
            data,
            key="labels",
            evaluator=together.name,
            simulated=any(held.simulated for _, held, _ in there),
            data_note=note,
        )
        yield replace(drawing, title="All test recordings, after training")


def _corrected(
    there: Sequence[tuple[Line, StoredResults, Scores]],
) -> Iterator[tuple[int, StoredResults, CorrectedLabels, Scores]]:
    """The lines whose models keep clips that they corrected, read by the line's evaluator."""
    for number, (line, held, scores) in enumerate(there):
        found = load_corrections(held, line.method.method)
        if found is not None:
            yield number, held, found, found.scores(scores.name)


def _corrected_waveforms(there: Sequence[tuple[Line, StoredResults, Scores]]) -> Iterator[Drawing]:
    for number, held, found, scores in _corrected(there):
        drawing = correction_figure(
            found.shown(scores.windows), key=f"corrected-{number}", simulated=held.simulated
        )
        if drawing is not None:
            yield drawing


def _corrected_rates(there: Sequence[tuple[Line, StoredResults, Scores]]) -> Iterator[Drawing]:
    for number, held, _, scores in _corrected(there):
        data, note = windows_download(scores)
        drawing = scatter(
            summary_series(scores),
            data,
            key=f"corrected-{number}",
            evaluator=scores.name,
            simulated=held.simulated,
            data_note=note,
        )
        said = (
            f"Clips of the training whose labels are chosen for correction at its end: the heart "
            f"rate of the {LABEL}, and of the {PEER}, which takes its place. {drawing.caption}"
        )
        yield replace(drawing, title="Before and after correction", caption=said)


def _together(there: Sequence[tuple[Line, StoredResults, Scores]]) -> Scores:
    """The scores of several lines as one, each under its printed name."""
    import pandas as pd

    # Regions are dropped so that the windows of all lines stand in the same rows of the data.
    windows = [
        scores.windows.assign(method=line.method.printed, region="") for line, _, scores in there
    ]
    rows = [scores.summary.assign(method=line.method.printed) for line, _, scores in there]
    return Scores(
        " and ".join(dict.fromkeys(scores.name for _, _, scores in there)),
        pd.concat(windows, ignore_index=True),
        pd.concat(rows, ignore_index=True),
    )


def _curves(
    table: PaperTable, lines: Sequence[Line], fills: Mapping[LineKey, CellContent]
) -> list[Curve]:
    """A curve a method over the settings in their order; the first measure alone."""
    name, measure = next(iter(table.measures.items()))
    found = {line_key(line): line for line in lines}
    curves = []
    for method in table.methods:
        values: list[tuple[float, float, float]] = []
        printed: list[float] = []
        for setting in table.settings:
            fill = fills.get((setting.label, method.printed))
            none = (math.nan,) * 3
            values.append(fill.values[measure] if isinstance(fill, Measured) else none)
            line = found.get((setting.label, method.printed))
            shown = line.printed.get(name) if line else None
            printed.append(shown.number if shown else math.nan)
        value, low, high = (tuple(v[k] for v in values) for k in range(3))
        curves.append(Curve(method.printed, value, low, high, tuple(printed)))
    return curves
