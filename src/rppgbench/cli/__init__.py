"""The command `bench`: the only part that prints."""

import argparse
import sys
from collections.abc import Sequence

from rppgbench.cli.commands import parser
from rppgbench.cli.terminal import answers_alone, tell
from rppgbench.system.errors import BenchError, format_own_warnings, one_line
from rppgbench.system.process_state import end_without_them, more_file_handles

DONE, FAULT, SOME_FAILED, STOPPED = 0, 2, 3, 130
PLUGS = "a method or data set must raise an error instead"


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, do, and turn a BenchError into one line and exit code 2."""
    given = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(given)
    format_own_warnings()
    args.command_line = " ".join(["bench", *(_quoted(word) for word in given)])
    more_file_handles()
    code = _do(args)
    if argv is None:
        end_without_them(code)
    return code


def _do(args: argparse.Namespace) -> int:
    try:
        with answers_alone():
            code: int = args.do(args)
    except BenchError as error:
        tell(f"bench: {one_line(error)}")
        return FAULT
    except SystemExit as stop:
        tell(
            f"bench: something that was called ended the command (sys.exit({stop.code!r})); {PLUGS}"
        )
        return FAULT
    except KeyboardInterrupt as stop:
        done = one_line(stop) or "what is done stays"
        tell(f"bench: stopped: {done}; the same command goes on from there")
        return STOPPED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        sys.stderr.close()
        return DONE
    return code


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)
