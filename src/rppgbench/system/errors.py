"""Exceptions whose message is one line for the user."""

import difflib
import warnings
from collections.abc import Iterable

MOST_CHARACTERS = 1000
"""A reason that is longer is cut; the log of errors has the whole of it."""

MOST_NEAR = 3
"""How many similar names a message shows."""

MOST_KNOWN = 8
"""Up to how many names a message shows all of them."""

LISTS = {
    "method": "methods",
    "data set": "benchmarks",
    "protocol": "protocols",
    "evaluator": "evaluators",
    "report": "reports",
    "table": "reports",
    "declaration": "",
}
"""What `bench list` calls the names of a kind."""


class BenchError(Exception):
    """A mistake of the user's: the command line prints it and exits with 2, without a traceback."""


class RecordingError(BenchError):
    """What is wrong with one recording: it becomes a row with its reason; the others go on."""


class MachineError(BenchError):
    """What is wrong with the machine, not with a recording: a full disk, a folder that is gone.

    It leaves no row and fails the run: the same command goes on when it is put right.
    """


class NoPulseError(ValueError):
    """A method has no pulse for a segment, and says why: the fault of the segment, not a bug.

    Any other exception of a method, a plain ValueError too, is a bug in the method.
    """


class TooShortError(NoPulseError):
    """A segment has fewer samples than a window or a filter needs."""


def error_text(error: BaseException) -> str:
    """The message of an exception, whose own method may fail.

    >>> error_text(ValueError("x"))
    'x'
    """
    try:
        return str(error)
    except BaseException as fault:
        if type(fault) is KeyboardInterrupt:
            raise
        return f"(its own words cannot be had: {type(fault).__name__})"


def shortened(text: str, max_characters: int = MOST_CHARACTERS) -> str:
    """Cut a long text off, and say how long it was.

    Args:
        text: the text.
        max_characters: how many characters stay.

    Returns:
        The text, or its beginning with the number of characters.

    >>> shortened("a" * 30, 10)
    'aaaaaaaaaa... (30 characters)'
    """
    return (
        text
        if len(text) <= max_characters
        else f"{text[:max_characters]}... ({len(text):,} characters)"
    )


def one_line(text: object) -> str:
    """Text for one line of a terminal; control characters are shown, not obeyed.

    Names of files come from others, and may hold any character.

    >>> print(one_line("two\\nlines, \\x1b[2J"))
    two lines, \\x1b[2J
    """
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def format_own_warnings() -> None:
    """From now on this suite's own warnings are a line on standard error, without their place."""
    before = warnings.formatwarning

    def format_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if category.__module__.partition(".")[0] == __name__.partition(".")[0]:
            return f"warning: {one_line(message)}\n"
        return before(message, category, filename, lineno, line)

    if getattr(before, "__module__", "") != __name__:
        warnings.formatwarning = format_warning


def unknown_name(kind: str, name: str, choices: Iterable[str], location: str) -> BenchError:
    """Describe a name that is unknown: who asked for it, similar names, and where all are listed.

    Args:
        kind: what the name is of, such as "method".
        name: the name.
        choices: the names that there are.
        location: who asked for it: a file or an option.

    Returns:
        The error, to be raised.

    >>> print(unknown_name("method", "poss", ["green", "pos"], "protocols/smoke.toml"))
    protocols/smoke.toml: no method 'poss'; did you mean 'pos'? Known: green, pos.
    >>> many = [f"m{number}" for number in range(30)] + ["pos"]
    >>> print(unknown_name("method", "poss", many, "--methods"))
    --methods: no method 'poss'; did you mean 'pos'? 30 more: bench list methods.
    """
    names = sorted(choices)
    near = difflib.get_close_matches(name, names, n=MOST_NEAR)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    if kind in LISTS and not near:
        hint += " One of your own needs --plugins DIR."
    known = f" Known: {', '.join(names) or 'none'}."
    if len(names) > MOST_KNOWN:
        shown = [] if near else names[:MOST_KNOWN]
        known = f" Known: {', '.join(shown)};" if shown else ""
        more = len(names) - len(near or shown)
        place = f": bench list {LISTS[kind]}".rstrip() if kind in LISTS else ""
        known += f" {more} more{place}."
    return BenchError(f"{location}: no {kind} {name!r}{hint}{known}")
