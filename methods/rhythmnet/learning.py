"""RhythmNet: training on rows of maps, and heart rates as a cosine."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.core.waveform import Array, Waveform
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.devices import resolve_device
from rppgbench.neural.inference import run_network, window_starts
from rppgbench.neural.losses.rate_spectrum import clip_rates
from rppgbench.neural.networks.map_unet import yuv_image
from rppgbench.neural.segments import Segment, cut_labelled_segments, resample_to_rate
from rppgbench.neural.single_stage import train_single_stage

from .network import RhythmNet
from .parameters import RhythmNetParameters


def smoothness(bpm: Tensor) -> Tensor:
    """Mean distance of the heart rates of a row from their mean: (B, K) to (B,), in bpm.

    X. Niu et al., IEEE TIP 2020, Eq 2.

    >>> smoothness(torch.tensor([[60.0, 70.0]]))
    tensor([5.])
    """
    return (bpm - bpm.mean(dim=1, keepdim=True)).abs().mean(dim=1)


def map_row(samples: NDArray[Any], length: int, step: int, rows: int) -> Tensor:
    """Make a row of maps of a window.

    Args:
        samples: RGB of R regions (T, R, 3).
        length: frames in a map.
        step: frames from one map to the next.
        rows: height of a map.

    Returns:
        The maps (1, K, 3, rows, length).
    """
    starts = range(0, max(1, len(samples) - length + 1), step)
    return torch.cat([yuv_image(samples[k : k + length], rows) for k in starts])[None]


def mask_frames(maps: Tensor, min_frames: int, max_frames: int, rng: np.random.Generator) -> Tensor:
    """Set adjacent frames of each row of maps to 0, the same frames in all maps of a row.

    Args:
        maps: rows of maps (B, K, 3, rows, T).
        min_frames: least number of frames.
        max_frames: greatest number; 0 masks none.
        rng: random source.
    """
    out = maps.clone()
    frames = maps.shape[-1]
    for row in out if max_frames else ():
        count = int(rng.integers(min_frames, max_frames + 1))
        first = int(rng.integers(0, max(1, frames - count + 1)))
        row[..., first : first + count] = 0
    return out


class _Rates(nn.Module):
    """The network, and the errors and the smoothness of its heart rates."""

    def __init__(self, params: RhythmNetParameters, start_bpm: float) -> None:
        super().__init__()
        self.network = RhythmNet(params.width, params.memory, start_bpm)
        self.smooth_weight = params.smooth_weight

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """Terms in bpm for rows of maps (B, K, 3, rows, T) and their true rates (B, K)."""
        bpm = self.network(batch["maps"]).float()
        known = batch["known"]
        error = ((bpm - batch["bpm"]).abs() * known).sum() / known.sum().clamp_min(1.0)
        smooth = smoothness(bpm).mean()
        return {"loss": error + self.smooth_weight * smooth, "off": error, "smooth": smooth}


class _MapRows:
    """Rows of maps of the training set, and their heart rates."""

    def __init__(self, segments: Sequence[Segment], params: RhythmNetParameters) -> None:
        fs = params.fs
        self.params = params
        self.length, self.step = round(params.map_s * fs), round(params.step_s * fs)
        self.count = (params.clip_length - self.length) // self.step + 1
        self.clips = Clips(segments, params.clip_length)
        self.single = Clips(segments, self.length)

    def rates(self, starts: Sequence[ClipStart]) -> tuple[NDArray[Any], NDArray[Any]]:
        """True heart rates in bpm (B, K) of the maps of B rows, and flags (B, K) of known rates."""
        each = [
            (index, start + k * self.step) for index, start in starts for k in range(self.count)
        ]
        bpm, known = clip_rates(self.single, each, self.params.fs)
        return bpm.reshape(-1, self.count), known.reshape(-1, self.count)

    def maps(self, start: ClipStart, speed: float = 1.0) -> Tensor:
        """A row of maps (1, K, 3, rows, T), played at a speed."""
        return map_row(self.clips.read(start, speed), self.length, self.step, self.params.rows)

    def batches(self, step: int) -> BatchSource:
        """Batches of rows that start every `step` samples, at random speeds and masked."""
        return BatchSource(lambda rng: self.clips.sliding(rng, self.params.batch, step), self.read)

    def read(self, starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        """Read a batch of rows at random speeds and masked, with their heart rates.

        Args:
            starts: the rows.
            rng: random source.
        """
        params = self.params
        bpm, flags = self.rates(starts)
        octave = np.log2(params.max_speed)
        speeds = 2 ** rng.uniform(-octave, octave, len(starts))
        maps = torch.cat(
            [self.maps(start, s) for start, s in zip(starts, speeds.tolist(), strict=True)]
        )
        maps = mask_frames(maps, params.min_mask_frames, params.max_mask_frames, rng)
        bpm = bpm * speeds[:, None].astype(np.float32)
        return {"maps": maps.numpy(), "bpm": bpm, "known": flags}


def train_model(
    examples: Sequence[Example], training: Training, params: RhythmNetParameters
) -> Model:
    """Train on rows of maps of the recordings that have a heart rate.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    fs = params.fs
    rows = _MapRows(
        cut_labelled_segments(examples, fs, params.clip_s, "rhythmnet", rate=True), params
    )
    step = round(params.train_step_s * fs)
    bpm, known = rows.rates(rows.clips.all_starts(step))
    start_bpm = float(bpm[known == 1].mean()) if known.any() else 0.0

    def to_pulses(rates: Tensor) -> Tensor:
        return torch.from_numpy(
            np.stack(
                [cosine(np.zeros(1), row[:1], rows.length, fs) for row in rates.double().numpy()]
            )
        )

    return train_single_stage(
        lambda: _Rates(params, start_bpm),
        rows.batches(step),
        rows.clips,
        rows.maps,
        training,
        params,
        to_pulses=to_pulses,
    )


