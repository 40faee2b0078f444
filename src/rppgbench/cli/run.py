"""bench run: do what is missing of a protocol, then score everything and write the page."""

import argparse
from collections.abc import Sequence

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import at_least_one, names, path, seconds
from rppgbench.cli.options import dry_run, output, places, plugins, run_options, selection, workers
from rppgbench.cli.report_answer import answer_report
from rppgbench.cli.terminal import answer, answer_json, note, tell
from rppgbench.system.errors import one_line

MAX_LINES = 20
"""How many failures, and how many warnings, the terminal shows; the page has them all."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options: the fields of `RunOptions`, and `--out`."""
    parser = add_command(
        commands,
        "run",
        run,
        about="Run a protocol: features, learning, estimates, report. What is stored is not done "
        "again.",
        example="bench run --protocol pure_to_ubfc --methods pos,chrom --data ubfc_rppg=/data/UBFC",
    )
    parser.add_argument(
        "--protocol", required=True, metavar="NAME", help="see `bench list protocols`"
    )
    run_arguments(parser)


def run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare all options of a run but the protocol."""
    declaration(parser)
    places(parser)
    parser.add_argument(
        "--registration",
        type=path,
        metavar="FILE",
        help="of bench register: the results keep it, and the page lists every deviation",
    )
    dry_run(parser)
    parser.add_argument(
        "--every-epoch",
        action="store_true",
        help="test the models of all epochs: a row 'best epoch (oracle)' beside the last's",
    )
    parser.add_argument(
        "--keep-videos",
        type=path,
        metavar="DIR",
        help="recompressed videos: DIR/SET/RECORDING/CONDITION.mkv (default: none is kept)",
    )
    workers(parser)
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="make the stored estimates that failed again (a fault of the machine leaves none)",
    )
    parser.add_argument("--out", type=path, metavar="DIR", help="results folder (results/PROTOCOL)")
    output(parser)
    plugins(parser)


def declaration(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what is run: data sets, methods, parameters, rules."""
    selection(parser, "these, or a group: all, classical, learned (default: the protocol's)")
    parser.add_argument("--train", metavar="SET", help="train on this data set instead")
    parser.add_argument("--test", metavar="SET", help="test on this data set instead")
    parser.add_argument(
        "--simulate", action="store_true", help="on simulated recordings in the native layout"
    )
    parser.add_argument(
        "--subjects", type=at_least_one, metavar="N", help="simulated subjects a data set"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of the simulated recordings"
    )
    parser.add_argument("--difficulty", choices=["easy", "paper", "hard"], help="of the simulation")
    parser.add_argument(
        "--preset", metavar="NAME", help="of the methods that learn: paper, smoke, toy"
    )
    parser.add_argument(
        "--epochs", type=at_least_one, metavar="N", help="of every training and pre-training"
    )
    parser.add_argument(
        "--region",
        dest="regions",
        type=names,
        metavar="A,B",
        help="face regions (default: the protocol's)",
    )
    parser.add_argument(
        "--controls",
        type=names,
        metavar="A,B",
        help="rows that cannot know the pulse, such as noise,photograph (default: the protocol's)",
    )
    parser.add_argument("--evaluator", metavar="NAME", help="this one first (default: protocol's)")


def run(args: argparse.Namespace) -> int:
    """Do what is missing of a protocol, then score and render all of it."""
    from rppgbench.analysis.build_report import build_report
    from rppgbench.analysis.registered_run import (
        keep_registration,
        plan_deviations,
        registration_of,
    )
    from rppgbench.core.registration import Registration
    from rppgbench.core.registry import find_toml
    from rppgbench.execution.plan_cost import describe_cost
    from rppgbench.execution.run_setup import prepare_run
    from rppgbench.execution.runner import run as run_plan
    from rppgbench.system.process_state import enable_crash_traces

    if args.evaluator:
        find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    stated = Registration.read(args.registration) if args.registration else None
    prepared = prepare_run(
        args.protocol, run_options(args), args.out, lambda line: tell(one_line(line))
    )
    costs = describe_cost(prepared.plan, prepared.store, prepared.options)
    registration = registration_of([prepared.store.folder], stated)
    deviations = plan_deviations(registration, prepared.plan) if registration else []
    if args.dry_run and args.json:
        answer_json({"costs": costs, "deviations": [*map(str, deviations)]})
        return DONE
    for line in [*costs, *map(str, deviations)]:
        (answer if args.dry_run else note)(one_line(line))
    if args.dry_run:
        return DONE
    if registration is not None:
        keep_registration(registration, prepared.store.folder)
    enable_crash_traces()
    summary = run_plan(prepared.plan, prepared.store, prepared.options, note)
    report = build_report(
        prepared.store,
        prepared.store.folder / "report.html",
        evaluators=(args.evaluator,) if args.evaluator else (),
    )
    without_rate = {
        name: reason for name, reason in report.without_rate.items() if name not in summary.failed
    }
    failed = summary.failed | without_rate
    _tell("warning", report.warnings)
    _tell("failed", [f"{name}: {reason}" for name, reason in failed.items()], error=True)
    done = (
        f"{summary.done} estimates made, {summary.stored} were stored already, "
        f"over {prepared.plan.expected} recordings in {_duration(summary.seconds)}"
    )
    shown_failures = dict(list(failed.items())[:MAX_LINES])
    answer_report(report, as_json=args.json, before=done, failed=shown_failures)
    return SOME_FAILED if failed else DONE


def _duration(seconds: float) -> str:
    from rppgbench.system.progress import format_duration

    return format_duration(seconds)


def _tell(kind: str, messages: Sequence[str], *, error: bool = False) -> None:
    """Tell the first messages of a kind, and how many more there are."""
    for line in messages[:MAX_LINES]:
        tell(f"{kind}: {one_line(line)}", error=error)
    if len(messages) > MAX_LINES:
        more = len(messages) - MAX_LINES
        tell(f"{kind}: {more} more; the report names them all", error=error)
