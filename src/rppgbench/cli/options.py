"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli.option_values import (
    at_least_one,
    name_and_path,
    names,
    parameter,
    path,
    seeds,
)
from rppgbench.execution.run_options import executor_names
from rppgbench.system.errors import BenchError, unknown_name

if TYPE_CHECKING:
    from rppgbench.core.method import Method
    from rppgbench.execution.run_options import RunOptions


def plugins(parser: argparse.ArgumentParser) -> None:
    """Declare `--plugins`, an option of every command."""
    parser.add_argument(
        "--plugins",
        action="append",
        default=[],
        type=path,
        metavar="DIR",
        help="a folder of content of your own (may be given again)",
    )


def results(parser: argparse.ArgumentParser, name: str = "results") -> None:
    """Declare the results that a command reads.

    Args:
        parser: the command.
        name: of the argument.
    """
    parser.add_argument(name, type=path, help="a folder that `bench run` wrote, or a bundle of it")


def as_json(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`, for programs that read the answer."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def output(parser: argparse.ArgumentParser) -> None:
    """Declare `--json` and `--quiet`, of commands that write files and say what is in them."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="one JSON object")
    forms.add_argument("--quiet", action="store_true", help="print nothing but errors")


def quiet(parser: argparse.ArgumentParser) -> None:
    """Declare `--quiet`, of commands whose answer is a file or an exit code."""
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def places(parser: argparse.ArgumentParser) -> None:
    """Declare the options for the folders of data sets and of the cache."""
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        type=name_and_path,
        metavar="NAME=PATH",
        help="root of a data set; also RPPGBENCH_DATA_<NAME> or [data] in bench.toml",
    )
    parser.add_argument("--cache", type=path, metavar="DIR", help="features (RPPGBENCH_CACHE)")


def selection(parser: argparse.ArgumentParser, methods: str) -> None:
    """Declare the options that choose what of a protocol is run.

    Args:
        parser: takes the options.
        methods: what the names of `--methods` may be, for the help.
    """
    parser.add_argument("--methods", type=names, metavar="A,B", help=methods)
    parser.add_argument(
        "--param",
        dest="params",
        action="append",
        default=[],
        type=parameter,
        metavar="METHOD.NAME=VALUE",
        help="a parameter of a method; several values (VALUE,VALUE) make a row each; may be given "
        "several times",
    )
    parser.add_argument("--folds", type=names, metavar="A,B", help="only these (default: all)")
    parser.add_argument(
        "--seeds",
        "--seed",
        type=seeds,
        metavar="K,L",
        help="seeds of the trainings (default: the protocol's)",
    )


def dry_run(parser: argparse.ArgumentParser) -> None:
    """Declare `--dry-run`, of commands that run a plan."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be run, with hours, memory and disk, and stop",
    )


def workers(parser: argparse.ArgumentParser) -> None:
    """Declare the options for processes, devices and executors."""
    parser.add_argument("--jobs", type=at_least_one, metavar="N", help="processes (1)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    parser.add_argument(
        "--devices",
        type=at_least_one,
        default=1,
        metavar="N",
        help="GPUs of this machine that share each training (docs/how_to/gpu.md)",
    )
    parser.add_argument(
        "--executor",
        choices=executor_names(),
        default="local",
        help="processes of this machine, or the workers of a Dask scheduler (see cluster.md)",
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://head:8786")


def run_options(args: argparse.Namespace) -> RunOptions:
    """Return the run options of a command line: every argument that bears the name of a field."""
    from dataclasses import fields

    from rppgbench.datasets.roots import cache_folder
    from rppgbench.execution.run_options import RunOptions

    option_names = {field.name for field in fields(RunOptions)}
    values = {name: v for name, v in vars(args).items() if name in option_names and v is not None}
    params, sweeps = _params(getattr(args, "params", []))
    values |= {
        "data": data_roots(args),
        "cache": cache_folder(args.cache),
        "params": params,
        "sweeps": sweeps,
        "command": args.command_line,
    }
    return RunOptions(**values)


def data_roots(args: argparse.Namespace) -> dict[str, Path]:
    """Return the roots of `--data` by data set.

    Raises:
        BenchError: a data set is unknown, or has two roots.
    """
    from rppgbench.core.registry import load_datasets

    roots: dict[str, Path] = {}
    for name, root in args.data:
        load_datasets().get("data set", name, "--data")
        if name in roots:
            raise BenchError(f"--data: {name} is given twice: {roots[name]} and {root}")
        roots[name] = root
    return roots


def _params(
    parts: Iterable[tuple[str, str, tuple[bool | int | float | str, ...]]],
) -> tuple[
    dict[str, dict[str, bool | int | float | str]],
    dict[str, dict[str, tuple[bool | int | float | str, ...]]],
]:
    """The parameters of `--param` by method: those of one value, and those of several.

    Raises:
        BenchError: a parameter is given twice, with other values.
    """
    values_by_place: dict[tuple[str, str], tuple[bool | int | float | str, ...]] = {}
    for method, name, values in parts:
        if values_by_place.setdefault((method, name), values) != values:
            texts = [",".join(map(str, v)) for v in (values_by_place[method, name], values)]
            raise BenchError(
                f"--param: {method}.{name} is given twice: {texts[0]} and {texts[1]}; several "
                f"values are {method}.{name}={','.join(texts)}"
            )
    params: dict[str, dict[str, bool | int | float | str]] = {}
    sweeps: dict[str, dict[str, tuple[bool | int | float | str, ...]]] = {}
    for (method, name), values in values_by_place.items():
        if len(values) == 1:
            params.setdefault(method, {})[name] = values[0]
        else:
            sweeps.setdefault(method, {})[name] = values
    return params, sweeps


def without_effect(args: argparse.Namespace, options: Iterable[str], reason: str) -> None:
    """Refuse options that would change nothing here.

    Args:
        args: the parsed arguments.
        options: their names, without the leading dashes.
        reason: why they have no effect, as the message goes on.

    Raises:
        BenchError: one of the options is given.
    """
    for option in options:
        value = getattr(args, option.replace("-", "_"), None)
        if value is not None and value is not False and value != []:
            raise BenchError(f"--{option}: has no effect {reason}; leave it out")


def choose_region(region: str | None, methods: Iterable[Method], default: str) -> str:
    """Choose the face region.

    Args:
        region: `--region`, or None.
        methods: the methods that are to read the region; none where mean colours alone are read.
        default: the region where none is given.

    Returns:
        The name of the region.

    Raises:
        BenchError: the region is unknown, or no method reads one.
    """
    from rppgbench.core.features import REGIONS, WHOLE_FRAME
    from rppgbench.execution.job_dependencies import WITHOUT_REGION

    if region is None:
        return default
    if region not in REGIONS:
        raise unknown_name("region", region, REGIONS, "--region")
    every = list(methods)
    if region == WHOLE_FRAME and any(method.input in WITHOUT_REGION for method in every):
        listed = ", ".join(m.name for m in every if m.input in WITHOUT_REGION)
        raise BenchError(f"--region: {region} searches no face, which {listed} needs; leave it out")
    if every and all(method.input in WITHOUT_REGION for method in every):
        listed = ", ".join(method.name for method in every)
        raise BenchError(f"--region: has no effect on {listed}, whose input has no region of skin")
    return region
