"""bench atlas: published values of the same method on the same data set."""

import argparse
from dataclasses import asdict
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import path
from rppgbench.cli.options import output, plugins
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.folders import refuse_folder


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "atlas",
        run,
        about="What public sources print for one method on one data set, and how far it is apart.",
        example="bench atlas --out atlas.html",
    )
    parser.add_argument(
        "--out", type=path, default=Path("atlas.html"), metavar="FILE", help="the page (atlas.html)"
    )
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page, and print the groups that are most apart."""
    from rppgbench.papers.atlas import summarise, write_atlas
    from rppgbench.papers.published import group_values, read_published_values

    refuse_folder(args.out, "--out")
    values = read_published_values()
    groups = [group for group in group_values(values) if group.sources > 1]
    out = write_atlas(args.out, values, args.command_line)
    if args.json:
        answer_json({"values": [asdict(value) for value in values], "page": str(out)})
        return DONE
    for sentence in summarise(groups):
        answer(sentence)
    answer(out)
    return DONE
