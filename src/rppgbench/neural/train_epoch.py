"""One epoch of optimisation steps, with gradient accumulation where memory is short."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor


class OutOfMemoryStep(Exception):
    """A step did not fit into memory; its batch can be split into `max_micro_batches`."""

    def __init__(self, max_micro_batches: int, reason: str) -> None:
        super().__init__(reason)
        self.max_micro_batches = max_micro_batches


def train_epoch(
    learner: Callable[[Mapping[str, Tensor], int], dict[str, Tensor]],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    fabric: Any,
    batches: Iterable[Mapping[str, Tensor]],
    epoch: int,
    *,
    count: int,
    min_samples: int,
) -> dict[str, float]:
    """Take one step for each batch.

    Gradients and terms of a batch are the means over its micro-batches, weighted by their lengths.
    Terms are added up on the device and read once, at the end: no step waits for the device.

    Args:
        learner: returns named loss terms of a batch of tensors and the epoch.
        optimiser: takes the steps.
        schedule: sets the learning rate after each step.
        fabric: Lightning Fabric: device, precision and backward pass.
        batches: tensors by name, all as long as the batch, on the CPU.
        epoch: number of the epoch, from 0.
        count: number of micro-batches into which a batch is split.
        min_samples: least number of samples in a micro-batch.

    Returns:
        The mean of every loss term over the batches; empty without a batch.

    Raises:
        OutOfMemoryStep: a step needs more memory than there is.
    """
    sums: dict[str, Tensor] = {}
    steps = 0
    for batch in batches:
        try:
            optimiser.zero_grad(set_to_none=True)
            for weight, part in micro_batches(batch, count, min_samples):
                tensors = {k: v.to(fabric.device, non_blocking=True) for k, v in part.items()}
                terms = learner(tensors, epoch)
                fabric.backward(weight * terms["loss"])
                for name, term in terms.items():
                    sums[name] = sums.get(name, 0.0) + weight * _wide(term.detach())
            optimiser.step()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            reason = (str(error).splitlines() or [""])[0]
            raise OutOfMemoryStep(max_micro_batches(batch, min_samples), reason) from None
        schedule.step()
        steps += 1
    return {name: float(total) / steps for name, total in sums.items()}


def _wide(term: Tensor) -> Tensor:
    """A term as float64, in which sums over many steps are exact enough; MPS has float32 only."""
    return term.float() if term.device.type == "mps" else term.double()


OUT_OF_MEMORY = (
    "out of memory",  # CUDA's allocator and runtime, MPS
    "can't allocate memory",  # PyTorch on a CPU
    "cannot allocate memory",  # the system
    "alloc_failed",  # the status of cuBLAS, cuDNN, cuFFT, cuSOLVER and cuSPARSE
    "allocation_failed",  # cuDNN 9
    "failed to cuda malloc",  # NCCL
    "failed to cuda host alloc",
)
"""What messages of errors say, in lower case, where memory is short."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory is short, on a device or in the machine.

    The libraries of CUDA raise plain errors with a status in place of `OutOfMemoryError`.

    >>> is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))
    True
    >>> is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    False
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    message = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in message for phrase in OUT_OF_MEMORY)


def max_micro_batches(batch: Mapping[str, Tensor], min_samples: int) -> int:
    """Greatest number of micro-batches of a batch, at least 1.

    Args:
        batch: tensors by name, all as long as the batch.
        min_samples: least number of samples in a micro-batch.
    """
    return max(1, _length(batch) // min_samples)


def micro_batches(
    batch: Mapping[str, Tensor], count: int, min_samples: int = 1
) -> list[tuple[float, dict[str, Tensor]]]:
    """Split a batch along the first axis for gradient accumulation.

    Args:
        batch: tensors by name, all as long as the batch.
        count: greatest number of micro-batches.
        min_samples: every micro-batch has a multiple of this number of samples; samples that are
            left over go with the last micro-batch.

    Returns:
        Micro-batches, each with its share of the batch's samples.

    >>> [(share, part["x"].tolist()) for share, part in micro_batches({"x": torch.arange(5)}, 2, 2)]
    [(0.4, [0, 1]), (0.6, [2, 3, 4])]
    """
    length, pieces = _length(batch), max_micro_batches(batch, min_samples)
    count = min(count, pieces)
    edges = [pieces * k // count * min_samples for k in range(count)] + [length]
    return [
        ((end - begin) / length, {name: value[begin:end] for name, value in batch.items()})
        for begin, end in pairwise(edges)
    ]


def _length(batch: Mapping[str, Tensor]) -> int:
    return len(next(iter(batch.values())))
