"""Options that several commands share, and what they come to."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rppgbench.system.errors import BenchError, unknown_name

if TYPE_CHECKING:
    from rppgbench.core.method import Method
    from rppgbench.execution.runner import RunOptions

Roots: TypeAlias = dict[str, Path]

SHORTEST_S, LONGEST_S = 1.0, 3600.0
"""How long a simulated recording may be: a second of video is some 30 rendered faces."""


def plugins(one: argparse.ArgumentParser) -> None:
    """Other people's content, for every command."""
    one.add_argument("--plugins", type=path, metavar="DIR", help="a folder of content of your own")


def as_json(one: argparse.ArgumentParser) -> None:
    """For programs that read the answer."""
    one.add_argument("--json", action="store_true", help="one JSON object")


def places(one: argparse.ArgumentParser) -> None:
    """Where the data lies, and what was extracted from it."""
    one.add_argument(
        "--data",
        action="append",
        default=[],
        type=name_and_path,
        metavar="NAME=PATH",
        help="root of a data set; also RPPGBENCH_DATA_<NAME> or [data] in bench.toml",
    )
    one.add_argument("--cache", type=path, metavar="DIR", help="features (RPPGBENCH_CACHE)")


def workers(one: argparse.ArgumentParser) -> None:
    """Who does the work, and on what."""
    one.add_argument("--jobs", type=at_least_one, metavar="N", help="processes (1)")
    one.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    one.add_argument(
        "--devices",
        type=at_least_one,
        default=1,
        metavar="N",
        help="GPUs of this machine that share each training (docs/how_to/gpu.md)",
    )
    one.add_argument(
        "--executor",
        choices=["local", "dask"],
        default="local",
        help="processes of this machine, or the workers of a Dask scheduler (see cluster.md)",
    )
    one.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://head:8786")


def device_of(args: argparse.Namespace, methods: Iterable[str]) -> str:
    """The kind of device that the networks among these methods compute on; empty without any.

    PyTorch is asked only where there are networks. BenchError where the device is not there.
    """
    from rppgbench.core.registry import load_methods
    from rppgbench.execution.job_facts import uses_networks

    found = load_methods().found
    names = [name for name in methods if name in found]
    members = {member for name in names for member in found[name].members} & found.keys()
    if not uses_networks(found[name] for name in sorted({*names, *members})):
        return ""
    if args.executor == "dask" and args.scheduler:
        from rppgbench.execution.dask_executor import device_of_workers

        return device_of_workers(args.scheduler) if args.device == "auto" else str(args.device)
    from rppgbench.neural.training import resolve_device

    return resolve_device(args.device)


def means_of(args: argparse.Namespace, cache: Path) -> RunOptions:
    """How the command line wants the work done."""
    from rppgbench.execution.runner import RunOptions

    if args.executor == "dask" and not args.scheduler:
        raise BenchError("--executor dask: give --scheduler tcp://HOST:8786, where Dask listens")
    if args.executor == "local" and args.scheduler:
        raise BenchError("--scheduler: goes with --executor dask")
    if args.jobs and args.executor == "dask":
        raise BenchError("--jobs: has no effect beside --executor dask, whose workers do the work")
    if args.devices > 1 and args.executor == "dask":
        raise BenchError(
            "--devices: of this machine; on a cluster each GPU has trainings of its own"
        )
    return RunOptions(
        cache,
        jobs=args.jobs or 1,
        device=args.device,
        scheduler=args.scheduler or "",
        command=args.command_line,
        devices=args.devices,
    )


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


def names(text: str) -> str:
    """Names with commas between them and none twice, without blanks, or argparse's one line."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r}: a name is missing; write A,B")
    twice = sorted({part for part in parts if parts.count(part) > 1})
    if twice:
        raise argparse.ArgumentTypeError(f"{text!r}: names {twice[0]} twice")
    return ",".join(parts)


def at_least_one(text: str) -> int:
    """A whole number from 1 on, or argparse's one line."""
    return _whole(text, 1, 10**9)


def seed(text: str) -> int:
    """A seed that every generator of numbers takes, or argparse's one line."""
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return number


def seconds(text: str) -> float:
    """A length that a recording can have, in seconds, or argparse's one line."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not SHORTEST_S <= number <= LONGEST_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no length from {SHORTEST_S:g} to {LONGEST_S:g} s"
        )
    return number


def given_roots(given: Iterable[tuple[str, Path]], used: Iterable[str], where: str) -> Roots:
    """The roots of `--data` by data set; BenchError for one that is given twice or has no use."""
    from rppgbench.core.registry import load_datasets

    roots: Roots = {}
    known = list(dict.fromkeys(used))
    for name, place in given:
        load_datasets().get("data set", name, "--data")
        if name in roots:
            raise BenchError(f"--data: {name} is given twice: {roots[name]} and {place}")
        if name not in known:
            raise BenchError(f"--data: {name} has no effect: {where} uses {', '.join(known)}")
        roots[name] = place
    return roots


def without_effect(args: argparse.Namespace, options: Iterable[str], why: str) -> None:
    """BenchError for the first of the options that is given: here it would change nothing."""
    for option in options:
        value = getattr(args, option.replace("-", "_"), None)
        if value is not None and value is not False and value != []:
            raise BenchError(f"--{option}: has no effect {why}; leave it out")


def region_of(given: str | None, methods: Iterable[Method], default: str) -> str:
    """The face region, or BenchError: unknown, or for methods none of which takes one."""
    from rppgbench.core.features import REGIONS
    from rppgbench.execution.job_facts import WITHOUT_REGION

    if given is None:
        return default
    if given not in REGIONS:
        raise unknown_name("region", given, REGIONS, "--region")
    every = list(methods)
    if all(method.input in WITHOUT_REGION for method in every):
        told = ", ".join(method.name for method in every)
        raise BenchError(f"--region: has no effect on {told}, whose input has no region of skin")
    return given


def folder_for_output(folder: Path) -> Path:
    """A folder that can be written, or one clear line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{folder}: cannot be made: {error.strerror}; give another") from error
    return folder
