"""Floating-point operations of networks, counted by PyTorch while they run.

One operation (FLOP) is one addition or multiplication, so a multiply-add counts 2. The counter is
`torch.utils.flop_counter.FlopCounterMode`: it counts matrix products, convolutions in one to three
dimensions and attention, forward and backward. It counts nothing else: neither activations,
normalisation, pooling, interpolation, spectra, running sums, losses and optimiser, nor what is done
outside of PyTorch. So a count is a lower bound, and comparable between networks.

The counter replaces composed operations by their parts, which can change the last digits of a
result. Therefore what is counted is never a result: a training counts a step of a copy.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from rppgbench.core.method import Method, Model
from rppgbench.core.waveform import Waveform
from rppgbench.extraction.crops import crop_rule
from rppgbench.neural.throughput import synthetic_examples
from rppgbench.system.atomic_files import write_file

COUNTED = "_operations.json"
MINUTE_S = 60.0

_counting: ContextVar[bool] = ContextVar("counting", default=False)


@contextmanager
def counted_steps() -> Iterator[None]:
    """Within this context every stage of a training counts the operations of its first step."""
    token = _counting.set(True)
    try:
        yield
    finally:
        _counting.reset(token)


def is_counting() -> bool:
    """Whether a training is to count the operations of a step."""
    return _counting.get()


def count_operations(work: Callable[[], object]) -> int:
    """The floating-point operations of a piece of work in PyTorch.

    Args:
        work: what is counted; see the module's docstring for what is not.

    >>> count_operations(lambda: torch.ones(2, 3) @ torch.ones(3, 5))  # 2 * 2 * 3 * 5
    60
    """
    # The counter has no rule for the kernel of attention on a CPU; as products it has.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def count_step(learner: nn.Module, batch: Mapping[str, Tensor], device: torch.device) -> int:
    """The operations of a step, forward and backward, without a trace in learner or random numbers.

    Args:
        learner: returns named loss terms of a batch and an epoch.
        batch: tensors by name.
        device: the learner's device.
    """
    devices = [device] if device.type == "cuda" else []
    trial = copy.deepcopy(learner)

    def step() -> None:
        tensors = {name: tensor.to(device) for name, tensor in batch.items()}
        trial(tensors, 0)["loss"].backward()

    with torch.random.fork_rng(devices=devices):
        return count_operations(step)


def operations_file(folder: Path, stage: str) -> Path:
    """The file of a training's folder that has the operations of a step of a stage.

    Args:
        folder: the folder of the training.
        stage: name of the stage.
    """
    return folder / f"{stage}{COUNTED}"


def write_step(
    folder: Path, stage: str, learner: nn.Module, batch: Mapping[str, Tensor], device: torch.device
) -> None:
    """Count the operations of a step of a stage, and write them.

    Args:
        folder: the folder of the training.
        stage: name of the stage.
        learner: the learner before the step.
        batch: the batch of the step.
        device: the learner's device.
    """
    try:
        count_of_step: dict[str, Any] = {"flop_per_step": count_step(learner, batch, device)}
    except Exception as error:  # a count is no reason to lose a training
        count_of_step = {"not_counted": f"{type(error).__name__}: {error}".splitlines()[0]}
    folder.mkdir(parents=True, exist_ok=True)
    write_file(operations_file(folder, stage), json.dumps(count_of_step) + "\n")


def training_operations(folder: Path) -> dict[str, Any]:
    """The operations of a training: those of the first step of each stage times its steps.

    Args:
        folder: the folder of the training, with the log and the speed of each stage.

    Returns:
        `flop` of the whole training, and `stages` with `flop_per_step` and `steps`; or the reason
        under `not_counted`. Empty where no stage was counted.
    """
    stages: dict[str, dict[str, int]] = {}
    for file in sorted(folder.glob(f"*{COUNTED}")):
        name = file.name.removesuffix(COUNTED)
        count_of_step = json.loads(file.read_text(encoding="utf-8"))
        if "not_counted" in count_of_step:
            return {"not_counted": f"{name}: {count_of_step['not_counted']}"}
        epochs = len((folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
        speed = json.loads((folder / f"{name}_speed.json").read_text(encoding="utf-8"))
        stages[name] = {**count_of_step, "steps": epochs * int(speed["steps"])}
    if not stages:
        return {}
    total = sum(stage["flop_per_step"] * stage["steps"] for stage in stages.values())
    return {"flop": total, "stages": stages}


def operations_per_minute(method: Method, model: Model, params: Mapping[str, Any]) -> int:
    """The operations of a method on a minute of video: of its estimate, as a run calls it.

    Args:
        method: a method that learns.
        model: its model.
        params: all parameters of the method.
    """
    minute = synthetic_minute(method, params)
    return count_operations(lambda: method.estimate(minute, model, **params))


def synthetic_minute(method: Method, params: Mapping[str, Any]) -> Waveform:
    """A minute of input of a method that learns, at the rate of its network: only its size matters.

    Args:
        method: the method.
        params: all of its parameters.
    """
    fs = float(params["fs"])
    if method.input == "clip":
        side = crop_rule(str(params["crop"])).size
        shape = (round(MINUTE_S * fs), side, side, 3)
        return Waveform(np.random.default_rng(0).integers(0, 256, shape, np.uint8), fs)
    (example,) = synthetic_examples(method, 0, recordings=1, seconds=MINUTE_S, fs=fs)
    return example.inputs[0]
