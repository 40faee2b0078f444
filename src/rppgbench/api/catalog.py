"""Lists of methods, data sets, protocols and evaluators."""

from __future__ import annotations

from pathlib import Path

from rppgbench.core.guarded_calls import list_recordings
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets, load_methods, toml_files
from rppgbench.datasets.roots import data_root


def list_methods() -> list[str]:
    """The names of all methods that can run here, in alphabetical order."""
    return sorted(load_methods().available)


def list_datasets() -> list[str]:
    """The names of all data sets that have a reader, in alphabetical order."""
    return sorted(load_datasets().available)


def list_protocols() -> list[str]:
    """The names of all protocols, in alphabetical order."""
    return sorted(toml_files("protocols"))


def list_evaluators() -> list[str]:
    """The names of all evaluators, in alphabetical order."""
    return sorted(toml_files("protocols/evaluators"))


def load_dataset(name: str, root: str | Path | None = None) -> list[Recording]:
    """The recordings of a data set; no video is opened.

    Args:
        name: the data set, as `list_datasets` names it.
        root: its folder. None: RPPGBENCH_DATA_<NAME>, or `[data]` in bench.toml.

    Returns:
        The recordings in the data set's own order. `recording.ground_truth()` reads the labels, and
        `recording.video()` says where the frames are.

    Raises:
        BenchError: there is no such data set, no folder, or no recording in the folder.
    """
    dataset = load_datasets().get("data set", name, "load_dataset")
    roots = {} if root is None else {name: Path(root).expanduser()}
    return list(list_recordings(dataset, data_root(dataset, roots)))
