"""bench report: score stored estimates anew and write the page."""

import argparse
from contextlib import ExitStack

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.options import output, path, plugins
from rppgbench.cli.report_answer import answer_report
from rppgbench.system.errors import BenchError


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "report",
        run,
        about="Score stored estimates anew and write the page; nothing is decoded or learned.",
        example="bench report results/quickstart --evaluator toolbox_2023",
    )
    parser.add_argument(
        "results",
        nargs="+",
        type=path,
        help="folders that `bench run` or `bench import` wrote, or bundles; several of one "
        "protocol make one page",
    )
    parser.add_argument("--evaluator", metavar="NAME", help="this one first (default: protocol's)")
    parser.add_argument(
        "--partial", action="store_true", help="also where a run was stopped: the page says so"
    )
    parser.add_argument("--out", type=path, metavar="FILE", help="the page (RESULTS/report.html)")
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Score the stored estimates and write the page."""
    from rppgbench.analysis.build_report import build_report
    from rppgbench.sharing.checking import output_folder, results_folder
    from rppgbench.store.store import Store

    first, *further = args.results
    if further and args.out is None:
        raise BenchError("--out: is needed for a page of several results folders; give a FILE")
    with ExitStack() as opened:
        stores = [Store(opened.enter_context(results_folder(results))) for results in args.results]
        report = build_report(
            stores[0],
            args.out or output_folder(first) / "report.html",
            further=stores[1:],
            evaluator=args.evaluator,
            partial=args.partial,
            command=args.command_line,
        )
    answer_report(report, as_json=args.json)
    return DONE
