"""bench check-method: the contract tests, on one method."""

import argparse
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, FAULT
from rppgbench.cli.options import as_json, plugins
from rppgbench.cli.terminal import answer, answer_json


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "check-method",
        run,
        about="Run the contract tests on a method: yours or ours.",
        example="bench check-method mymethod.py",
    )
    parser.add_argument("method", metavar="METHOD_OR_FILE")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line for each clause of the contract; exit code 2 if one is broken."""
    from rppgbench.core.registry import load_method_file, load_methods
    from rppgbench.testing.method_contract import check_method

    place = Path(args.method)
    if place.suffix == ".py" or place.is_dir() or len(place.parts) > 1:
        method = load_method_file(place)
    else:
        method = load_methods().get("method", args.method, "bench check-method")
    findings = check_method(method)
    if args.json:
        entries = [{"clause": f.clause, "kept": f.kept, "words": f.reason} for f in findings]
        result = {"method": method.name, "findings": entries}
        answer_json(result)
    else:
        for finding in findings:
            verdict = {True: "kept", False: "BROKEN", None: "not tried"}[finding.kept]
            answer(f"{verdict:9}  {finding.clause}{': ' if finding.reason else ''}{finding.reason}")
    return FAULT if any(finding.kept is False for finding in findings) else DONE
