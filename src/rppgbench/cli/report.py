"""bench report: score stored estimates and write the page."""

import argparse

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.options import path, plugins


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "report",
        run,
        about="Score stored estimates anew and write the page; nothing is decoded or learned.",
        example="bench report results/quickstart --evaluator toolbox_2023",
    )
    parser.add_argument("results", type=path, help="a folder that `bench run` wrote")
    parser.add_argument("--evaluator", metavar="NAME", help="this one first (default: protocol's)")
    parser.add_argument(
        "--partial", action="store_true", help="also where a run was stopped: the page says so"
    )
    parser.add_argument("--out", type=path, metavar="FILE", help="the page (RESULTS/report.html)")
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Score the stored estimates and write the page."""
    from rppgbench.cli.running import write_report_again

    return write_report_again(args)
