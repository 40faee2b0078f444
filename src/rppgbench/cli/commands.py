"""The whole command line: every command is declared by the module of its name."""

import argparse

from rppgbench import __version__
from rppgbench.cli import (
    bundle,
    check_method,
    compare,
    compare_methods,
    data,
    decompose,
    import_predictions,
    leaderboard,
    list_,
    predict,
    report,
    rerun_check,
    run,
    simulate,
    speed,
    table,
)

COMMANDS = (
    list_,
    run,
    import_predictions,
    report,
    table,
    decompose,
    compare,
    rerun_check,
    bundle,
    leaderboard,
    predict,
    data,
    simulate,
    check_method,
    compare_methods,
    speed,
)
"""In the order of `bench --help`. Each module has `add_parser(commands)` and `run(args)`."""


def parser() -> argparse.ArgumentParser:
    """The parser of `bench`; what a command needs is imported when the command runs."""
    bench = argparse.ArgumentParser(
        prog="bench",
        description="Runs rPPG methods under named protocols and scores what is stored.",
        epilog="Exit codes: 0 done, 2 a fault of yours in one line, "
        "3 finished but some recordings failed, or there is no answer.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_argument("--version", action="version", version=f"bench {__version__}")
    commands = bench.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return bench
