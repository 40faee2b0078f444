"""A training in this process, in a process of its own, or in one process for each device."""

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
from typing import Any, TypeAlias

from rppgbench.execution.training_task import TrainingTask, run_training
from rppgbench.system.fault_kinds import Fault, attempt, classify_exit
from rppgbench.system.processes import defer_interrupt

DEVICE = "RPPGBENCH_DEVICE"
"""The environment variable that names the device on which networks estimate."""
POLL_S = 1.0
"""How often to ask whether a training is still wanted, in s."""

Log = Callable[[str], None]
Messages: TypeAlias = "queue.Queue[tuple[int, str]]"
"""Lines of JSON from the processes of a training, each with the rank of its process."""


def describe_training(task: TrainingTask) -> str:
    """Name a training, for the reason of a fault."""
    return f"the training of {task.fit.method} in fold {task.fit.fold}"


def train_in_this_process(task: TrainingTask, log: Log) -> Fault | None:
    """Train a model in this process.

    Args:
        task: the model to train.
        log: takes lines of progress.

    Returns:
        The fault that prevented the model, or None.
    """
    return attempt(lambda: run_training(task, log), describe_training(task)).fault


def train_in_subprocess(
    task: TrainingTask, log: Log, is_wanted: Callable[[], bool] = lambda: True
) -> Fault | None:
    """Train a model in processes of its own, one for each device that shares the training.

    The training has a process of its own because the random numbers and the choice of algorithms of
    a network belong to a process. The processes end with this one, with the first of them that
    fails, and when the training is no longer wanted.

    Args:
        task: the model to train.
        log: takes lines of progress.
        is_wanted: asked every second whether the model is still wanted.

    Returns:
        The fault that prevented the model, or None.
    """
    messages: Messages = queue.Queue()
    children = _start_processes(task, messages)
    try:
        fault = _follow(task, children, messages, log, is_wanted)
    finally:
        for child in children:
            child.kill()
            child.wait()
            assert child.stdin is not None
            with suppress(BrokenPipeError):
                child.stdin.close()
    if fault is not None:
        return fault
    # A training that is no longer wanted was killed.
    code = next((child.returncode for child in children if child.returncode), 0)
    return classify_exit(code, describe_training(task)) if code else None


def _start_processes(task: TrainingTask, messages: Messages) -> "list[subprocess.Popen[str]]":
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    with defer_interrupt():
        children = [
            _start_process(replace(task, rank=rank), address | {"LOCAL_RANK": str(rank)})
            for rank in range(task.options.devices)
        ]
    for rank, child in enumerate(children):
        threading.Thread(target=_read_lines, args=(rank, child, messages), daemon=True).start()
    return children


def _follow(
    task: TrainingTask,
    children: "list[subprocess.Popen[str]]",
    messages: Messages,
    log: Log,
    is_wanted: Callable[[], bool],
) -> Fault | None:
    """Wait until all processes have ended, one has failed, or the training is not wanted."""
    working = len(children)
    while working and is_wanted():
        try:
            rank, line = messages.get(timeout=POLL_S)
        except queue.Empty:
            continue
        message = json.loads(line) if line else {}
        if "fault" in message:
            return Fault(**message["fault"])
        if "progress" in message and not rank:
            log(message["progress"])
        if not message:
            working -= 1
            code = children[rank].wait()
            if code:
                return classify_exit(code, describe_training(task))
    return None


def _start_process(task: TrainingTask, variables: dict[str, str]) -> "subprocess.Popen[str]":
    from pydantic import TypeAdapter

    device_variables = variables if task.options.devices > 1 else {}
    child = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import train_from_stdin; train_from_stdin()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {DEVICE: task.options.device} | device_variables,
    )
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # the process has ended: its exit code tells why
        child.stdin.write(TypeAdapter(TrainingTask).dump_json(task).decode() + "\n")
        child.stdin.flush()
    return child


def _read_lines(rank: int, child: "subprocess.Popen[str]", messages: Messages) -> None:
    """Pass on every line that a process writes, and "" when the process has ended."""
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            messages.put((rank, line))
    messages.put((rank, ""))


def train_from_stdin() -> None:
    """Run the process of one training; standard input is its JSON and stays open while wanted.

    Lines of progress and faults go to standard output, one JSON object each.
    """
    from pydantic import TypeAdapter

    task = TypeAdapter(TrainingTask).validate_json(sys.stdin.readline())
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what other libraries print is not a message

    def send(**message: Any) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    end_at_once = os._exit  # while a method is called, `os._exit` is another function

    def end_with_the_parent() -> None:
        sys.stdin.read()
        end_at_once(1)  # at once: files are written whole or not at all

    threading.Thread(target=end_with_the_parent, daemon=True).start()
    fault = train_in_this_process(task, lambda line: send(progress=line))
    if fault is not None:
        send(fault=asdict(fault))
    sys.stdout.flush()
    out.flush()
    os._exit(0)  # the thread still waits for the end of the input


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
