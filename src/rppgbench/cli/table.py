"""bench table: a paper's table beside what is measured."""

import argparse

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.options import at_least_one, path, places, plugins, seconds, workers


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
        "--epochs", type=at_least_one, metavar="N", help="of learning on simulated data (1)"
    )
    places(parser)
    parser.add_argument("--evaluator", metavar="NAME", help="this one in place of the table's")
    parser.add_argument("--format", choices=["html", "latex", "markdown", "csv"])
    parser.add_argument("--out", type=path, metavar="FILE", help="file, or with --all a folder")
    workers(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Fill one table, or all, from stored results and from runs of what is missing."""
    from rppgbench.cli.tables import make_tables

    return make_tables(args)
