"""bench completion: the completion of command lines by a shell."""

import argparse

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.terminal import answer

SHELLS = ("bash", "zsh", "fish")


def add_parser(commands: Commands) -> None:
    """Declare the command and its argument."""
    parser = add_command(
        commands,
        "completion",
        run,
        about="Print a script that completes commands and options in a shell.",
        example='eval "$(bench completion bash)"',
    )
    parser.add_argument("shell", choices=SHELLS, help="eval it, or save it where the shell looks")


def run(args: argparse.Namespace) -> int:
    """Print the script, which is made from the parsers of all commands."""
    import shtab

    answer(shtab.complete(args.bench, args.shell))
    return DONE
