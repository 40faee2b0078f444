"""Options that several commands share, and the values that their text stands for."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.execution.run_options import executor_names
from rppgbench.system.errors import BenchError, unknown_name

if TYPE_CHECKING:
    from rppgbench.core.method import Method
    from rppgbench.execution.run_options import RunOptions

MIN_RECORDING_S, MAX_RECORDING_S = 1.0, 3600.0
"""Limits of the length of a simulated recording: a second of video is some 30 rendered faces."""


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


def selection(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose what of a plan is run, and the one that only shows it."""
    parser.add_argument("--methods", type=names, metavar="A,B", help="only these (default: all)")
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


def path(text: str) -> Path:
    """A path, `~` expanded, or argparse's one line."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def name_and_path(text: str) -> tuple[str, Path]:
    """NAME=PATH, or argparse's one line."""
    name, sign, place = text.partition("=")
    if not (name and sign and place):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, path(place)


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them and none twice, without blanks, or argparse's one line."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r}: a name is missing; write A,B")
    twice = sorted({part for part in parts if parts.count(part) > 1})
    if twice:
        raise argparse.ArgumentTypeError(f"{text!r}: names {twice[0]} twice")
    return parts


def at_least_one(text: str) -> int:
    """A whole number from 1 on, or argparse's one line."""
    return _whole(text, 1, 10**9)


def seed(text: str) -> int:
    """A seed that every generator of numbers takes, or argparse's one line."""
    return _whole(text, 0, 2**32 - 1)


def seeds(text: str) -> tuple[int, ...]:
    """Seeds with commas between them and none twice, or argparse's one line."""
    return tuple(seed(part) for part in names(text))


def parameter(text: str) -> tuple[str, str, tuple[bool | int | float | str, ...]]:
    """METHOD.NAME=VALUE or =VALUE,VALUE, or argparse's one line; a value is TOML, else a text.

    >>> parameter("pos.window_s=2.5"), parameter("m.crop=box,face")
    (('pos', 'window_s', (2.5,)), ('m', 'crop', ('box', 'face')))
    """
    from rppgbench.core.method_variants import read_value

    place, sign, value = text.partition("=")
    method, dot, name = place.partition(".")
    if not (method and dot and name and sign and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not METHOD.NAME=VALUE")
    whole = read_value(value)
    is_quoted = whole != value
    texts = [value] if is_quoted or "," not in value else list(names(value))
    values = tuple(read_value(part) for part in texts)
    if len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text!r} has a value twice; give each once")
    return method, name, values


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


def _whole(text: str, lowest: int, highest: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from {lowest} to {highest}"
        )
    return number


def seconds(text: str) -> float:
    """A length that a recording can have, in seconds, or argparse's one line."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not MIN_RECORDING_S <= number <= MAX_RECORDING_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no length from {MIN_RECORDING_S:g} to {MAX_RECORDING_S:g} s"
        )
    return number


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
        methods: the methods that are to read the region.
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
    if all(method.input in WITHOUT_REGION for method in every):
        listed = ", ".join(method.name for method in every)
        raise BenchError(f"--region: has no effect on {listed}, whose input has no region of skin")
    return region
