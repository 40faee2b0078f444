"""One epoch of optimisation steps, with gradient accumulation where memory is short."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.prefetch import Batch


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
    batches: Iterable[Batch],
    epoch: int,
    *,
    count: int,
    min_samples: int,
) -> dict[str, float]:
    """Take one step for each batch.

    Gradients and terms of a batch are the means over its micro-batches, weighted by their lengths.

    Args:
        learner: returns named loss terms of a batch of tensors and the epoch.
        optimiser: takes the steps.
        schedule: sets the learning rate after each step.
        fabric: Lightning Fabric: device, precision and backward pass.
        batches: arrays by name, all as long as the batch.
        epoch: number of the epoch, from 0.
        count: number of micro-batches into which a batch is split.
        min_samples: least number of samples in a micro-batch.

    Returns:
        The mean of every loss term over the batches; empty without a batch.

    Raises:
        OutOfMemoryStep: a step needs more memory than there is.
    """
    sums: dict[str, float] = {}
    steps = 0
    for batch in batches:
        try:
            optimiser.zero_grad(set_to_none=True)
            for weight, part in micro_batches(batch, count, min_samples):
                tensors = {name: _to_tensor(value, fabric.device) for name, value in part.items()}
                terms = learner(tensors, epoch)
                fabric.backward(weight * terms["loss"])
                for name, term in terms.items():
                    sums[name] = sums.get(name, 0.0) + weight * float(term.detach())
            optimiser.step()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            reason = (str(error).splitlines() or [""])[0]
            raise OutOfMemoryStep(max_micro_batches(batch, min_samples), reason) from None
        schedule.step()
        steps += 1
    return {name: value / steps for name, value in sums.items()}


def _to_tensor(value: NDArray[Any], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(value))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory is short, on a device or in the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # On a CPU torch raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def max_micro_batches(batch: Batch, min_samples: int) -> int:
    """Greatest number of micro-batches of a batch, at least 1.

    Args:
        batch: arrays by name, all as long as the batch.
        min_samples: least number of samples in a micro-batch.
    """
    return max(1, _length(batch) // min_samples)


def micro_batches(batch: Batch, count: int, min_samples: int = 1) -> list[tuple[float, Batch]]:
    """Split a batch along the first axis for gradient accumulation.

    Args:
        batch: arrays by name, all as long as the batch.
        count: greatest number of micro-batches.
        min_samples: every micro-batch has a multiple of this number of samples; samples that are
            left over go with the last micro-batch.

    Returns:
        Micro-batches, each with its share of the batch's samples.

    >>> import numpy as np
    >>> [(share, part["x"].tolist()) for share, part in micro_batches({"x": np.arange(5)}, 2, 2)]
    [(0.4, [0, 1]), (0.6, [2, 3, 4])]
    """
    length, pieces = _length(batch), max_micro_batches(batch, min_samples)
    count = min(count, pieces)
    edges = [pieces * k // count * min_samples for k in range(count)] + [length]
    return [
        ((end - begin) / length, {name: value[begin:end] for name, value in batch.items()})
        for begin, end in pairwise(edges)
    ]


def _length(batch: Batch) -> int:
    return len(next(iter(batch.values())))