def estimate_rates(
    network: nn.Module,
    waveform: Waveform,
    *,
    fs: float,
    clip_s: float,
    map_s: float,
    step_s: float,
    rows: int,
) -> tuple[Array, Array, int, float]:
    """Estimate the heart rates of a segment from adjacent rows of maps.

    Args:
        network: gives heart rates (B, K) of rows of maps.
        waveform: the segment (T, R, 3); a segment shorter than a row has fewer maps, or one short
            map.
        fs: sampling rate that the network expects, in Hz.
        clip_s: length of a row.
        map_s: length of a map.
        step_s: time from one map to the next.
        rows: height of a map.

    Returns:
        Times from the segment's start (K,), heart rates there in bpm (K,), the mean where two rows
        overlap; the segment's number of samples at `fs`, and its rate.
    """
    even = resample_to_rate(waveform, fs)
    total = len(even.samples)
    length, step = min(round(map_s * fs), total), round(step_s * fs)
    whole = min(round(clip_s * fs), total)
    network = network.to(resolve_device()).eval()
    rates: dict[float, list[float]] = {}
    for start in window_starts(total, whole, whole - length + step):
        window = even.samples[start : start + whole]
        bpm = run_network(network, [map_row(window, length, step, rows)])[0]
        for k, value in enumerate(bpm.tolist()):
            rates.setdefault((start + k * step + (length - 1) / 2) / even.fs, []).append(value)
    times: Array = np.array(sorted(rates))
    means: Array = np.array([np.mean(rates[time]) for time in times.tolist()])
    return times, means, total, even.fs


def cosine(times_s: Array, bpm: Array, length: int, fs: float) -> Array:
    """A cosine whose rate is interpolated between heart rates.

    Args:
        times_s: times of the rates (K,).
        bpm: heart rates (K,); the first and last hold before and after.
        length: number of samples.
        fs: sampling rate in Hz.

    Returns:
        The cosine (length,).

    >>> cosine(np.array([0.0]), np.array([60.0]), 5, 4.0).round(6) + 0.0
    array([ 1.,  0., -1.,  0.,  1.])
    """
    rate_hz = np.interp(np.arange(length) / fs, times_s, bpm) / 60
    turns = np.concatenate([[0.0], np.cumsum((rate_hz[1:] + rate_hz[:-1]) / 2)]) / fs
    out: Array = np.cos(2 * np.pi * turns)
    return out
