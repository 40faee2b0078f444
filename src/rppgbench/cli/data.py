"""bench data: show or check a data set."""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_actions, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import at_least_one, name_and_path, path
from rppgbench.cli.options import as_json, plugins
from rppgbench.cli.terminal import answer, answer_json, tell
from rppgbench.system.errors import BenchError, one_line

if TYPE_CHECKING:
    from rppgbench.core.recording import Dataset, Recording
    from rppgbench.datasets.check import DataCheck
    from rppgbench.datasets.protocol_fit import Share
    from rppgbench.datasets.splits import FoldAssignment


MAX_LINES = 100
"""The greatest number of findings of a severity that are shown."""


def add_parser(commands: Commands) -> None:
    """Declare the two actions and their options."""
    actions = add_actions(
        commands,
        "data",
        about="Show or check a data set.",
        example="bench data check pure /data/PURE",
    )
    show_parser = add_command(
        actions,
        "show",
        show,
        about="Layout, licence, how to ask for it, known bad items, citation.",
        example="bench data show vipl_hr",
    )
    show_parser.add_argument("name", metavar="NAME")
    as_json(show_parser)
    plugins(show_parser)
    check_parser = add_command(
        actions,
        "check",
        check,
        about="Read every label and three frames of every video, and say what is wrong.",
        example="bench data check ubfc_rppg /data/UBFC --jobs 4",
    )
    check_parser.add_argument("name", metavar="NAME")
    check_parser.add_argument(
        "path", metavar="PATH", type=path, nargs="?", help="default: the set's root"
    )
    check_parser.add_argument(
        "--beside",
        action="append",
        default=[],
        type=name_and_path,
        metavar="NAME=PATH",
        help="another data set, to find its recordings that are in this one too (may be given "
        "again)",
    )
    as_json(check_parser)
    check_parser.add_argument("--jobs", type=at_least_one, default=1, metavar="N", help="threads")
    plugins(check_parser)


def show(args: argparse.Namespace) -> int:
    """Print what a reader needs to know before asking for a data set."""
    from rppgbench.cli.descriptions import describe_dataset
    from rppgbench.cli.show import answer_description
    from rppgbench.core.registry import load_datasets

    dataset = load_datasets().get("data set", args.name, "bench data show")
    description = {"name": dataset.name, **describe_dataset(dataset)}
    if args.json:
        answer_json(description)
    else:
        answer_description(description)
    return DONE


def check(args: argparse.Namespace) -> int:
    """Print what is wrong with a data set on disk, and which protocols it fits."""
    from rppgbench.contamination.set_findings import set_findings
    from rppgbench.core.guarded_calls import list_recordings
    from rppgbench.core.registry import load_datasets
    from rppgbench.datasets.check import check_data
    from rppgbench.datasets.layout import is_folder
    from rppgbench.datasets.protocol_fit import protocol_need
    from rppgbench.datasets.roots import cache_folder, data_root
    from rppgbench.system.progress import progress

    dataset = load_datasets().get("data set", args.name, "bench data check")
    root = args.path or data_root(dataset, {}, tell=tell)
    if not is_folder(root):
        raise BenchError(f"{root}: no such folder")
    protocols = _protocols_testing(dataset)
    beside, cache = _other_recordings(args), cache_folder()
    with progress(f"checking {args.name}", len(list_recordings(dataset, root))) as bar:
        result = check_data(
            dataset,
            root,
            jobs=args.jobs,
            protocols={name: protocol_need(_fold_layout(name, root)) for name in protocols},
            shares={name: _share(name, root) for name in protocols},
            cache=cache,
            compare=lambda usable: set_findings(usable, beside, cache),
            progress=lambda done, total: bar.step() if done else None,
        )
    if args.json:
        answer_json(result.to_dict())
    else:
        _print(result, args.name)
    return DONE if result.fit else SOME_FAILED


def _other_recordings(args: argparse.Namespace) -> "list[Recording]":
    """The recordings of the data sets of `--beside`."""
    from rppgbench.core.guarded_calls import list_recordings
    from rppgbench.core.registry import load_datasets
    from rppgbench.datasets.layout import is_folder

    recordings: list[Recording] = []
    names = [args.name]
    for name, root in args.beside:
        dataset = load_datasets().get("data set", name, "--beside")
        if name in names:
            raise BenchError(f"--beside: {name} is compared already; give each data set once")
        if not is_folder(root):
            raise BenchError(f"--beside: {root}: no such folder; give NAME=PATH of {name}")
        names.append(name)
        recordings += list_recordings(dataset, root)
    return recordings


def _print(result: "DataCheck", name: str) -> None:
    for kind, (present, expected) in result.counts.items():
        answer(f"{kind}: {present}" + (f" of {expected}" if expected else ""))
    printed: Counter[str] = Counter()
    for finding in result.findings:
        printed[finding.severity] += 1
        if printed[finding.severity] > MAX_LINES:
            continue
        place = f" ({finding.file})" if finding.file else ""
        line = f"{finding.recording or name}: {finding.text}{place}"
        answer(f"{finding.severity}: {one_line(line)}")
    for severity, count in printed.items():
        if count > MAX_LINES:
            answer(f"{severity}: {count - MAX_LINES} more; --json names them all")
    answer(result.verdict)


def _fold_layout(
    name: str, root: Path
) -> "Callable[[Sequence[Recording]], Sequence[FoldAssignment]]":
    """How a protocol assigns the recordings of its one data set to folds."""
    from rppgbench.core.protocol import read_protocol
    from rppgbench.core.registry import toml_files
    from rppgbench.datasets.splits import WHOLE

    protocol = read_protocol(toml_files("protocols")[name])

    def lay_out(recordings: "Sequence[Recording]") -> "Sequence[FoldAssignment]":
        from rppgbench.execution.fold_layout import lay_out_folds

        usable = {
            (recording.dataset, recording.name): recording
            for recording in recordings
            if not (protocol.without_known_bad and recording.known_bad)
        }
        roots = {protocol.test[0]: root}
        test_only = (
            protocol.model_copy(update={"train": []}) if protocol.split == WHOLE else protocol
        )
        return lay_out_folds(test_only, roots, usable, f"protocols/{name}.toml").sides

    return lay_out


def _share(name: str, root: Path) -> "Share":
    """How much of a protocol's test side is here: by its split's lists, else by its number."""
    from rppgbench.core.protocol import read_protocol
    from rppgbench.core.registry import find_toml, toml_files
    from rppgbench.datasets.protocol_fit import describe_share
    from rppgbench.datasets.splits import OFFICIAL, PARTS, WHOLE, read_split

    protocol = read_protocol(toml_files("protocols")[name])
    entries: set[str] = set()
    if protocol.split not in {WHOLE, OFFICIAL, PARTS}:
        file = find_toml("protocols/splits", "split", protocol.split, f"protocols/{name}.toml")
        entries = {entry for fold in read_split(file).folds for entry in fold.test}
    return describe_share(_fold_layout(name, root), entries=entries, number=protocol.recordings)


def _protocols_testing(dataset: "Dataset") -> list[str]:
    """The protocols that test a data set and no other."""
    from rppgbench.core.protocol import read_protocol
    from rppgbench.core.registry import toml_files

    return [
        name
        for name, file in toml_files("protocols").items()
        if read_protocol(file).test == [dataset.name]
    ]
