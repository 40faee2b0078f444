"""The state of this process: limit of open files, traceback of a crash, exit."""

import faulthandler
import gc
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakSet

MOST_FILES = 1 << 16

OBJECTS_OF_A_COLLECTION = 10_000
"""New objects after which Python looks for reference cycles, in place of some 700: modules that are
imported make hundreds of thousands of objects that stay, so looking for cycles among them is in
vain. It was a fifth of the processor time of `bench list` without numpy."""

left_threads: "WeakSet[threading.Thread]" = WeakSet()
"""Threads that called code left running, as `isolation.isolated` saw."""


_watchers: list[Callable[[str], None]] = []


def watch_calls(watcher: Callable[[str], None]) -> None:
    """From now on `watcher` receives the name of each call of other people's code."""
    _watchers.append(watcher)


def note_call(call: str) -> None:
    """Report a call of other people's code, so that the end of a process can be explained."""
    for watcher in _watchers:
        watcher(call)


def raise_file_limit() -> None:
    """Raise this process's limit of open files as far as it may: a mapped clip holds one open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < limit:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def collect_less_often() -> None:
    """Let Python look for reference cycles after `OBJECTS_OF_A_COLLECTION`, if it looks earlier."""
    objects = gc.get_threshold()[0]
    if 0 < objects < OBJECTS_OF_A_COLLECTION:  # 0: whoever called has switched it off
        gc.set_threshold(OBJECTS_OF_A_COLLECTION)


def enable_crash_traces() -> None:
    """Write the functions in which this process crashes to standard error."""
    with suppress(OSError, ValueError, AttributeError):  # standard error may be no file
        faulthandler.enable()


def exit_without_threads(code: int) -> None:
    """End this process at once if `left_threads` would keep it; call it last.

    `sys.exit` waits for every thread that is no daemon, and so for ever.
    """
    if not any(thread.is_alive() for thread in left_threads):
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
