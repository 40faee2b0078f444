"""bench list: the methods, data sets, protocols, evaluators and tables that there are."""

import argparse
import json
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.options import as_json, plugins
from rppgbench.cli.terminal import answer
from rppgbench.system.errors import BenchError, one_line

FOLDERS = {
    "protocols": "protocols",
    "evaluators": "protocols/evaluators",
    "reports": "reports",
}


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "list",
        run,
        about="Name what there is, with a line on each.",
        example="bench list methods --json",
    )
    kinds = ["methods", "benchmarks", *FOLDERS]
    parser.add_argument("kind", nargs="?", choices=kinds, help="only these (default: all)")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print names and titles, by kind."""
    kinds = [args.kind] if args.kind else ["methods", "benchmarks", *FOLDERS]
    titles_by_kind = {kind: _titles(kind) for kind in kinds}
    if args.json:
        answer(json.dumps(titles_by_kind, indent=1))
        return DONE
    for kind, titles in titles_by_kind.items():
        width = max(map(len, titles), default=0)
        answer(f"{kind}:")
        for name, title in titles.items():
            answer(f"  {one_line(name):{width}}  {one_line(title)}")
    return DONE


def _titles(kind: str) -> dict[str, str]:
    """Titles by name. Where a method runs code or weights of others, their licence follows."""
    from rppgbench.core.registry import load_datasets, load_methods, toml_files

    if kind in FOLDERS:
        return {name: _file_title(file) for name, file in toml_files(FOLDERS[kind]).items()}
    if kind == "methods":
        methods = load_methods()
        titles = {
            name: "; ".join(filter(None, [m.title, m.licence]))
            for name, m in methods.available.items()
        }
        unavailable = methods.unavailable
    else:
        datasets = load_datasets()
        titles = {name: dataset.title for name, dataset in datasets.available.items()}
        unavailable = datasets.unavailable
    titles |= {name: f"not available: {entry.reason}" for name, entry in unavailable.items()}
    return dict(sorted(titles.items()))


def _file_title(file: Path) -> str:
    """The title in a TOML file; only the part before the first [table] is parsed."""
    from rppgbench.system.toml_files import read_toml

    try:
        return str(read_toml(file, head=True).get("title", ""))
    except BenchError as error:
        return f"not available: {error}"
