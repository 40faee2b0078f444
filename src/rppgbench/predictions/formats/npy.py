"""NPY files: the waveform or the heart rates of one recording."""

from collections.abc import Iterator
from pathlib import Path

from rppgbench.predictions.array_source import read_npy
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.tree import read_tree
from rppgbench.system.npy_files import is_npy


def recognise(file: Path) -> Match:
    """Certain for a file that begins as NPY does."""
    return Match.CERTAIN if is_npy(file) else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read the array.

    Args:
        file: the NPY file.
        options: the sampling rate, which the file does not state.
        name: the recording's name.

    Yields:
        One recording.

    Raises:
        BenchError: the array is refused.
    """
    yield from read_tree(read_npy(file), name, options, file)


FORMAT = PredictionFormat(
    title="NumPy array",
    files="an NPY file for each recording, called as the recording; no pickled objects",
    fields=(Field(name="the array", meaning="(T,), (T, 1) or (1, T) numbers of the waveform"),),
    notes=(
        "It needs `--fs`.",
        "Numbers that are all between 30 and 240 could be heart rates and are refused.",
    ),
    recognise=recognise,
    read=read,
)
