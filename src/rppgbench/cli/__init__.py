"""The command `bench`: the only package that prints."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from rppgbench.cli.commands import parser
from rppgbench.cli.exit_codes import DONE, FAULT, SOME_FAILED, STOPPED
from rppgbench.cli.terminal import answers_alone, tell
from rppgbench.system.errors import BenchError, format_own_warnings, one_line
from rppgbench.system.process_state import end_without_them, more_file_handles

__all__ = ["DONE", "FAULT", "SOME_FAILED", "STOPPED", "main", "parser"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; a `BenchError` becomes one line and exit code 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(words)
    format_own_warnings()
    args.command_line = shlex.join(["bench", *words])
    more_file_handles()
    code = _run(args)
    if argv is None:
        end_without_them(code)
    return code


def _run(args: argparse.Namespace) -> int:
    try:
        with answers_alone():
            if args.plugins:
                from rppgbench.core.registry import add_plugins

                add_plugins(args.plugins)
            code: int = args.run(args)
    except BenchError as error:
        tell(f"bench: {one_line(error)}")
        return FAULT
    except SystemExit as stop:
        tell(
            f"bench: code of a plug-in ended the command (sys.exit({stop.code!r})); "
            "a method or data set must raise an error instead"
        )
        return FAULT
    except KeyboardInterrupt as stop:
        done = one_line(stop) or "what is done stays"
        tell(f"bench: stopped: {done}; the same command goes on from there")
        return STOPPED
    except BrokenPipeError:  # the reader of the output has closed it, as `head` does
        sys.stderr.close()
        return DONE
    return code
