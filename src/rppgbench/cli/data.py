"""bench data and bench simulate."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.options import folder_for_output
from rppgbench.cli.terminal import answer, tell
from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import Dataset, Recording
from rppgbench.core.registry import find_toml, load_datasets, toml_files
from rppgbench.datasets.layout import is_folder
from rppgbench.datasets.roots import cache_folder, data_root, write_simulated
from rppgbench.datasets.splits import OFFICIAL, PARTS, WHOLE, FoldAssignment, read_split
from rppgbench.system.errors import BenchError, one_line

if TYPE_CHECKING:
    from rppgbench.datasets.check import Share


def show(args: argparse.Namespace) -> int:
    """Print what a reader needs to know before asking for a data set."""
    dataset = load_datasets().get("data set", args.name, "bench data show")
    facts = {
        "name": dataset.name,
        "title": dataset.title,
        "holds": dict(dataset.expected),
        "licence": dataset.licence,
        "ask": dataset.url,
        "cite": dataset.cite,
        "protocols": _protocols(dataset),
        "about": inspect.cleandoc(sys.modules[dataset.recordings.__module__].__doc__ or ""),
    }
    if args.json:
        answer(json.dumps(facts, indent=1))
        return DONE
    about = facts.pop("about")
    for key, value in facts.items():
        answer(f"{key:10} {_words(value)}")
    answer(f"\n{about}")
    return DONE


def check(args: argparse.Namespace) -> int:
    """Print what is wrong with a data set on disk, and which protocols it fits."""
    from rppgbench.datasets.check import check_data, protocol_need
    from rppgbench.system.progress import progress

    dataset = load_datasets().get("data set", args.name, "bench data check")
    root = args.path or data_root(dataset, {}, tell=tell)
    if not is_folder(root):
        raise BenchError(f"{root}: no such folder")
    alone = _protocols(dataset, alone=True)
    needs = {name: protocol_need(_layout(name, root)) for name in alone}
    with progress(f"checking {args.name}", len(list(dataset.recordings(root)))) as shown:
        result = check_data(
            dataset,
            root,
            jobs=args.jobs,
            protocols=needs,
            shares={name: _share(name, root) for name in alone},
            cache=cache_folder(),
            progress=lambda done, total: shown.step() if done else None,
        )
    if args.json:
        answer(json.dumps(result.to_dict(), indent=1))
    else:
        for kind, (there, whole) in result.counts.items():
            answer(f"{kind}: {there}" + (f" of {whole}" if whole else ""))
        for finding in result.findings:
            place = f" ({finding.file})" if finding.file else ""
            told = f"{finding.recording or args.name}: {finding.text}{place}"
            answer(f"{finding.severity}: {one_line(told)}")
        answer(result.verdict)
    return DONE if result.fit else SOME_FAILED


def simulate(args: argparse.Namespace) -> int:
    """Write a simulated tree."""
    from rppgbench.simulation import SimulationPlan

    dataset = load_datasets().get("data set", args.name, "bench simulate")
    if dataset.simulate is None:
        raise BenchError(f"bench simulate: {args.name} cannot be simulated")
    out = folder_for_output(args.out)
    if any(out.iterdir()):
        raise BenchError(f"{out}: not empty; give a new folder")
    plan = SimulationPlan(args.subjects, args.seconds, args.seed, args.difficulty)
    write_simulated(dataset, out, plan)
    answer(out)
    return DONE


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{n} {what}" for what, n in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _layout(name: str, root: Path) -> Callable[[Sequence[Recording]], Sequence[FoldAssignment]]:
    """How a protocol cuts the recordings of its one data set."""
    protocol = read_protocol(toml_files("protocols")[name])

    def lay_out(recordings: Sequence[Recording]) -> Sequence[FoldAssignment]:
        from rppgbench.execution.planner import fold_assignments

        held = {
            (r.dataset, r.name): r
            for r in recordings
            if not (protocol.without_known_bad and r.known_bad)
        }
        roots = {protocol.test[0]: root}
        alone = protocol.model_copy(update={"train": []}) if protocol.split == WHOLE else protocol
        return fold_assignments(alone, roots, held, f"protocols/{name}.toml")[0]

    return lay_out


def _share(name: str, root: Path) -> "Share":
    """How much of a protocol's test side is here: by its split's lists, else by its number."""
    from rppgbench.datasets.check import share_of

    protocol = read_protocol(toml_files("protocols")[name])
    entries: set[str] = set()
    if protocol.split not in {WHOLE, OFFICIAL, PARTS}:
        file = find_toml("protocols/splits", "split", protocol.split, f"protocols/{name}.toml")
        entries = {entry for fold in read_split(file).folds for entry in fold.test}
    return share_of(_layout(name, root), entries=entries, number=protocol.recordings)


def _protocols(dataset: Dataset, *, alone: bool = False) -> list[str]:
    """The protocols that use a data set, or those that test it and no other."""
    found = []
    for name, file in toml_files("protocols").items():
        protocol = read_protocol(file)
        used = {*protocol.pretrain, *protocol.train, *protocol.test}
        if protocol.test == [dataset.name] if alone else dataset.name in used:
            found.append(name)
    return found
