"""Co-rectification: from maps to two networks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, Cut, Segment, segments
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.power_spectra import norm_psd, peak_bpm
from rppgbench.neural.networks.map_unet import MapUNet, unit_range
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.training import Recipe, train, training_outcome
from rppgbench.system.errors import BenchError

from .losses import doubted, negative, positive, ranking
from .maps import around_peak, channels_of, one_map, prepared, pseudo_pulse


@dataclass(frozen=True)
class Ingredients:
    """What a row of the paper's table 3 uses."""

    pseudo: bool
    gradual: bool
    ranked: bool
    corrected: bool


VARIANTS = {
    "plain": Ingredients(False, False, False, False),
    "pseudo": Ingredients(True, False, False, False),
    "gradual": Ingredients(True, True, False, False),
    "ranking": Ingredients(True, True, True, False),
    "constant": Ingredients(True, False, True, True),
    "full": Ingredients(True, True, True, True),
}


def ingredients(variant: str) -> Ingredients:
    """The ingredients of a variant; BenchError names those that there are."""
    if variant not in VARIANTS:
        raise BenchError(f"co_rectification: no variant {variant!r}. Known: {', '.join(VARIANTS)}.")
    return VARIANTS[variant]


PSEUDO_LOSSES = ("squared", "pearson")


class Pair(nn.Module):
    """One network or, with co-rectification, two; maps (B, channels, rows, T) to a pulse (B, T).

    The pulse is the mean of the standardised pulses of the networks that `output` names.
    """

    def __init__(
        self, width: int, variant: str, output: str = "both", maps_of: str = "colours"
    ) -> None:
        super().__init__()
        count = 2 if ingredients(variant).corrected else 1
        channels = channels_of(maps_of)
        self.networks = nn.ModuleList(MapUNet(channels, width) for _ in range(count))
        used = {"both": range(count), "first": (0,), "second": (count - 1,)}
        if output not in used:
            raise BenchError(f"co_rectification: no output {output!r}. Known: {', '.join(used)}.")
        self.used = used[output]

    def forward(self, maps: Tensor) -> Tensor:
        """The pulse, of any T."""
        pulses = torch.stack([self.networks[k](maps) for k in self.used])
        centred = pulses - pulses.mean(dim=2, keepdim=True)
        return (centred / centred.std(dim=2, keepdim=True).clamp_min(1e-6)).mean(dim=0)


class Correction(nn.Module):
    """The networks and algorithm 1."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.pair = Pair(params["width"], params["variant"], maps_of=params["maps_of"])
        self.uses = ingredients(params["variant"])
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms of the network whose turn it is: the first in even epochs."""
        p, uses = self.params, self.uses
        progress = epoch / p["epochs"]
        turn = epoch % 2 if uses.corrected else 0
        maps = batch["map"]
        count, frames = len(maps), maps.shape[3]
        shift = int(torch.randint(1, 2 * frames, ())) % frames or 1  # never 0
        views = [maps, maps.roll(shift, dims=3), batch["faster"], batch["slower"]]
        pulses = self.pair.networks[turn](torch.cat(views))
        band = {"low_hz": p["low_bpm"] / 60, "high_hz": p["high_bpm"] / 60}
        spectra = norm_psd(pulses, p["fs"], **band)
        anchor, shifted, faster, slower = spectra.reshape(4, count, -1)
        terms = {
            "positive": positive(anchor, shifted),
            "negative": negative(anchor, faster, slower),
        }
        loss = terms["positive"] + terms["negative"]
        if uses.ranked:
            terms["ranking"] = ranking(anchor, faster, slower)
            loss = loss + p["ranking_weight"] * terms["ranking"]
        loss = p["contrast_weight"] * loss
        if uses.pseudo:
            target = batch["pseudo"]
            if uses.corrected:
                most = int(p["most_corrected"] * progress)
                peer = self._peer(1 - turn, maps)
                at = self.doubtful(target, pulses[:count].detach(), most)
                target = target.clone()
                target[at] = unit_range(peer[at]).to(target.dtype)
                terms["corrected"] = torch.tensor(float(len(at)))
            terms["pseudo"] = (
                negative_pearson(pulses[:count], target).mean()
                if p["pseudo_loss"] == "pearson"
                else (pulses[:count] - target).square().mean()
            )
            loss = loss + (1 - progress if uses.gradual else 1.0) * terms["pseudo"]
        return {"loss": loss, **terms}

    def doubtful(self, target: Tensor, pulse: Tensor, count: int) -> Tensor:
        """The clips of a batch whose pseudo label is furthest from the output, in heart rate."""
        p = self.params
        band = {"low_hz": p["label_low_hz"], "high_hz": p["label_high_hz"]}
        return doubted(peak_bpm(target, p["fs"], **band), peak_bpm(pulse, p["fs"], **band), count)

    def _peer(self, turn: int, maps: Tensor) -> Tensor:
        network = self.pair.networks[turn]
        network.eval()
        with torch.no_grad():
            out: Tensor = network(maps)
        network.train()
        return out


