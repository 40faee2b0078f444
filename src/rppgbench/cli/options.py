"""Options that several commands share, and what they come to."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.errors import BenchError

if TYPE_CHECKING:
    from rppgbench.running.runner import Means


def plugins(one: argparse.ArgumentParser) -> None:
    """Other people's content, for every command."""
    one.add_argument("--plugins", type=Path, metavar="DIR", help="a folder of content of your own")


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
    one.add_argument("--cache", type=Path, metavar="DIR", help="features (RPPGBENCH_CACHE)")


def workers(one: argparse.ArgumentParser) -> None:
    """Who does the work, and on what."""
    one.add_argument("--jobs", type=at_least_one, default=1, metavar="N", help="processes")
    one.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    one.add_argument(
        "--devices",
        type=at_least_one,
        default=1,
        metavar="N",
        help="GPUs of this machine that share each training (docs/gpu.md)",
    )
    one.add_argument(
        "--executor",
        choices=["local", "dask"],
        default="local",
        help="processes of this machine, or the workers of a Dask scheduler (docs/cluster.md)",
    )
    one.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://head:8786")


def means_of(args: argparse.Namespace, cache: Path) -> "Means":
    """How the command line wants the work done."""
    from rppgbench.running.runner import Means

    if args.executor == "dask" and not args.scheduler:
        raise BenchError("--executor dask: give --scheduler tcp://HOST:8786, where Dask listens")
    if args.executor == "local" and args.scheduler:
        raise BenchError("--scheduler: goes with --executor dask")
    if args.devices > 1 and args.executor == "dask":
        raise BenchError(
            "--devices: of this machine; on a cluster each GPU has trainings of its own"
        )
    return Means(
        cache,
        jobs=args.jobs,
        device=args.device,
        scheduler=args.scheduler or "",
        command=args.command_line,
        devices=args.devices,
    )


def name_and_path(text: str) -> tuple[str, Path]:
    """NAME=PATH, or argparse's one line."""
    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, Path(path).expanduser()


def at_least_one(text: str) -> int:
    """A whole number from 1 on, or argparse's one line."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def folder_for_output(folder: Path) -> Path:
    """A folder that can be written, or one clear line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{folder}: cannot be made: {error.strerror}; give another") from error
    return folder
