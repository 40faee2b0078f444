"""SiNC: training on augmented clips without labels."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, ClipStart, cut_segments
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.spectral import bandwidth, power_spectra, sparsity, variance
from rppgbench.neural.prefetch import Batch
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
        """The loss and its terms for clips (B, T, S, S, 3) played at speeds (B,)."""
        p = self.params
        pulse = self.network(to_video_tensor(batch["clip"]) / 255)
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


def augment(
    clips: Clips, start: ClipStart, rng: np.random.Generator, params: SincParameters
) -> tuple[NDArray[np.float32], float]:
    """Read a clip at a random speed; flip, reverse, relight, add noise and crop at random.

    The order is that of the public code ("figscr"); so is the crop, whose corner lies on the
    diagonal (x0 = y0).

    Args:
        clips: clips of the training set.
        start: the clip.
        rng: random source.
        params: limits of the speeds, of the crop, and the noise.

    Returns:
        The pictures (T, S, S, 3) of values 0 to 255, and the speed.
    """
    speed = float(rng.uniform(params.min_speed, params.max_speed))
    pictures = clips.read(start, speed).astype(np.float32)
    if rng.random() < 0.5:
        pictures = pictures[:, :, ::-1]
    if rng.random() < 0.5:
        pictures = pictures[::-1]
    light = rng.normal(0, params.light_noise) if params.light_noise else 0.0
    noise = params.pixel_noise * rng.standard_normal(pictures.shape, dtype=np.float32)
    pictures = pictures + np.float32(light) + noise
    size = pictures.shape[1]
    side = max(4, round(size * rng.uniform(params.min_crop, 1.0)))
    corner = int(rng.integers(0, size - side + 1))
    part = pictures[:, corner : corner + side, corner : corner + side]
    resized = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2),
        size=(size, size),
        mode="bilinear",
        align_corners=False,
    )
    out: NDArray[np.float32] = resized.permute(0, 2, 3, 1).clamp(0, 255).numpy()
    return out, speed


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

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for starts in clips.sliding(rng, params.batch, step):
            augmented = [augment(clips, start, rng, params) for start in starts]
            yield {
                "clip": np.stack([pictures for pictures, _ in augmented]),
                "speed": np.array([speed for _, speed in augmented]),
            }

    return train_single_stage(
        lambda: _SpectralLosses(params),
        batches,
        clips,
        lambda start: scaled_clip(clips.read(start)),
        training,
        params,
    )
