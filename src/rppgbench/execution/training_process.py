"""A training in a process of its own, or in one a device."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from rppgbench.execution.training_task import TrainingTask, run_training
from rppgbench.system.fault_kinds import Fault, attempt, fault_of_exit
from rppgbench.system.processes import defer_interrupt

DEVICE = "RPPGBENCH_DEVICE"  # of the environment: where a network estimates
ASKED_S = 1.0
"""How often to ask whether a training is still wanted."""


def training_of(lesson: TrainingTask) -> str:
    """What is done, for a reason."""
    return f"the training of {lesson.fit.method} in fold {lesson.fit.fold}"


def learn_here(lesson: TrainingTask, say: Callable[[str], None]) -> Fault | None:
    """Learn a model in this process; the fault that kept it from being learned, if one did."""
    return attempt(lambda: run_training(lesson, say), training_of(lesson)).fault


def train_in_subprocess(
    lesson: TrainingTask, say: Callable[[str], None], wanted: Callable[[], bool] = lambda: True
) -> Fault | None:
    """Learn a model in processes of their own, one for each device that it is to be shared by.

    A process of its own, because a network's random numbers and choice of algorithms belong to a
    process. They end with this one, with the first of them that fails, and when `wanted` says no.

    Args:
        lesson: what is to be learned.
        say: takes lines of how far it is.
        wanted: asked every second whether the model is still wanted.

    Returns:
        The fault that kept the model from being learned, or None.
    """
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    heard: queue.Queue[tuple[int, str]] = queue.Queue()
    with defer_interrupt():
        children = [
            _begin(replace(lesson, rank=rank), where | {"LOCAL_RANK": str(rank)})
            for rank in range(lesson.devices)
        ]
    for rank, child in enumerate(children):
        threading.Thread(target=_listen, args=(rank, child, heard), daemon=True).start()
    working, code = len(children), 0
    try:
        while working and wanted():
            try:
                rank, line = heard.get(timeout=ASKED_S)
            except queue.Empty:
                continue
            said = json.loads(line) if line else {}
            if "fault" in said:
                return Fault(**said["fault"])
            if "progress" in said and not rank:
                say(said["progress"])
            if not said:
                working -= 1
                code = children[rank].wait()
                if code:
                    break
    finally:
        for child in children:
            child.kill()
            child.wait()
            assert child.stdin is not None
            with suppress(BrokenPipeError):
                child.stdin.close()
    if working and not code:  # no longer wanted: killed
        code = next((child.returncode for child in children if child.returncode), 0)
    return fault_of_exit(code, training_of(lesson)) if code else None


def _begin(lesson: TrainingTask, where: dict[str, str]) -> "subprocess.Popen[str]":
    from pydantic import TypeAdapter

    child = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import train_from_stdin; train_from_stdin()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {DEVICE: lesson.device} | (where if lesson.devices > 1 else {}),
    )
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # it is gone: its end says so
        child.stdin.write(TypeAdapter(TrainingTask).dump_json(lesson).decode() + "\n")
        child.stdin.flush()
    return child


def _listen(
    rank: int, child: "subprocess.Popen[str]", heard: "queue.Queue[tuple[int, str]]"
) -> None:
    """Every line that a process says, and "" when it is over."""
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            heard.put((rank, line))
    heard.put((rank, ""))


def train_from_stdin() -> None:
    """The process of one lesson: JSON on standard input, which stays open as long as it is wanted.

    Lines of progress and faults go to standard output, a JSON object each.
    """
    from pydantic import TypeAdapter

    lesson = TypeAdapter(TrainingTask).validate_json(sys.stdin.readline())
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no message of ours

    def tell(**what: Any) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    end_at_once = os._exit  # while a method is called, `os._exit` is another function

    def end_with_the_parent() -> None:
        sys.stdin.read()
        end_at_once(1)  # at once: what is written is written whole or not at all

    threading.Thread(target=end_with_the_parent, daemon=True).start()
    fault = learn_here(lesson, lambda line: tell(progress=line))
    if fault is not None:
        tell(fault=asdict(fault))
    sys.stdout.flush()
    out.flush()
    os._exit(0)  # the thread still waits for the end of the input


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
