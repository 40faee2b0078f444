"""The formats of predictions by name, and the format of a file by its content."""

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

from rppgbench.predictions import formats
from rppgbench.predictions.declaration import Match, PredictionFormat
from rppgbench.system.errors import BenchError, unknown_name


@cache
def prediction_formats() -> dict[str, PredictionFormat]:
    """Every format by its name, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(formats.__path__))
    return {name: import_module(f"{formats.__name__}.{name}").FORMAT for name in names}


def find_format(name: str) -> PredictionFormat:
    """The format of this name.

    Raises:
        BenchError: there is no such format.
    """
    known = prediction_formats()
    if name not in known:
        raise unknown_name("format of predictions", name, known, "--format")
    return known[name]


def recognise_format(file: Path) -> str | None:
    """The name of the format of a file, by its content; None where it is of none.

    Raises:
        BenchError: the file may be of several formats, or its content does not make one certain.
    """
    matches = {name: one.recognise(file) for name, one in prediction_formats().items()}
    certain = [name for name, match in matches.items() if match is Match.CERTAIN]
    if len(certain) == 1:
        return certain[0]
    candidates = certain or [name for name, match in matches.items() if match is Match.POSSIBLE]
    if candidates:
        raise BenchError(
            f"{file}: the content does not say which format it is; give --format with one of "
            f"{_listed(candidates)}"
        )
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
