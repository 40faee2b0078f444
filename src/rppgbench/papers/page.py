"""A paper's table as a page and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rppgbench.papers.declaration import Line, Measured, NotRun, PaperTable
from rppgbench.papers.missing_rows import missing_table
from rppgbench.papers.rows import CellContent, LineKey, line_key, printed_table
from rppgbench.papers.verdicts import FAILED, NOT_RUN, NOT_RUN_HERE, WORDS, verdicts
from rppgbench.report.figures.drawing import Drawing
from rppgbench.report.rendering import render
from rppgbench.report.tables.latex import to_latex
from rppgbench.report.tables.table import Table
from rppgbench.report.tables.text_formats import to_csv, to_markdown
from rppgbench.system.atomic_files import write_file
from rppgbench.system.io_errors import writing


@dataclass(frozen=True, kw_only=True, eq=False)
class PaperPage:
    """Everything that a page of a paper's table says.

    `fills` come from genuine recordings; `simulated` is None where none were asked for, and
    `scale` says how small their runs were.
    """

    name: str
    table: PaperTable
    lines: tuple[Line, ...]
    fills: Mapping[LineKey, CellContent]
    simulated: Mapping[LineKey, CellContent] | None
    drawings: tuple[Drawing, ...]
    command: str
    scale: str = ""

    def model(self) -> Table:
        """The table itself."""
        return printed_table(
            self.table, self.name, self.lines, self.fills, self.simulated, self.scale
        )

    def missing(self) -> Table | None:
        """What would fill the cells that are empty."""
        return missing_table(self.name, self.lines, self.fills)

    def counts(self) -> Counter[str]:
        """How many printed values have which verdict."""
        counts: Counter[str] = Counter()
        for line in self.lines:
            if line.method.values_of:
                continue  # its printed values count at the row that has their name
            fill = self.fills.get(line_key(line), NotRun(NOT_RUN))
            verdict_by_name = verdicts(self.table, line, fill)
            otherwise = FAILED if isinstance(fill, NotRun) and fill.failed else NOT_RUN
            for name in line.printed:
                word = verdict_by_name[name].word if name in verdict_by_name else otherwise
                counts[word if line.method.method else NOT_RUN_HERE] += 1
        return counts

    def text(self, kind: str) -> str:
        """The page as "html", or the table as "latex", "markdown" or "csv".

        What would fill the empty cells follows the table, but for CSV, where it is in the verdict.
        """
        if kind == "html":
            return paper_html(self)
        if kind == "csv":
            return to_csv(self.model())
        write = {"latex": to_latex, "markdown": to_markdown}[kind]
        missing = self.missing()
        parts = [self.model(), *([missing] if missing else [])]
        return "\n".join(write(part) for part in parts)


def paper_html(page: PaperPage) -> str:
    """One self-contained page; every name that comes from data is escaped."""
    counts = page.counts()
    return render(
        "paper.html.jinja",
        page=page,
        table=page.model(),
        missing=page.missing(),
        counts=[(word, counts[word]) for word in WORDS if counts[word]],
        measured=any(isinstance(fill, Measured) for fill in page.fills.values()),
        origins=_origins(page),
        prefix="SIMULATED_" if page.simulated is not None else "",
    )


def index_html(pages: Sequence[tuple[PaperPage, Mapping[str, str]]], command: str) -> str:
    """The page that links the tables; each comes with its files by format.

    Args:
        pages: Each page with its files by format.
        command: The command that makes the pages.

    Returns:
        The page as HTML.
    """
    rows = [(page, files, page.counts()) for page, files in pages]
    return render(
        "papers.html.jinja",
        rows=rows,
        words=WORDS,
        simulated=any(page.simulated is not None for page, _ in pages),
        command=command,
    )


def write_text(out: Path, text: str) -> Path:
    """Write a file whole or not at all; `out` comes back, a fault is one line.

    Args:
        out: The file.
        text: Its content.

    Returns:
        `out`.

    Raises:
        BenchError: The file cannot be written.
    """
    with writing(out):
        write_file(out, text)
    return out


def _origins(page: PaperPage) -> list[tuple[str, str]]:
    """Each results folder that cells come from, genuine before simulated."""
    origins: dict[tuple[str, str], None] = {}
    groups: list[Mapping[Any, CellContent]] = [page.fills, page.simulated or {}]
    for fills in groups:
        for fill in fills.values():
            if isinstance(fill, Measured):
                kind = "SIMULATED results" if fill.simulated else "results"
                parts = (f"{fill.origin}, scored by {fill.evaluator}", *fill.made_by)
                origins[kind, "; ".join(parts)] = None
    return list(origins)
