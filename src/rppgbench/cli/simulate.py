"""bench simulate: write simulated recordings in a data set's native layout."""

import argparse
import os
from dataclasses import asdict
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import at_least_one, path, seconds, seed
from rppgbench.cli.options import output, plugins
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "simulate",
        run,
        about="Write simulated recordings in a data set's native layout.",
        example="bench simulate pure --out /tmp/PURE --subjects 4 --seconds 20",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--out", type=path, required=True, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument("--subjects", type=at_least_one, default=4, metavar="N")
    parser.add_argument("--seconds", type=seconds, default=20.0, metavar="S")
    parser.add_argument("--seed", type=seed, default=0, metavar="K")
    parser.add_argument("--difficulty", choices=["easy", "paper", "hard"], default="easy")
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Write the simulated recordings and print their folder."""
    from rppgbench.core.registry import load_datasets
    from rppgbench.datasets.roots import write_simulated
    from rppgbench.simulation import SimulationPlan
    from rppgbench.system.folders import new_folder

    dataset = load_datasets().get("data set", args.name, "bench simulate")
    if dataset.simulate is None:
        raise BenchError(
            f"bench simulate: {args.name} cannot be simulated; its real data is needed"
        )
    out: Path = args.out
    plan = SimulationPlan(
        subjects=args.subjects, seconds=args.seconds, seed=args.seed, difficulty=args.difficulty
    )
    with new_folder(out) as partial:
        write_simulated(dataset, partial, plan, quiet=args.quiet or args.json)
    if args.json:
        answer_json({"data_set": args.name, "folder": os.fspath(out), **asdict(plan)})
    else:
        answer(out)
    return DONE
