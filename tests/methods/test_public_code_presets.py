"""What the presets of methods with two forms choose: losses, networks and inputs."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rppgbench.core.method import Model
from rppgbench.core.waveform import Waveform
from rppgbench.neural.losses.filtered_rates import periodogram_bpm, welch_bpm
from rppgbench.neural.losses.rhythm import (
    peak_divergence,
    standardised,
    wave_and_distribution,
    wave_and_rate,
)
from rppgbench.neural.network_weights import to_arrays

from ..factories.methods import method_named, part

FS = 30.0


def pulses() -> tuple[Tensor, Tensor]:
    """Random outputs and labels of 82 and 113 bpm, which a coarse periodogram reads as others."""
    rng = torch.Generator().manual_seed(0)
    at = torch.arange(160) / FS
    label = torch.sin(2 * torch.pi / 60 * torch.tensor([82.0, 113.0])[:, None] * at)
    return torch.randn(2, 160, generator=rng), label


def loss_of(name: str, record: str, preset: str) -> Tensor:
    """The loss of each clip that a method's preset learns by."""
    params = getattr(part(name), record)(**method_named(name).parameters({"preset": preset}))
    loss: Tensor = part(f"{name}.network").NETWORK.choose_loss(params)(*pulses())
    return loss


def test_rhythmformer_has_its_own_loss_and_those_of_both_public_codes() -> None:
    out, label = pulses()
    out = standardised(out)
    welch, coarse = welch_bpm(label, FS), periodogram_bpm(label, FS)
    expected = {
        "paper": wave_and_distribution(out, label, welch, FS),
        "public_code": wave_and_rate(out, label, welch, FS) + peak_divergence(out, label, FS),
        "toolbox": wave_and_rate(out, label, coarse, FS),
    }
    for preset, loss in expected.items():
        torch.testing.assert_close(loss_of("rhythmformer", "RhythmParameters", preset), loss)
    assert len({round(float(loss.sum()), 4) for loss in expected.values()}) == 3


@pytest.mark.parametrize(
    ("name", "preset", "numbers"),
    [
        ("noobheart", "paper", 361),
        ("noobheart", "tutorial", 169),
        ("factorizephys", "paper", 52_168),
        ("factorizephys", "without_fsam", 51_840),
    ],
)
def test_a_preset_has_the_network_of_its_name(name: str, preset: str, numbers: int) -> None:
    record = {"noobheart": "SmallParameters", "factorizephys": "FactorisingParameters"}[name]
    params = getattr(part(name), record)(**method_named(name).parameters({"preset": preset}))
    network = part(f"{name}.network").NETWORK.make(params)
    assert sum(weight.numel() for weight in network.parameters()) == numbers


@pytest.mark.parametrize(
    ("name", "record"),
    [("ibvpnet", "DifferencingParameters"), ("factorizephys", "FactorisingParameters")],
)
def test_the_public_codes_correlate_over_the_batch(name: str, record: str) -> None:
    out, label = pulses()
    r = torch.corrcoef(torch.cat([out, label]))[:2, 2:].diagonal()
    torch.testing.assert_close(loss_of(name, record, "paper"), 1 - r)
    over_batch = loss_of(name, record, "public_code")
    # r of two samples is 1 or -1
    signs = torch.sign(out[0] - out[1]) * torch.sign(label[0] - label[1])
    torch.testing.assert_close(over_batch.mean(), 1 - signs.mean(), atol=2e-2, rtol=0)


@pytest.mark.parametrize(("preset", "read"), [("paper", "colour"), ("public_code", "trace")])
def test_rs_rppg_reads_colours_or_traces_at_test(preset: str, read: str) -> None:
    torch.manual_seed(0)
    network = part("rs_rppg.network").WindowedUNet(3, 32).eval()
    method = method_named("rs_rppg")
    params = method.parameters({"preset": preset, "width": 3, "rows": 32, "clip_s": 4.0})
    colours = np.random.default_rng(0).uniform(90, 110, (120, 63, 6))
    pulse = method.estimate(Waveform(colours, FS), Model(to_arrays(network)), **params).samples
    maps = part("rs_rppg.maps")
    image = maps.colour_map(colours, 32) if read == "colour" else maps.trace_map(colours, FS, 32)
    with torch.inference_mode():
        expected = network(image).mean(dim=(1, 2))[0].double().numpy()
    np.testing.assert_allclose(pulse, (expected - expected.mean()) / expected.std(), atol=1e-3)
