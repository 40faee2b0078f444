"""The whole command line: every command is declared by the module of its name."""

import argparse
import re
from collections.abc import Sequence

from rppgbench import __version__
from rppgbench.cli import (
    atlas,
    bundle,
    cache,
    check,
    compare,
    compare_methods,
    completion,
    data,
    decompose,
    import_predictions,
    leaderboard,
    limit,
    list_,
    new,
    power,
    predict,
    quickstart,
    register,
    report,
    rerun_check,
    run,
    show,
    simulate,
    speed,
    split,
    table,
    twin,
)
from rppgbench.cli.command import CommandParser

COMMANDS = (
    quickstart,
    list_,
    show,
    register,
    run,
    import_predictions,
    report,
    table,
    atlas,
    decompose,
    compare,
    power,
    limit,
    rerun_check,
    bundle,
    leaderboard,
    predict,
    data,
    cache,
    simulate,
    twin,
    new,
    check,
    split,
    compare_methods,
    speed,
    completion,
)
"""In the order of `bench --help`. Each module has `add_parser(commands)` and `run(args)`."""

FIRST = ("quickstart", "predict", "list", "run", "report")
"""The commands that one needs first: `bench` alone shows them."""


def first_commands(bench: argparse.ArgumentParser) -> str:
    """The usage, and a line on each of the commands that one needs first.

    Args:
        bench: the parser of `bench`.

    Returns:
        Lines of text.
    """
    (group,) = (a for a in bench._actions if isinstance(a, argparse._SubParsersAction))
    about = {choice.dest: choice.help or "" for choice in group._choices_actions}
    width = max(map(len, FIRST))
    lines = [f"  bench {name:{width}}  {re.split('[.;]', about[name])[0]}" for name in FIRST]
    return "\n".join(
        [
            "usage: bench COMMAND [OPTIONS]",
            "",
            *lines,
            "",
            "All commands: bench --help. The options of one: bench COMMAND --help.",
        ]
    )


def parser() -> CommandParser:
    """The parser of `bench`; what a command needs is imported when the command runs."""
    bench = CommandParser(
        prog="bench",
        description="Runs rPPG methods under named protocols and scores what is stored.",
        epilog="Exit codes: 0 done, 2 a fault of yours in one line, "
        "3 finished but some recordings failed, or there is no answer.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_argument("--version", action="version", version=f"bench {__version__}")
    commands = bench.add_subparsers(metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return bench


def command_parser(bench: CommandParser, arguments: Sequence[str]) -> CommandParser:
    """The parser of the command that a command line names, with its action.

    Args:
        bench: the parser of `bench`.
        arguments: the command line.
    """
    command = bench
    for word in arguments:
        groups = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
        inner = [group.choices[word] for group in groups if word in group.choices]
        if not inner:
            break
        command = inner[0]
    return command
