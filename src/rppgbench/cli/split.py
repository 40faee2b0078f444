"""bench split: the checksum of a split's lists."""

import argparse

from rppgbench.cli.command import Commands, add_actions, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import path
from rppgbench.cli.options import as_json
from rppgbench.cli.terminal import answer, answer_json


def add_parser(commands: Commands) -> None:
    """Declare the action and its options."""
    actions = add_actions(
        commands,
        "split",
        about="The checksum of a split's lists, for the key `checksum` of its file.",
        example="bench split checksum protocols/splits/pure-6810.toml",
    )
    checksum_parser = add_command(
        actions,
        "checksum",
        checksum,
        about="Print the checksum of the lists of a split, whatever its file states.",
        example="bench split checksum mine/protocols/splits/two_folds.toml",
    )
    checksum_parser.add_argument("file", metavar="FILE", type=path, help="NAME.toml")
    as_json(checksum_parser)


def checksum(args: argparse.Namespace) -> int:
    """Print the checksum of the folds' names and lists."""
    from rppgbench.datasets.splits import file_checksum

    value = file_checksum(args.file)
    if args.json:
        answer_json({"file": str(args.file), "checksum": value})
    else:
        answer(value)
    return DONE
