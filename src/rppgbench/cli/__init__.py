"""The command `bench`: the only package that prints."""

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rppgbench.cli.commands import command_parser, first_commands, parser
from rppgbench.cli.exit_codes import DONE, FAULT, SOME_FAILED, STOPPED
from rppgbench.cli.terminal import answer, answers_alone, answers_on_their_own, tell
from rppgbench.system.errors import BenchError, format_own_warnings, one_line
from rppgbench.system.fault_kinds import Fault
from rppgbench.system.process_state import (
    collect_less_often,
    exit_without_threads,
    raise_file_limit,
)
from rppgbench.system.supervisor import can_supervise, run_supervised

__all__ = ["DONE", "FAULT", "SOME_FAILED", "STOPPED", "main", "parser"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; a `BenchError` becomes one line and exit code 2."""
    collect_less_often()
    arguments = list(sys.argv[1:] if argv is None else argv)
    bench = parser()
    args, unknown = bench.parse_known_args(arguments)
    if unknown:
        command_parser(bench, arguments).refuse_unknown(unknown)
    if "run" not in args:
        answer(first_commands(bench))
        return FAULT
    format_own_warnings()
    args.bench = bench
    args.command_line = shlex.join(["bench", *arguments])
    raise_file_limit()
    if argv is not None:
        return _run(args)
    answers_on_their_own()
    if _calls_others(args) and can_supervise():
        code = run_supervised(lambda: _run(args), lambda fault: _tell_lost(args, fault))
    else:
        code = _run(args)
    exit_without_threads(code)
    return code


def _tell_lost(args: argparse.Namespace, fault: Fault) -> int:
    """Tell the reason why the process of a command died; the exit code of the command."""
    advice = ""
    if fault.kind != "machine":
        in_process = getattr(args, "jobs", 0) in {None, 1}
        advice = ", and the command with it" + (
            "; with --jobs 2 it costs a row" if in_process else ""
        )
    tell(f"bench: {one_line(fault.reason)}{advice}", error=True)
    return FAULT


def _calls_others(args: argparse.Namespace) -> bool:
    """Whether a command may call code that is not this project's."""
    from importlib.metadata import entry_points

    plugins = getattr(args, "plugins", None) or os.environ.get("RPPGBENCH_PLUGINS")
    method = Path(str(getattr(args, "method", None) or getattr(args, "declaration", "")))
    is_file = (
        method.suffix == ".py" or len(method.parts) > 1 or bool(method.parts and method.is_dir())
    )
    return bool(plugins) or is_file or bool(entry_points(group="rppgbench"))


@contextmanager
def _cache_in_use(args: argparse.Namespace) -> Iterator[None]:
    """Keep `bench cache prune` from what a command with a cache uses before it knows its data."""
    if not hasattr(args, "cache"):
        yield
        return
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.system.cache_use import in_use
    from rppgbench.system.folders import existing_folder

    folder = cache_folder(args.cache)
    if existing_folder(folder) != folder.absolute():  # no command but a run makes it
        yield
        return
    with in_use(folder):
        yield


def _run(args: argparse.Namespace) -> int:
    try:
        with answers_alone(quiet=getattr(args, "quiet", False)):
            if getattr(args, "plugins", None):
                from rppgbench.core.registry import add_plugins

                for folder in args.plugins:
                    add_plugins(folder)
            with _cache_in_use(args):
                code: int = args.run(args)
    except BenchError as error:
        message = one_line(error)
        tell(message if message.startswith("bench ") else f"bench: {message}")
        return FAULT
    except SystemExit as stop:
        tell(
            f"bench: code of a plug-in ended the command (sys.exit({stop.code!r})); "
            "a method or data set must raise an error instead"
        )
        return FAULT
    except KeyboardInterrupt as stop:
        message = one_line(stop) or "what is done stays"
        tell(f"bench: stopped: {message}; the same command goes on from there")
        return STOPPED
    except BrokenPipeError:  # the reader of the output has closed it, as `head` does
        sys.stderr.close()
        return DONE
    return code
