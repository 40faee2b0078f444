"""The folder of a data set on this computer, or of its simulation."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rppgbench.core.recording import Dataset
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.layout import is_folder
from rppgbench.datasets.simulated_writers import SimulatedWriter
from rppgbench.digests.closures import simulation_code
from rppgbench.digests.code_digest import Sources
from rppgbench.system.atomic_files import atomic_dir, move_into_place
from rppgbench.system.cache_use import mark_used
from rppgbench.system.default_cache import default_cache
from rppgbench.system.errors import BenchError, MachineError, RecordingError, unknown_name
from rppgbench.system.hashing import digest
from rppgbench.system.plural import pluralise
from rppgbench.system.processes import run_in_process
from rppgbench.system.progress import progress
from rppgbench.system.toml_files import read_toml

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

VARIABLE = "RPPGBENCH_DATA_"
SETTINGS = "bench.toml"


def cache_folder(option: Path | None = None) -> Path:
    """The folder of features and simulated trees: --cache, RPPGBENCH_CACHE, or ~/.cache."""
    return default_cache() if option is None else option.expanduser()


def data_root(
    dataset: Dataset,
    folders: Mapping[str, Path],
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """The folder of a genuine data set: --data, RPPGBENCH_DATA_<NAME>, bench.toml, in this order.

    Args:
        dataset: the data set.
        folders: folders by the name of the set, from `--data`.
        tell: called with a line where the folder is not from `folders`, and with a line for each
            setting without effect.

    Raises:
        BenchError: there is no folder; the message names all places and how to get the set.
    """
    tried = []
    variable = VARIABLE + dataset.name.upper()
    settings = _read_settings()
    for line in _settings_without_effect(settings):
        tell(f"warning: {line}")
    places = [
        (f"--data {dataset.name}=PATH", folders.get(dataset.name)),
        (variable, os.environ.get(variable) or None),
        (f"[data] of ./{SETTINGS}", settings.get(dataset.name)),
    ]
    for place, path in places:
        if path is None:
            tried.append(f"{place} is not set")
        else:
            try:
                folder = Path(path).expanduser()
                if is_folder(folder):
                    if dataset.name not in folders:
                        tell(f"note: {dataset.name} is {folder}, by {place}")
                    return folder
                tried.append(f"{place} says {path}, which is no folder")
            except (RecordingError, RuntimeError) as error:  # the latter of an unknown ~NAME
                tried.append(f"{place} says {error}")
    raise BenchError(
        f"{dataset.name}: no data: {'; '.join(tried)}. Ask for it: {dataset.url} "
        f"({dataset.licence}). Without it, --simulate runs on simulated recordings"
    )


def simulated_root(
    dataset: Dataset,
    plan: "SimulationPlan",
    cache: Path,
    *,
    tell: Callable[[str], None] = lambda line: None,
    quiet: bool = True,
) -> Path:
    """The simulated tree of a plan, which is written once and kept in the cache.

    The name of the tree holds a digest of the plan and of the code of simulation and writer, so a
    tree of older code is not used. The tree is written under another name and then moved into
    place; where two processes write it at once, both use the first that is complete.

    Args:
        dataset: the data set.
        plan: the size of the tree.
        cache: the cache folder.
        tell: called with a line before a tree is written.
        quiet: whether no progress is shown.

    Raises:
        BenchError: the set cannot be simulated.
        MachineError: the tree cannot be written.
    """
    if dataset.simulate is None:
        raise BenchError(f"{dataset.name}: cannot be simulated; its real data is needed")
    settings = {
        "dataset": dataset.name,
        "subjects": plan.subjects,
        "seconds": plan.seconds,
        "seed": plan.seed,
        "difficulty": plan.difficulty,
        "generator": simulation_code(dataset, Sources()).digest,
    }
    root = cache / "simulated" / f"{dataset.name}-{digest(settings)}"
    mark_used(cache, dataset.name, root.parent.name, root.name)
    if root.is_dir():
        return root
    subjects = pluralise(plan.subjects, "subject")
    tell(f"note: {dataset.name} is simulated once: {subjects}, {plan.seconds:g} s each, in {root}")
    try:
        with atomic_dir(root) as partial:
            write_simulated(dataset, partial, plan, quiet=quiet)
            move_into_place(partial, root)
    except OSError as error:
        if not root.is_dir():
            raise MachineError(
                f"{root}: cannot write the simulated set: {error.strerror}"
            ) from error
    return root


def write_simulated(
    dataset: Dataset, folder: Path, plan: "SimulationPlan", *, quiet: bool = True
) -> None:
    """Write a simulated tree in a separate process, so that Ctrl-C stops the rendering at once.

    A data set that is not registered cannot be found by another process; its tree is written in
    this process.

    Args:
        dataset: the data set.
        folder: a new folder.
        plan: the size of the tree.
        quiet: whether no progress is shown.

    Raises:
        BenchError: the set cannot be simulated.
    """
    if dataset.simulate is None:
        raise BenchError(f"{dataset.name}: cannot be simulated; its real data is needed")
    if load_datasets().available.get(dataset.name) is dataset:
        run_in_process(_write_by_name, dataset.name, folder, plan, quiet)
    else:
        dataset.simulate(folder, plan)


def _write_by_name(name: str, folder: Path, plan: "SimulationPlan", quiet: bool) -> None:
    dataset = load_datasets().get("data set", name, str(folder))
    assert dataset.simulate is not None
    if isinstance(dataset.simulate, SimulatedWriter):
        _write_with_progress(dataset.simulate, folder, plan, quiet)
    else:
        dataset.simulate(folder, plan)


def _write_with_progress(
    writer: SimulatedWriter, folder: Path, plan: "SimulationPlan", quiet: bool
) -> None:
    """Write a tree and count its recordings; several threads write at once."""
    total = sum(1 for _ in writer.sessions(plan))
    lock = Lock()
    with progress(f"simulating {writer.dataset}", total, quiet=quiet) as display:

        def write(root: Path, recording: "SimulatedRecording", plan: "SimulationPlan") -> Any:
            output = writer.write(root, recording, plan)
            with lock:
                display.step(recording.subject)
            return output

        replace(writer, write=write)(folder, plan)


def _read_settings() -> dict[str, str]:
    """The [data] table of bench.toml in the current folder: NAME = "PATH"."""
    file = Path(SETTINGS)
    if not file.is_file():
        return {}
    settings = read_toml(file.resolve())
    for key in settings:
        if key != "data":
            raise unknown_name("key", key, ["data"], str(file.resolve()))
    data = settings.get("data", {})
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise BenchError(f'{file.resolve()}: [data] holds lines NAME = "PATH"')
    return data


def _settings_without_effect(settings: Mapping[str, str]) -> list[str]:
    """Settings without effect: of data sets that do not exist, and variables in small letters."""
    loaded = load_datasets()
    datasets = [*loaded.available, *loaded.unavailable]
    places = [(f"[data] of ./{SETTINGS}", name) for name in settings]
    places += [(f"{VARIABLE}{n}", n.lower()) for n in _variables()]
    lines = [
        f"has no effect: {unknown_name('data set', name, datasets, location)}"
        for location, name in places
        if name not in datasets
    ]
    in_small = [n for n in _variables() if n != n.upper() and n.lower() in datasets]
    lines += [
        f"has no effect: {VARIABLE}{n}: write the name in capitals, {VARIABLE}{n.upper()}"
        for n in in_small
    ]
    return lines


def _variables() -> list[str]:
    return sorted(n.removeprefix(VARIABLE) for n in os.environ if n.startswith(VARIABLE))


def check_roots(roots: Mapping[str, Path], datasets: Iterable[str], user: str) -> None:
    """Refuse roots of data sets that are not used.

    Args:
        roots: root of each data set.
        datasets: names of the data sets that are used.
        user: what uses them, for the message.

    Raises:
        BenchError: a data set is unknown, or not used.
    """
    names = list(dict.fromkeys(datasets))
    for name in roots:
        load_datasets().get("data set", name, "--data")
        if name not in names:
            raise BenchError(f"--data: {name} has no effect: {user} uses {', '.join(names)}")
