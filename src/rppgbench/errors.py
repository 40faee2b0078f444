"""What a user can get wrong, said in one line."""

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """A mistake of the user's: the command line prints it and exits with 2, without a traceback."""


class RecordingError(BenchError):
    """What is wrong with one recording: it becomes a row with its reason; the others go on."""


class MachineError(BenchError):
    """What is wrong with the machine, not with a recording: a full disk, a folder that is gone.

    It ends the run and leaves no row: the same command goes on when it is put right.
    """


def unknown(kind: str, name: str, known: Iterable[str], where: str) -> BenchError:
    """Say which name failed, who asked for it, what is near, and what there is.

    >>> print(unknown("method", "poss", ["green", "pos"], "protocols/smoke.toml"))
    protocols/smoke.toml: no method 'poss'; did you mean 'pos'? Known: green, pos.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return BenchError(f"{where}: no {kind} {name!r}{hint} Known: {', '.join(names) or 'none'}.")
