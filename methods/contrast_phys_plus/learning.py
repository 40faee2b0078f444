"""Contrast-Phys+: two stages from clips to a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, labelled_share, segments
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
from rppgbench.neural.training import Recipe, train, training_outcome
from rppgbench.system.errors import RecordingError


def differences(video: Tensor) -> Tensor:
    """Each picture's change to the next, the last repeated, over the deviation of all.

    `video` is (B, 3, T, H, W). Source: Qian et al. 2024, Eq 7; how it is normalised is left open
    there (decision 13).
    """
    change = video.diff(dim=2)
    change = torch.cat([change, change[:, :, -1:]], dim=2)
    deviation = change.flatten(1).std(dim=1).clamp_min(1e-6)
    return change / deviation[:, None, None, None, None]


def prepared(difference: bool) -> Callable[[NDArray[Any]], Tensor]:
    """How a window of pictures becomes the network's input."""
    return (lambda samples: differences(single_clip(samples))) if difference else single_clip


class _Stage(nn.Module):
    """PhysNet and what one stage minimises."""

    def __init__(self, params: Mapping[str, Any], supervised: bool) -> None:
        super().__init__()
        self.network = PhysNet(params["parts"], width=params["width"])
        self.params = params
        self.supervised = supervised

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips (B, T, S, S, 3), pulses (B, T), flags (B,)."""
        p, fs = self.params, self.params["fs"]
        video = to_video_tensor(batch["clip"])
        block = self.network(differences(video) if p["difference"] else video)
        band = {"low_hz": p["low_bpm"] / 60, "high_hz": p["high_bpm"] / 60}
        length = round(p["sample_s"] * fs)
        shape = (*block.shape[:2], p["samples_per_row"])
        frames = block.shape[2]
        offsets = draw_offsets(shape, frames, length)
        spectra = sampled_spectra(block, offsets, length, fs, **band)
        terms = contrast(spectra)
        if not self.supervised:
            return {"loss": terms["attract"] + terms["repel"], **terms}
        pulse, flags = batch["pulse"], batch["labelled"]
        rows = pulse[:, None].expand(-1, block.shape[1], -1)
        moments = draw_offsets(shape, frames, length)
        terms |= reference_contrast(
            spectra, sampled_spectra(rows, moments, length, fs, **band), flags
        )
        known = flags.sum().clamp_min(1.0)
        mean = block[:, -1]
        terms["pearson"] = (flags * negative_pearson(mean, pulse)).sum() / known
        best = max_cross_correlation(mean, pulse, fs, **band)
        terms["correlation"] = -(flags * best).sum() / known
        loss = (
            p["unlabelled_weight"] * (terms["attract"] + terms["repel"])
            + p["reference_weight"] * (terms["attract_reference"] + terms["repel_reference"])
            + p["pearson_weight"] * terms["pearson"]
            + p["correlation_weight"] * terms["correlation"]
        )
        return {"loss": loss, **terms}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Pre-train on all recordings without labels, fine-tune on those with a pulse."""
    found = segments(examples, params["fs"], params["clip_s"], "contrast_phys_plus")
    length = round(params["clip_s"] * params["fs"])
    shares = labelled_share(found, params["label_ratio"], np.random.default_rng(training.seed))
    with_labels = [part for part in shares if part.pulse is not None]
    if params["finetune_epochs"] and not with_labels:
        raise RecordingError(
            "contrast_phys_plus: no recording has a pulse to fine-tune on; "
            "set finetune_epochs to 0, or train contrast_phys"
        )
    weak = params["unlabelled_weight"] > 0
    sources = {
        "pretrain": Clips([replace(part, pulse=None) for part in found], length),
        "finetune": Clips(shares if weak else with_labels, length),
    }

    def stage(name: str, before: _Stage | None) -> tuple[_Stage, list[dict[str, float]]]:
        def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
            clips = sources[name]
            for cuts in clips.one_a_recording(rng, params["batch"], params["passes"]):
                pulse, flags = clips.pulses(cuts)
                pictures = np.stack([clips.read(cut) for cut in cuts])
                yield {"clip": pictures, "pulse": pulse, "labelled": flags}

        def make() -> _Stage:
            made = _Stage(params, name == "finetune")
            if before is not None:
                made.load_state_dict(before.state_dict())
            return made

        rate = params["lr"] if name == "pretrain" else params["finetune_lr"]
        epochs = params[f"{name}_epochs"]
        return train(
            make,
            batches,
            Recipe(epochs, rate, params["weight_decay"], params["precision"]),
            training,
            stage=name,
            export=lambda made: training_outcome(made.network, {}),
        )

    learner, first = stage("pretrain", None)
    learner, second = stage("finetune", learner)
    everywhere = sources["pretrain"].all(length)
    some = everywhere[:: max(1, len(everywhere) // 24)]
    prepare = prepared(params["difference"])
    pulses = run_network(learner.network, (prepare(sources["pretrain"].read(cut)) for cut in some))[
        :, -1
    ]
    return training_outcome(
        learner.network,
        {"pretrain": first, "finetune": second},
        labelled_recordings=len({part.recording for part in with_labels}),
        collapse=detect_collapse(pulses, params["fs"]),
    )
