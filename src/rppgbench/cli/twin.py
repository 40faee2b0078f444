"""bench twin: mean colours that are drawn as a data set's would be, for planning."""

import argparse
import os
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import at_least_one, path, seed
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
        about="Write a twin of a data set: simulated mean colours, for planning only.",
        example="bench twin pure_v1 --out /tmp/PURE_twin",
    )
    parser.add_argument("name", metavar="NAME", help="a file of benchmarks/twins")
    parser.add_argument(
        "--out", type=path, required=True, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument(
        "--people", type=at_least_one, metavar="N", help="default: as many as the data set has"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="K")
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Write the recordings, and print the folder and the command that scores it."""
    from rppgbench.core.protocol import read_declaration
    from rppgbench.core.registry import find_toml
    from rppgbench.datasets.twin_files import write_twin
    from rppgbench.simulation.twin import MOST_PEOPLE, Twin
    from rppgbench.system.folders import new_folder

    twin = read_declaration(find_toml("benchmarks/twins", "twin", args.name, "bench twin"), Twin)
    people = twin.people if args.people is None else args.people
    if people > MOST_PEOPLE:
        raise BenchError(f"--people: a twin has {MOST_PEOPLE} people at most, not {people}")
    out: Path = args.out
    with new_folder(out) as partial:
        count = write_twin(
            partial, twin, dataset=LAYOUT, name=args.name, seed=args.seed, people=people
        )
    if args.json:
        answer_json(
            {
                "twin": args.name,
                "folder": os.fspath(out),
                "people": people,
                "recordings": count,
                "seed": args.seed,
                "simulated": True,
                "prediction": twin.prediction,
            }
        )
        return DONE
    answer(f"SIMULATED: {count} recordings of {people} people: for planning, beside no paper")
    answer(f"how well {args.name} predicts: {twin.prediction}")
    answer(f"bench run --protocol {LAYOUT} --data {LAYOUT}={out}")
    return DONE
