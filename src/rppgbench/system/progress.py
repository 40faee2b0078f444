"""Progress of long work, with the time left, on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rppgbench.system.errors import one_line


class Progress(Protocol):
    """Counts steps of one piece of work."""

    def step(self, note: str = "") -> None:
        """Count one more step."""

    def say(self, note: str) -> None:
        """Show a note without counting a step."""


class Silent:
    """Shows nothing: for library use and tests."""

    def step(self, note: str = "") -> None:
        """Count nothing."""

    def say(self, note: str) -> None:
        """Say nothing."""


class _Bar:
    """A bar on a terminal."""

    def __init__(self, title: str, total: int) -> None:
        from tqdm import tqdm

        self.bar = tqdm(total=total, desc=title, file=sys.stderr, leave=True, dynamic_ncols=True)

    def step(self, note: str = "") -> None:
        self.bar.set_postfix_str(one_line(note), refresh=False)
        self.bar.update()

    def say(self, note: str) -> None:
        self.bar.set_postfix_str(one_line(note))


class _Lines:
    """Plain lines elsewhere: the first at once, then at most one in ten seconds, and the last."""

    EVERY_S = 10.0

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.count = title, total, 0
        self.began = self.spoke = time.monotonic()
        self._write(f"{title}: 0/{total}")

    def step(self, note: str = "") -> None:
        self.count += 1
        self._line(note, last=self.count == self.total)

    def say(self, note: str) -> None:
        self._line(note, last=False)

    def _line(self, note: str, last: bool) -> None:
        now_s = time.monotonic()
        if not last and now_s - self.spoke < self.EVERY_S:
            return
        self.spoke = now_s
        spent_s = now_s - self.began
        left_s = spent_s / self.count * (self.total - self.count) if self.count else float("nan")
        until = f", {format_duration(left_s)} left" if self.count and not last else ""
        tail = f": {one_line(note)}" if note else ""
        self._write(
            f"{self.title}: {self.count}/{self.total} in {format_duration(spent_s)}{until}{tail}"
        )

    @staticmethod
    def _write(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def format_duration(seconds: float) -> str:
    """Minutes and seconds, or hours.

    >>> format_duration(75), format_duration(3720)
    ('1:15', '1:02:00')
    """
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


@contextmanager
def progress(title: str, total: int, *, quiet: bool = False) -> Iterator[Progress]:
    """Show on standard error how many of `total` steps are done.

    Args:
        title: what is done.
        total: how many steps there are.
        quiet: whether nothing is shown.

    Returns:
        A context that gives the progress to be advanced.
    """
    if quiet or not total:
        yield Silent()
        return
    display: _Bar | _Lines = (_Bar if sys.stderr.isatty() else _Lines)(title, total)
    try:
        yield display
    finally:
        if isinstance(display, _Bar):
            display.bar.close()
