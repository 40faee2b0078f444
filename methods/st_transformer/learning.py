"""ST-Transformer: training in two stages, without and with labels."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.spectral import (
    bandwidth,
    periodicity,
    power_spectra,
    sparsity,
    variance,
)
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.two_stage import (
    StageParts,
    learn_with_labels,
    learn_without_labels,
    split_by_side,
)
from rppgbench.signals.spatial_maps import normalise_mstmap
from rppgbench.system.errors import RecordingError

from .network import SpatialTemporalTransformer
from .parameters import TransformerParameters, TransformerPretraining

CLIPS_JUDGED = 48
"""About how many clips of the training set the verdict on collapse is based on."""


def map_image(samples: NDArray[Any]) -> Tensor:
    """A window (T, 63, 6) as the input of the network: (1, T, 63, 6), every row 0 to 1."""
    return torch.from_numpy(_normalised(samples))[None]


def _normalised(samples: NDArray[Any]) -> NDArray[np.float32]:
    return (normalise_mstmap(samples) / 255).astype(np.float32)


class _Stage(nn.Module):
    """The network and the loss of one stage: of the second, where there is a `pearson_weight`."""

    def __init__(self, params: TransformerPretraining, pearson_weight: float | None = None) -> None:
        super().__init__()
        self.network = make_network(params)
        self.params = params
        self.pearson_weight = pearson_weight

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for maps (B, T, 63, 6) played at speeds (B,)."""
        p = self.params
        pulse = self.network(batch["map"])
        speed, samples = batch["speed"], p.spectrum_samples
        band = p.low_hz, p.high_hz
        spectra = power_spectra(pulse, p.fs, samples=samples, speed=speed)
        terms = {
            "bandwidth": bandwidth(spectra, *band),
            "sparsity": sparsity(spectra, *band, beside_hz=p.beside_hz),
            "variance": variance(spectra, *band),
            "periodicity": periodicity(
                pulse, p.fs, *band, segments=p.segments, samples=samples, speed=speed
            ),
        }
        weights = {
            "bandwidth": p.bandwidth_weight,
            "sparsity": p.sparsity_weight,
            "variance": p.variance_weight,
            "periodicity": p.periodicity_weight,
        }
        if self.pearson_weight is not None:
            flags = batch["labelled"]
            losses = flags * negative_pearson(pulse, batch["pulse"])
            terms["pearson"] = losses.sum() / flags.sum().clamp_min(1.0)
            weights["pearson"] = self.pearson_weight
        loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        return {"loss": loss, **terms}


def make_network(params: TransformerPretraining) -> SpatialTemporalTransformer:
    """The network without its weights."""
    return SpatialTemporalTransformer(
        params.clip_length, width=params.width, layers=params.layers, ratio=params.ratio
    )


def _batches(
    clips: Clips,
    params: TransformerPretraining,
    read: Callable[[Sequence[ClipStart], np.random.Generator], Batch],
) -> BatchSource:
    step = round(params.step_s * params.fs)
    return BatchSource(lambda rng: clips.sliding(rng, params.batch, step), read)


def _pretrain_batches(clips: Clips, params: TransformerPretraining) -> BatchSource:
    """Clips at random speeds, flipped in time and in the order of regions at random."""

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        speeds = rng.uniform(params.min_speed, params.max_speed, len(starts))
        maps = np.stack(
            [_normalised(clips.read(start, s)) for start, s in zip(starts, speeds, strict=True)]
        )
        flips = [rng.random(len(starts)) < 0.5 for _ in range(2)]
        for axis, flipped in enumerate(flips):
            maps[flipped] = np.flip(maps[flipped], axis=axis + 1)
        return {"map": maps, "speed": speeds}

    return _batches(clips, params, read)


def _finetune_batches(clips: Clips, params: TransformerParameters) -> BatchSource:
    """Clips as they are, with their labels."""

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        pulse, flags = clips.pulses(starts)
        maps = np.stack([_normalised(clips.read(start)) for start in starts])
        return {"map": maps, "speed": np.ones(len(starts)), "pulse": pulse, "labelled": flags}

    return _batches(clips, params, read)


def learn_first_stage(
    examples: Sequence[Example], training: Training, params: TransformerPretraining
) -> Model:
    """Learn from augmented clips of the examples, without labels.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the parameters of the stage.

    Raises:
        RecordingError: no recording has a clip without a gap.
    """
    segments = cut_segments(examples, params.fs, params.clip_s, "st_transformer")
    clips = Clips(segments, params.clip_length)
    parts = _stage_parts(lambda: _Stage(params), clips, _pretrain_batches(clips, params), params)
    return learn_without_labels(parts, training, params)


def _stage_parts(
    make: Callable[[], _Stage],
    clips: Clips,
    batches: BatchSource,
    params: TransformerPretraining,
) -> StageParts:
    return StageParts(
        make=make,
        batches=batches,
        clips=clips,
        make_input=map_image,
        clips_judged=CLIPS_JUDGED,
        lowest_hz=params.low_hz,
    )


def train_model(
    examples: Sequence[Example], training: Training, params: TransformerParameters
) -> Model:
    """Pre-train without labels on one side's recordings, fine-tune on those with a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train; with the first stage, where it is done already.
        params: the method's parameters.

    Raises:
        RecordingError: no recording has a pulse to fine-tune on, or a clip without a gap.
    """
    sides = split_by_side(examples, params.pretrain_on)
    first = training.pretrained or learn_first_stage(sides.pretrain, training, params)
    if not (params.labels and params.finetune_epochs):
        return first
    segments = cut_segments(sides.train, params.fs, params.clip_s, "st_transformer")
    labelled = [segment for segment in segments if segment.pulse is not None]
    if not labelled:
        raise RecordingError(
            "st_transformer: no recording has a pulse to fine-tune on; choose preset unlabelled, "
            "or set labels to false"
        )
    clips = Clips(labelled, params.clip_length)
    parts = _stage_parts(
        lambda: _Stage(params, params.pearson_weight),
        clips,
        _finetune_batches(clips, params),
        params,
    )
    return learn_with_labels(parts, first, sides.validation, training, params)
