"""The formats of predictions by name, and the format of a file by its content."""

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from rppgbench.predictions import formats
from rppgbench.predictions.declaration import Match, PredictionFormat
from rppgbench.predictions.results_folder import RESULTS
from rppgbench.system.errors import unknown_name


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
        raise unknown_name("format of predictions", name, sorted([*known, RESULTS]), "--format")
    return known[name]


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """What the content of a file says of its format: the name, or several candidates, or neither.

    Attributes:
        name: the format, where the content is certain.
        candidates: the formats that the file may be of, where it is not.
    """

    name: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """What to say where there are candidates."""
        options = " or ".join(f"--format {name}" for name in self.candidates)
        return f"the content does not say which format it is; give {options}"


def recognise_format(file: Path) -> Recognition:
    """The format of a file, by its content."""
    matches = {name: declared.recognise(file) for name, declared in prediction_formats().items()}
    certain = tuple(name for name, match in matches.items() if match is Match.CERTAIN)
    if len(certain) == 1:
        return Recognition(name=certain[0])
    possible = tuple(name for name, match in matches.items() if match is Match.POSSIBLE)
    return Recognition(candidates=certain or possible)
