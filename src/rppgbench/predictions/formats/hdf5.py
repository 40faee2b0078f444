"""HDF5 files: data sets of one recording, or a group for each."""

from collections.abc import Iterator
from pathlib import Path

from rppgbench.datasets.label_files import is_hdf5
from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES
from rppgbench.predictions.hdf5_source import Hdf5Tree, holds, open_source
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.tree import read_tree

MATLAB = b"MATLAB"
OF_OTHERS = (("self.dataFrame",), ("model", "output", "dataset"))
"""Members and attributes by which a file is one of pyVHR or PhysBench."""


def recognise(file: Path) -> Match:
    """Certain for HDF5 that is of no other tool and not MATLAB's."""
    if file.stat().st_size == 0 or not is_hdf5(file) or begins_as_matlab(file):
        return Match.NO
    return Match.NO if any(holds(file, *names) for names in OF_OTHERS) else Match.CERTAIN


def begins_as_matlab(file: Path) -> bool:
    """Whether a file begins with MATLAB's text."""
    with file.open("rb") as stream:
        return stream.read(len(MATLAB)) == MATLAB


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every recording of the file.

    Args:
        file: the HDF5 file.
        options: what the user states.
        name: the recording's name, where the data sets are the fields of one.

    Yields:
        The recordings.

    Raises:
        BenchError: the file is damaged, or can be read in two ways.
    """
    with open_source(file) as content:
        yield from read_tree(Hdf5Tree(content, file), name, options, file)


FORMAT = PredictionFormat(
    title="HDF5",
    files="an HDF5 file; links to other files and pickled objects are not followed",
    fields=GENERIC_FIELDS,
    notes=(
        "Data sets with the names of fields are one recording. A group with such data sets is the "
        "recording of its name. Another data set (T,) is a waveform of its name.",
        "`fs` and `method` may be attributes.",
        *GENERIC_NOTES,
    ),
    recognise=recognise,
    read=read,
)
