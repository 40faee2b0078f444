"""The selective scan of Mamba as an array program.

For every channel e and state n of a sequence, with positive steps and negative rates,

    h[t] = exp(step[t] rate) h[t-1] + step[t] x[t] inward[t],    h[-1] = 0,
    y[t] = sum_n outward[t] h[t].

The sequence is cut into about sqrt(L) chunks that are scanned side by side. A first scan from zero
gives the last state of each chunk. Since the decay over a whole chunk is exp(rate sum(step)), a
short scan over the chunks gives the true state at the start of each. A second scan from these
gives y. All decays are at most 1, so nothing overflows, and about 3 sqrt(L) calls replace L.

The gradient is a scan of the same kind from the last sample to the first:

    g[t] = outward[t] dy[t] + exp(step[t+1] rate) g[t+1].

States are computed again there, so that a forward pass keeps one state of each chunk only.

Source: A. Gu, T. Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv
2312.00752, algorithm 2. The package `mamba_ssm` has the scan as one kernel of CUDA.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rppgbench.neural.losses.power_spectra import full_precision
from rppgbench.system.errors import BenchError, unknown_name

SCANS = ("plain", "mamba_ssm")
"""Names of the scans: the array program of this module, and the kernel of `mamba_ssm`."""

MAX_STATES = 2**26
"""Most state values that a backward pass holds at once: 256 MiB in float32."""

Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""From x, step, rate, inward and outward to y, as `selective_scan`."""


def choose_scan(name: str) -> Scan:
    """The scan of the parameter `scan`.

    Args:
        name: "plain"; or "mamba_ssm", the kernel of that package, whose gradients CUDA adds up in
            an order that differs from run to run.

    Raises:
        BenchError: there is no scan of this name, or its package is missing.
    """
    if name not in SCANS:
        raise unknown_name("scan", name, SCANS, "parameters")
    if name == "plain":
        return selective_scan
    try:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
    except ImportError as error:
        raise BenchError(
            f"parameters: scan=mamba_ssm cannot be used: {error}; install mamba-ssm beside a CUDA "
            "build of PyTorch, or choose scan=plain"
        ) from error

    def scan(x: Tensor, step: Tensor, rate: Tensor, inward: Tensor, outward: Tensor) -> Tensor:
        if not x.is_cuda:
            raise BenchError("parameters: scan=mamba_ssm needs --device cuda; choose scan=plain")
        channels_first = [values.transpose(1, 2) for values in (x, step, inward, outward)]
        u, delta, b, c = (full_precision(values).contiguous() for values in channels_first)
        y: Tensor = selective_scan_fn(u, delta, full_precision(rate), b, c)
        return y.transpose(1, 2)

    return scan


def selective_scan(
    x: Tensor, step: Tensor, rate: Tensor, inward: Tensor, outward: Tensor
) -> Tensor:
    """Scan sequences.

    Args:
        x: inputs (B, L, E).
        step: positive steps (B, L, E).
        rate: negative rates (E, N).
        inward: weights from the input to the states (B, L, N).
        outward: weights from the states to the output (B, L, N).

    Returns:
        The outputs (B, L, E), of at least float32.

    >>> ones = torch.ones(1, 3, 1)
    >>> half = torch.tensor([[0.5]]).log()
    >>> selective_scan(ones, ones, half, ones, ones).flatten()
    tensor([1.0000, 1.5000, 1.7500])
    """
    parts = [full_precision(values) for values in (x, step, rate, inward, outward)]
    with torch.autocast(x.device.type, enabled=False):
        scanned: Tensor = _ChunkedScan.apply(*parts)  # type: ignore[no-untyped-call]
    return scanned


