"""One training on several devices, with the result of a training on one device.

Every device computes the whole loss, but runs only its share of the samples through the networks.

Outputs. Device d computes the outputs s_d of its samples and adds zeros in place of the others; the
sum over devices S = s_1 + ... + s_D is the output for the whole batch, on every device.

Gradients. Each device computes the same loss L from its copy of S. Backpropagation through the sum
has to give device d the gradient of the summed losses: d(L_1 + ... + L_D) / d s_d = the sum over
the devices e of d L_e / d S. So the backward pass of a sum is a sum of the gradients over devices,
here D times d L / d S, as all L_e are equal. A parameter's gradient on device d is then D times the
part of d L / d parameter that comes through the samples of d. `DistributedDataParallel` takes the
mean over devices: the sum of these parts, which is the gradient on one device. A parameter that
the learner uses outside of a network has the gradient d L / d parameter on each device, and so
has the mean.

Batch norm. With n_d samples and positions on device d and N = n_1 + ... + n_D:

    mean     = (1 / N) sum_d sum_i x_di
    variance = (1 / N) sum_d sum_i (x_di - mean)^2
    y        = weight (x - mean) / sqrt(variance + eps) + bias

All three sums over devices are differentiable sums as above, so the gradient of y includes the
dependence of mean and variance on the samples of all devices. The variance is computed from centred
values in a second sum: the mean of squares minus the squared mean loses digits where the mean is
large. The running variance takes the unbiased N / (N - 1) variance, as `torch.nn.BatchNorm` does.

Sources: S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, algorithm 1; C. Peng et al.,
"MegDet: A Large Mini-Batch Object Detector", CVPR 2018, section 3.3, DOI 10.1109/CVPR.2018.00647
(over devices). `torch.nn.SyncBatchNorm` does the same on CUDA only.
"""

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


class _SumOverDevices(torch.autograd.Function):
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
    """Sum a tensor of one shape over all devices; every device gets the sum."""
    summed: Tensor = _SumOverDevices.apply(tensor)  # type: ignore[no-untyped-call]
    return summed


def rank_share(length: int, rank: int, devices: int) -> tuple[int, int]:
    """Which samples of a batch a device takes.

    Args:
        length: number of samples in the batch.
        rank: number of the device, from 0.
        devices: number of devices.

    Returns:
        First sample and end; the shares differ by at most one sample.

    >>> [rank_share(5, rank, 2) for rank in range(2)]
    [(0, 2), (2, 5)]
    """
    return length * rank // devices, length * (rank + 1) // devices


@contextmanager
def synchronised(learner: nn.Module, rank: int, devices: int) -> Iterator[None]:
    """Within this context every device runs its share of each batch through the networks.

    All devices get whole batches and equal random numbers. A network is a part of the learner
    with parameters that the learner calls. A network sees the samples of this device only; its
    outputs are gathered, and batch norms count the samples of all devices. What the learner does
    with the outputs, losses across samples included, is what one device would do. Random numbers
    drawn within a network, such as those of dropout, differ between devices.

    Args:
        learner: the module whose networks are shared.
        rank: number of this device, from 0.
        devices: number of devices.

    Raises:
        BenchError: a batch has fewer samples than there are devices.
    """
    shares = _Shares(rank, devices)
    hooks: list[Any] = []
    norms = []
    for module in learner.modules():
        if isinstance(module, _BatchNorm):
            norms.append(module)
            module.forward = partial(_batch_norm, module, shares)  # type: ignore[method-assign]
        if module is not learner and next(module.parameters(), None) is not None:
            hooks.append(module.register_forward_pre_hook(shares.take_share, with_kwargs=True))
            hooks.append(module.register_forward_hook(shares.gather, always_call=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for norm in norms:
            del norm.forward  # back to the method of the class


class _Shares:
    """Split inputs and gather outputs at the outermost call of a network."""

    def __init__(self, rank: int, devices: int) -> None:
        self.rank, self.devices = rank, devices
        self.depth = 0  # of nested calls of modules
        self.length = 0  # of the batch
        self.calls = 0
        self.randomness = ExitStack()

    def take_share(self, module: nn.Module, inputs: Any, keywords: Any) -> Any:
        """Keep the samples of this device of all tensors that are as long as the first."""
        self.depth += 1
        if self.depth > 1:
            return None
        tensors = [v for v in (*inputs, *keywords.values()) if isinstance(v, Tensor)]
        self.length = len(tensors[0])
        if self.length < self.devices:
            raise BenchError(
                f"--devices {self.devices}: a batch of {self.length} samples is too small to be "
                "shared by so many; take fewer devices, or a larger batch"
            )
        cuda = tensors[0].device.index if tensors[0].is_cuda else None
        self.randomness.enter_context(torch.random.fork_rng([] if cuda is None else [cuda]))
        self.calls += 1  # outside of networks, the random numbers stay those of one device
        seed = int(torch.randint(2**62, ()))
        torch.manual_seed(seed + self.calls * self.devices + self.rank)
        begin, end = rank_share(self.length, self.rank, self.devices)

        def share(value: Any) -> Any:
            is_batch = isinstance(value, Tensor) and value.ndim and len(value) == self.length
            return value[begin:end] if is_batch else value

        return tuple(map(share, inputs)), {name: share(value) for name, value in keywords.items()}

    def gather(self, module: nn.Module, inputs: Any, out: Any) -> Any:
        """Join the outputs of all devices in the order of the batch."""
        self.depth -= 1
        if self.depth:
            return None
        self.randomness.close()
        if out is None:  # the call failed
            return None
        return (
            tuple(map(self._join_parts, out)) if isinstance(out, tuple) else self._join_parts(out)
        )

    def _join_parts(self, part: Any) -> Any:
        begin, end = rank_share(self.length, self.rank, self.devices)
        if not isinstance(part, Tensor) or len(part) != end - begin:
            return part
        padding = (0, 0) * (part.ndim - 1) + (begin, self.length - end)
        return all_reduce_sum(functional.pad(part, padding))


def _batch_norm(norm: _BatchNorm, shares: _Shares, x: Tensor) -> Tensor:
    """Batch norm by mean and variance of the samples of all devices: see the module's text."""
    if not norm.training or not shares.depth:
        return type(norm).forward(norm, x)
    axes = [axis for axis in range(x.ndim) if axis != 1]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    with torch.autocast(x.device.type, enabled=False):
        wide = x if x.dtype == torch.float64 else x.float()
        count = all_reduce_sum(wide.new_tensor([wide.numel() / wide.shape[1]]))
        mean = all_reduce_sum(wide.sum(axes)) / count
        centred = wide - mean.view(shape)
        variance = all_reduce_sum(centred.square().sum(axes)) / count
        out = centred * torch.rsqrt(variance + norm.eps).view(shape)
        if norm.affine:
            out = out * norm.weight.view(shape) + norm.bias.view(shape)
    _update_running_statistics(norm, mean, variance * count / (count - 1))
    return out.to(x.dtype)


@torch.no_grad()
def _update_running_statistics(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Move the running mean and the running unbiased variance, as `torch.nn.BatchNorm` does."""
    if norm.running_mean is None or norm.running_var is None:
        return
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked += 1
    rate = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), rate)
    norm.running_var.lerp_(variance.to(norm.running_var.dtype), rate)
