"""Weights as other software publishes them: their names, and the data set of a file's name."""

from collections.abc import Collection, Mapping
from typing import Any

from numpy.typing import NDArray


def data_sets_of_file(name: str, known: Collection[str]) -> tuple[str, ...]:
    """The data set that a file of weights was learned on, where the file's name begins with it.

    rPPG-Toolbox names its files so: `PURE_PhysNet_DiffNormalized.pth`. Files of other names give
    none.

    Args:
        name: the name of the file.
        known: names of data sets.

    >>> data_sets_of_file("Some-Set_PhysNet_DiffNormalized.pth", ["other", "some_set"])
    ('some_set',)
    >>> data_sets_of_file("model_weights.pt", ["other", "some_set"])
    ()
    """
    dataset = name.split("_", maxsplit=1)[0].lower().replace("-", "_")
    return (dataset,) if "_" in name and dataset in known else ()


def to_own_names(
    arrays: Mapping[str, NDArray[Any]], public_names: Mapping[str, str]
) -> dict[str, NDArray[Any]]:
    """Weights under the names of our network; names that are ours already stay.

    Args:
        arrays: weights and buffers by name.
        public_names: start of a name in the public code -> start of the name here.

    >>> list(to_own_names({"ConvBlock1.0.bias": 1, "out.bias": 2}, {"ConvBlock1.": "encoder.0."}))
    ['encoder.0.0.bias', 'out.bias']
    """
    return {_own_name(name, public_names): values for name, values in arrays.items()}


def _own_name(name: str, public_names: Mapping[str, str]) -> str:
    for start, own_start in public_names.items():
        if name.startswith(start):
            return own_start + name.removeprefix(start)
    return name