class _Chunks:
    """The sequences (B, L, F) as steps of chunks (K, B C, F): K samples in each of C chunks."""

    def __init__(self, batch: int, length: int) -> None:
        self.batch, self.length = batch, length
        self.samples = max(1, math.isqrt(max(0, length - 1)) + 1)
        self.count = -(-length // self.samples)

    def split(self, values: Tensor) -> Tensor:
        """Steps (K, B C, F); a step of 0 after the end keeps the state and adds nothing."""
        padded = functional.pad(values, (0, 0, 0, self.count * self.samples - self.length))
        rows = padded.reshape(self.batch * self.count, self.samples, -1)
        return rows.transpose(0, 1).contiguous()

    def join(self, steps: Tensor) -> Tensor:
        """The sequences (B, L, F) of steps (K, B C, F)."""
        rows = steps.transpose(0, 1).reshape(self.batch, self.count * self.samples, -1)
        return rows[:, : self.length]

    def carry(self, last: Tensor, decay: Tensor, *, backward: bool = False) -> Tensor:
        """The true state at the start of each chunk, or at the end where time runs backward.

        Args:
            last: the last state of each chunk from zero (B C, N, E).
            decay: the decay over each chunk (B C, N, E).
            backward: whether time runs backward.
        """
        shape = (self.batch, self.count, *last.shape[1:])
        from_zero, kept = last.reshape(shape), decay.reshape(shape)
        state = torch.zeros_like(from_zero[:, 0])
        states: list[Tensor] = []
        order = range(self.count)
        for k in reversed(order) if backward else order:
            states.append(state)
            state = torch.addcmul(from_zero[:, k], kept[:, k], state)
        return torch.stack(states[::-1] if backward else states, dim=1).flatten(0, 1)


class _ChunkedScan(torch.autograd.Function):
    """The scan and its gradient; all tensors are of one type, float32 or wider."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, step: Tensor, rate: Tensor, inward: Tensor, outward: Tensor
    ) -> Tensor:
        chunks = _Chunks(x.shape[0], x.shape[1])
        steps, inputs = chunks.split(step), chunks.split(step * x)
        ins, outs = chunks.split(inward), chunks.split(outward)
        rates = rate.T.contiguous()
        state = x.new_zeros(len(inputs[0]), *rates.shape)
        if chunks.count > 1:
            for k in range(chunks.samples):
                state = _next_state(state, steps[k], inputs[k], ins[k], rates)
            state = chunks.carry(state, (steps.sum(0)[:, None] * rates).exp_())
        ctx.save_for_backward(x, step, rate, inward, outward, state)
        out = torch.empty_like(inputs)
        for k in range(chunks.samples):
            state = _next_state(state, steps[k], inputs[k], ins[k], rates)
            out[k] = (outs[k][:, None] @ state)[:, 0]
        return chunks.join(out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        x, step, rate, inward, outward, starts = ctx.saved_tensors
        chunks = _Chunks(x.shape[0], x.shape[1])
        rates = rate.T.contiguous()
        with torch.autocast(x.device.type, enabled=False):
            steps = [chunks.split(v) for v in (step, step * x, inward, outward, gradient)]
            ends = torch.zeros_like(starts)
            if chunks.count > 1:
                for k in reversed(range(chunks.samples)):
                    ends = _previous_gradient(ends, steps[0][k], steps[3][k], steps[4][k], rates)
                ends = chunks.carry(ends, (steps[0].sum(0)[:, None] * rates).exp_(), backward=True)
            size = max(1, MAX_STATES // (chunks.samples * rates.numel()))
            spans = [slice(k, k + size) for k in range(0, len(starts), size)]
            parts = [
                _gradients([v[:, span] for v in steps], rates, starts[span], ends[span])
                for span in spans
            ]
            by_chunk = zip(*(part[:4] for part in parts), strict=True)
            to_input, to_step, to_inward, to_outward = (
                chunks.join(torch.cat(part, dim=1)) for part in by_chunk
            )
            to_rate = torch.stack([part[4] for part in parts]).sum(0).T
        return to_input * step, to_step + to_input * x, to_rate, to_inward, to_outward


def _next_state(state: Tensor, step: Tensor, inputs: Tensor, ins: Tensor, rates: Tensor) -> Tensor:
    """The states (M, N, E) after one sample of M chunks."""
    decay = (step[:, None] * rates).exp_()
    return torch.addcmul(decay.mul_(state), ins[:, :, None], inputs[:, None])


def _previous_gradient(
    after: Tensor, step: Tensor, outs: Tensor, gradient: Tensor, rates: Tensor
) -> Tensor:
    """The gradient (M, N, E) to the states before a sample, from that to the states after it."""
    decay = (step[:, None] * rates).exp_()
    return decay.mul_(torch.addcmul(after, outs[:, :, None], gradient[:, None]))


def _gradients(
    parts: Sequence[Tensor], rates: Tensor, starts: Tensor, ends: Tensor
) -> tuple[Tensor, ...]:
    """The gradients of M chunks with known states at the start and known gradients at the end.

    Args:
        parts: the steps (K, M, E), their products with x (K, M, E), the weights inward (K, M, N)
            and outward (K, M, N), and the gradient to the outputs (K, M, E).
        rates: (N, E).
        starts: states before the first sample (M, N, E).
        ends: gradients to the states after the last sample, from later chunks (M, N, E).

    Returns:
        The gradients to the products, to the steps through the decay, to the weights inward and
        outward, and to `rates`.
    """
    steps, inputs, ins, outs, gradient = parts
    states = starts.new_empty(len(steps) + 1, *starts.shape)
    states[0] = starts
    for k in range(len(steps)):
        states[k + 1] = _next_state(states[k], steps[k], inputs[k], ins[k], rates)
    to_outs = (states[1:] @ gradient[..., None])[..., 0]
    to_inputs, to_steps = torch.empty_like(inputs), torch.empty_like(steps)
    to_ins, to_rates = torch.empty_like(ins), torch.zeros_like(rates)
    after = ends
    for k in reversed(range(len(steps))):
        to_state = torch.addcmul(after, outs[k][:, :, None], gradient[k][:, None])
        to_inputs[k] = (ins[k][:, None] @ to_state)[:, 0]
        to_ins[k] = (to_state @ inputs[k][..., None])[..., 0]
        after = (steps[k][:, None] * rates).exp_().mul_(to_state)
        to_exponent = states[k].mul_(after)
        to_steps[k] = (to_exponent * rates).sum(1)
        to_rates += (to_exponent * steps[k][:, None]).sum(0)
    return to_inputs, to_steps, to_ins, to_outs, to_rates
