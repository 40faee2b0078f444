"""The command `bench`: the only part that prints."""

import sys
from collections.abc import Sequence

from rppgbench.cli.commands import parser
from rppgbench.errors import BenchError, one_line, warn_in_one_line

DONE, FAULT, SOME_FAILED, STOPPED = 0, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, do, and turn a BenchError into one line and exit code 2."""
    given = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(given)
    warn_in_one_line()
    args.command_line = " ".join(["bench", *(_quoted(word) for word in given)])
    try:
        code: int = args.do(args)
    except BenchError as error:
        print(f"bench: {one_line(error)}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt as stop:
        done = one_line(stop) or "what is done stays"
        print(f"bench: stopped: {done}; the same command goes on from there", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        sys.stderr.close()
        return DONE
    return code


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)
