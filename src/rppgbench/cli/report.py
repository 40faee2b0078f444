"""bench report: score stored estimates anew and write the page, tables or rows."""

import argparse
from contextlib import ExitStack

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import names, path
from rppgbench.cli.options import output, plugins, without_effect
from rppgbench.cli.report_answer import answer_report, answer_scores
from rppgbench.system.errors import BenchError
from rppgbench.system.folders import refuse_folder

FORMATS = ("html", "latex", "markdown", "csv", "json")
OUT = (
    "the page (RESULTS/report.html), the tables (standard output), or the folder of CSV files "
    "(RESULTS/scores)"
)


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
    parser.add_argument(
        "--evaluator",
        type=names,
        default=(),
        metavar="NAME,...",
        help="these first (default: the protocol's)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="html",
        help="html: the page; latex, markdown: a table for each evaluator; csv: a folder with the "
        "rows of recordings and windows; json: all scores (default: html)",
    )
    parser.add_argument(
        "--metrics",
        type=names,
        default=(),
        metavar="NAME,...",
        help="of tables and json: mae,r,...",
    )
    parser.add_argument(
        "--partial", action="store_true", help="also where a run was stopped: the page says so"
    )
    parser.add_argument(
        "--registration",
        type=path,
        metavar="FILE",
        help="of bench register: list every deviation from it (default: that of the run, if any)",
    )
    parser.add_argument(
        "--cost",
        type=path,
        metavar="FILE",
        help="of bench speed --only energy --only latency --json: delay, processor time, energy of "
        "methods, for the page's section on costs",
    )
    parser.add_argument("--out", type=path, metavar="FILE", help=OUT)
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Score the stored estimates; write the page, or print or write tables and rows."""
    from rppgbench.analysis.build_report import build_report, score_results
    from rppgbench.analysis.measured_costs import read_measured_costs
    from rppgbench.core.registration import Registration
    from rppgbench.report.tables.metric_tables import check_metrics
    from rppgbench.sharing.checking import output_folder, results_folder
    from rppgbench.store.store import Store

    first, *further = args.results
    as_page = args.format == "html"
    check_metrics(args.metrics)
    if args.metrics and as_page and not args.json:
        raise BenchError("--metrics: a page has all of them; give --format latex, csv or json too")
    if further and args.out is None and args.format in {"html", "csv"}:
        raise BenchError("--out: is needed for a page of several results folders; give a FILE")
    if args.format in {"latex", "markdown", "csv"}:
        without_effect(args, ["json"], f"with --format {args.format}")
    if args.out is not None and args.format != "csv":
        refuse_folder(args.out, "--out")
    stated = Registration.read(args.registration) if args.registration else None
    if not as_page:
        without_effect(args, ["cost"], f"with --format {args.format}")
    measured = read_measured_costs(args.cost) if args.cost else None
    with ExitStack() as opened:
        stores = [Store(opened.enter_context(results_folder(results))) for results in args.results]
        make = build_report if as_page else score_results
        report = make(
            stores[0],
            args.out if as_page and args.out else output_folder(first) / "report.html",
            further=stores[1:],
            evaluators=args.evaluator,
            partial=args.partial,
            command=args.command_line,
            registration=stated,
            measured_costs=measured,
        )
    if as_page:
        answer_report(report, as_json=args.json)
    else:
        answer_scores(report, args, output_folder(first) / "scores")
    return DONE
