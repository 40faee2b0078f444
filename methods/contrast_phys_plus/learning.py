"""Contrast-Phys+: training in two stages, without and with labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, cut_segments, keep_label_share
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network, single_clip, to_video_tensor
from rppgbench.neural.losses.agreement import max_cross_correlation, negative_pearson
from rppgbench.neural.losses.contrastive import (
    contrast,
    draw_offsets,
    reference_contrast,
    sampled_spectra,
)
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import CLIPS_JUDGED, sample_clips
from rppgbench.neural.training import History, Recipe, to_model, train
from rppgbench.system.errors import RecordingError

from .parameters import ContrastPhysPlusParameters


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


class _Stage(nn.Module):
    """PhysNet and the loss of one stage."""

    def __init__(self, params: ContrastPhysPlusParameters, supervised: bool) -> None:
        super().__init__()
        self.network = PhysNet(params.parts, width=params.width)
        self.params = params
        self.supervised = supervised

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips (B, T, S, S, 3), pulses (B, T), flags (B,)."""
        p, fs = self.params, self.params.fs
        video = to_video_tensor(batch["clip"])
        block = self.network(differences(video) if p.difference else video)
        low_hz, high_hz = p.low_bpm / 60, p.high_bpm / 60
        length = round(p.sample_s * fs)
        shape = (*block.shape[:2], p.samples_per_row)
        frames = block.shape[2]
        offsets = draw_offsets(shape, frames, length)
        spectra = sampled_spectra(block, offsets, length, fs, low_hz=low_hz, high_hz=high_hz)
        terms = contrast(spectra)
        if not self.supervised:
            return {"loss": terms["attract"] + terms["repel"], **terms}
        pulse, flags = batch["pulse"], batch["labelled"]
        rows = pulse[:, None].expand(-1, block.shape[1], -1)
        moments = draw_offsets(shape, frames, length)
        terms |= reference_contrast(
            spectra,
            sampled_spectra(rows, moments, length, fs, low_hz=low_hz, high_hz=high_hz),
            flags,
        )
        known = flags.sum().clamp_min(1.0)
        mean = block[:, -1]
        terms["pearson"] = (flags * negative_pearson(mean, pulse)).sum() / known
        best = max_cross_correlation(mean, pulse, fs, low_hz=low_hz, high_hz=high_hz)
        terms["correlation"] = -(flags * best).sum() / known
        loss = (
            p.unlabelled_weight * (terms["attract"] + terms["repel"])
            + p.reference_weight * (terms["attract_reference"] + terms["repel_reference"])
            + p.pearson_weight * terms["pearson"]
            + p.correlation_weight * terms["correlation"]
        )
        return {"loss": loss, **terms}


@dataclass(frozen=True)
class _Sources:
    """The clips of both stages, and the number of recordings whose labels are used."""

    pretrain: Clips
    finetune: Clips
    labelled: int


def _load_clips(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusParameters
) -> _Sources:
    """Cut the clips; RecordingError where no recording has a pulse to fine-tune on."""
    segments = cut_segments(examples, params.fs, params.clip_s, "contrast_phys_plus")
    rng = np.random.default_rng(training.seed)
    shares = keep_label_share(segments, params.label_ratio, rng)
    labelled = [segment for segment in shares if segment.pulse is not None]
    if params.finetune_epochs and not labelled:
        raise RecordingError(
            "contrast_phys_plus: no recording has a pulse to fine-tune on; "
            "set finetune_epochs to 0, or train contrast_phys"
        )
    weak = params.unlabelled_weight > 0
    return _Sources(
        Clips([replace(segment, pulse=None) for segment in segments], params.clip_length),
        Clips(shares if weak else labelled, params.clip_length),
        len({segment.recording for segment in labelled}),
    )


def _train_stage(
    name: str,
    clips: Clips,
    before: _Stage | None,
    training: Training,
    params: ContrastPhysPlusParameters,
) -> tuple[_Stage, History]:
    """Train the stage "pretrain", or the stage "finetune" from the weights of the one before."""

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for starts in clips.one_per_recording(rng, params.batch, params.passes):
            pulse, flags = clips.pulses(starts)
            pictures = np.stack([clips.read(start) for start in starts])
            yield {"clip": pictures, "pulse": pulse, "labelled": flags}

    def make() -> _Stage:
        stage = _Stage(params, supervised=before is not None)
        if before is not None:
            stage.load_state_dict(before.state_dict())
        return stage

    recipe = Recipe(
        epochs=params.pretrain_epochs if before is None else params.finetune_epochs,
        lr=params.lr if before is None else params.finetune_lr,
        weight_decay=params.weight_decay,
        precision=params.precision,
    )
    return train(
        make,
        batches,
        recipe,
        training,
        stage=name,
        export=lambda trained: to_model(trained.network, {}),
    )


def train_model(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusParameters
) -> Model:
    """Pre-train on all recordings without labels, fine-tune on the recordings with a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    sources = _load_clips(examples, training, params)
    learner, first = _train_stage("pretrain", sources.pretrain, None, training, params)
    learner, second = _train_stage("finetune", sources.finetune, learner, training, params)
    clips = sources.pretrain
    judged = sample_clips(clips.all_starts(clips.length), CLIPS_JUDGED)
    make_input = input_maker(params.difference)
    pulses = run_network(learner.network, (make_input(clips.read(start)) for start in judged))
    return to_model(
        learner.network,
        {"pretrain": first, "finetune": second},
        labelled_recordings=sources.labelled,
        collapse=detect_collapse(pulses[:, -1], params.fs),
    )
