"""Oracle `supervised_losses_more`: the losses of RhythmMamba and RhythmFormer."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rppgbench.neural.losses.filtered_rates import (
    END_BPM,
    LOWEST_BPM,
    periodogram_bpm,
    welch_bpm,
)
from rppgbench.neural.losses.rate_spectrum import rate_bins, rate_spectrum, share_divergence
from rppgbench.neural.losses.rhythm import (
    DEVIATION,
    RATE_TERMS,
    choose_rhythm_loss,
    peak_divergence,
    wave_and_rate,
)
from rppgbench.system.errors import BenchError

from .oracle import load

try:
    ARRAYS, FACTS = load("supervised_losses_more")
except FileNotFoundError as error:  # not in the small copy
    pytest.skip(str(error), allow_module_level=True)

FS = float(FACTS["parameters"]["fs"])
SAMPLES = sorted(name for name in FACTS["values"] if name.startswith("parts__"))
"""A clip, and whether its signals are differences: `parts__b0_diff1`."""


def assert_value_and_gradient(value: Tensor, pulse: Tensor, name: str) -> None:
    value.backward()  # type: ignore[no-untyped-call]
    assert float(value.detach()) == pytest.approx(float(ARRAYS[f"value__{name}"]), rel=1e-4)
    assert pulse.grad is not None
    expected = ARRAYS[f"grad__{name}"]
    distance = np.abs(pulse.grad.numpy().reshape(expected.shape) - expected).max()
    assert distance <= 1e-3 * np.abs(expected).max()


def shares_and_bins(pulse: Tensor, bpm: Tensor) -> tuple[Tensor, Tensor]:
    limits = {"lowest_bpm": LOWEST_BPM, "end_bpm": END_BPM}
    return rate_spectrum(pulse, FS, **limits), rate_bins(bpm, **limits)


def test_there_are_samples() -> None:
    assert len(SAMPLES) > 1


@pytest.mark.parametrize("sample", SAMPLES)
def test_losses_on_rates_and_their_parts(sample: str) -> None:
    row = int(sample.split("_")[2].removeprefix("b"))
    pulse, label = (torch.from_numpy(ARRAYS[key][[row]]) for key in ("pred", "label"))
    summed, summed_pulse = label, pulse
    if sample.endswith("diff1"):  # the rates are those of running sums
        summed, summed_pulse = label.double().cumsum(-1), pulse.double().cumsum(-1)
    pulse.requires_grad_()
    parts = FACTS["values"][sample]
    by_welch, by_periodogram = welch_bpm(summed, FS), periodogram_bpm(summed, FS)
    assert float(by_welch) == pytest.approx(parts["hr_label_welch"], abs=1e-6)
    assert float(welch_bpm(summed_pulse, FS)) == pytest.approx(parts["hr_pred_welch"], abs=1e-6)
    assert float(by_periodogram) == pytest.approx(parts["hr_label_toolbox_fft"], abs=1e-6)
    spectrum, bins = shares_and_bins(pulse, by_welch)
    np.testing.assert_allclose(spectrum.detach().numpy(), ARRAYS[f"ca__b{row}"], atol=1e-6)
    divergence = float(share_divergence(spectrum, bins, DEVIATION).detach())
    assert divergence == pytest.approx(parts["kl_original"], rel=1e-4)
    of_peaks = peak_divergence(summed_pulse, summed, FS)
    assert float(of_peaks) == pytest.approx(parts["hr_loss_original"], rel=1e-4, abs=1e-6)
    for loss, bpm, added in (
        ("rhythmmamba_hybrid", by_welch, 0.0),
        ("rhythmformer_original", by_welch, of_peaks),
        ("rhythmformer_toolbox", by_periodogram, 0.0),
    ):
        pulse.grad = None
        value = (wave_and_rate(pulse, label, bpm, FS) + added).sum()
        assert_value_and_gradient(value, pulse, sample.replace("parts", loss))


def test_the_loss_of_a_step_of_rhythmmamba() -> None:
    pulse = torch.from_numpy(ARRAYS["raw_pred"]).requires_grad_()
    value = choose_rhythm_loss("none", FS)(pulse, torch.from_numpy(ARRAYS["label"])).mean()
    assert_value_and_gradient(value, pulse, "rhythmmamba_training_step_loss")


def test_each_named_loss_is_the_sum_of_its_parts() -> None:
    pulse, label = (torch.from_numpy(ARRAYS[key]) for key in ("pred", "label"))
    losses = {name: choose_rhythm_loss(name, FS)(pulse, label) for name in RATE_TERMS}
    plain = losses["none"]
    torch.testing.assert_close(losses["peaks"], plain + peak_divergence(pulse, label, FS))
    by_periodogram = wave_and_rate(pulse, label, periodogram_bpm(label, FS), FS)
    torch.testing.assert_close(losses["toolbox"], by_periodogram)
    divergence = share_divergence(*shares_and_bins(pulse, welch_bpm(label, FS)), DEVIATION)
    torch.testing.assert_close(losses["distribution"], plain + divergence, rtol=1e-4, atol=1e-5)
    with pytest.raises(BenchError, match="no rate_term 'peak'"):
        choose_rhythm_loss("peak", FS)


def test_only_the_divergence_of_shares_has_a_gradient() -> None:
    pulse, label = (torch.from_numpy(ARRAYS[key]) for key in ("pred", "label"))
    gradients = {}
    for name in RATE_TERMS:
        x = pulse.clone().requires_grad_()
        choose_rhythm_loss(name, FS)(x, label).sum().backward()  # type: ignore[no-untyped-call]
        assert x.grad is not None
        gradients[name] = x.grad
    torch.testing.assert_close(gradients["peaks"], gradients["none"])
    apart = (gradients["distribution"] - gradients["none"]).norm()
    assert apart > 2 * (gradients["none"]).norm()


def test_a_constant_clip_gives_a_finite_loss() -> None:
    flat = torch.ones(1, ARRAYS["label"].shape[1], requires_grad=True)
    label = torch.from_numpy(ARRAYS["label"][:1])
    for name in RATE_TERMS:
        loss = choose_rhythm_loss(name, FS)(flat, label)
        assert bool(torch.isfinite(loss).all())


def test_a_slow_trend_does_not_change_the_rates() -> None:
    at = torch.arange(160, dtype=torch.float64) / 30.0
    pulse = torch.sin(2 * torch.pi * 1.6 * at)[None]
    trend = 3000 * torch.sin(2 * torch.pi * 0.1 * at)
    for rate in (welch_bpm, periodogram_bpm):
        assert float(rate(pulse + trend, 30.0)) == pytest.approx(float(rate(pulse, 30.0)))
