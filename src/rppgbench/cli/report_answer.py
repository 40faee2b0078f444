"""What the terminal shows of a page that was written: scores, what was left out, the place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from rppgbench.cli.terminal import answer, answer_json, answer_width, json_text
from rppgbench.system.errors import one_line
from rppgbench.system.text_wrapping import wrapped

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from rppgbench.analysis.build_report import Report
    from rppgbench.report.inputs import Skipped


def answer_report(
    report: Report, *, as_json: bool, before: str = "", failed: Mapping[str, str] | None = None
) -> None:
    """Print the score table, what was left out, notes and the place of the page.

    Args:
        report: The page that was written.
        as_json: Whether one JSON object is printed.
        before: A line above the table.
        failed: Recordings of which the terminal has told the reason: DATA SET/NAME -> reason. What
            they lack is not told again; the JSON object has it.
    """
    from rppgbench.report.tables.terminal_table import left_out_lines, score_lines

    if as_json:
        answer_json(report_object(report))
        return
    width = answer_width()
    lines = [*wrapped(one_line(before), width), ""] if before else []
    lines += [*score_lines(report.inputs, width), ""]
    untold = [entry for entry in report.inputs.skipped if not _is_told(entry, failed or {})]
    lines += left_out_lines(untold, width)
    lines += [line for note in report.notes for line in wrapped(one_line(note), width)]
    for line in lines:
        answer(line)
    answer(one_line(os.fspath(report.page)))


def _is_told(entry: Skipped, failed: Mapping[str, str]) -> bool:
    """Whether one of the told reasons is that of the entry; a name may end with a condition."""
    key = f"{entry.dataset}/{entry.recording}"
    return any(
        (name == key or name.startswith(f"{key}, ")) and entry.reason in reason
        for name, reason in failed.items()
    )


def answer_scores(report: Report, args: argparse.Namespace, folder: Path) -> None:
    """Print or write the scores in another format than a page.

    Args:
        report: The scores.
        args: The command line: `format`, `metrics`, `evaluator`, `out` and `json`.
        folder: The folder of CSV files where `args.out` names none.
    """
    from rppgbench.analysis.score_files import write_score_files
    from rppgbench.papers.page import write_text
    from rppgbench.report.tables.latex import to_latex
    from rppgbench.report.tables.metric_tables import metric_rows, metric_tables
    from rppgbench.report.tables.text_formats import to_markdown

    table = metric_rows(report.table, args.metrics)
    if args.format == "csv":
        marks = report.inputs.marks
        files = write_score_files(report.windows, table, args.out or folder, marks=marks)
        for file in files:
            answer(one_line(os.fspath(file)))
        return
    if args.format == "json":
        shown = report_object(replace(report, table=table))
        text = json_text({k: v for k, v in shown.items() if k not in {"page", "table"}})
    else:
        write = to_latex if args.format == "latex" else to_markdown
        tables = metric_tables(report.inputs, args.metrics, args.evaluator)
        text = "\n".join(write(each) for each in tables)
    if args.out is None:
        answer(text.rstrip("\n"))
    else:
        answer(one_line(os.fspath(write_text(args.out, text))))


def report_object(report: Report) -> dict[str, Any]:
    """The JSON object of a page.

    Args:
        report: The page that was written.

    Returns:
        `protocol`, `evaluator` (the first of the page), `rows` (those of table.csv), `left_out`,
        `warnings`, `simulated`, `twins`, `imported` and `page`.
    """
    inputs = report.inputs
    return {
        "protocol": inputs.protocol.name,
        "protocol_recordings": inputs.protocol.expected,
        "evaluator": inputs.scores[0].name if inputs.scores else None,
        "simulated": inputs.marks.simulated,
        "twins": inputs.marks.twins,
        "imported": dict(inputs.marks.imported),
        "rows": report.table.to_dict("records"),
        "left_out": [asdict(entry) for entry in inputs.skipped],
        "warnings": list(report.warnings),
        "notes": list(report.notes),
        "table": os.fspath(report.page.with_name("table.csv")),
        "page": os.fspath(report.page),
    }
