"""Answers on standard output, all else on standard error."""

import json
import math
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

from rppgbench.system.errors import one_line

_NOT_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that a terminal obeys instead of showing: controls, directions, lines."""

MIN_WIDTH = 40
"""Columns of the narrowest terminal whose width is obeyed."""

ANY_WIDTH = 10_000
"""The width of an answer that goes to a file or another program: no line is broken."""

_answers: list[TextIO] = []
_quiet: list[bool] = []


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
    if not any(_quiet):
        print(harmless(text), end=end, file=_answers[-1] if _answers else sys.stdout, flush=True)


def answer_json(value: object) -> None:
    """Print the answer as one JSON value; a number that is not finite becomes null.

    Args:
        value: mappings, lists, tuples, texts, numbers (those of numpy too), booleans and None.
    """
    answer(json_text(value))


def json_text(value: object) -> str:
    """A value as JSON; a number that is not finite becomes null."""
    return json.dumps(_plain_value(value), indent=1, allow_nan=False)


def _plain_value(value: Any) -> Any:
    """The value with None for NaN and infinities, which JSON lacks, and without numpy's types."""
    if isinstance(value, Mapping):
        return {str(key): _plain_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(part) for part in value]
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def tell(text: object, *, error: bool = False) -> None:
    """Print what is beside the answer on standard error.

    Args:
        text: what to print; control characters are shown, not obeyed.
        error: whether `--quiet` leaves it.
    """
    if error or not any(_quiet):
        print(harmless(text), file=sys.stderr, flush=True)


def answer_width() -> int:
    """The columns of the terminal that shows the answer; no limit where there is no terminal.

    COLUMNS, where it is set, says another width.
    """
    answers = _answers[-1] if _answers else sys.stdout
    if not answers.isatty() and not os.environ.get("COLUMNS"):
        return ANY_WIDTH
    return max(shutil.get_terminal_size().columns, MIN_WIDTH)


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
def answers_alone(*, quiet: bool = False) -> Iterator[None]:
    """In here standard output takes answers alone; what others print goes to standard error.

    Args:
        quiet: whether nothing but errors is printed.
    """
    _answers.append(sys.stdout)
    _quiet.append(quiet)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _answers.pop()
        _quiet.pop()
