"""bench list: what there is."""

import argparse
import json
from pathlib import Path

from rppgbench.cli import DONE
from rppgbench.cli.terminal import answer
from rppgbench.core.method import Method
from rppgbench.core.recording import Dataset
from rppgbench.core.registry import load_datasets, load_methods, toml_files
from rppgbench.system.errors import BenchError, one_line
from rppgbench.system.toml_files import read_toml

FOLDERS = {
    "protocols": "protocols",
    "evaluators": "protocols/evaluators",
    "reports": "reports",
}


def show_list(args: argparse.Namespace) -> int:
    """Print names and titles, by kind."""
    kinds = [args.kind] if args.kind else ["methods", "benchmarks", *FOLDERS]
    found = {kind: _titles(kind) for kind in kinds}
    if args.json:
        answer(json.dumps(found, indent=1))
        return DONE
    for kind, titles in found.items():
        width = max(map(len, titles), default=0)
        answer(f"{kind}:")
        for name, title in titles.items():
            answer(f"  {one_line(name):{width}}  {one_line(title)}")
    return DONE


def _titles(kind: str) -> dict[str, str]:
    if kind in FOLDERS:
        return {name: _title(file) for name, file in toml_files(FOLDERS[kind]).items()}
    loaded = load_methods() if kind == "methods" else load_datasets()
    titles = {name: _with_licence(one) for name, one in loaded.found.items()}
    titles |= {name: f"not available: {one.reason}" for name, one in loaded.missing.items()}
    return dict(sorted(titles.items()))


def _with_licence(one: Method | Dataset) -> str:
    """The title; where a method runs on other people's code or weights, under which terms too."""
    licence = one.licence if isinstance(one, Method) else ""
    return f"{one.title}; {licence}" if licence else one.title


def _title(file: Path) -> str:
    """The title stands before the first [table]: the rest of a long file is not parsed for it."""
    try:
        return str(read_toml(file, head=True).get("title", ""))
    except BenchError as error:
        return f"not available: {error}"
