"""The options of a run: one record from the command line to the worker."""

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rppgbench import execution
from rppgbench.system.errors import BenchError

EXECUTOR_SUFFIX = "_executor"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """All options of `bench run` and `rppgbench.run`, under the names of the command line.

    The runner, the executors and the workers read this record. A new option is a field here, an
    argument in `cli/run.py`, and the module that uses the option.

    Attributes:
        cache: folder of extracted features and of simulated recordings.
        methods: names of methods; empty for those of the protocol.
        data: roots of data sets by name; others come from the environment or `bench.toml`.
        simulate: run on simulated recordings in the native layout of each data set.
        subjects: number of simulated subjects of each data set; None for that of the protocol.
        seconds: length of the simulated recordings in s; None for that of the protocol.
        difficulty: "easy", "paper" or "hard" simulation; None for that of the protocol.
        train: data set to train on in place of those of the protocol.
        test: data set to test on in place of those of the protocol.
        preset: named parameters of the methods that learn, such as "smoke".
        params: parameters of methods, by method, in place of those of the protocol.
        sweeps: several values of parameters, by method: each combination is a row of its own.
        epochs: epochs of every training and pre-training; None for those of the methods.
        regions: face regions in place of those of the protocol; empty for these.
        controls: rows that cannot know the pulse, in place of those of the protocol; empty for
            these.
        folds: names of folds; empty for all.
        seeds: seeds of the methods that learn; empty for those of the protocol.
        jobs: processes of this machine; None is one process.
        device: "auto", "cpu", "cuda" or "mps", for networks.
        devices: GPUs of this machine that share each training.
        executor: name of the executor that does the work: "local", "dask" or another one.
        scheduler: address of the scheduler of the executor "dask".
        every_epoch: also test the models of all epochs, in a results folder of their own.
        keep_videos: folder in which recompressed videos are kept; None keeps none.
        retry_failed: make the stored estimates again that have a reason in place of a waveform.
        quiet: show no progress.
        command: the command line, for the manifest and the provenance.
    """

    cache: Path
    methods: tuple[str, ...] = ()
    data: Mapping[str, Path] = field(default_factory=dict)
    simulate: bool = False
    subjects: int | None = None
    seconds: float | None = None
    difficulty: str | None = None
    train: str | None = None
    test: str | None = None
    preset: str | None = None
    params: Mapping[str, Mapping[str, bool | int | float | str]] = field(default_factory=dict)
    sweeps: Mapping[str, Mapping[str, tuple[bool | int | float | str, ...]]] = field(
        default_factory=dict
    )
    epochs: int | None = None
    regions: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    jobs: int | None = None
    device: str = "auto"
    devices: int = 1
    executor: str = "local"
    scheduler: str | None = None
    every_epoch: bool = False
    keep_videos: Path | None = None
    retry_failed: bool = False
    quiet: bool = False
    command: str = ""


def refuse_unused(options: RunOptions, names: Iterable[str], reason: str) -> None:
    """Refuse options that change nothing here.

    Args:
        options: the options of the run.
        names: fields of `RunOptions` that have no effect here.
        reason: why they have none, such as "without --simulate".

    Raises:
        BenchError: one of these options is not at its default.
    """
    defaults = RunOptions(cache=options.cache)
    for name in names:
        if getattr(options, name) != getattr(defaults, name):
            raise BenchError(f"--{name.replace('_', '-')}: has no effect {reason}; leave it out")


def executor_names() -> list[str]:
    """Return the names of all executors: the modules `NAME_executor.py` of this package.

    No executor is imported, so that the help of the command line stays fast.
    """
    modules = [module.name for module in pkgutil.iter_modules(execution.__path__)]
    executors = [name for name in modules if name.endswith(EXECUTOR_SUFFIX)]
    return sorted(name.removesuffix(EXECUTOR_SUFFIX) for name in executors)
