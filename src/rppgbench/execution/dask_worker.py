"""Work that came from another machine, done on this one.

A worker of a cluster gets text: the task as JSON, and a `WorkerContract` of who asks. Where the
data lies and features are kept may differ from node to node: `RPPGBENCH_DATA_<NAME>` and
`RPPGBENCH_CACHE` of the worker's environment win over the paths that came with the work. Nothing is
done with another code, other packages or other files than those of the plan: each of the three
would give other numbers under the same digests.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from rppgbench.core.registry import content_roots
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.roots import CACHE, VARIABLE
from rppgbench.execution.provenance import package_versions
from rppgbench.execution.recording_task import (
    RecordingTask,
    TaskResult,
    find_recording,
    run_recording,
)
from rppgbench.execution.training_process import DEVICE, train_in_subprocess
from rppgbench.execution.training_task import TrainingTask, example_tasks
from rppgbench.system.errors import BenchError
from rppgbench.system.fault_kinds import Fault
from rppgbench.system.hashing import code_digest, digest

Work = TypeVar("Work", RecordingTask, TrainingTask)


@dataclass(frozen=True)
class WorkerContract:
    """What must agree between the one who asks and the node: the digest of code and packages."""

    setting: str
    device: str


@cache
def environment_digest() -> str:
    """Digest of all code that can change a number, ours, content's and packages'."""
    folders = [Path(__file__).parent.parent]
    folders += [root / name for root in content_roots() for name in ("benchmarks", "methods")]
    code = [code_digest(folder) for folder in folders if folder.is_dir()]
    return digest({"code": code, "packages": package_versions(), "python": sys.version_info[:2]})


def to_text(work: RecordingTask | TrainingTask) -> str:
    """Work as it goes over the network: JSON of names, paths, numbers and digests."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(work)).dump_json(work).decode()


def from_text(kind: type[Work], text: str) -> Work:
    """What `to_text` wrote."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_json(text)


def run_recording_task(text: str, errand: WorkerContract) -> TaskResult:
    """Do a task on this node; BenchError where the node is not fit for it."""
    _check(errand)
    task = from_text(RecordingTask, text)
    task = replace(task, root=_root(task.dataset, task.root), cache=_cache(task.cache))
    _same_files(task)
    if task.jobs and any(job.fit for job in task.jobs):
        _shared(task.models)
        os.environ[DEVICE] = errand.device
    return run_recording(task)


def run_training_task(
    text: str, errand: WorkerContract, say: Callable[[str], None], wanted: Callable[[], bool]
) -> Fault | None:
    """Learn a model on this node, in a process of its own; a model that is there is not learned.

    Several small networks may share this worker's GPU. See `training_process.train_in_subprocess`.
    """
    _check(errand)
    lesson = from_text(TrainingTask, text)
    lesson = replace(
        lesson,
        roots={name: _root(name, root) for name, root in lesson.roots.items()},
        cache=_cache(lesson.cache),
    )
    _shared(lesson.models)
    for task, _ in example_tasks(lesson, labels=False):
        _same_files(task)
    fault = train_in_subprocess(lesson, lambda line: say(f"{_name()}: {line}"), wanted)
    return None if fault is None else replace(fault, reason=f"{_name()}: {fault.reason}")


def _name() -> str:
    return socket.gethostname()


def _root(dataset: str, planned: Path) -> Path:
    """Where a data set lies on this node."""
    own = os.environ.get(VARIABLE + dataset.upper())
    return Path(own) if own else planned


def _cache(planned: Path) -> Path:
    own = os.environ.get(CACHE)
    return Path(own) if own else planned


def _check(errand: WorkerContract) -> None:
    """BenchError unless this node runs what the one who asks runs."""
    if environment_digest() != errand.setting:
        raise BenchError(
            f"{_name()}: the worker runs other code or other packages than this command, so its "
            "numbers may differ; give both the same checkout and environment, and restart the "
            "workers after every change"
        )


def _same_files(task: RecordingTask) -> None:
    """BenchError unless the recording here is the one that the plan saw."""
    here = find_recording(task.dataset, task.root, task.recording)
    if fingerprint([here], task.cache) != task.fingerprint:
        raise BenchError(
            f"{_name()}: {task.root} holds another {task.dataset}/{task.recording} than the plan "
            f"saw; correct {VARIABLE}{task.dataset.upper()} of the worker"
        )


def _shared(models: Path) -> None:
    """BenchError unless the results folder is seen from here: models are written and read there."""
    if not models.parent.is_dir():
        raise BenchError(
            f"{_name()}: the results folder {models.parent} is not there; methods that learn need "
            "--out on a path that all nodes share"
        )
