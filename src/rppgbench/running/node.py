"""Work that came from another machine, done on this one.

A worker of a cluster gets text: the task or lesson as JSON, and an `Errand` of who asks. Where the
data lies and features are kept may differ from node to node: `RPPGBENCH_DATA_<NAME>` and
`RPPGBENCH_CACHE` of the worker's environment win over the paths that came with the work. Nothing is
done with another code, other packages or other files than those of the plan: each of the three
would give other numbers under the same digests.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from rppgbench.content import content_roots
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.roots import CACHE, VARIABLE
from rppgbench.digest import code_digest, digest
from rppgbench.errors import BenchError, MachineError
from rppgbench.running.executors import DEVICE
from rppgbench.running.learning import Lesson, learn, tasks_of
from rppgbench.running.provenance import package_versions
from rppgbench.running.work import Outcome, Task, do, find_recording

Work = TypeVar("Work", Task, Lesson)


@dataclass(frozen=True)
class Errand:
    """What must agree between the one who asks and the node: the digest of code and packages."""

    setting: str
    device: str


@cache
def setting() -> str:
    """Digest of all code that can change a number, ours, content's and packages'."""
    folders = [Path(__file__).parent.parent]
    folders += [root / name for root in content_roots() for name in ("benchmarks", "methods")]
    code = [code_digest(folder) for folder in folders if folder.is_dir()]
    return digest({"code": code, "packages": package_versions(), "python": sys.version_info[:2]})


def as_text(work: Task | Lesson) -> str:
    """Work as it goes over the network: JSON of names, paths, numbers and digests."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(work)).dump_json(work).decode()


def from_text(kind: type[Work], text: str) -> Work:
    """What `as_text` wrote."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_json(text)


def do_task(text: str, errand: Errand) -> Outcome:
    """Do a task on this node; BenchError where the node is not fit for it."""
    _check(errand)
    task = from_text(Task, text)
    task = replace(task, root=_root(task.dataset, task.root), cache=_cache(task.cache))
    _same_files(task)
    if task.jobs and any(job.fit for job in task.jobs):
        _shared(task.models)
        os.environ[DEVICE] = errand.device
    return do(task)


def do_lesson(
    text: str, errand: Errand, say: Callable[[str], None], wanted: Callable[[], bool]
) -> None:
    """Learn a model on this node, in a process of its own; a model that is there is not learned.

    A process of its own, because a network's random numbers and choice of algorithms belong to a
    process, and several small networks may share this worker's GPU. It ends with this one, and
    when `wanted` says no. MachineError where it was killed.
    """
    _check(errand)
    lesson = from_text(Lesson, text)
    lesson = replace(
        lesson,
        roots={name: _root(name, root) for name, root in lesson.roots.items()},
        cache=_cache(lesson.cache),
    )
    _shared(lesson.models)
    for task, _ in tasks_of(lesson, labels=False):
        _same_files(task)
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from rppgbench.running.node import learn_from_stdin; learn_from_stdin()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {DEVICE: lesson.device},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    over = threading.Event()
    watch = threading.Thread(target=_kill_unwanted, args=(child, over, wanted), daemon=True)
    watch.start()
    try:
        child.stdin.write(as_text(lesson).encode() + b"\n")
        child.stdin.flush()
        for line in child.stdout:
            said = json.loads(line)
            if "fault" in said:
                raise BenchError(f"{_name()}: {said['fault']}")
            say(f"{_name()}: {said['progress']}")
        code = child.wait()
    except BrokenPipeError:
        code = child.wait()
    finally:
        over.set()
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()
    if code:
        raise MachineError(
            f"{_name()}: the training of {lesson.fit.method} ended with code {code}. Its "
            "last words are in the worker's log; the same command goes on from its last epoch"
        )


def learn_from_stdin() -> None:
    """The process of one lesson: JSON on standard input, which stays open as long as it is wanted.

    Lines of progress and faults go to standard output, a JSON object each.
    """
    lesson = from_text(Lesson, sys.stdin.readline())
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no message of ours

    def tell(**what: str) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    def end_with_the_worker() -> None:
        sys.stdin.read()
        os._exit(1)  # at once: what is written is written whole or not at all

    threading.Thread(target=end_with_the_worker, daemon=True).start()
    try:
        learn(lesson, lambda line: tell(progress=line))
    except BenchError as error:
        tell(fault=str(error))
    sys.stdout.flush()
    out.flush()
    os._exit(0)  # the thread still waits for the end of the input


def _kill_unwanted(
    child: "subprocess.Popen[bytes]", over: threading.Event, wanted: Callable[[], bool]
) -> None:
    while not over.wait(1.0):
        if not wanted():
            child.kill()
            return


def _name() -> str:
    return socket.gethostname()


def _root(dataset: str, planned: Path) -> Path:
    """Where a data set lies on this node."""
    own = os.environ.get(VARIABLE + dataset.upper())
    return Path(own) if own else planned


def _cache(planned: Path) -> Path:
    own = os.environ.get(CACHE)
    return Path(own) if own else planned


def _check(errand: Errand) -> None:
    """BenchError unless this node runs what the one who asks runs."""
    if setting() != errand.setting:
        raise BenchError(
            f"{_name()}: the worker runs other code or other packages than this command, so its "
            "numbers may differ; give both the same checkout and environment, and restart the "
            "workers after every change"
        )


def _same_files(task: Task) -> None:
    """BenchError unless the recording here is the one that the plan saw."""
    here = find_recording(task.dataset, task.root, task.recording)
    if fingerprint([here]) != task.fingerprint:
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
