"""Contrast-Phys+: training in two stages, without and with labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.agreement import max_cross_correlation, negative_pearson
from rppgbench.neural.losses.contrastive import (
    contrast,
    draw_offsets,
    reference_contrast,
    sampled_spectra,
)
from rppgbench.neural.losses.power_spectra import frequencies, in_band
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.segments import cut_segments, keep_label_share
from rppgbench.neural.two_stage import (
    StageParts,
    learn_with_labels,
    learn_without_labels,
    split_by_side,
)
from rppgbench.system.errors import RecordingError

from .parameters import ContrastPhysPlusParameters, ContrastPhysPlusPretraining


def differences(video: Tensor) -> Tensor:
    """Difference of each picture and the next, the last repeated, over their standard deviation.

    `video` is (B, 3, T, H, W). Source: W. Qian et al. 2024, Eq 7, which leaves the normalisation
    open.
    """
    change = video.diff(dim=2)
    change = torch.cat([change, change[:, :, -1:]], dim=2)
    deviation = change.flatten(1).std(dim=1).clamp_min(1e-6)
    return change / deviation[:, None, None, None, None]


def input_maker(difference: bool) -> Callable[[NDArray[Any]], Tensor]:
    """The function that makes the network's input from a window of pictures (T, S, S, 3)."""
    return (lambda samples: differences(single_clip(samples))) if difference else single_clip


class _Contrast(nn.Module):
    """PhysNet and the contrast between videos: the first stage."""

    def __init__(self, params: ContrastPhysPlusPretraining) -> None:
        super().__init__()
        self.network = PhysNet(params.parts, width=params.width)
        self.params = params
        samples = round(params.sample_s * params.fs)
        band = in_band(frequencies(samples, params.fs), params.low_bpm / 60, params.high_bpm / 60)
        self.scale = float(band.sum()) if params.contrast_over_bins == "sum" else 1.0

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips (B, T, S, S, 3)."""
        terms = self.scaled(contrast(self.sampled(self.block(batch))))
        return {"loss": terms["attract"] + terms["repel"], **terms}

    def block(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The pulses (B, M, T) of clips."""
        video = to_video_tensor(batch["clip"])
        block: Tensor = self.network(differences(video) if self.params.difference else video)
        return block

    def sampled(self, block: Tensor) -> Tensor:
        """The spectra of samples at random places of pulses (B, M, T)."""
        p = self.params
        length = round(p.sample_s * p.fs)
        offsets = draw_offsets((*block.shape[:2], p.samples_per_row), block.shape[2], length)
        low_hz, high_hz = p.low_bpm / 60, p.high_bpm / 60
        return sampled_spectra(block, offsets, length, p.fs, low_hz=low_hz, high_hz=high_hz)

    def scaled(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Means over the bins as sums over the bins, where the parameters say so."""
        return {name: self.scale * term for name, term in terms.items()}


class _Supervised(_Contrast):
    """The second stage: contrast with the sensor's pulses, correlation, cross-correlation."""

    def __init__(self, params: ContrastPhysPlusParameters) -> None:
        super().__init__(params)
        self.weights = {
            "attract": params.unlabelled_weight,
            "repel": params.unlabelled_weight,
            "attract_reference": params.reference_weight,
            "repel_reference": params.reference_weight,
            "pearson": params.pearson_weight,
            "correlation": params.correlation_weight,
        }

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips (B, T, S, S, 3), pulses (B, T), flags (B,)."""
        p = self.params
        block = self.block(batch)
        spectra = self.sampled(block)
        pulse, flags = batch["pulse"], batch["labelled"]
        rows = pulse[:, None].expand(-1, block.shape[1], -1)
        reference = reference_contrast(spectra, self.sampled(rows), flags)
        terms = self.scaled(contrast(spectra) | reference)
        known = flags.sum().clamp_min(1.0)
        mean = block[:, -1]
        terms["pearson"] = (flags * negative_pearson(mean, pulse)).sum() / known
        low_hz, high_hz = p.low_bpm / 60, p.high_bpm / 60
        best = max_cross_correlation(mean, pulse, p.fs, low_hz=low_hz, high_hz=high_hz)
        terms["correlation"] = -(flags * best).sum() / known
        loss = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        return {"loss": loss, **terms}


def _batches(clips: Clips, params: ContrastPhysPlusPretraining) -> BatchSource:
    """Clips in pairs of two recordings, by the parameter `clip_choice`."""

    def choose(rng: np.random.Generator) -> Iterable[Sequence[ClipStart]]:
        if params.clip_choice == "consecutive":
            return clips.consecutive_pairs(rng, params.batch)
        return clips.one_per_recording(rng, params.batch, params.passes)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        pulse, flags = clips.pulses(starts)
        return {"clip": clips.stack(starts), "pulse": pulse, "labelled": flags}

    return BatchSource(choose, read)


def learn_first_stage(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusPretraining
) -> Model:
    """Learn from the contrast between the examples, without labels.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the parameters of the stage.

    Raises:
        RecordingError: fewer than two recordings have a clip without a gap.
    """
    clips = Clips(
        cut_segments(examples, params.fs, params.clip_s, "contrast_phys_plus"), params.clip_length
    )
    return learn_without_labels(
        _stage_parts(lambda: _Contrast(params), clips, params), training, params
    )


def _stage_parts(
    make: Callable[[], _Contrast], clips: Clips, params: ContrastPhysPlusPretraining
) -> StageParts:
    return StageParts(
        make=make,
        batches=_batches(clips, params),
        clips=clips,
        make_input=input_maker(params.difference),
    )


def _labelled_clips(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusParameters
) -> tuple[Clips, int]:
    """The clips of the second stage, and the number of recordings whose labels are used.

    Raises:
        RecordingError: no recording has a pulse.
    """
    segments = cut_segments(examples, params.fs, params.clip_s, "contrast_phys_plus")
    rng = np.random.default_rng(training.seed)
    shares = keep_label_share(segments, params.label_ratio, rng)
    labelled = [segment for segment in shares if segment.pulse is not None]
    if not labelled:
        raise RecordingError(
            "contrast_phys_plus: no recording has a pulse to fine-tune on; choose preset "
            "unlabelled, or train contrast_phys"
        )
    weak = params.unlabelled_weight > 0
    clips = Clips(shares if weak else labelled, params.clip_length)
    return clips, len({segment.recording for segment in labelled})


def train_model(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusParameters
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
    if not params.finetune_epochs:
        return first
    clips, labelled = _labelled_clips(sides.train, training, params)
    parts = _stage_parts(lambda: _Supervised(params), clips, params)
    return learn_with_labels(
        parts, first, sides.validation, training, params, labelled_recordings=labelled
    )
