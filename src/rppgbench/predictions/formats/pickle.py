"""Pickles of dictionaries: fields of one recording or of many."""

from collections.abc import Iterator
from pathlib import Path

from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES
from rppgbench.predictions.pickles.reading import is_pickle, is_pickle_with, read_pickled_file
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.tree import read_tree

SUFFIXES = frozenset({".pkl", ".pickle"})
OF_OTHERS = (("predictions", "labels", "label_type"), ("hr", "SQI"))


def recognise(file: Path) -> Match:
    """Certain for a pickle that is of no other tool."""
    if any(is_pickle_with(file, *keys) for keys in OF_OTHERS):
        return Match.NO
    is_named_so = file.suffix.lower() in SUFFIXES
    return Match.CERTAIN if is_pickle(file) or is_named_so else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every recording of the file.

    Args:
        file: the pickle.
        options: what the user states.
        name: the recording's name, where the file names none.

    Yields:
        The recordings.

    Raises:
        BenchError: the pickle is refused, or can be read in two ways.
    """
    yield from read_tree(read_pickled_file(file), name, options, file)


FORMAT = PredictionFormat(
    title="pickle",
    files="a pickle of `pickle.dump` or `torch.save`, of at most 1 GB",
    fields=GENERIC_FIELDS,
    notes=(
        "A pickle can run code when Python reads it. Here it is interpreted: arrays, tensors, "
        "numbers, texts, lists, tuples, sets and dictionaries are built, and a pickle that names "
        "anything else is refused with that name.",
        "The structures are those of JSON.",
        *GENERIC_NOTES,
    ),
    recognise=recognise,
    read=read,
)
