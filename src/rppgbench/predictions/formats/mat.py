"""MAT files of MATLAB, versions 4 to 7.3: variables of one recording or of many."""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.datasets.label_files import is_hdf5
from rppgbench.datasets.mat_files import check_mat5
from rppgbench.datasets.mat_variables import mat_shapes, read_mat
from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES
from rppgbench.predictions.formats.hdf5 import begins_as_matlab
from rppgbench.predictions.hdf5_source import Hdf5Tree, open_source
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.tree import read_tree
from rppgbench.system.errors import BenchError

MOST_VARIABLE_BYTES = 2**28
READ_AHEAD = 128
"""Variables that are read at once: each reading passes over the whole file."""


def recognise(file: Path) -> Match:
    """Certain for a file that begins with MATLAB's text; version 4 has none and is possible."""
    if begins_as_matlab(file):
        return Match.CERTAIN
    return Match.CERTAIN if file.suffix.lower() == ".mat" else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every recording of the file.

    Args:
        file: the MAT file.
        options: what the user states.
        name: the recording's name, where the variables are the fields of one.

    Yields:
        The recordings.

    Raises:
        BenchError: the file is damaged, or can be read in two ways.
    """
    if is_hdf5(file):
        with open_source(file) as content:
            yield from read_tree(Hdf5Tree(content, file), name, options, file)
    else:
        yield from read_tree(MatTree(file), name, options, file)


class MatTree(Mapping[str, Any]):
    """The variables of a MAT file before version 7.3 by name; a structure has its fields."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            check_mat5(file, most_bytes=MOST_VARIABLE_BYTES)
        except (ValueError, zlib.error) as error:
            raise BenchError(f"{file}: not a MAT file ({error}); save it again") from error
        names = [name for name in mat_shapes(file) if not name.startswith("__")]
        groups = [names[at : at + READ_AHEAD] for at in range(0, len(names), READ_AHEAD)]
        self._groups = {name: group for group in groups for name in group}
        self._read: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, key: str) -> Any:
        if key not in self._read:
            self._read = dict(read_mat(self._file, *self._groups[key]))
        return _plain(self._read[key])


def _plain(value: Any) -> Any:
    """A variable as numbers, a text, or the fields of a structure."""
    array = np.asarray(value)
    if array.dtype.names and array.size == 1:
        return {name: _plain(array.reshape(-1)[0][name]) for name in array.dtype.names}
    if array.dtype.kind == "U" and array.size == 1:
        return str(array.reshape(-1)[0])
    return array


FORMAT = PredictionFormat(
    title="MAT",
    files="a MAT file of version 4, 5, 7 or 7.3",
    fields=GENERIC_FIELDS,
    notes=(
        "Variables with the names of fields are one recording, called as the file.",
        "A structure with such fields is the recording of its name; another variable is a waveform "
        "of its name. `fs` and `time_s` beside them are of all.",
        *GENERIC_NOTES,
    ),
    recognise=recognise,
    read=read,
)
