"""bench report: score stored estimates anew and write the page."""

import argparse
import os

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.options import path, plugins, results
from rppgbench.cli.terminal import answer
from rppgbench.system.errors import one_line


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "report",
        run,
        about="Score stored estimates anew and write the page; nothing is decoded or learned.",
        example="bench report results/quickstart --evaluator toolbox_2023",
    )
    results(parser)
    parser.add_argument("--evaluator", metavar="NAME", help="this one first (default: protocol's)")
    parser.add_argument(
        "--partial", action="store_true", help="also where a run was stopped: the page says so"
    )
    parser.add_argument("--out", type=path, metavar="FILE", help="the page (RESULTS/report.html)")
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Score the stored estimates and write the page."""
    from rppgbench.analysis.build_report import build_report
    from rppgbench.sharing.checking import output_folder, results_folder
    from rppgbench.store.store import Store

    with results_folder(args.results) as folder:
        page = build_report(
            Store(folder),
            args.out or output_folder(args.results) / "report.html",
            evaluator=args.evaluator,
            partial=args.partial,
            command=args.command_line,
            tell=lambda line: answer(one_line(line)),
        )
    answer(one_line(os.fspath(page)))
    return DONE
