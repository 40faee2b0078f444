"""bench twin: mean colours or videos that are drawn as a data set's would be, for planning."""

import argparse
import os
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import at_least_one, path, seconds, seed
from rppgbench.cli.options import output, plugins
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError

LAYOUT = "traces"
"""The data set, and its protocol, that read the folder."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "twin",
        run,
        about="Write a twin of a data set: simulated mean colours or videos, for planning only.",
        example="bench twin pure_v1 --out /tmp/PURE_twin",
    )
    parser.add_argument("name", metavar="NAME", help="a file of benchmarks/twins")
    parser.add_argument(
        "--out", type=path, required=True, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument(
        "--people", type=at_least_one, metavar="N", help="default: as many as the data set has"
    )
    parser.add_argument(
        "--videos", action="store_true", help="videos in the data set's layout, not mean colours"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of each video; default: as declared"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="K")
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Write the recordings, and print the folder and the command that scores it."""
    if args.videos:
        return _write_videos(args)
    if args.seconds is not None:
        raise BenchError("--seconds: has no effect without --videos; leave it out")
    return _write_traces(args)


def _write_traces(args: argparse.Namespace) -> int:
    from rppgbench.core.protocol import read_declaration
    from rppgbench.core.registry import find_toml
    from rppgbench.datasets.twin_files import write_twin
    from rppgbench.simulation.twin_declaration import MOST_PEOPLE, Twin
    from rppgbench.system.folders import new_folder

    twin = read_declaration(find_toml("benchmarks/twins", "twin", args.name, "bench twin"), Twin)
    people = twin.people if args.people is None else args.people
    if people > MOST_PEOPLE:
        raise BenchError(f"--people: a twin has {MOST_PEOPLE} people at most, not {people}")
    with new_folder(args.out) as partial:
        count = write_twin(
            partial, twin, dataset=LAYOUT, name=args.name, seed=args.seed, people=people
        )
    command = f"bench run --protocol {LAYOUT} --data {LAYOUT}={args.out}"
    return _answer(args, people, count, twin.prediction, command)


def _write_videos(args: argparse.Namespace) -> int:
    from rppgbench.datasets.twin_videos import twin_videos, write_twin_videos
    from rppgbench.system.folders import new_folder
    from rppgbench.system.processes import run_in_process

    size = (args.people, args.seconds, args.seed)
    videos = twin_videos(args.name, people=args.people, seconds=args.seconds, seed=args.seed)
    count = videos.count
    with new_folder(args.out) as partial:
        run_in_process(write_twin_videos, partial, args.name, *size, args.quiet or args.json)
    command = f"bench run --protocol NAME --data {videos.video.dataset}={args.out}"
    return _answer(args, videos.plan.subjects, count, videos.video.prediction, command)


def _answer(
    args: argparse.Namespace, people: int, count: int, prediction: str, command: str
) -> int:
    """Print what was written, how well it predicts, and the command that scores it."""
    out: Path = args.out
    if args.json:
        answer_json(
            {
                "twin": args.name,
                "folder": os.fspath(out),
                "people": people,
                "recordings": count,
                "videos": args.videos,
                "seed": args.seed,
                "simulated": True,
                "prediction": prediction,
            }
        )
        return DONE
    kind = "videos" if args.videos else "recordings"
    answer(f"SIMULATED: {count} {kind} of {people} people: for planning, beside no paper")
    answer(f"how well {args.name} predicts: {prediction}")
    answer(command)
    return DONE
