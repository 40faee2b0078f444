"""Run a network over windows of a segment and join the windows to one pulse."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.waveform import Array, Waveform
from rppgbench.neural.devices import resolve_device, whole_float32
from rppgbench.neural.segments import resample_to_rate
from rppgbench.neural.train_epoch import is_out_of_memory
from rppgbench.system.errors import MachineError


def window_starts(total: int, length: int, step: int) -> list[int]:
    """Starts of windows that cover all samples; the last window ends with the last sample.

    Args:
        total: number of samples.
        length: length of a window.
        step: samples from one window to the next.

    >>> window_starts(10, 4, 4), window_starts(3, 4, 4)
    ([0, 4, 6], [0])
    """
    if total <= length:
        return [0]
    starts = list(range(0, total - length + 1, step))
    return starts if starts[-1] == total - length else [*starts, total - length]


def join_windows(parts: Sequence[Array], starts: Sequence[int], total: int) -> Array:
    """Join windows; where two windows overlap, the earlier counts.

    Args:
        parts: the windows' samples.
        starts: the first sample of each window.
        total: number of samples.

    Returns:
        The samples (total,), NaN where there is no window.

    >>> join_windows([np.array([1.0, 1, 1]), np.array([2.0, 2, 2])], [0, 2], 5)
    array([1., 1., 1., 2., 2.])
    """
    out: Array = np.full(total, np.nan)
    for part, start in zip(parts, starts, strict=True):
        piece = out[start : start + len(part)]
        piece[:] = np.where(np.isnan(piece), part, piece)
    return out


def overlap_add(
    parts: Sequence[Array],
    starts: Sequence[int],
    total: int,
    taper: Callable[[int], Array] = np.hanning,
    *,
    border: int = 0,
    level: bool = True,
) -> Array:
    """Add up standardised windows, each multiplied by a taper.

    Args:
        parts: the windows' samples.
        starts: the first sample of each window.
        total: number of samples.
        taper: makes the taper of a window from its length.
        border: samples at both ends of a window that do not count, except at the two ends of all.
        level: divide the sum by the sum of the tapers; without, it is the plain sum of SiNC.

    Returns:
        The samples (total,).
    """
    out: Array = np.zeros(total)
    weight: Array = np.zeros(total)
    for part, start in zip(parts, starts, strict=True):
        deviation = part.std()
        shape = taper(len(part)) + (
            1e-3 if level else 0.0
        )  # the first and last sample keep a value
        if border and start > 0:
            shape[:border] = 0
        if border and start + len(part) < total:
            shape[-border:] = 0
        within = slice(start, start + len(part))
        out[within] += shape * (part - part.mean()) / (deviation if deviation > 0 else 1.0)
        weight[within] += shape
    return out / np.where(weight > 0, weight, 1.0) if level else out


def to_video_tensor(clips: Tensor) -> Tensor:
    """Pictures (B, T, H, W, 3) of any type as the input of a network: (B, 3, T, H, W) float."""
    return clips.permute(0, 4, 1, 2, 3).float()


def single_clip(samples: NDArray[Any]) -> Tensor:
    """The pictures (T, H, W, 3) of a window as a batch of one: (1, 3, T, H, W) float."""
    return to_video_tensor(torch.from_numpy(np.array(samples))[None])


def run_network(network: nn.Module, inputs: Iterable[Tensor]) -> Tensor:
    """Run a network in evaluation mode on batches.

    Args:
        network: stays on its device and returns to its mode.
        inputs: batches of inputs.

    Returns:
        The outputs of all batches (N, ...), float32 on the CPU.
    """
    device = next(network.parameters()).device
    was = network.training
    network.eval()
    with torch.inference_mode(), whole_float32():
        parts = [network(part.to(device)).float().cpu() for part in inputs]
    network.train(was)
    return torch.cat(parts)


def estimate_pulse(
    network: nn.Module,
    waveform: Waveform,
    fs: float,
    length: int,
    step: int,
    prepare: Callable[[NDArray[Any]], Tensor] = single_clip,
    join: Callable[[Sequence[Array], Sequence[int], int], Array] = join_windows,
) -> Waveform:
    """Run a network over windows of a segment and join its outputs.

    Args:
        network: gives (1, T) for a batch of one, or (1, rows, T), of which the last row counts.
        waveform: the segment (T', ...); a segment shorter than `length` is one window.
        fs: sampling rate that the network expects, in Hz.
        length: samples in a window.
        step: samples from one window to the next.
        prepare: makes a batch of one from the samples of a window.
        join: joins the windows, from their outputs, starts and the number of samples.

    Returns:
        The pulse (T,) at `fs`.

    Raises:
        MachineError: the device has no memory for a window.
    """
    even = resample_to_rate(waveform, fs)
    pulse = run_windows(
        network,
        len(even.samples),
        length,
        step,
        lambda start, count: prepare(even.samples[start : start + count]),
        join,
    )
    return Waveform(pulse, even.fs, even.start_s)


def run_windows(
    network: nn.Module,
    total: int,
    length: int,
    step: int,
    read: Callable[[int, int], Tensor],
    join: Callable[[Sequence[Array], Sequence[int], int], Array],
) -> Array:
    """Run a network over windows that cover all samples and join its outputs.

    Args:
        network: gives (1, T) for a batch of one, or (1, rows, T), of which the last row counts.
        total: number of samples.
        length: samples in a window.
        step: samples from one window to the next.
        read: makes a batch of one of the window with a first sample and a length.
        join: joins the windows, from their outputs, starts and the number of samples.

    Returns:
        The joined outputs (total,).

    Raises:
        MachineError: the device has no memory for a window.
    """
    device = torch.device(resolve_device())
    network = network.to(device).eval()
    count = min(length, total)
    starts = window_starts(total, length, step)
    try:
        with torch.inference_mode(), whole_float32():
            parts = [
                network(read(start, count).to(device)).reshape(-1, count)[-1].double().cpu().numpy()
                for start in starts
            ]
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise MachineError(
            f"no memory on {device} for a window of {count} samples; --device cpu may have more"
        ) from error
    return join(parts, starts, total)
