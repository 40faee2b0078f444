"""bench quickstart: the protocol of this name, on simulated subjects."""

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.run import run, run_arguments

NAME = "quickstart"
"""The command and its protocol."""


def add_parser(commands: Commands) -> None:
    """Declare the command: `bench run` with its protocol chosen."""
    parser = add_command(
        commands,
        NAME,
        run,
        about="Try it on simulated subjects, in some two minutes. "
        "The same as bench run --protocol quickstart.",
        example="bench quickstart --jobs 2",
    )
    parser.set_defaults(protocol=NAME)
    run_arguments(parser)
