"""One self-contained HTML file from the inputs of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rppgbench.report.figures.drawing import Drawing
from rppgbench.report.figures.registry import render_figures
from rppgbench.report.figures.series import drawn_series
from rppgbench.report.figures.waveforms import waveform_figure
from rppgbench.report.inputs import ReportInputs, Scores, Skipped
from rppgbench.report.method_titles import titled_inputs
from rppgbench.report.recording_comparison import RecordingComparison, compare_recordings
from rppgbench.report.rendering import render
from rppgbench.report.summary_answers import Answer, report_answers
from rppgbench.report.summary_text import best_row, sample_mismatch
from rppgbench.report.tables.beat_scores import beat_table
from rppgbench.report.tables.scores import group_table, method_table
from rppgbench.report.tables.summary_rows import row_name
from rppgbench.report.tables.table import Table
from rppgbench.system.atomic_files import write_file


def write_report(page: ReportInputs, out: Path) -> Path:
    """Write the report to the file `out`, whole or not at all; `out` comes back.

    The file needs nothing beside it: no network, no other file. Same inputs, same bytes. An
    `OSError` is the file system's.

    Args:
        page: The inputs of the report.
        out: The HTML file.

    Returns:
        `out`.

    Raises:
        OSError: The file cannot be written.
    """
    return write_page(report_html(page), out)


def write_page(text: str, out: Path) -> Path:
    """Write a page, whole or not at all; `out` comes back.

    Args:
        text: The page as HTML.
        out: The file.

    Returns:
        `out`.
    """
    write_file(out, text)
    return out


def report_html(page: ReportInputs) -> str:
    """The page as text; every name that comes from data is escaped."""
    page = titled_inputs(page)
    return page_html(
        page,
        answers=report_answers(page),
        n_note=sample_mismatch(page),
        overview=render_figures(page, "summary"),
        parts=[_evaluator_part(page, scores) for scores in page.scores],
        comparison=compare_recordings(page),
        figures=render_figures(page, "figures"),
        waveforms=_waveforms(page),
    )


def page_html(
    page: ReportInputs,
    *,
    answers: Sequence[Answer],
    n_note: str = "",
    overview: Sequence[Drawing] = (),
    parts: Sequence[EvaluatorPart] = (),
    comparison: RecordingComparison | None = None,
    figures: Sequence[Drawing] = (),
    waveforms: Sequence[WaveformPart] = (),
) -> str:
    """A page of some parts, with the sections, failures and provenance of `page`.

    Args:
        page: The inputs; their sections, failures and provenance are shown.
        answers: The result as answers to questions.
        n_note: A sentence where the number of recordings is not that of the protocol, or empty.
        overview: Figures below the summary.
        parts: The tables of each evaluator.
        comparison: What two methods are compared from, recording by recording.
        figures: Figures of the section of figures.
        waveforms: Waveforms of each series.

    Returns:
        The page as HTML.
    """
    return render(
        "page.html.jinja",
        page=page,
        answers=answers,
        n_note=n_note,
        overview=overview,
        parts=parts,
        comparison=comparison,
        figures=figures,
        waveforms=waveforms,
        skipped=skipped_rows(page.skipped),
        provenance=flatten(page.provenance),
    )


@dataclass(frozen=True)
class EvaluatorPart:
    """The tables of one evaluator."""

    scores: Scores
    table: Table
    groups: tuple[Table, ...]


@dataclass(frozen=True)
class WaveformPart:
    """The waveforms of one series; `shown` where the page opens with them."""

    name: str
    drawing: Drawing
    shown: bool


def skipped_rows(skipped: Sequence[Skipped]) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """Data set, recording, stage, reason and the methods concerned: one row where these agree."""
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for item in skipped:
        key = (item.dataset, item.recording, item.stage, item.reason)
        rows.setdefault(key, []).append(item.method)
    return [
        (*key, tuple(sorted({name for name in methods if name})))
        for key, methods in sorted(rows.items())
    ]


def flatten(provenance: Mapping[str, object]) -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Provenance as rows: a plain value as text, a mapping or a sequence as rows of its own.

    >>> flatten({"commit": "abc", "versions": {"numpy": "2.4"}, "seeds": [0, 1]})
    [('commit', 'abc'), ('versions', [('numpy', '2.4')]), ('seeds', '0, 1')]
    """
    rows: list[tuple[str, str | list[tuple[str, str]]]] = []
    for name, value in provenance.items():
        if isinstance(value, Mapping):
            rows.append((name, [(str(key), _plain(part)) for key, part in value.items()]))
        else:
            rows.append((name, _plain(value)))
    return rows


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        parts = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return ", ".join(_plain(part) for part in parts)
    return str(value)


def _evaluator_part(page: ReportInputs, scores: Scores) -> EvaluatorPart:
    if scores.summary.empty:
        empty = Table(
            key=f"scores-{scores.name}",
            caption=f"Nothing was scored under {scores.name}",
            columns=(),
            rows=(),
        )
        return EvaluatorPart(scores, empty, ())
    table = method_table(
        scores, baselines=page.baselines, expected=page.protocol.expected, marks=page.marks
    )
    groups = tuple(
        group_table(scores, group, baselines=page.baselines, marks=page.marks)
        for group, frame in scores.groups.items()
        if group != "seed" and frame[group].nunique() > 1
    )
    beats = beat_table(
        scores, baselines=page.baselines, expected=page.protocol.expected, marks=page.marks
    )
    return EvaluatorPart(scores, table, groups if beats is None else (beats, *groups))


def _waveforms(page: ReportInputs) -> list[WaveformPart]:
    """Best, median and worst recording of every series; the best series is open."""
    all_series = drawn_series(page)
    if not all_series:
        return []
    default = page.scores[0]
    best = best_row(default, page)
    best_name = row_name(best, default.by) if best else ""
    parts = []
    for number, series in enumerate(all_series):
        if series.baseline:
            continue
        drawing = waveform_figure(
            series,
            page.estimate,
            page.ground_truths,
            key=f"waveforms-{number}",
            marks=page.marks,
        )
        if drawing is not None:
            parts.append(WaveformPart(series.name, drawing, series.name == best_name))
    return sorted(parts, key=lambda part: not part.shown)
