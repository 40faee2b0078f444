"""bench check: the contract tests of one method, or the checks of another declaration."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, FAULT
from rppgbench.cli.options import output, plugins
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError, unknown_name

if TYPE_CHECKING:
    from rppgbench.testing.method_contract import Finding

FOLDERS = {
    "protocol": "protocols",
    "evaluator": "protocols/evaluators",
    "split": "protocols/splits",
    "report": "reports",
}
"""The kinds that are TOML files, with their folder of content."""

KINDS = ("method", "dataset", *FOLDERS)


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "check",
        run,
        about="Check a method by its contract, or another declaration by its keys and names: yours "
        "or ours.",
        example="bench check mymethod.py",
    )
    parser.add_argument(
        "declaration",
        metavar="NAME_OR_FILE",
        help="of a method, data set, protocol, evaluator, split or report",
    )
    parser.add_argument("--kind", choices=KINDS, help="where several kinds have the name")
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line for each clause; exit code 2 if one is broken."""
    kind, name, findings = _check(args)
    if args.json:
        entries = [{"clause": f.clause, "kept": f.kept, "words": f.reason} for f in findings]
        answer_json({"kind": kind, "name": name, "findings": entries})
    else:
        for finding in findings:
            verdict = {True: "kept", False: "BROKEN", None: "not tried"}[finding.kept]
            answer(f"{verdict:9}  {finding.clause}{': ' if finding.reason else ''}{finding.reason}")
    return FAULT if any(finding.kept is False for finding in findings) else DONE


def _check(args: argparse.Namespace) -> tuple[str, str, Sequence[Finding]]:
    """The kind and name of what is checked, and the findings."""
    from rppgbench.core.registry import load_method_file, toml_files
    from rppgbench.testing.method_contract import check_method

    place = Path(args.declaration)
    is_place = len(place.parts) > 1 or place.is_dir() or place.suffix in {".py", ".toml"}
    if is_place and place.suffix == ".toml":
        kind = args.kind or _kind_of_file(place)
        return kind, place.stem, _toml_check(kind)(place)
    if is_place:
        if args.kind not in {None, "method"}:
            raise BenchError(f"--kind: {place} is a method, not a {args.kind}; leave it out")
        method = load_method_file(place)
        return "method", method.name, check_method(method)
    kind = args.kind or _kind_of_name(args.declaration)
    if kind in FOLDERS:
        files = toml_files(FOLDERS[kind])
        if args.declaration not in files:
            raise unknown_name(kind, args.declaration, files, "bench check")
        return kind, args.declaration, _toml_check(kind)(files[args.declaration])
    return kind, args.declaration, _check_declared(kind, args.declaration)


def _check_declared(kind: str, name: str) -> Sequence[Finding]:
    from rppgbench.core.registry import load_datasets, load_methods
    from rppgbench.testing.declaration_checks import check_dataset
    from rppgbench.testing.method_contract import check_method

    if kind == "method":
        return check_method(load_methods().get("method", name, "bench check"))
    return check_dataset(load_datasets().get("data set", name, "bench check"))


def _toml_check(kind: str) -> Callable[[Path], Sequence[Finding]]:
    from rppgbench.papers.table_check import check_table_file
    from rppgbench.testing import declaration_checks

    checks: dict[str, Callable[[Path], Sequence[Finding]]] = {
        "protocol": declaration_checks.check_protocol_file,
        "evaluator": declaration_checks.check_evaluator_file,
        "split": declaration_checks.check_split_file,
        "report": check_table_file,
    }
    if kind not in checks:
        raise BenchError(f"--kind: {kind} is no TOML file; give one of {', '.join(checks)}")
    return checks[kind]


def _kind_of_name(name: str) -> str:
    """The one kind that has a name.

    Raises:
        BenchError: no kind has the name, or several have it.
    """
    from rppgbench.core.registry import load_datasets, load_methods, toml_files

    names: dict[str, Any] = {
        "method": {*load_methods().available, *load_methods().unavailable},
        "dataset": {*load_datasets().available, *load_datasets().unavailable},
        **{kind: set(toml_files(folder)) for kind, folder in FOLDERS.items()},
    }
    kinds = [kind for kind, of_kind in names.items() if name in of_kind]
    if len(kinds) > 1:
        raise BenchError(f"bench check: {name} is a {' and a '.join(kinds)}; say which by --kind")
    if not kinds:
        raise unknown_name("declaration", name, set().union(*names.values()), "bench check")
    return kinds[0]


def _kind_of_file(file: Path) -> str:
    """The kind of a TOML file, by its keys.

    Raises:
        BenchError: the file cannot be read, or has the keys of no kind.
    """
    from rppgbench.system.toml_files import read_toml

    by_key = {"fold": "split", "estimate": "evaluator", "settings": "report", "test": "protocol"}
    keys = read_toml(file)
    for key, kind in by_key.items():
        if key in keys:
            return kind
    raise BenchError(
        f"{file}: has the keys of no protocol, evaluator, split or report; say which by --kind"
    )
