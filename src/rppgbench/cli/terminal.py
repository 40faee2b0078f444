"""Answers on standard output, all else on standard error."""

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

from rppgbench.system.errors import one_line

_NOT_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that a terminal obeys instead of showing: controls, directions, lines."""

_answers: list[TextIO] = []


def harmless(text: object) -> str:
    """Text of any lines in which a control character is told, not done.

    >>> print(harmless("a title\\x1b[2J"))
    a title\\x1b[2J
    """
    lines = str(text)
    if lines.isascii() and lines.isprintable():
        return lines
    return "".join(
        ascii(c)[1:-1] if c not in "\n\t" and unicodedata.category(c) in _NOT_SHOWN else c
        for c in lines
    )


def answer(text: object = "", *, end: str = "\n") -> None:
    """Print a part of the answer on standard output, at once.

    Args:
        text: what to print; control characters are shown, not obeyed.
        end: what follows the text.
    """
    print(harmless(text), end=end, file=_answers[-1] if _answers else sys.stdout, flush=True)


def tell(text: object) -> None:
    """Print what is beside the answer on standard error."""
    print(harmless(text), file=sys.stderr, flush=True)


def answers_on_their_own() -> None:
    """From now on what C libraries print goes to standard error too, by its file descriptor.

    Their buffers are written when the process ends, so this is never put back.
    """
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        answer_fd = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = os.fdopen(answer_fd, "w", encoding=encoding, errors=errors)


def note(line: object) -> None:
    """Print one line beside the answer that begins with "note: "."""
    tell(f"note: {one_line(line)}")


@contextmanager
def answers_alone() -> Iterator[None]:
    """In here standard output takes answers alone; what others print goes to standard error."""
    _answers.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _answers.pop()
