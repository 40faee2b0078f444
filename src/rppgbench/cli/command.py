"""How a command module declares its command."""

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias

from rppgbench.cli.exit_codes import FAULT
from rppgbench.cli.terminal import tell
from rppgbench.system.errors import one_line

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


MOST_CHOICES = 6
"""How many choices a message lists beside similar ones."""


class CommandParser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line, with similar names and the way to the help."""

    def error(self, message: str) -> NoReturn:
        """Tell the mistake on standard error and stop with exit code 2."""
        tell(f"{self.prog}: {one_line(message)}; see {self.prog} --help", error=True)
        raise SystemExit(FAULT)

    def refuse_unknown(self, arguments: Sequence[str]) -> NoReturn:
        """Refuse arguments that the command does not have.

        Args:
            arguments: what is left of the command line; the first is told.
        """
        first = arguments[0].partition("=")[0]
        options = [option for action in self._actions for option in action.option_strings]
        kind = "option" if first.startswith("-") else "argument"
        self.error(f"has no {kind} {first!r}{_similar(first, options)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is none of the choices, as argparse does, in fewer words."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            similar = _similar(str(value), choices)
            is_long = len(choices) > MOST_CHOICES and similar
            known = "" if is_long else f"; known: {', '.join(choices)}"
            raise argparse.ArgumentError(action, f"no such choice: {value!r}{similar}{known}")


def _similar(name: str, choices: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, choices, n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""


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
    parser = _add_parser(commands, name, about, example)
    parser.set_defaults(run=run)
    return parser


def add_actions(commands: Commands, name: str, *, about: str, example: str) -> Commands:
    """Add a command that has actions, such as `bench data`.

    Args:
        commands: the subcommands of `bench`.
        name: as it is typed.
        about: what the actions do, in a sentence.
        example: one full command line.

    Returns:
        The actions, for `add_command`.
    """
    group = _add_parser(commands, name, about, example)
    return group.add_subparsers(metavar="ACTION", required=True)


def _add_parser(commands: Commands, name: str, about: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
