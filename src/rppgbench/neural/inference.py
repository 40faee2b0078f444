"""From windows of a stretch to one pulse."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.waveform import Array, Waveform
from rppgbench.neural.clips import resample_to_rate
from rppgbench.neural.train_epoch import out_of_memory
from rppgbench.neural.training import resolve_device
from rppgbench.system.errors import MachineError


def window_starts(total: int, length: int, step: int) -> list[int]:
    """Where windows start that cover `total` samples; the last ends with the last sample.

    >>> window_starts(10, 4, 4), window_starts(3, 4, 4)
    ([0, 4, 6], [0])
    """
    if total <= length:
        return [0]
    starts = list(range(0, total - length + 1, step))
    return starts if starts[-1] == total - length else [*starts, total - length]


def batch_windows(parts: Sequence[Array], starts: Sequence[int], total: int) -> Array:
    """Windows one after the other; what two cover is the earlier one's: (total,).

    >>> batch_windows([np.array([1.0, 1, 1]), np.array([2.0, 2, 2])], [0, 2], 5)
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
    """Standardised windows times a taper, added up: (total,).

    `border` samples at both ends of a window count for nothing, except at the ends of the whole.
    With `level` the sum is divided by that of the tapers; without, it is the plain sum of SiNC.
    """
    out: Array = np.zeros(total)
    weight: Array = np.zeros(total)
    for part, start in zip(parts, starts, strict=True):
        deviation = part.std()
        shape = taper(len(part)) + (1e-3 if level else 0.0)  # the ends of the whole keep a value
        if border and start > 0:
            shape[:border] = 0
        if border and start + len(part) < total:
            shape[-border:] = 0
        within = slice(start, start + len(part))
        out[within] += shape * (part - part.mean()) / (deviation if deviation > 0 else 1.0)
        weight[within] += shape
    return out / np.where(weight > 0, weight, 1.0) if level else out


def to_video_tensor(clips: Tensor) -> Tensor:
    """Pictures (B, T, H, W, 3) of any type as a network takes them: (B, 3, T, H, W) float."""
    return clips.permute(0, 4, 1, 2, 3).float()


def single_clip(samples: NDArray[Any]) -> Tensor:
    """The pictures (T, H, W, 3) of a window as a batch of one: (1, 3, T, H, W) float."""
    return to_video_tensor(torch.from_numpy(np.array(samples))[None])


def run_network(network: nn.Module, inputs: Iterable[Tensor]) -> Tensor:
    """What a network in its evaluating mode gives for batches, one after the other: (N, ...)."""
    device = next(network.parameters()).device
    was = network.training
    network.eval()
    with torch.inference_mode():
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
    joined: Callable[[Sequence[Array], Sequence[int], int], Array] = batch_windows,
) -> Waveform:
    """Run a network over windows of a stretch and join what it says: the pulse (T,) at `fs`.

    `prepare` turns a window's samples (T, ...) into a batch of one; the network gives (1, T), or
    (1, rows, T), of which the last row counts. A stretch shorter than `length` is one window.
    """
    even = resample_to_rate(waveform, fs)
    pulse = split_windows(
        network,
        len(even.samples),
        length,
        step,
        lambda start, count: prepare(even.samples[start : start + count]),
        joined,
    )
    return Waveform(pulse, even.fs, even.start_s)


def split_windows(
    network: nn.Module,
    total: int,
    length: int,
    step: int,
    read: Callable[[int, int], Tensor],
    joined: Callable[[Sequence[Array], Sequence[int], int], Array],
) -> Array:
    """What a network says of windows that cover `total` samples, joined: (total,).

    `read` makes the window at a start, so many samples long, a batch of one. MachineError where
    the device has no memory for it.
    """
    device = torch.device(resolve_device())
    network = network.to(device).eval()
    count = min(length, total)
    starts = window_starts(total, length, step)
    try:
        with torch.inference_mode():
            parts = [
                network(read(start, count).to(device)).reshape(-1, count)[-1].double().cpu().numpy()
                for start in starts
            ]
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise MachineError(
            f"no memory on {device} for a window of {count} samples; --device cpu may have more"
        ) from error
    return joined(parts, starts, total)
