"""The work of a Dask worker, on another machine than the run.

A worker gets text: the task as JSON, and a `WorkerContract`. The folders of the data and of the
cache may differ from node to node: `RPPGBENCH_DATA_<NAME>` and `RPPGBENCH_CACHE` of the worker's
environment replace the paths of the task. A worker refuses a task where its code, its packages or
its files are not those of the plan, because the numbers would differ under the same digests.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from rppgbench.core.content_roots import content_roots
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.roots import VARIABLE
from rppgbench.execution.provenance import package_versions
from rppgbench.execution.recording_task import (
    RecordingTask,
    TaskResult,
    find_recording,
    run_recording,
)
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_process import DEVICE, train_in_subprocess
from rppgbench.execution.training_task import TrainingTask, example_tasks
from rppgbench.system.cache_use import in_use
from rppgbench.system.default_cache import CACHE
from rppgbench.system.errors import BenchError
from rppgbench.system.fault_kinds import Fault
from rppgbench.system.hashing import code_digest, digest

Task = TypeVar("Task", RecordingTask, TrainingTask)


@dataclass(frozen=True)
class WorkerContract:
    """What the machine of the run and the worker must agree on.

    Attributes:
        environment: the digest of code and packages, from `environment_digest`.
    """

    environment: str


@cache
def environment_digest() -> str:
    """Return the digest of all code that can change a number: library, content, packages."""
    folders = [Path(__file__).parent.parent]
    folders += [root / name for root in content_roots() for name in ("benchmarks", "methods")]
    code = [code_digest(folder) for folder in folders if folder.is_dir()]
    return digest({"code": code, "packages": package_versions(), "python": sys.version_info[:2]})


def to_text(task: RecordingTask | TrainingTask) -> str:
    """Return a task as JSON of names, paths, numbers and digests."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(task)).dump_json(task).decode()


def from_text(kind: type[Task], text: str) -> Task:
    """Read a task from JSON.

    Args:
        kind: `RecordingTask` or `TrainingTask`.
        text: what `to_text` returned.

    Returns:
        A task that is equal to the first one.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_json(text)


def run_recording_task(text: str, contract: WorkerContract) -> TaskResult:
    """Process a recording on this node.

    Args:
        text: the `RecordingTask` as JSON.
        contract: what this node has to agree with.

    Raises:
        BenchError: code, packages or files of this node are not those of the plan.
    """
    _require_environment(contract)
    task = from_text(RecordingTask, text)
    task = replace(
        task, root=_local_root(task.dataset, task.root), options=_local_options(task.options)
    )
    _require_same_files(task)
    if any(job.fit for job in task.jobs):
        _require_shared_folder(task.models)
        os.environ[DEVICE] = task.options.device
    with in_use(task.options.cache, [task.dataset]):
        return run_recording(task)


def run_training_task(
    text: str,
    contract: WorkerContract,
    log: Callable[[str], None],
    is_wanted: Callable[[], bool],
) -> Fault | None:
    """Train a model on this node, in a process of its own; a stored model is not trained again.

    Several small networks may share this worker's GPU.

    Args:
        text: the `TrainingTask` as JSON.
        contract: what this node has to agree with.
        log: takes lines of progress.
        is_wanted: asked every second; the training ends when the answer is no.

    Returns:
        The fault that prevented the model, or None.

    Raises:
        BenchError: code, packages or files of this node are not those of the plan.
    """
    _require_environment(contract)
    task = from_text(TrainingTask, text)
    task = replace(
        task,
        roots={name: _local_root(name, root) for name, root in task.roots.items()},
        options=_local_options(task.options),
    )
    _require_shared_folder(task.models)
    for example_task, _ in example_tasks(task):
        _require_same_files(example_task)
    with in_use(task.options.cache, task.roots):
        fault = train_in_subprocess(task, lambda line: log(f"{_node_name()}: {line}"), is_wanted)
    return None if fault is None else replace(fault, reason=f"{_node_name()}: {fault.reason}")


def _node_name() -> str:
    return socket.gethostname()


def _local_root(dataset: str, planned: Path) -> Path:
    """Return the folder of a data set on this node."""
    local = os.environ.get(VARIABLE + dataset.upper())
    return Path(local) if local else planned


def _local_options(options: RunOptions) -> RunOptions:
    """Return the options with the cache folder of this node."""
    local = os.environ.get(CACHE)
    return replace(options, cache=Path(local)) if local else options


def _require_environment(contract: WorkerContract) -> None:
    if environment_digest() != contract.environment:
        raise BenchError(
            f"{_node_name()}: the worker runs other code or other packages than this command, so "
            "its numbers may differ; give both the same checkout and environment, and restart the "
            "workers after every change"
        )


def _require_same_files(task: RecordingTask) -> None:
    local = find_recording(task.dataset, task.root, task.recording)
    if fingerprint([local], task.options.cache) != task.fingerprint:
        raise BenchError(
            f"{_node_name()}: {task.root} holds another {task.name} than the plan saw; correct "
            f"{VARIABLE}{task.dataset.upper()} of the worker"
        )


def _require_shared_folder(models: Path) -> None:
    """Raise BenchError unless this node sees the results folder, which holds the models."""
    if not models.parent.is_dir():
        raise BenchError(
            f"{_node_name()}: the results folder {models.parent} is not there; methods that learn "
            "need --out on a path that all nodes share"
        )
