"""Co-rectification: training of two networks on maps with pseudo labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, ClipStart, Segment, cut_segments
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.power_spectra import norm_psd, peak_bpm
from rppgbench.neural.networks.map_unet import MapUNet, unit_range
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import sample_clips
from rppgbench.neural.training import Recipe, to_model, train
from rppgbench.system.errors import BenchError

from .losses import least_trusted, negative, positive, ranking
from .maps import (
    channel_count,
    derive_rows,
    map_image,
    pseudo_pulse,
    select_peak,
)
from .parameters import CoRectificationParameters


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """The losses of a row of the paper's table 3."""

    pseudo: bool = False  # pseudo labels
    gradual: bool = False  # whose weight falls
    ranked: bool = False  # spectral ranking
    corrected: bool = False  # co-rectification of the labels


VARIANTS = {
    "plain": Ingredients(),
    "pseudo": Ingredients(pseudo=True),
    "gradual": Ingredients(pseudo=True, gradual=True),
    "ranking": Ingredients(pseudo=True, gradual=True, ranked=True),
    "constant": Ingredients(pseudo=True, ranked=True, corrected=True),
    "full": Ingredients(pseudo=True, gradual=True, ranked=True, corrected=True),
}


def ingredients(variant: str) -> Ingredients:
    """The ingredients of a variant; BenchError, with the known variants, for an unknown one."""
    if variant not in VARIANTS:
        raise BenchError(f"co_rectification: no variant {variant!r}. Known: {', '.join(VARIANTS)}.")
    return VARIANTS[variant]


PSEUDO_LOSSES = ("squared", "pearson")
LR_SCHEDULES = ("constant", "one_cycle")

CLIPS_JUDGED = 48
"""About how many clips of the training set the verdict on collapse is based on."""


class Pair(nn.Module):
    """One network or, with co-rectification, two; maps (B, channels, rows, T) to a pulse (B, T).

    The pulse is the mean of the standardised pulses of the networks that `output` names.
    """

    def __init__(
        self, width: int, variant: str, output: str = "both", map_kind: str = "colours"
    ) -> None:
        super().__init__()
        count = 2 if ingredients(variant).corrected else 1
        channels = channel_count(map_kind)
        self.networks = nn.ModuleList(MapUNet(channels, width) for _ in range(count))
        used = {"both": range(count), "first": (0,), "second": (count - 1,)}
        if output not in used:
            raise BenchError(f"co_rectification: no output {output!r}. Known: {', '.join(used)}.")
        self.used = used[output]

    def forward(self, maps: Tensor) -> Tensor:
        """The pulse (B, T), for any T."""
        pulses = torch.stack([self.networks[k](maps) for k in self.used])
        centred = pulses - pulses.mean(dim=2, keepdim=True)
        return (centred / centred.std(dim=2, keepdim=True).clamp_min(1e-6)).mean(dim=0)


