"""bench list: the methods, data sets, protocols, evaluators and tables that there are."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.descriptions import TOML_FOLDERS, describe, names_of
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.options import as_json, plugins
from rppgbench.cli.terminal import answer, answer_json, answer_width
from rppgbench.system.errors import BenchError, one_line
from rppgbench.system.text_wrapping import wrapped

KINDS = ("methods", "benchmarks", *TOML_FOLDERS)


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "list",
        run,
        about="Name what there is, with a line on each.",
        example="bench list methods",
    )
    parser.add_argument("kind", nargs="?", choices=KINDS, help="only these (default: all)")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print names and titles by kind; as JSON the values that `bench show` prints."""
    kinds = [args.kind] if args.kind else list(KINDS)
    if args.json:
        described = {kind: {n: describe(kind, n) for n in names_of(kind)} for kind in kinds}
        answer_json(described)
        return DONE
    for kind in kinds:
        answer(f"{kind}:")
        titles, reasons = _titles(kind)
        width = max(map(len, titles), default=0)
        for name, title in titles.items():
            line = f"  {one_line(name):{width}}  {one_line(title)}"
            for part in wrapped(line, answer_width(), " " * (width + 4)):
                answer(part)
        _answer_unavailable(reasons)
    return DONE


def _answer_unavailable(reasons: Mapping[str, str]) -> None:
    """The names that cannot be used, together where they have one reason."""
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names_by_reason.setdefault(reason, []).append(name)
    for reason, names in names_by_reason.items():
        for line in wrapped(f"  {_joined(names)}", answer_width()):
            answer(line)
        for line in wrapped(f"    not available: {one_line(reason)}", answer_width(), " " * 6):
            answer(line)


def _joined(names: Sequence[str]) -> str:
    return ", ".join(map(one_line, names))


def _titles(kind: str) -> tuple[dict[str, str], dict[str, str]]:
    """Titles by name, and the reasons of what cannot be used.

    Where a method runs code or weights of others, their licence follows the title.
    """
    from rppgbench.core.registry import load_datasets, load_methods, toml_files

    titles: dict[str, str] = {}
    reasons: dict[str, str] = {}
    if kind in TOML_FOLDERS:
        for name, file in toml_files(TOML_FOLDERS[kind]).items():
            try:
                titles[name] = _file_title(file)
            except BenchError as error:
                reasons[name] = str(error)
    elif kind == "methods":
        methods = load_methods()
        for name, method in methods.available.items():
            titles[name] = "; ".join(filter(None, [method.title, method.licence]))
        reasons = {name: entry.reason for name, entry in methods.unavailable.items()}
    else:
        datasets = load_datasets()
        titles = {name: dataset.title for name, dataset in datasets.available.items()}
        reasons = {name: entry.reason for name, entry in datasets.unavailable.items()}
    return dict(sorted(titles.items())), dict(sorted(reasons.items()))


def _file_title(file: Path) -> str:
    """The title in a TOML file; only the part before the first [table] is parsed."""
    from rppgbench.system.toml_files import read_toml

    return str(read_toml(file, head=True).get("title", ""))
