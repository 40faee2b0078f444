"""Floating-point operations of networks, counted by PyTorch while they run.

One operation (FLOP) is one addition or multiplication, so a multiply-add counts 2. The counter is
`torch.utils.flop_counter.FlopCounterMode`: it counts matrix products, convolutions in one to three
dimensions and attention, forward and backward. `OTHER_RULES` are ours: the counter lacks recurrent
layers, and counts the weights' gradient of a convolution in groups once for each group too often.
Nothing else is counted: neither activations,
normalisation, pooling, interpolation, spectra, running sums, losses and optimiser, nor what is done
outside of PyTorch. So a count is a lower bound, and comparable between networks.

The counter replaces composed operations by their parts, which can change the last digits of a
result. Therefore what is counted is never a result: a training counts a step of a copy.
"""

import copy
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from rppgbench.system.atomic_files import write_file

COUNTED = "_operations.json"

Shape = Sequence[int]


def _convolution_backward(
    gradient: Shape, x: Shape, weight: Shape, *settings: Any, **shapes: object
) -> int:
    """Each gradient, of the input and of the weights, takes as many operations as the forward pass.

    The weights have the channels of one group, so groups need no further factor.
    """
    *_, transposed, _padding, _groups, (of_input, of_weight, _of_bias) = settings
    positions = math.prod((x if transposed else gradient)[2:])
    return int(of_input + of_weight) * 2 * x[0] * positions * math.prod(weight)


def _recurrent(x: Shape, weights: Sequence[Shape]) -> int:
    """Every step multiplies the input and the state of a layer by its matrices."""
    steps = math.prod(x[:-1])
    return 2 * steps * sum(math.prod(weight) for weight in weights if len(weight) > 1)


def _cudnn_recurrent(x: Shape, weights: Sequence[Shape], *_: Any, **__: object) -> int:
    return _recurrent(x, weights)


def _cudnn_recurrent_backward(x: Shape, weights: Sequence[Shape], *_: Any, **__: object) -> int:
    return 2 * _recurrent(x, weights)


def _onednn_recurrent(x: Shape, *weights_first: Any, **_: object) -> int:
    return _recurrent(x, weights_first[:4])


def _onednn_recurrent_backward(x: Shape, *weights_first: Any, **_: object) -> int:
    return 2 * _recurrent(x, weights_first[:4])


OTHER_RULES: dict[Any, Callable[..., int]] = {
    torch.ops.aten.convolution_backward: _convolution_backward,
    torch.ops.aten._cudnn_rnn: _cudnn_recurrent,
    torch.ops.aten._cudnn_rnn_backward: _cudnn_recurrent_backward,
    torch.ops.aten.mkldnn_rnn_layer: _onednn_recurrent,
    torch.ops.aten.mkldnn_rnn_layer_backward: _onednn_recurrent_backward,
}
"""Operations of PyTorch by the shapes of their arguments, in place of or beside the counter's."""

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
    # The counter has no rule for the kernel of attention on a CPU, nor for the one of a whole layer
    # of attention that learns no more; as products it has.
    with (
        _layers_of_attention_in_parts(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False, custom_mapping=OTHER_RULES) as counter,
    ):
        work()
    return int(counter.get_total_flops())


@contextmanager
def _layers_of_attention_in_parts() -> Iterator[None]:
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_enabled)


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
