"""Data sets by name, and their simulated trees."""

from pathlib import Path

from rppgbench.core.recording import Dataset, Recording
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.simulated_writers import SimulatedWriter
from rppgbench.simulation import SimulatedRecording, SimulationPlan


def dataset(name: str) -> Dataset:
    """The data set of that name in `benchmarks/`."""
    return load_datasets().get("data set", name, "test")


def listed(name: str, root: Path) -> dict[str, Recording]:
    """The recordings of a tree of a data set by name, in the order of its reader."""
    recordings = {recording.name: recording for recording in dataset(name).recordings(root)}
    assert recordings, f"{name}: no recording in {root}"
    return recordings


def write_tree(name: str, root: Path, plan: SimulationPlan) -> dict[str, Recording]:
    """Write a simulated tree, and list its recordings by name."""
    write = dataset(name).simulate
    assert write is not None
    write(root, plan)
    return listed(name, root)


def simulated_recordings(name: str, plan: SimulationPlan) -> list[SimulatedRecording]:
    """What a plan simulates of a data set, before it is written."""
    writer = dataset(name).simulate
    assert isinstance(writer, SimulatedWriter)
    return list(writer.recordings(plan))
