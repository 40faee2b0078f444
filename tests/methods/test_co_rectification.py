"""Correction of labels: when, how many, and by whom."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rppgbench.core.registry import load_methods
from rppgbench.neural.networks.map_unet import unit_range
from rppgbench.report.sections.training import training_sections

from ..factories.methods import part

FS, FRAMES, ROWS = 25.6, 256, 32
PRESET: dict[str, Any] = {"width": 2, "rows": ROWS}


class ShownPulse(nn.Module):
    """A network that has learned: it reads the pulse from the first row of the map's channel."""

    def __init__(self, channel: int = 0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.channel = channel

    def forward(self, maps: Tensor) -> Tensor:
        return self.scale * maps[:, self.channel, 0]


class Flat(ShownPulse):
    """A network that has failed: one output for all maps, at one rate."""

    def forward(self, maps: Tensor) -> Tensor:
        wave = torch.sin(2 * torch.pi * 2.0 * torch.arange(maps.shape[3]) / FS)
        return self.scale * wave.expand(len(maps), -1)


def pulses(count: int) -> Tensor:
    """Pulses (count, T) of different rates, each scaled to 0..1."""
    rates_hz = torch.linspace(0.9, 2.4, count)[:, None]
    return unit_range(torch.sin(2 * torch.pi * rates_hz * torch.arange(FRAMES) / FS))


def showing(waves: Tensor) -> Tensor:
    """Maps (B, 3, rows, T) whose rows are the waves, in the second channel a sample later."""
    maps = waves[:, None, None].expand(-1, 3, ROWS, -1).clone()
    maps[:, 1] = maps[:, 1].roll(1, dims=2)
    return maps


def learner_of(first: nn.Module, second: nn.Module, **more: Any) -> Any:
    params = load_methods().get("method", "co_rectification", "test").parameters({**PRESET, **more})
    record = part("co_rectification.parameters").CoRectificationParameters(**params)
    judged = part("co_rectification.learner").JudgedClips(
        maps=showing(pulses(12)), pseudo=pulses(12)
    )
    learner = part("co_rectification.learner").Correction(record, judged)
    learner.pair.networks[0], learner.pair.networks[1] = first, second
    return learner


def batch_with_wrong_labels(count: int, wrong: int) -> dict[str, Tensor]:
    """Clips that show their pulse; the first `wrong` labels have another rate."""
    truth = pulses(count)
    labels = truth.clone()
    labels[:wrong] = truth.flip(0)[:wrong]
    maps = showing(truth)
    return {"map": maps, "faster": maps, "slower": maps, "pseudo": labels}


# Epochs are counted from 0: the last of 80 is number 79, and in epoch number 1 (E = 2) the first
# network learns.
LAST_OF_FIRST = 79


def test_lambda_reaches_its_maximum_in_the_last_epoch_and_only_then() -> None:
    counts = [learner_of(Flat(), Flat()).corrected_count(16, epoch) for epoch in range(80)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[78:] == [7, 8]
    assert [counts.index(k) + 1 for k in range(1, 9)] == [10, 20, 30, 40, 50, 60, 70, 80]


def test_a_smaller_batch_has_the_same_share_of_corrected_labels() -> None:
    learner = learner_of(Flat(), Flat())
    assert learner.corrected_count(5, LAST_OF_FIRST) == 2
    assert learner.corrected_count(17, LAST_OF_FIRST) == 8
    everything = learner_of(Flat(), Flat(), max_corrected=40)
    assert everything.corrected_count(5, LAST_OF_FIRST) == 5


def test_a_network_that_has_learned_corrects_the_wrong_labels() -> None:
    learner = learner_of(ShownPulse(), ShownPulse(1))
    batch = batch_with_wrong_labels(16, 6)
    terms = learner(batch, LAST_OF_FIRST)
    assert float(terms["peer_learned"]) == 1
    assert float(terms["corrected"]) == 8
    own, peer = batch["map"][:, 0, 0], unit_range(batch["map"][:, 1, 0])
    from_peer = (own - peer).square().mean(dim=1)
    assert float(from_peer[:6].sum()) / 16 < float(terms["pseudo"].detach())  # the wrong labels
    assert float(terms["pseudo"].detach()) < float(from_peer.sum()) / 16
    untouched = (own - batch["pseudo"]).square().mean()
    assert float(terms["pseudo"].detach()) < 0.5 * float(untouched)


@pytest.mark.parametrize(("failed", "epoch"), [("second", 79), ("first", 78)])
def test_a_network_that_has_failed_corrects_no_label(failed: str, epoch: int) -> None:
    networks = {"first": ShownPulse(), "second": ShownPulse(), failed: Flat()}
    learner = learner_of(networks["first"], networks["second"])
    batch = batch_with_wrong_labels(16, 6)
    before = batch["pseudo"].clone()
    terms = learner(batch, epoch)
    assert (float(terms["peer_learned"]), float(terms["corrected"])) == (0, 0)
    untouched = (batch["map"][:, 0, 0] - before).square().mean()
    assert float(terms["pseudo"].detach()) == pytest.approx(float(untouched), abs=1e-6)
    assert torch.equal(batch["pseudo"], before)
    always = learner_of(networks["first"], networks["second"], peer_must_learn=False)
    terms = always(batch, epoch)
    assert float(terms["corrected"]) == always.corrected_count(16, epoch) >= 7
    assert float(terms["pseudo"].detach()) != pytest.approx(float(untouched), 0.05)


def test_the_peer_is_judged_anew_in_each_epoch() -> None:
    learner = learner_of(ShownPulse(), Flat())
    batch = batch_with_wrong_labels(16, 6)
    assert float(learner(batch, 77)["corrected"]) == 0
    learner.pair.networks[1] = ShownPulse(1)
    assert float(learner(batch, 77)["corrected"]) == 0  # judged in this epoch already
    assert float(learner(batch, 79)["corrected"]) == 8


def test_the_first_network_learns_in_even_epochs_and_the_weight_of_labels_falls_to_0() -> None:
    batch = batch_with_wrong_labels(16, 6)
    losses = {}
    for epoch in (0, 1, 79):
        learner = learner_of(ShownPulse(), ShownPulse(1), ranking_weight=0.0, max_corrected=0)
        terms = learner(batch, epoch)
        terms["loss"].backward()
        updated = [network.scale.grad is not None for network in learner.pair.networks]
        assert updated == [(epoch + 1) % 2 == 0, (epoch + 1) % 2 == 1]
        contrast = terms["positive"] + terms["negative"]
        losses[epoch] = float((terms["loss"] - contrast).detach() / terms["pseudo"].detach())
    assert losses[0] == pytest.approx(1 - 1 / 80, abs=1e-5)
    assert losses[1] == pytest.approx(1 - 2 / 80, abs=1e-5)
    assert losses[79] == pytest.approx(0, abs=1e-6)


def test_the_weight_of_the_pseudo_labels_is_a_parameter() -> None:
    batch = batch_with_wrong_labels(16, 6)
    learners = (
        learner_of(
            ShownPulse(), ShownPulse(), variant="constant", ranking_weight=0.0, pseudo_weight=w
        )
        for w in (1.0, 3.0)
    )
    once, thrice = (learner(batch, 0) for learner in learners)
    more = float((thrice["loss"] - once["loss"]).detach())
    assert more == pytest.approx(2 * float(once["pseudo"].detach()), abs=1e-5)


def test_two_networks_without_correction_keep_their_labels() -> None:
    learner = learner_of(ShownPulse(), ShownPulse(), variant="uncorrected")
    batch = batch_with_wrong_labels(16, 6)
    terms = learner(batch, LAST_OF_FIRST)
    assert "corrected" not in terms
    untouched = (batch["map"][:, 0, 0] - batch["pseudo"]).square().mean()
    assert float(terms["pseudo"].detach()) == pytest.approx(float(untouched), abs=1e-6)


def test_each_network_has_its_own_verdict_in_facts_and_on_the_page() -> None:
    learner = learner_of(ShownPulse(), Flat())
    facts = part("co_rectification.learning").judge(learner, learner.judged)
    assert facts["networks"]["first"]["verdict"] == "learned"
    assert facts["networks"]["second"]["verdict"].startswith("collapsed: all clips have one peak")
    assert facts["collapse"]["verdict"].startswith("second network collapsed")
    model = {
        "method": "co_rectification", "fold": "1", "seed": 0, "params": {}, "learned_from": 2,
        "n_parameters": 1, "epochs": {"train": 1}, "last": {"train": {"loss": 0.1}}, **facts,
    }  # fmt: skip
    (section,) = training_sections([model])
    cell = section.tables[0].rows[0].cells[-1]
    assert cell.text.startswith("first network: learned; second network: collapsed")
    good = part("co_rectification.learning").judge(
        learner_of(ShownPulse(), ShownPulse(1)), learner.judged
    )
    assert good["collapse"]["verdict"] == "learned"


def test_ranking_in_power_has_a_bounded_gradient_where_bins_are_nearly_empty() -> None:
    ranking = part("co_rectification.losses").ranking
    torch.manual_seed(0)
    shares = torch.softmax(torch.from_numpy(np.random.default_rng(0).normal(0, 4, (64, 35))), dim=1)

    def steepest(logits: str) -> float:
        spectra = [shares.roll(k, dims=0).requires_grad_() for k in range(3)]
        ranking(*spectra, logits=logits).backward()
        return max(float(s.grad.abs().max()) for s in spectra if s.grad is not None)

    assert steepest("power") < 35 / 64
    assert steepest("log_power") > 10 * steepest("power")


def test_logits_and_temperature_of_the_ranking_are_parameters() -> None:
    batch = batch_with_wrong_labels(16, 0)  # three versions at one rate: no peak out of order

    def bins_out_of_order(logits: str, temperature: float) -> float:
        torch.manual_seed(0)
        learner = learner_of(
            ShownPulse(), Flat(), ranking_logits=logits, ranking_temperature=temperature
        )
        return float(learner(batch, LAST_OF_FIRST)["ranking"].detach())

    assert bins_out_of_order("power", 1.0) > 5  # all bins are nearly equally likely
    assert bins_out_of_order("log_power", 1.0) < 2
    assert bins_out_of_order("power", 1e-3) < 0.1
