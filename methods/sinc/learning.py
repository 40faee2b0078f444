"""SiNC: from clips to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, Cut, segments
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.spectral import bandwidth, power_spectra, sparsity, variance
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model

from .network import VideoPulse


def network_of(width: int, dropout: float, dilation: int) -> VideoPulse:
    """The network: RPNet where `dilation` is more than 1."""
    dilations = (dilation, 2 * dilation, 4 * dilation) if dilation > 1 else (1, 1, 1)
    return VideoPulse(width=width, dropout=dropout, dilations=dilations)


def scaled_clip(samples: NDArray[Any]) -> Tensor:
    """A window of pictures as the network takes it: values 0 to 1."""
    return single_clip(samples) / 255


class _Priors(nn.Module):
    """The network and what it minimises."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = network_of(params["width"], params["dropout"], params["dilation"])
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips (B, T, S, S, 3) played at speeds (B,)."""
        p = self.params
        pulse = self.network(to_video_tensor(batch["clip"]) / 255)
        spectra = power_spectra(
            pulse,
            p["fs"],
            samples=p["spectrum_samples"],
            speed=batch["speed"],
            published_frequencies=True,
        )
        band = p["low_hz"], p["high_hz"]
        terms = {
            "bandwidth": bandwidth(spectra, *band),
            "sparsity": sparsity(spectra, *band, beside_hz=p["beside_hz"]),
            "variance": variance(spectra, *band),
        }
        loss = torch.stack([p[f"{name}_weight"] * term for name, term in terms.items()]).sum()
        return {"loss": loss, **terms}


def augmented(
    clips: Clips, cut: Cut, rng: np.random.Generator, params: Mapping[str, Any]
) -> tuple[NDArray[np.float32], float]:
    """A clip at a random speed, flipped, reversed, lit, noisy and cut at random; and its speed.

    In the order of the public code ("figscr"); the square cut-out lies on the diagonal (x0 = y0),
    as there.
    """
    speed = float(rng.uniform(params["slowest"], params["fastest"]))
    pictures = clips.read(cut, speed).astype(np.float32)
    if rng.random() < 0.5:
        pictures = pictures[:, :, ::-1]
    if rng.random() < 0.5:
        pictures = pictures[::-1]
    light = rng.normal(0, params["light_noise"]) if params["light_noise"] else 0.0
    noise = params["pixel_noise"] * rng.standard_normal(pictures.shape, dtype=np.float32)
    pictures = pictures + np.float32(light) + noise
    size = pictures.shape[1]
    side = max(4, round(size * rng.uniform(params["smallest_crop"], 1.0)))
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


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on all clips, each augmented anew in every epoch."""
    found = segments(examples, params["fs"], params["clip_s"], "sinc")
    clips = Clips(found, round(params["clip_s"] * params["fs"]))
    step = round(params["step_s"] * params["fs"])

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.sliding(rng, params["batch"], step):
            made = [augmented(clips, cut, rng, params) for cut in cuts]
            yield {
                "clip": np.stack([pictures for pictures, _ in made]),
                "speed": np.array([speed for _, speed in made]),
            }

    return to_model(
        lambda: _Priors(params),
        batches,
        clips,
        lambda cut: scaled_clip(clips.read(cut)),
        training,
        params,
    )
