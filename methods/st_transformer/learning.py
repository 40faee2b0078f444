"""ST-Transformer: two stages from maps to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, segments
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.spectral import (
    bandwidth,
    periodicity,
    power_spectra,
    sparsity,
    variance,
)
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.training import Recipe, train, training_outcome
from rppgbench.signals.spatial_maps import normalise_mstmap
from rppgbench.system.errors import RecordingError

from .network import SpatialTemporalTransformer


def one_map(samples: NDArray[Any]) -> Tensor:
    """A window (T, 63, 6) as the network takes it: (1, T, 63, 6), every row 0 to 1."""
    return torch.from_numpy(_normalised(samples))[None]


def _normalised(samples: NDArray[Any]) -> NDArray[np.float32]:
    return (normalise_mstmap(samples) / 255).astype(np.float32)


class _Stage(nn.Module):
    """The network and what one stage minimises."""

    def __init__(self, params: Mapping[str, Any], supervised: bool) -> None:
        super().__init__()
        length = round(params["clip_s"] * params["fs"])
        self.network = SpatialTemporalTransformer(
            length, width=params["width"], layers=params["layers"], ratio=params["ratio"]
        )
        self.params = params
        self.supervised = supervised

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for maps (B, T, 63, 6) played at speeds (B,)."""
        p = self.params
        pulse = self.network(batch["map"])
        speed, samples = batch["speed"], p["spectrum_samples"]
        band = p["low_hz"], p["high_hz"]
        spectra = power_spectra(pulse, p["fs"], samples=samples, speed=speed)
        terms = {
            "bandwidth": bandwidth(spectra, *band),
            "sparsity": sparsity(spectra, *band, beside_hz=p["beside_hz"]),
            "variance": variance(spectra, *band),
            "periodicity": periodicity(
                pulse, p["fs"], *band, segments=p["segments"], samples=samples, speed=speed
            ),
        }
        if self.supervised:
            flags = batch["labelled"]
            away = flags * negative_pearson(pulse, batch["pulse"])
            terms["pearson"] = away.sum() / flags.sum().clamp_min(1.0)
        loss = torch.stack([p[f"{name}_weight"] * term for name, term in terms.items()]).sum()
        return {"loss": loss, **terms}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Pre-train on augmented clips of all recordings, fine-tune on those with a pulse."""
    found = segments(examples, params["fs"], params["clip_s"], "st_transformer")
    labelled = [part for part in found if part.pulse is not None]
    tuned = params["labels"] and params["finetune_epochs"] > 0
    if tuned and not labelled:
        raise RecordingError(
            "st_transformer: no recording has a pulse to fine-tune on; set labels to false"
        )
    length = round(params["clip_s"] * params["fs"])
    step = round(params["step_s"] * params["fs"])
    clips = Clips(found, length)
    known = Clips(labelled, length)

    def augmented(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.sliding(rng, params["batch"], step):
            speeds = rng.uniform(params["slowest"], params["fastest"], len(cuts))
            maps = np.stack(
                [_normalised(clips.read(cut, s)) for cut, s in zip(cuts, speeds, strict=True)]
            )
            for axis, flips in ((0, rng.random(len(cuts)) < 0.5), (1, rng.random(len(cuts)) < 0.5)):
                maps[flips] = np.flip(maps[flips], axis=axis + 1)
            yield {"map": maps, "speed": speeds}

    def supervised(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in known.sliding(rng, params["batch"], step):
            pulse, flags = known.pulses(cuts)
            maps = np.stack([_normalised(known.read(cut)) for cut in cuts])
            yield {"map": maps, "speed": np.ones(len(cuts)), "pulse": pulse, "labelled": flags}

    def recipe(epochs: int, lr: float) -> Recipe:
        return Recipe(epochs, lr, params["weight_decay"], params["precision"])

    learner, first = train(
        lambda: _Stage(params, False),
        augmented,
        recipe(params["pretrain_epochs"], params["lr"]),
        training,
        stage="pretrain",
        export=lambda made: training_outcome(made.network, {}),
    )
    second: list[dict[str, float]] = []
    if tuned:
        before = learner.state_dict()

        def make() -> _Stage:
            made = _Stage(params, True)
            made.load_state_dict(before)
            return made

        learner, second = train(
            make,
            supervised,
            recipe(params["finetune_epochs"], params["finetune_lr"]),
            training,
            stage="finetune",
            export=lambda made: training_outcome(made.network, {}),
        )
    everywhere = clips.all(length)
    some = everywhere[:: max(1, len(everywhere) // 48)]
    pulses = run_network(learner.network, (one_map(clips.read(cut)) for cut in some))
    return training_outcome(
        learner.network,
        {"pretrain": first, "finetune": second},
        collapse=detect_collapse(pulses, params["fs"], low_hz=params["low_hz"]),
    )
