"""RhythmNet: from maps with heart rates to a model, and back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.core.waveform import Array, Waveform
from rppgbench.neural.clips import Clips, labelled_segments, resample_to_rate
from rppgbench.neural.inference import run_network, window_starts
from rppgbench.neural.losses.rate_spectrum import clip_rates
from rppgbench.neural.networks.map_unet import yuv_image
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model
from rppgbench.neural.training import resolve_device

from .network import RhythmNet


def smoothness(bpm: Tensor) -> Tensor:
    """How far the heart rates of a row are from their mean: (B, K) to (B,), in bpm.

    X. Niu et al., IEEE TIP 2020, Eq 2.

    >>> smoothness(torch.tensor([[60.0, 70.0]]))
    tensor([5.])
    """
    return (bpm - bpm.mean(dim=1, keepdim=True)).abs().mean(dim=1)


def map_row(samples: NDArray[Any], length: int, step: int, rows: int) -> Tensor:
    """Maps of `length` frames every `step` frames of a window: (1, K, 3, rows, length)."""
    starts = range(0, max(1, len(samples) - length + 1), step)
    return torch.cat([yuv_image(samples[k : k + length], rows) for k in starts])[None]


def blanked(maps: Tensor, shortest: int, longest: int, rng: np.random.Generator) -> Tensor:
    """Each row of maps (B, K, 3, rows, T) with some frames in a row set to 0, in all its maps."""
    out = maps.clone()
    frames = maps.shape[-1]
    for row in out if longest else ():
        count = int(rng.integers(shortest, longest + 1))
        first = int(rng.integers(0, max(1, frames - count + 1)))
        row[..., first : first + count] = 0
    return out


class _Rates(nn.Module):
    """The network, and how far its heart rates are from the true ones and from each other."""

    def __init__(self, params: Mapping[str, Any], start_bpm: float) -> None:
        super().__init__()
        self.network = RhythmNet(params["width"], params["memory"], start_bpm)
        self.smooth_weight = params["smooth_weight"]

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """Terms in bpm for rows of maps (B, K, 3, rows, T) and their true rates (B, K)."""
        bpm = self.network(batch["maps"]).float()
        known = batch["known"]
        off = ((bpm - batch["bpm"]).abs() * known).sum() / known.sum().clamp_min(1.0)
        smooth = smoothness(bpm).mean()
        return {"loss": off + self.smooth_weight * smooth, "off": off, "smooth": smooth}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on rows of maps of the recordings that have a heart rate."""
    fs = params["fs"]
    length, step = round(params["map_s"] * fs), round(params["step_s"] * fs)
    whole = round(params["clip_s"] * fs)
    count = (whole - length) // step + 1
    found = labelled_segments(examples, fs, params["clip_s"], "rhythmnet", rate=True)
    rows_of_maps, single = Clips(found, whole), Clips(found, length)
    every = round(params["train_step_s"] * fs)

    def rates(cuts: Sequence[tuple[int, int]]) -> tuple[NDArray[Any], NDArray[Any]]:
        each = [(index, start + k * step) for index, start in cuts for k in range(count)]
        bpm, known = clip_rates(single, each, fs)
        return bpm.reshape(-1, count), known.reshape(-1, count)

    def maps(cut: tuple[int, int], speed: float = 1.0) -> Tensor:
        return map_row(rows_of_maps.read(cut, speed), length, step, params["rows"])

    bpm, known = rates(rows_of_maps.all(every))
    start_bpm = float(bpm[known == 1].mean()) if known.any() else 0.0

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in rows_of_maps.sliding(rng, params["batch"], every):
            told, flags = rates(cuts)
            octave = np.log2(params["most_speed"])
            speeds = 2 ** rng.uniform(-octave, octave, len(cuts))
            given = torch.cat([maps(cut, s) for cut, s in zip(cuts, speeds.tolist(), strict=True)])
            given = blanked(given, params["shortest_mask"], params["longest_mask"], rng)
            told = told * speeds[:, None].astype(np.float32)
            yield {"maps": given.numpy(), "bpm": told, "known": flags}

    def waves(said: Tensor) -> Tensor:
        return torch.from_numpy(
            np.stack([wave(np.zeros(1), row[:1], length, fs) for row in said.double().numpy()])
        )

    return to_model(
        lambda: _Rates(params, start_bpm),
        batches,
        rows_of_maps,
        maps,
        training,
        params,
        pulse_of=waves,
    )


def rates_of(
    network: nn.Module,
    waveform: Waveform,
    *,
    fs: float,
    clip_s: float,
    map_s: float,
    step_s: float,
    rows: int,
) -> tuple[Array, Array, int, float]:
    """What the network says of a stretch: seconds from its start, bpm there, its length and rate.

    Rows of maps side by side cover the stretch; where two say something of one moment, the mean
    counts. A stretch that is shorter than a row has fewer maps, or one short map.
    """
    even = resample_to_rate(waveform, fs)
    total = len(even.samples)
    length, step = min(round(map_s * fs), total), round(step_s * fs)
    whole = min(round(clip_s * fs), total)
    network = network.to(resolve_device()).eval()
    said: dict[float, list[float]] = {}
    for start in window_starts(total, whole, whole - length + step):
        window = even.samples[start : start + whole]
        bpm = run_network(network, [map_row(window, length, step, rows)])[0]
        for k, value in enumerate(bpm.tolist()):
            said.setdefault((start + k * step + (length - 1) / 2) / even.fs, []).append(value)
    times: Array = np.array(sorted(said))
    means: Array = np.array([np.mean(said[time]) for time in times.tolist()])
    return times, means, total, even.fs


def wave(times_s: Array, bpm: Array, length: int, fs: float) -> Array:
    """A cosine (length,) at `fs` whose rate runs through `bpm` at `times_s`, held at both ends.

    >>> wave(np.array([0.0]), np.array([60.0]), 5, 4.0).round(6) + 0.0
    array([ 1.,  0., -1.,  0.,  1.])
    """
    rate_hz = np.interp(np.arange(length) / fs, times_s, bpm) / 60
    turns = np.concatenate([[0.0], np.cumsum((rate_hz[1:] + rate_hz[:-1]) / 2)]) / fs
    out: Array = np.cos(2 * np.pi * turns)
    return out
