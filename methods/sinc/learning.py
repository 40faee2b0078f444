"""SiNC: training on augmented clips without labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.spectral import bandwidth, power_spectra, sparsity, variance
from rppgbench.neural.played_clips import interpolate_axis, play
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.single_stage import train_single_stage

from .network import VideoPulse
from .parameters import SincParameters


def make_network(width: int, dropout: float, dilation: int) -> VideoPulse:
    """Make the network: RPNet where `dilation` is more than 1, else PhysNet.

    Args:
        width: channels.
        dropout: share of channels that are dropped in training.
        dilation: dilation in time of the first of three layers.
    """
    dilations = (dilation, 2 * dilation, 4 * dilation) if dilation > 1 else (1, 1, 1)
    return VideoPulse(width=width, dropout=dropout, dilations=dilations)


def scaled_clip(samples: NDArray[Any]) -> Tensor:
    """A window of pictures (T, S, S, 3) as the input of the network, with values 0 to 1."""
    return single_clip(samples) / 255


class _SpectralLosses(nn.Module):
    """The network and its spectral losses."""

    def __init__(self, params: SincParameters) -> None:
        super().__init__()
        self.network = make_network(params.width, params.dropout, params.dilation)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips that `augment` makes, played at speeds (B,)."""
        p = self.params
        pulse = self.network(to_video_tensor(augment(batch, p.pixel_noise)) / 255)
        spectra = power_spectra(
            pulse,
            p.fs,
            samples=p.spectrum_samples,
            speed=batch["speed"],
            published_frequencies=True,
        )
        band = p.low_hz, p.high_hz
        terms = {
            "bandwidth": bandwidth(spectra, *band),
            "sparsity": sparsity(spectra, *band, beside_hz=p.beside_hz),
            "variance": variance(spectra, *band),
        }
        weighted = [
            p.bandwidth_weight * terms["bandwidth"],
            p.sparsity_weight * terms["sparsity"],
            p.variance_weight * terms["variance"],
        ]
        return {"loss": torch.stack(weighted).sum(), **terms}


def draw_augmentation(
    clips: Clips, starts: Sequence[ClipStart], rng: np.random.Generator, params: SincParameters
) -> Batch:
    """Draw speed, flips, light and crop of clips, and read the frames that they need.

    The order is that of the public code ("figscr"): speed, flips, light and noise, crop. So is the
    crop, whose corner lies on the diagonal (x0 = y0). Pictures stay bytes here; `augment`
    computes on the device.

    Args:
        clips: clips of the training set.
        starts: B clips.
        rng: random source.
        params: limits of the speeds and of the crop, and the deviation of the light.

    Returns:
        "frames" (B, N, S, S, 3); the positions in time "at" (B, T) of the samples, reversed for a
        reversed clip; the positions "rows" and "columns" (B, S) of the crop, whose columns are
        reversed for a mirrored clip; "light" (B,); "speed" (B,).
    """
    count = len(starts)
    speeds = rng.uniform(params.min_speed, params.max_speed, count)
    frames, at = clips.windows(starts, speeds)
    mirrored, backward = rng.random((2, count)) < 0.5
    at[backward] = at[backward, ::-1]
    size = frames.shape[2]
    shares = rng.uniform(params.min_crop, 1.0, count)
    sides = np.maximum(4, np.round(size * shares).astype(int))
    rows = crop_positions(size, sides, rng.integers(0, size - sides + 1))
    return {
        "frames": frames,
        "at": at,
        "rows": rows,
        "columns": np.where(mirrored[:, None], size - 1 - rows, rows),
        "light": (params.light_noise * rng.standard_normal(count)).astype(np.float32),
        "speed": speeds.astype(np.float32),
    }


def crop_positions(
    size: int, sides: NDArray[np.int_], corners: NDArray[np.int_]
) -> NDArray[np.float32]:
    """The sample positions of crops that are enlarged to whole pictures: bilinear, edges repeated.

    Args:
        size: side of the pictures.
        sides: side (B,) of each crop.
        corners: first pixel (B,) of each crop.

    Returns:
        Positions (B, size) of the samples along a side of the pictures, in pixels.

    >>> crop_positions(4, np.array([2]), np.array([1]))
    array([[1.  , 1.25, 1.75, 2.  ]], dtype=float32)
    """
    within = (np.arange(size) + 0.5) * (sides / size)[:, None] - 0.5
    clipped = np.clip(within, 0, (sides - 1)[:, None])
    out: NDArray[np.float32] = (corners[:, None] + clipped).astype(np.float32)
    return out


def augment(batch: Mapping[str, Tensor], pixel_noise: float) -> Tensor:
    """Play, flip, relight and crop clips, and add noise, as `draw_augmentation` drew.

    Args:
        batch: what `draw_augmentation` gave.
        pixel_noise: standard deviation of the noise.

    Returns:
        The clips (B, T, S, S, 3) of values 0 to 255.
    """
    clips = play(batch["frames"], batch["at"])
    clips = clips + batch["light"][:, None, None, None, None]
    if pixel_noise:
        clips = clips + pixel_noise * torch.randn_like(clips)
    part = interpolate_axis(interpolate_axis(clips, batch["rows"], 2), batch["columns"], 3)
    return part.clamp(0, 255)


def train_model(examples: Sequence[Example], training: Training, params: SincParameters) -> Model:
    """Train on all clips, with a new augmentation in every epoch.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    segments = cut_segments(examples, params.fs, params.clip_s, "sinc")
    clips = Clips(segments, params.clip_length)
    step = round(params.step_s * params.fs)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        return draw_augmentation(clips, starts, rng, params)

    return train_single_stage(
        lambda: _SpectralLosses(params),
        BatchSource(lambda rng: clips.sliding(rng, params.batch, step), read),
        clips,
        lambda start: scaled_clip(clips.read(start)),
        training,
        params,
    )
