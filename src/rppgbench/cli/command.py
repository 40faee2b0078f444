"""How a command module declares its command."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    about: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command to the command line.

    Args:
        commands: the subcommands of `bench`, or of a command that has actions.
        name: as it is typed.
        run: takes the parsed arguments and returns the exit code. The function imports what it
            needs itself, so that `bench --help` loads no heavy library.
        about: what the command does, in a sentence.
        example: one full command line.

    Returns:
        The parser, for the command's own arguments.
    """
    parser = commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser
