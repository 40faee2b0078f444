"""bench table: a paper's table beside what is measured here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import at_least_one, path, seconds
from rppgbench.cli.options import dry_run, output, places, plugins, run_options, selection, workers
from rppgbench.cli.terminal import answer, answer_json, answer_width, note, tell
from rppgbench.system.errors import BenchError, one_line
from rppgbench.system.folders import refuse_folder

if TYPE_CHECKING:
    from rppgbench.papers.filled_tables import FilledTables
    from rppgbench.papers.page import PaperPage

SUFFIXES = {"html": "html", "latex": "tex", "markdown": "md", "csv": "csv"}


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "table",
        run,
        about="A paper's table: printed beside measured. Runs what is missing, reuses what is "
        "stored.",
        example="bench table li2023_table2 --data vipl_hr=/data/VIPL-HR --out table2.html",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="see `bench list reports`")
    parser.add_argument(
        "--all", action="store_true", help="every table, into a folder with an index"
    )
    parser.add_argument(
        "--results",
        action="append",
        default=[],
        type=path,
        metavar="DIR",
        help="a folder that `bench run` wrote (default: results/PROTOCOL)",
    )
    parser.add_argument("--stored", action="store_true", help="run nothing: only what is stored")
    parser.add_argument(
        "--simulate", action="store_true", help="also columns SIMULATED, at smoke scale"
    )
    parser.add_argument(
        "--subjects", type=at_least_one, metavar="N", help="simulated subjects a data set (4)"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of simulated videos (12)"
    )
    parser.add_argument(
        "--epochs",
        dest="most_epochs",
        type=at_least_one,
        metavar="N",
        help="of learning on simulated data (1)",
    )
    parser.add_argument(
        "--every-epoch",
        action="store_true",
        help="also test the models of all epochs, for the rows 'best epoch (oracle)'",
    )
    selection(parser, "only these, or a group: all, classical, learned (default: all)")
    dry_run(parser)
    places(parser)
    parser.add_argument("--evaluator", metavar="NAME", help="this one in place of the table's")
    parser.add_argument("--format", choices=["html", "latex", "markdown", "csv"])
    parser.add_argument("--out", type=path, metavar="FILE", help="file, or with --all a folder")
    workers(parser)
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Fill one table, or all, from stored results and from runs of what is missing."""
    from rppgbench.core.registry import toml_files
    from rppgbench.papers.filled_tables import TableOptions, fill_tables

    if bool(args.name) == args.all:
        raise BenchError("bench table: give the NAME of a table (bench list reports), or --all")
    if args.out is not None and not args.all:
        refuse_folder(args.out, "--out")
    options = TableOptions(
        folders=args.results,
        stored=args.stored,
        evaluator=args.evaluator or "",
        epochs=args.most_epochs,
        dry_run=args.dry_run,
    )
    names = list(toml_files("reports")) if args.all else [args.name]
    filled = fill_tables(names, run_options(args), options, lambda line: tell(one_line(line)))
    if args.dry_run:
        _answer_costs(filled.costs, as_json=args.json)
        return DONE
    for folder in filled.unused:
        note(f"--results {folder}: holds results of other data; nothing of them is used")
    for line in filled.failed:
        tell(f"failed: {line}", error=True)
    files = _write(filled.pages, args)
    if args.json:
        answer_json(_tables_object(filled, files))
    elif files:
        _answer_table(filled.pages, files[-1])
    return SOME_FAILED if filled.failed else DONE


def _answer_costs(costs: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        answer_json({"costs": costs})
        return
    for line in costs:
        answer(one_line(line))


def _answer_table(pages: Sequence[PaperPage], file: Path) -> None:
    """Show a single table, and say where the file is."""
    from rppgbench.papers.terminal_lines import paper_lines

    if len(pages) == 1:
        for line in [*paper_lines(pages[0], answer_width()), ""]:
            answer(line)
    answer(file)


def _tables_object(filled: FilledTables, files: Sequence[Path]) -> dict[str, Any]:
    """The JSON object: the tables, the runs that failed and the files that were written."""
    from rppgbench.papers.terminal_lines import paper_object

    return {
        "tables": [paper_object(page) for page in filled.pages],
        "failed": filled.failed,
        "files": [str(file) for file in files],
    }


def _write(pages: Sequence[PaperPage], args: argparse.Namespace) -> list[Path]:
    """Write the tables; all texts are complete before the first file is written.

    A table in another format than HTML goes to standard output where no file is named.
    """
    from rppgbench.execution.run_setup import RESULTS
    from rppgbench.papers.page import index_html, write_text
    from rppgbench.system.folders import make_folder

    if not args.all:
        (page,) = pages
        kind = args.format or "html"
        text = page.text(kind)
        if args.out is None and kind != "html":
            if not args.json:
                answer(text, end="")
            return []
        out = args.out or RESULTS / "tables" / _file_name(page, kind)
        make_folder(out.parent)
        return [write_text(out, text)]
    kinds = [args.format] if args.format else list(SUFFIXES)
    folder = args.out or RESULTS / "tables"
    texts = {_file_name(page, kind): page.text(kind) for page in pages for kind in kinds}
    links = [(page, {kind: _file_name(page, kind) for kind in kinds}) for page in pages]
    texts["index.html"] = index_html(links, args.command_line)
    make_folder(folder)
    return [write_text(folder / name, text) for name, text in texts.items()]


def _file_name(page: PaperPage, kind: str) -> str:
    prefix = "SIMULATED_" if page.simulated is not None else ""
    return f"{prefix}{page.name}.{SUFFIXES[kind]}"
