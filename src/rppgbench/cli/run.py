"""bench run: run a protocol."""

import argparse

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.options import at_least_one, names, path, places, plugins, seconds, seed, workers


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "run",
        run,
        about="Run a protocol: features, learning, estimates, report. What is stored is not done "
        "again.",
        example="bench run --protocol pure_to_ubfc --methods pos,chrom --data ubfc_rppg=/data/UBFC",
    )
    parser.add_argument(
        "--protocol", required=True, metavar="NAME", help="see `bench list protocols`"
    )
    parser.add_argument(
        "--methods", type=names, metavar="A,B", help="only these (default: the protocol's)"
    )
    places(parser)
    parser.add_argument("--train", metavar="SET", help="train on this data set instead")
    parser.add_argument("--test", metavar="SET", help="test on this data set instead")
    parser.add_argument(
        "--simulate", action="store_true", help="on simulated recordings in the native layout"
    )
    parser.add_argument(
        "--subjects", type=at_least_one, metavar="N", help="simulated subjects a data set"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of the simulated recordings"
    )
    parser.add_argument("--difficulty", choices=["easy", "paper", "hard"], help="of the simulation")
    parser.add_argument("--preset", metavar="NAME", help="of the methods that learn: paper, smoke")
    parser.add_argument(
        "--every-epoch",
        action="store_true",
        help="test the models of all epochs: a row 'best epoch (oracle)' beside the last's",
    )
    parser.add_argument(
        "--keep-videos",
        type=path,
        metavar="DIR",
        help="recompressed videos: DIR/SET/RECORDING/CONDITION.mkv (default: none is kept)",
    )
    workers(parser)
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="make the stored estimates that failed again (a fault of the machine leaves none)",
    )
    parser.add_argument("--seed", type=seed, metavar="K", help="this one seed, not the protocol's")
    parser.add_argument("--out", type=path, metavar="DIR", help="results folder (results/PROTOCOL)")
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Run what is missing of a protocol, then score and render all of it."""
    from rppgbench.cli.running import run_protocol

    return run_protocol(args)