class Correction(nn.Module):
    """The networks and the losses of the paper's algorithm 1."""

    def __init__(self, params: CoRectificationParameters) -> None:
        super().__init__()
        self.pair = Pair(params.width, params.variant, map_kind=params.map_kind)
        self.ingredients = ingredients(params.variant)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms of one network: the first in even epochs, the second in odd.

        Args:
            batch: "map", "faster" and "slower", maps (B, channels, rows, T); "pseudo", pseudo
                labels (B, T).
            epoch: number of the epoch, from 0.
        """
        p, uses = self.params, self.ingredients
        progress = epoch / p.epochs
        turn = epoch % 2 if uses.corrected else 0
        maps = batch["map"]
        count, frames = len(maps), maps.shape[3]
        shift = int(torch.randint(1, 2 * frames, ())) % frames or 1  # never 0
        views = [maps, maps.roll(shift, dims=3), batch["faster"], batch["slower"]]
        pulses = self.pair.networks[turn](torch.cat(views))
        spectra = norm_psd(pulses, p.fs, low_hz=p.low_bpm / 60, high_hz=p.high_bpm / 60)
        anchor, shifted, faster, slower = spectra.reshape(4, count, -1)
        terms = {
            "positive": positive(anchor, shifted),
            "negative": negative(anchor, faster, slower),
        }
        loss = terms["positive"] + terms["negative"]
        if uses.ranked:
            terms["ranking"] = ranking(anchor, faster, slower)
            loss = loss + p.ranking_weight * terms["ranking"]
        loss = p.contrast_weight * loss
        if uses.pseudo:
            labels = batch["pseudo"]
            if uses.corrected:
                peer = self._peer(1 - turn, maps)
                at = self.doubtful(labels, pulses[:count].detach(), int(p.max_corrected * progress))
                labels = labels.clone()
                labels[at] = unit_range(peer[at]).to(labels.dtype)
                terms["corrected"] = torch.tensor(float(len(at)))
            terms["pseudo"] = (
                negative_pearson(pulses[:count], labels).mean()
                if p.pseudo_loss == "pearson"
                else (pulses[:count] - labels).square().mean()
            )
            loss = loss + (1 - progress if uses.gradual else 1.0) * terms["pseudo"]
        return {"loss": loss, **terms}

    def doubtful(self, labels: Tensor, pulses: Tensor, count: int) -> Tensor:
        """The clips whose pseudo label differs most from the output in heart rate.

        Args:
            labels: pseudo labels (B, T).
            pulses: outputs (B, T).
            count: number of clips.

        Returns:
            Indices (count,) of clips.
        """
        p = self.params
        low_hz, high_hz = p.label_low_hz, p.label_high_hz
        label_bpm, output_bpm = (
            peak_bpm(wave, p.fs, low_hz=low_hz, high_hz=high_hz) for wave in (labels, pulses)
        )
        return least_trusted(label_bpm, output_bpm, count)

    def _peer(self, turn: int, maps: Tensor) -> Tensor:
        network = self.pair.networks[turn]
        network.eval()
        with torch.no_grad():
            out: Tensor = network(maps)
        network.train()
        return out


class _Maps:
    """Maps and pseudo labels of the clips of the training set."""

    def __init__(self, segments: Sequence[Segment], params: CoRectificationParameters) -> None:
        self.params = params
        self.band = params.label_low_hz, params.label_high_hz
        labelled, shown = [], []
        for segment in segments:
            pulse = pseudo_pulse(segment.samples, params.fs, *self.band)
            rows = derive_rows(segment.samples, params.fs, params.map_kind, *self.band)
            labelled.append(replace(segment, pulse=pulse.astype(np.float32)))
            shown.append(replace(segment, samples=rows))
        self.labels = Clips(labelled, params.clip_length)
        self.clips = Clips(shown, params.clip_length)

    def maps(self, starts: Sequence[ClipStart], speeds: Sequence[float] | None = None) -> Tensor:
        """Maps (B, channels, rows, T) of clips.

        Args:
            starts: B clips.
            speeds: factor for each clip, as in `Clips.read`; None plays clips as they are.
        """
        speeds = [1.0] * len(starts) if speeds is None else speeds
        rows, kind = self.params.rows, self.params.map_kind
        return torch.cat(
            [
                map_image(self.clips.read(start, speed), rows, kind)
                for start, speed in zip(starts, speeds, strict=True)
            ]
        )

    def pseudo(self, starts: Sequence[ClipStart], speeds: Sequence[float] | None = None) -> Tensor:
        """Pseudo labels (B, T) of clips, each scaled to 0..1.

        Args:
            starts: B clips.
            speeds: factor for each clip, as in `Clips.read`; None plays clips as they are.
        """
        pulses = torch.from_numpy(self.labels.pulses(starts, speeds)[0])
        if self.params.label_bandwidth_hz:
            pulses = select_peak(pulses, self.params.fs, self.params.label_bandwidth_hz, *self.band)
        return unit_range(pulses)

    def batches(self, rng: np.random.Generator, step: int) -> Iterable[Batch]:
        """Batches of clips that start every `step` samples, with faster and slower versions."""
        params = self.params
        max_log_speed = np.log(params.max_speed)
        for starts in self.clips.sliding(rng, params.batch, step):
            down = rng.uniform(params.min_ratio, 1.0, len(starts))
            up = rng.uniform(1.0, params.max_ratio, len(starts))
            speeds = np.ones(len(starts))
            if max_log_speed:
                speeds = np.exp(rng.uniform(-max_log_speed, max_log_speed, len(starts)))
            yield {
                "map": self.maps(starts, list(speeds)).numpy(),
                "faster": self.maps(starts, list(speeds / down)).numpy(),
                "slower": self.maps(starts, list(speeds / up)).numpy(),
                "pseudo": self.pseudo(starts, list(speeds)).numpy(),
            }


def _check(params: CoRectificationParameters) -> None:
    """Check the parameters before a recording is read; BenchError names the first fault."""
    ingredients(params.variant)
    channel_count(params.map_kind)
    for name, value, known in (
        ("pseudo_loss", params.pseudo_loss, PSEUDO_LOSSES),
        ("lr_schedule", params.lr_schedule, LR_SCHEDULES),
    ):
        if value not in known:
            raise BenchError(f"co_rectification: no {name} {value!r}. Known: {', '.join(known)}.")
    for name, number, least in (
        ("max_speed", params.max_speed, 1.0),
        ("label_bandwidth_hz", params.label_bandwidth_hz, 0.0),
    ):
        if not number >= least:
            raise BenchError(f"co_rectification: {name} is at least {least:g}, not {number:g}.")


def train_model(
    examples: Sequence[Example], training: Training, params: CoRectificationParameters
) -> Model:
    """Train the networks in turn on all clips; BenchError for a parameter without meaning.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    _check(params)
    segments = cut_segments(examples, params.fs, params.clip_s, "co_rectification")
    source = _Maps(segments, params)
    step = round(params.step_s * params.fs)
    one_cycle = params.lr_schedule == "one_cycle"
    recipe = Recipe(
        epochs=params.epochs,
        lr=params.lr,
        weight_decay=params.weight_decay,
        precision=params.precision,
        one_cycle_steps=source.clips.batches(params.batch, step) if one_cycle else 0,
    )
    learner, history = train(
        lambda: Correction(params),
        lambda epoch, rng: source.batches(rng, step),
        recipe,
        training,
        export=lambda trained: to_model(trained.pair, {}),
    )
    starts = source.clips.all_starts(step)
    judged = sample_clips(starts, CLIPS_JUDGED)
    pulses = run_network(learner.pair, (source.maps([start]) for start in judged))
    model = to_model(
        learner.pair,
        {"train": history},
        collapse=detect_collapse(pulses, params.fs, pseudo=source.pseudo(judged)),
    )
    if not learner.ingredients.corrected:
        return model
    arrays, facts = corrected_clips(learner, source, starts)
    return Model({**model.arrays, **arrays}, {**model.metadata, **facts})


