"""One epoch of steps, in shares where memory is short."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.prefetch import Batch


class OutOfMemoryStep(Exception):
    """A step did not fit into memory, of a batch that can be cut into `most` shares."""

    def __init__(self, most: int, reason: str) -> None:
        super().__init__(reason)
        self.most = most


def train_epoch(
    learner: Callable[[Mapping[str, Tensor], int], dict[str, Tensor]],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    fabric: Any,
    batches: Iterable[Batch],
    epoch: int,
    *,
    cut: int,
    together: int,
) -> dict[str, float]:
    """One step a batch; the mean of every loss term over them, empty without a batch.

    A batch goes in `cut` shares of at least `together` samples, one after the other; gradients and
    terms are their mean, weighted by their lengths. `fabric` carries device, precision and the
    backward pass. Raises `OutOfMemoryStep`.
    """
    sums: dict[str, float] = {}
    steps = 0
    for batch in batches:
        try:
            optimiser.zero_grad(set_to_none=True)
            for part, share in micro_batches(batch, cut, together):
                tensors = {name: _tensor(value, fabric.device) for name, value in share.items()}
                terms = learner(tensors, epoch)
                fabric.backward(part * terms["loss"])
                for name, term in terms.items():
                    sums[name] = sums.get(name, 0.0) + part * float(term.detach())
            optimiser.step()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            said = str(error).splitlines()
            raise OutOfMemoryStep(
                max_micro_batches(batch, together), said[0] if said else ""
            ) from None
        schedule.step()
        steps += 1
    return {name: value / steps for name, value in sums.items()}


def _tensor(value: NDArray[Any], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(value))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def out_of_memory(error: BaseException) -> bool:
    """Whether this says that memory could not be had, on a device or in the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # On a CPU torch raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def max_micro_batches(batch: Batch, together: int) -> int:
    """How many shares of at least `together` samples a batch can be cut into; 1 at least."""
    return max(1, _length(batch) // together)


def micro_batches(batch: Batch, count: int, together: int = 1) -> list[tuple[float, Batch]]:
    """A batch cut along the first axis into up to `count` shares, each with its part of the whole.

    Every share has a multiple of `together` samples; what is over goes with the last.

    >>> import numpy as np
    >>> [(part, cut["x"].tolist()) for part, cut in micro_batches({"x": np.arange(5)}, 2, 2)]
    [(0.4, [0, 1]), (0.6, [2, 3, 4])]
    """
    length, pieces = _length(batch), max_micro_batches(batch, together)
    count = min(count, pieces)
    edges = [pieces * k // count * together for k in range(count)] + [length]
    return [
        ((end - begin) / length, {name: value[begin:end] for name, value in batch.items()})
        for begin, end in pairwise(edges)
    ]


def _length(batch: Batch) -> int:
    return len(next(iter(batch.values())))
