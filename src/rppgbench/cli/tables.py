"""bench table: a paper's table beside what we measure."""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.options import folder_for_output, given_roots, without_effect
from rppgbench.cli.table_results import FAILED, RESULTS, Results
from rppgbench.cli.table_runs import Experiment, experiments, methods_by_run
from rppgbench.cli.table_scale import smoke_of
from rppgbench.cli.terminal import answer, tell
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import find_toml, load_methods, toml_files
from rppgbench.papers.declaration import Line, Measured, NotRun, PaperTable, read_table
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    from rppgbench.papers.measures import StoredResults
    from rppgbench.papers.page import PaperPage
    from rppgbench.papers.rows import CellContent, LineKey
    from rppgbench.report.inputs import Scores

SUFFIXES = {"html": "html", "latex": "tex", "markdown": "md", "csv": "csv"}


@dataclass(frozen=True)
class Asked:
    """One table as it is asked for, with the runs that it comes to on either kind of data."""

    name: str
    table: PaperTable
    lines: list[Line]
    real: list[Experiment]
    made: list[Experiment] | None


@dataclass
class Filled:
    """What fills the lines of one table, with the scores behind it, from one kind of data."""

    fills: dict[LineKey, CellContent] = field(default_factory=dict)
    behind: dict[LineKey, tuple[StoredResults, Scores]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def make_tables(args: argparse.Namespace) -> int:
    """Fill one table, or all, from stored results and from runs of what is missing."""
    if bool(args.name) == args.all:
        raise BenchError("bench table: give the NAME of a table (bench list reports), or --all")
    if args.evaluator:
        find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    if args.stored:
        without_effect(args, ["data", "jobs", "scheduler"], "beside --stored, which runs nothing")
    smoke = smoke_of(args)
    learned = methods_by_run(_every_line()) if smoke else {}
    asked = []
    for name in list(toml_files("reports")) if args.all else [args.name]:
        table, lines = read_table(find_toml("reports", "table", name, "bench table"))
        made = list(experiments(lines, smoke, learned)) if smoke else None
        asked.append(Asked(name, table, lines, list(experiments(lines)), made))
    runs = [one.protocol for table in asked for one in table.real if one.protocol is not None]
    used = [name for p in runs for name in (*p.pretrain, *p.train, *p.test)]
    given_roots(args.data, used, "the table")
    results = Results(_together(asked), args)
    scale = smoke.words() if smoke else ""
    pages: list[PaperPage] = []
    failed: list[str] = []
    for one in asked:
        page, why = _page(one, results, scale, args)
        pages.append(page)
        failed += why
    for folder in results.unused():
        tell(f"note: --results {folder}: holds results of other data; nothing of them is used")
    for line in dict.fromkeys(failed):
        tell(f"failed: {line}")
    _write(pages, args)
    return SOME_FAILED if failed else DONE


def _every_line() -> Iterator[Line]:
    """The lines of all tables that there are."""
    for file in toml_files("reports").values():
        yield from read_table(file)[1]


def _together(asked: Sequence[Asked]) -> dict[str, list[str]]:
    """The methods of each results folder over all tables, so that no video is decoded for each."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for table in asked:
        for one in [*table.real, *(table.made or ())]:
            found[one.folder].update((line.method.method, None) for line in one.lines)
    return {folder: list(methods) for folder, methods in found.items()}


def _page(
    asked: Asked, results: Results, scale: str, args: argparse.Namespace
) -> tuple[PaperPage, list[str]]:
    from rppgbench.papers.figures import draw_figures
    from rppgbench.papers.page import PaperPage

    table, lines = asked.table, asked.lines
    real = _filled(asked.real, table, results, args, simulate=False)
    made = None
    if asked.made is not None:
        made = _filled(asked.made, table, results, args, simulate=True)
    drawn = made if made is not None and not real.behind else real
    page = PaperPage(
        asked.name,
        table,
        tuple(lines),
        real.fills,
        None if made is None else made.fills,
        tuple(draw_figures(table, lines, drawn.fills, drawn.behind)),
        args.command_line,
        scale,
    )
    return page, [*real.failed, *(made.failed if made else ())]


def _filled(
    runs: Sequence[Experiment],
    table: PaperTable,
    results: Results,
    args: argparse.Namespace,
    *,
    simulate: bool,
) -> Filled:
    """Fill what can be filled from genuine, or from simulated recordings."""
    filled = Filled()
    for one in runs:
        stores, why = results.of(one, simulate=simulate)
        if why.startswith(FAILED):
            filled.failed.append(f"{one.folder}: {why.removeprefix(FAILED)}")
        for line in one.lines:
            found = _found(line, one.protocol, stores, list(table.measures.values()), args)
            if found is not None:
                filled.fills[_place(line)] = found[1]
                filled.behind[_place(line)] = (found[0], found[2])
            else:
                text = why.removeprefix(FAILED) or "nothing of this row is stored"
                hours = _hours(line, one.protocol) if one.protocol else math.nan
                filled.fills[_place(line)] = NotRun(text, hours)
    return filled


def _found(
    line: Line,
    protocol: Protocol | None,
    stores: Sequence[StoredResults],
    measures: Sequence[str],
    args: argparse.Namespace,
) -> tuple[StoredResults, Measured, Scores] | None:
    """What the first of the stores that holds a line says of it."""
    from rppgbench.papers.measures import measure_line

    if protocol is None:
        return None
    for held in stores:
        found = measure_line(held, line, protocol, measures, evaluator=args.evaluator or "")
        if found is not None:
            return held, *found
    return None


def _place(line: Line) -> LineKey:
    return line.setting.label, line.method.printed


def _hours(line: Line, protocol: Protocol) -> float:
    from rppgbench.papers.rows import line_hours

    known = load_methods().found
    own = known.get(line.method.method)
    members = own.members or (own.name,) if own else ()
    learns = any(known[m].fit is not None and not known[m].baseline for m in members if m in known)
    return line_hours(line, learns=learns, seeds=len(protocol.seeds))


def _write(pages: Sequence[PaperPage], args: argparse.Namespace) -> None:
    """Everything is made in memory before the first file is written."""
    from rppgbench.papers.page import index_html, write_text

    if not args.all:
        (page,) = pages
        kind = args.format or "html"
        text = page.text(kind)
        if args.out is None and kind != "html":
            answer(text, end="")
            return
        out = args.out or RESULTS / "tables" / _file(page, kind)
        folder_for_output(out.parent)
        answer(write_text(out, text))
        return
    kinds = [args.format] if args.format else list(SUFFIXES)
    folder = args.out or RESULTS / "tables"
    texts = {_file(page, kind): page.text(kind) for page in pages for kind in kinds}
    links = [(page, {kind: _file(page, kind) for kind in kinds}) for page in pages]
    texts["index.html"] = index_html(links, args.command_line)
    folder_for_output(folder)
    for name, text in texts.items():
        write_text(folder / name, text)
    answer(folder / "index.html")


def _file(page: PaperPage, kind: str) -> str:
    prefix = "SIMULATED_" if page.simulated is not None else ""
    return f"{prefix}{page.name}.{SUFFIXES[kind]}"