def corrected_clips(
    learner: Correction, source: _Maps, starts: Sequence[ClipStart]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The clips whose labels the first network corrects in the last epoch, for figures 3 and 5.

    These are the most doubtful clips of each batch: as many as in the last epoch, at least one. The
    contact sensor's pulse is stored for the figures; no network learns from it.

    Args:
        learner: the trained networks.
        source: maps and pseudo labels.
        starts: the clips of the training set.

    Returns:
        Arrays `corrected.pseudo`, `corrected.peer` (the second network's pulse) and, for recordings
        with a pulse, `corrected.truth`, each (N, T); and the fact `corrected` with recording,
        start_s and the heart rates of label and peer of each clip.
    """
    p = learner.params
    count = max(1, int(p.max_corrected * (p.epochs - 1) / p.epochs))
    rows: list[dict[str, Any]] = []
    waves: dict[str, list[Tensor]] = {"pseudo": [], "peer": [], "truth": []}
    first, second = learner.pair.networks
    for begin in range(0, len(starts), p.batch):
        group = starts[begin : begin + p.batch]
        maps, labels = source.maps(group), source.pseudo(group)
        output, peer = run_network(first, [maps]), run_network(second, [maps])
        truth, known = source.clips.pulses(group)
        truth[known == 0] = np.nan
        for at in learner.doubtful(labels, output, count).tolist():
            waves["pseudo"].append(labels[at])
            waves["peer"].append(unit_range(peer)[at])
            waves["truth"].append(torch.from_numpy(truth)[at])
            rows.append(_corrected_row(source, group[at], labels[at], peer[at]))
    arrays = {
        f"corrected.{name}": torch.stack(parts).numpy().astype(np.float32)
        for name, parts in waves.items()
        if parts and not bool(torch.stack(parts).isnan().all())
    }
    return arrays, {"corrected": rows, "corrected_fs": p.fs}


def _corrected_row(source: _Maps, start: ClipStart, label: Tensor, peer: Tensor) -> dict[str, Any]:
    """Where a corrected clip lies, and the heart rates of its label and of the peer's pulse."""
    fs, (low_hz, high_hz) = source.params.fs, source.band
    segment = source.clips.segments[start[0]]
    label_bpm, peer_bpm = (
        round(float(peak_bpm(wave, fs, low_hz=low_hz, high_hz=high_hz)), 3)
        for wave in (label, peer)
    )
    return {
        "recording": segment.recording,
        "start_s": round(segment.start_s + start[1] / fs, 4),
        "pseudo_bpm": label_bpm,
        "peer_bpm": peer_bpm,
    }