class _Maps:
    """Clips of maps with their pseudo labels."""

    def __init__(self, found: Sequence[Segment], params: Mapping[str, Any]) -> None:
        self.params = params
        fs, length = params["fs"], round(params["clip_s"] * params["fs"])
        self.limits = params["label_low_hz"], params["label_high_hz"]
        labelled = [
            replace(part, pulse=pseudo_pulse(part.samples, fs, *self.limits).astype(np.float32))
            for part in found
        ]
        self.labels = Clips(labelled, length)
        kind = params["maps_of"]
        self.clips = Clips(
            [
                replace(part, samples=prepared(part.samples, fs, kind, *self.limits))
                for part in found
            ],
            length,
        )

    def maps(self, cuts: Sequence[Cut], speeds: Sequence[float] | None = None) -> Tensor:
        """Maps (B, channels, rows, T) of clips, played at speeds."""
        pace = [1.0] * len(cuts) if speeds is None else speeds
        rows, kind = self.params["rows"], self.params["maps_of"]
        return torch.cat(
            [one_map(self.clips.read(c, s), rows, kind) for c, s in zip(cuts, pace, strict=True)]
        )

    def pseudo(self, cuts: Sequence[Cut], speeds: Sequence[float] | None = None) -> Tensor:
        """Pseudo labels (B, T) of clips, played at speeds, each 0 to 1."""
        pulses = torch.from_numpy(self.labels.pulses(cuts, speeds)[0])
        if self.params["label_width_hz"]:
            width = self.params["label_width_hz"]
            pulses = around_peak(pulses, self.params["fs"], width, *self.limits)
        return unit_range(pulses)


def _check(params: Mapping[str, Any]) -> None:
    """Before anything is read: what has no meaning is one clear line."""
    ingredients(params["variant"])
    channels_of(params["maps_of"])
    if params["pseudo_loss"] not in PSEUDO_LOSSES:
        known = ", ".join(PSEUDO_LOSSES)
        raise BenchError(
            f"co_rectification: no pseudo_loss {params['pseudo_loss']!r}. Known: {known}."
        )
    for name, least in (("most_speed", 1.0), ("label_width_hz", 0.0)):
        if not params[name] >= least:
            raise BenchError(
                f"co_rectification: {name} is at least {least:g}, not {params[name]:g}."
            )


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train the networks in turn on all clips; BenchError where a parameter makes no sense."""
    _check(params)
    fs = params["fs"]
    source = _Maps(segments(examples, fs, params["clip_s"], "co_rectification"), params)
    step = round(params["step_s"] * fs)
    furthest = np.log(params["most_speed"])

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in source.clips.sliding(rng, params["batch"], step):
            down = rng.uniform(params["least_ratio"], 1.0, len(cuts))
            up = rng.uniform(1.0, params["greatest_ratio"], len(cuts))
            pace = np.ones(len(cuts))
            if furthest:
                pace = np.exp(rng.uniform(-furthest, furthest, len(cuts)))
            yield {
                "map": source.maps(cuts, list(pace)).numpy(),
                "faster": source.maps(cuts, list(pace / down)).numpy(),
                "slower": source.maps(cuts, list(pace / up)).numpy(),
                "pseudo": source.pseudo(cuts, list(pace)).numpy(),
            }

    recipe = Recipe(
        params["epochs"],
        params["lr"],
        params["weight_decay"],
        params["precision"],
        one_cycle=source.clips.batches(params["batch"], step) if params["one_cycle"] else 0,
    )
    learner, history = train(
        lambda: Correction(params),
        batches,
        recipe,
        training,
        export=lambda made: training_outcome(made.pair, {}),
    )
    everywhere = source.clips.all(step)
    some = everywhere[:: max(1, len(everywhere) // 48)]
    pulses = run_network(learner.pair, (source.maps([cut]) for cut in some))
    model = training_outcome(
        learner.pair,
        {"train": history},
        collapse=detect_collapse(pulses, fs, pseudo=source.pseudo(some)),
    )
    if not learner.uses.corrected:
        return model
    arrays, facts = corrected(learner, source, everywhere)
    return Model({**model.arrays, **arrays}, {**model.facts, **facts})


def corrected(
    learner: Correction, source: _Maps, cuts: Sequence[Cut]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the clips that the first network corrects in the end look like, for figures 3 and 5.

    They are the most doubtful of each batch, as many as the last epoch corrects, and at least one.

    Arrays `corrected.pseudo`, `corrected.peer` (the second network's pulse) and, where the
    recordings came with a pulse, `corrected.truth`, each (N, T); `facts["corrected"]` names
    recording, start_s, the heart rates of label and peer, of each. Nothing here was learned from
    the truth.
    """
    p = learner.params
    most = max(1, int(p["most_corrected"] * (p["epochs"] - 1) / p["epochs"]))
    rows: list[dict[str, Any]] = []
    parts: dict[str, list[Tensor]] = {"pseudo": [], "peer": [], "truth": []}
    band = {"low_hz": p["label_low_hz"], "high_hz": p["label_high_hz"]}
    first, second = learner.pair.networks
    for begin in range(0, len(cuts), p["batch"]):
        group = cuts[begin : begin + p["batch"]]
        maps, labels = source.maps(group), source.pseudo(group)
        own, peer = run_network(first, [maps]), run_network(second, [maps])
        truth, known = source.clips.pulses(group)
        truth[known == 0] = np.nan
        for at in learner.doubtful(labels, own, most).tolist():
            index, start = group[at]
            stretch = source.clips.parts[index]
            for name, pulse in (
                ("pseudo", labels),
                ("peer", unit_range(peer)),
                ("truth", torch.from_numpy(truth)),
            ):
                parts[name].append(pulse[at])
            rows.append(
                {
                    "recording": stretch.recording,
                    "start_s": round(stretch.start_s + start / p["fs"], 4),
                    "pseudo_bpm": round(float(peak_bpm(labels[at], p["fs"], **band)), 3),
                    "peer_bpm": round(float(peak_bpm(peer[at], p["fs"], **band)), 3),
                }
            )
    arrays = {
        f"corrected.{name}": torch.stack(found).numpy().astype(np.float32)
        for name, found in parts.items()
        if found and not bool(torch.stack(found).isnan().all())
    }
    return arrays, {"corrected": rows, "corrected_fs": p["fs"]}
