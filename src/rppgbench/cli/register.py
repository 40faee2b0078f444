"""bench register: freeze what a run is to be and to show, before any data is touched."""

import argparse
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import path
from rppgbench.cli.options import output, plugins, run_options
from rppgbench.cli.run import declaration
from rppgbench.cli.terminal import answer, answer_json, note
from rppgbench.system.errors import one_line
from rppgbench.system.folders import refuse_folder

if TYPE_CHECKING:
    from rppgbench.core.registration import Hypothesis

FORM = "METHOD < METHOD [- BPM] [@ CONDITION]"


def add_parser(commands: Commands) -> None:
    """Declare the command and its options: those that say what is run, and the hypotheses."""
    parser = add_command(
        commands,
        "register",
        run,
        about="Write down a run before it is made: protocol, methods, code, rules, hypotheses. No "
        "data is touched.",
        example='bench register --protocol ubfc_intra --hypothesis "pos < chrom" --out pos.json',
    )
    parser.add_argument(
        "--protocol", required=True, metavar="NAME", help="see `bench list protocols`"
    )
    parser.add_argument(
        "--hypothesis",
        dest="hypotheses",
        action="append",
        default=[],
        type=_hypothesis,
        metavar=f'"{FORM}"',
        help="the first method has the lower mean absolute error, by BPM at least; may be given "
        "several times",
    )
    declaration(parser)
    parser.add_argument(
        "--out", type=path, required=True, metavar="FILE", help="the registration, JSON"
    )
    output(parser)
    plugins(parser)
    parser.set_defaults(data=[], cache=None)


def run(args: argparse.Namespace) -> int:
    """Write the registration and print its id."""
    from datetime import UTC, datetime

    from rppgbench.execution.registering import register

    refuse_folder(args.out, "--out")
    notes: list[str] = []
    registration = register(
        args.protocol,
        run_options(args),
        args.hypotheses,
        evaluator=args.evaluator,
        registered=datetime.now(UTC).isoformat(timespec="seconds"),
        log=notes.append,
    )
    for line in notes:
        note(line)
    registration.write(args.out)
    if args.json:
        answer_json({"id": registration.id, "file": str(args.out)})
        return DONE
    methods, parts = registration.methods, sum(map(len, registration.code.values()))
    answer(f"id {registration.id}")
    answer(
        f"{registration.name}: methods {len(methods)}, evaluators {len(registration.evaluators)}, "
        f"parts of code {parts}, hypotheses {len(registration.hypotheses)}"
    )
    answer("publish the id where it gets a date that is not yours, then: bench run --registration")
    answer(one_line(str(args.out)))
    return DONE


def _hypothesis(text: str) -> "Hypothesis":
    from rppgbench.core.registration import read_hypothesis

    try:
        return read_hypothesis(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
