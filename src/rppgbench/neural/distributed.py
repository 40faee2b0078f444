"""One training shared by several devices, as if by one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from rppgbench.system.errors import BenchError


class _Total(torch.autograd.Function):
    """The sum of a tensor over all devices; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(_: Any, tensor: Tensor) -> Tensor:
        out = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(out)
        return out

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        out = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(out)
        return out


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """The sum of what every device calls this with, of one shape; on all of them."""
    summed: Tensor = _Total.apply(tensor)  # type: ignore[no-untyped-call]
    return summed


def rank_share(length: int, rank: int, devices: int) -> tuple[int, int]:
    """Which of `length` samples a device takes: first and end, as even as can be.

    >>> [rank_share(5, rank, 2) for rank in range(2)]
    [(0, 2), (2, 5)]
    """
    return length * rank // devices, length * (rank + 1) // devices


@contextmanager
def synchronised(learner: nn.Module, rank: int, devices: int) -> Iterator[None]:
    """In here every device runs its part of each batch through the learner's networks.

    All devices are given whole batches and the same random numbers. A network is a part of the
    learner with parameters that the learner calls: it sees this device's samples only, its outputs
    are put together again, and batch norms count the samples of all devices. So what the learner
    does with the outputs, losses across samples too, is what one device would do, and each device
    does it. The mean over the devices of a parameter's gradient is the gradient on one device,
    since each device's sums collect the gradients of all of them. Random numbers drawn within a
    network, such as dropout's, are other ones on every device.

    BenchError where a batch has fewer samples than there are devices.
    """
    within = _Within(rank, devices)
    hooks: list[Any] = []
    norms = []
    for module in learner.modules():
        if isinstance(module, _BatchNorm):
            norms.append(module)
            module.forward = partial(_norm_of_all, module, within)  # type: ignore[method-assign]
        if module is not learner and next(module.parameters(), None) is not None:
            hooks.append(module.register_forward_pre_hook(within.enter, with_kwargs=True))
            hooks.append(module.register_forward_hook(within.leave, always_call=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for norm in norms:
            del norm.forward


class _Within:
    """How deep within a network the learner is; only the outermost call is shared."""

    def __init__(self, rank: int, devices: int) -> None:
        self.rank, self.devices = rank, devices
        self.depth = 0
        self.length = 0
        self.calls = 0
        self.randomness = ExitStack()

    def enter(self, module: nn.Module, given: Any, named: Any) -> Any:
        """Leave this device's samples of all tensors as long as the first."""
        self.depth += 1
        if self.depth > 1:
            return None
        tensors = [v for v in (*given, *named.values()) if isinstance(v, Tensor)]
        self.length = len(tensors[0])
        if self.length < self.devices:
            raise BenchError(
                f"--devices {self.devices}: a batch of {self.length} samples is too small to be "
                "shared by so many; take fewer devices, or a larger batch"
            )
        cuda = tensors[0].device.index if tensors[0].is_cuda else None
        self.randomness.enter_context(torch.random.fork_rng([] if cuda is None else [cuda]))
        self.calls += 1  # the learner's own draws are to stay those of one device
        drawn = int(torch.randint(2**62, ()))
        torch.manual_seed(drawn + self.calls * self.devices + self.rank)
        begin, end = rank_share(self.length, self.rank, self.devices)

        def own(value: Any) -> Any:
            whole = isinstance(value, Tensor) and value.ndim and len(value) == self.length
            return value[begin:end] if whole else value

        return tuple(map(own, given)), {name: own(value) for name, value in named.items()}

    def leave(self, module: nn.Module, given: Any, out: Any) -> Any:
        """Put the outputs of all devices together, in the order of the batch."""
        self.depth -= 1
        if self.depth:
            return None
        self.randomness.close()
        if out is None:  # the call failed
            return None
        return tuple(map(self._whole, out)) if isinstance(out, tuple) else self._whole(out)

    def _whole(self, own: Any) -> Any:
        begin, end = rank_share(self.length, self.rank, self.devices)
        if not isinstance(own, Tensor) or len(own) != end - begin:
            return own
        around = (0, 0) * (own.ndim - 1) + (begin, self.length - end)
        return all_reduce_sum(functional.pad(own, around))


def _norm_of_all(norm: _BatchNorm, within: _Within, x: Tensor) -> Tensor:
    """Batch norm by the mean and variance of the samples of all devices."""
    if not norm.training or not within.depth:
        return type(norm).forward(norm, x)
    rest = [axis for axis in range(x.ndim) if axis != 1]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    with torch.autocast(x.device.type, enabled=False):
        wide = x if x.dtype == torch.float64 else x.float()
        count = all_reduce_sum(wide.new_tensor([wide.numel() / wide.shape[1]]))
        mean = all_reduce_sum(wide.sum(rest)) / count
        centred = wide - mean.view(shape)
        variance = all_reduce_sum(centred.square().sum(rest)) / count
        out = centred * torch.rsqrt(variance + norm.eps).view(shape)
        if norm.affine:
            out = out * norm.weight.view(shape) + norm.bias.view(shape)
    if norm.running_mean is not None and norm.running_var is not None:
        with torch.no_grad():
            assert norm.num_batches_tracked is not None
            norm.num_batches_tracked += 1
            tracked = float(norm.num_batches_tracked)
            rate = 1 / tracked if norm.momentum is None else norm.momentum
            norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), rate)
            unbiased = variance * count / (count - 1)
            norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), rate)
    return out.to(x.dtype)
