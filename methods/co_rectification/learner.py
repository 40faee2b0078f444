"""The networks of co-rectification and the losses of a step."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.power_spectra import norm_psd, peak_bpm
from rppgbench.neural.networks.map_unet import MapUNet, unit_range
from rppgbench.system.errors import BenchError

from .losses import least_trusted, negative, positive, ranking
from .maps import channel_count
from .parameters import CoRectificationParameters
from .variants import ingredients

NETWORKS = ("first", "second")
"""Names of the two networks: the first is updated in even epochs, counted from 1."""


class Pair(nn.Module):
    """One network or two; maps (B, channels, rows, T) to a pulse (B, T).

    The pulse is the mean of the standardised pulses of the networks that `output` names.
    """

    def __init__(
        self, width: int, variant: str, output: str = "both", map_kind: str = "colours"
    ) -> None:
        super().__init__()
        count = ingredients(variant).networks
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


@dataclass(frozen=True, eq=False, kw_only=True)
class JudgedClips:
    """Clips of the training set by which a network is judged.

    Attributes:
        maps: (N, channels, rows, T).
        pseudo: pseudo labels (N, T), none of them corrected.
    """

    maps: Tensor
    pseudo: Tensor


class Correction(nn.Module):
    """The networks and the losses of the paper's algorithm 1."""

    def __init__(self, params: CoRectificationParameters, judged: JudgedClips) -> None:
        super().__init__()
        self.pair = Pair(params.width, params.variant, map_kind=params.map_kind)
        self.ingredients = ingredients(params.variant)
        self.params = params
        self.judged = judged
        self._peer_in_epoch: tuple[int, bool] | None = None

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms of one network: the first in even epochs E, the second in odd.

        E counts from 1, as algorithm 1 does.

        Args:
            batch: "map", "faster" and "slower", maps (B, channels, rows, T); "pseudo", pseudo
                labels (B, T).
            epoch: number of the epoch, from 0: E - 1.
        """
        p, uses = self.params, self.ingredients
        turn = (epoch + 1) % 2 if uses.networks == 2 else 0
        maps = batch["map"]
        count, frames = len(maps), maps.shape[3]
        shift = int(torch.randint(1, 2 * frames, ())) % frames or 1  # never 0
        views = [maps, maps.roll(shift, dims=3), batch["faster"], batch["slower"]]
        pulses = self.pair.networks[turn](torch.cat(views))
        terms = self._self_supervision(pulses)
        loss = terms["positive"] + terms["negative"]
        if uses.ranked:
            loss = loss + p.ranking_weight * terms["ranking"]
        loss = p.contrast_weight * loss
        if uses.pseudo:
            labels = batch["pseudo"]
            if uses.corrected:
                labels, corrected = self._corrected_labels(batch, pulses[:count], turn, epoch)
                terms |= corrected
            terms["pseudo"] = (
                negative_pearson(pulses[:count], labels).mean()
                if p.pseudo_loss == "pearson"
                else (pulses[:count] - labels).square().mean()
            )
            weight = 1 - (epoch + 1) / p.epochs if uses.gradual else 1.0
            loss = loss + p.pseudo_weight * weight * terms["pseudo"]
        return {"loss": loss, **terms}

    def _self_supervision(self, pulses: Tensor) -> dict[str, Tensor]:
        """Contrast and ranking of the pulses (4 B, T) of clips and of their three versions."""
        p = self.params
        spectra = norm_psd(pulses, p.fs, low_hz=p.low_bpm / 60, high_hz=p.high_bpm / 60)
        anchor, shifted, faster, slower = spectra.chunk(4)
        terms = {
            "positive": positive(anchor, shifted),
            "negative": negative(anchor, faster, slower),
        }
        if self.ingredients.ranked:
            terms["ranking"] = ranking(
                anchor,
                faster,
                slower,
                logits=p.ranking_logits,
                temperature=p.ranking_temperature,
            )
        return terms

    def _corrected_labels(
        self, batch: Mapping[str, Tensor], pulses: Tensor, turn: int, epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The labels (B, T) that a network learns from, and counts for the log.

        A network that has not learned corrects no label of the other network.
        """
        labels, maps = batch["pseudo"], batch["map"]
        learned = not self.params.peer_must_learn or self._peer_learned(1 - turn, epoch)
        count = self.corrected_count(len(labels), epoch) if learned else 0
        if count:
            at = self.doubtful(labels, pulses.detach(), count)
            peer = self._predict(1 - turn, maps)
            labels = labels.clone()
            labels[at] = unit_range(peer[at]).to(labels.dtype)
        counts = {"corrected": float(count), "peer_learned": float(learned)}
        return labels, {name: torch.tensor(value) for name, value in counts.items()}

    def corrected_count(self, clips: int, epoch: int) -> int:
        """How many labels of a batch are corrected: the paper's lambda, E / E_max lambda_max.

        A smaller batch has the same share of corrected labels as a full batch.

        Args:
            clips: number of clips in the batch.
            epoch: number of the epoch, from 0: E - 1.
        """
        p = self.params
        return min(clips, p.max_corrected * (epoch + 1) * clips // (p.epochs * p.batch))

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

    def _peer_learned(self, turn: int, epoch: int) -> bool:
        """Whether a network has learned, judged once in an epoch: no step changes it then."""
        if self._peer_in_epoch is None or self._peer_in_epoch[0] != epoch:
            device = next(self.parameters()).device
            pulses = self._predict(turn, self.judged.maps.to(device)).float().cpu()
            facts = detect_collapse(pulses, self.params.fs, pseudo=self.judged.pseudo)
            self._peer_in_epoch = epoch, facts["verdict"] == "learned"
        return self._peer_in_epoch[1]

    def _predict(self, turn: int, maps: Tensor) -> Tensor:
        """The pulses (B, T) of a network in evaluation mode, without gradient."""
        network = self.pair.networks[turn]
        network.eval()
        with torch.no_grad():
            out: Tensor = network(maps)
        network.train()
        return out
