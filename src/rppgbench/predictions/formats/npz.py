"""NPZ files: named arrays of one recording, or of many."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rppgbench.predictions.array_source import NpzTree, is_npz
from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.tree import read_tree
from rppgbench.system.errors import BenchError, shortened

OPEN_RPPG = {"bvp", "ts"}


def recognise(file: Path) -> Match:
    """Certain for an archive of arrays."""
    if not is_npz(file):
        return Match.NO
    try:
        with _opened(file) as archive:
            names = set(NpzTree(archive.zip, file))
    except BenchError:
        return Match.CERTAIN
    return Match.NO if names >= OPEN_RPPG else Match.CERTAIN


def _opened(file: Path) -> "np.lib.npyio.NpzFile":
    try:
        archive = np.load(file, allow_pickle=False)
    except Exception as error:  # a damaged archive raises exceptions of several modules
        text = shortened(str(error), 100)
        raise BenchError(f"{file}: not an archive of arrays ({text}); save it again") from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise BenchError(f"{file}: not an archive of arrays; give another --format")
    return archive


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every recording of the archive.

    Args:
        file: the NPZ file.
        options: what the user states.
        name: the recording's name, where the arrays are the fields of one.

    Yields:
        The recordings.

    Raises:
        BenchError: the archive is damaged, or can be read in two ways.
    """
    with _opened(file) as archive:
        yield from read_tree(NpzTree(archive.zip, file), name, options, file)


FORMAT = PredictionFormat(
    title="NumPy archive",
    files="an NPZ file; no pickled objects",
    fields=GENERIC_FIELDS,
    notes=(
        "Arrays with the names of fields are one recording, called as the file.",
        "Other names are recordings, with the waveform (T,) under each; `RECORDING/FIELD` gives "
        "each its fields. `fs` and `time_s` beside them are of all.",
        *GENERIC_NOTES,
    ),
    recognise=recognise,
    read=read,
)
