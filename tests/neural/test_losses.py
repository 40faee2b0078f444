"""Losses of the learned methods: gradients, signs, pairs, errata."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rppgbench.neural.losses.agreement import max_cross_correlation, negative_pearson
from rppgbench.neural.losses.contrastive import (
    contrast,
    mean_cross_distance,
    mean_pairwise_distance,
    reference_contrast,
    sampled_spectra,
    samples_at,
)
from rppgbench.neural.losses.power_spectra import norm_psd
from rppgbench.neural.losses.spectral import (
    bandwidth,
    periodicity,
    power_spectra,
    sparsity,
    variance,
)

from ..factories.methods import part

FS = 30.0
BAND = (2 / 3, 3.0)


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(0)


def sine(*bpm: float, seconds: float = 10.0, noise: float = 0.0, phase: float = 0.3) -> Tensor:
    """Pulses (B, T), one a rate."""
    t = torch.arange(round(seconds * FS), dtype=torch.float64) / FS
    rates = torch.tensor(bpm, dtype=torch.float64)[:, None] / 60
    clean = torch.sin(2 * torch.pi * rates * t + phase)
    return clean + noise * torch.randn(clean.shape, dtype=torch.float64)


# --- gradients against finite differences -------------------------------------------------------

SHORT = 60
OFFSETS = torch.tensor([[[0, 7], [3, 9]], [[5, 1], [2, 8]]])


def _spectra(block: Tensor) -> Tensor:
    return sampled_spectra(block.reshape(2, 2, SHORT), OFFSETS, 50, FS)


def _reference(block: Tensor) -> Tensor:
    other = sine(70, 95, seconds=SHORT / FS)[:, None].expand(-1, 2, -1)
    terms = reference_contrast(
        _spectra(block), sampled_spectra(other, OFFSETS, 50, FS), torch.tensor([1.0, 1.0])
    )
    return terms["attract_reference"] + 2 * terms["repel_reference"]


def _power(pulse: Tensor, speed: bool) -> Any:
    rates = torch.tensor([0.8, 1.0, 1.2, 1.3]) if speed else None
    return power_spectra(pulse, FS, samples=240, speed=rates)


def _triplet(distance_name: str) -> Callable[[Tensor], Tensor]:
    def loss(block: Tensor) -> Tensor:
        views = block.reshape(2, 2, SHORT)
        positives = views.flip(0) + sine(80, 110, seconds=2.0)
        negatives = sine(60, 75, seconds=2.0).expand(2, 2, -1)
        triplet = part("gideon2021.losses").triplet
        out: Tensor = triplet(views, positives, negatives, FS, distance=distance_name).sum()
        return out

    return loss


def _co_rectification(block: Tensor) -> Tensor:
    losses = part("co_rectification.losses")
    spectra = norm_psd(block, FS)
    anchor, shifted, faster, slower = spectra[:1], spectra[1:2], spectra[2:3], spectra[3:]
    value: Tensor = losses.positive(anchor, shifted) + losses.negative(anchor, faster, slower)
    return value


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "spectra": lambda x: norm_psd(x, FS),
    "contrast": lambda x: torch.stack(list(contrast(_spectra(x)).values())),
    "reference contrast": _reference,
    "negative pearson": lambda x: negative_pearson(x, sine(60, 75, 90, 105, seconds=2.0)),
    "cross-correlation": lambda x: max_cross_correlation(x, sine(60, 75, 90, 105, seconds=2.0), FS),
    "bandwidth": lambda x: bandwidth(_power(x, False), *BAND),
    "sparsity": lambda x: sparsity(_power(x, False), *BAND),
    "variance": lambda x: variance(_power(x, False), *BAND),
    "bandwidth with speeds": lambda x: bandwidth(_power(x, True), *BAND),
    "sparsity with speeds": lambda x: sparsity(_power(x, True), *BAND),
    "variance with speeds": lambda x: variance(_power(x, True), *BAND),
    "periodicity": lambda x: periodicity(x, FS, *BAND, samples=240),
    "triplet of squares": _triplet("psd_mse"),
    "triplet of correlations": _triplet("correlation"),
    "co-rectification": _co_rectification,
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_equals_finite_differences(name: str) -> None:
    x = sine(66, 84, 102, 120, seconds=SHORT / FS, noise=0.3).requires_grad_()
    assert torch.autograd.gradcheck(LOSSES[name], (x,), eps=1e-6, atol=1e-6, rtol=1e-4)


# --- all pairs at once ---------------------------------------------------------------------------


def test_mean_distances_equal_loops_over_the_pairs() -> None:
    f = torch.rand(1, 6, 17, dtype=torch.float64)
    g = torch.rand(1, 5, 17, dtype=torch.float64)
    own = [
        (f[0, i] - f[0, j]).square().mean() for i in range(6) for j in range(6) if i != j
    ]  # fmt: skip
    across = [(f[0, i] - g[0, j]).square().mean() for i in range(6) for j in range(5)]
    assert float(mean_pairwise_distance(f)) == pytest.approx(
        float(torch.stack(own).mean()), rel=1e-12
    )
    assert float(mean_cross_distance(f, g)) == pytest.approx(
        float(torch.stack(across).mean()), rel=1e-12
    )


def test_samples_are_those_of_a_loop() -> None:
    block = torch.rand(2, 3, 40)
    offsets = torch.randint(0, 31, (2, 3, 4))
    out = samples_at(block, offsets, 10)
    for b in range(2):
        rows = [
            block[b, m, int(offsets[b, m, k]) :][:10] for m in range(3) for k in range(4)
        ]  # fmt: skip
        assert torch.equal(out[b], torch.stack(rows))


# --- the sign of every term ----------------------------------------------------------------------


def _samples(*bpm: float, noise: float = 0.05) -> Tensor:
    """Spectra (B, 6, F): six noisy samples at each rate."""
    return torch.stack([norm_psd(sine(*[rate] * 6, seconds=5.0, noise=noise), FS) for rate in bpm])


def test_attraction_falls_as_the_samples_of_a_video_agree() -> None:
    mixed = norm_psd(sine(60, 70, 80, 90, 100, 110, seconds=5.0), FS)
    spread_out = contrast(torch.stack([mixed, mixed]))["attract"]
    assert contrast(_samples(72, 72))["attract"] < 0.1 * spread_out


def test_repulsion_falls_as_two_videos_differ() -> None:
    assert contrast(_samples(60, 120))["repel"] < contrast(_samples(72, 72))["repel"] < 0


def test_reference_contrast_falls_as_the_outputs_agree_with_the_sensor() -> None:
    labelled = torch.ones(2)
    right = reference_contrast(_samples(60, 120), _samples(60, 120), labelled)
    swapped = reference_contrast(_samples(60, 120), _samples(120, 60), labelled)
    assert right["attract_reference"] < swapped["attract_reference"]
    assert right["repel_reference"] < swapped["repel_reference"]


def test_a_label_reaches_its_own_video_only() -> None:
    spectra = _samples(60, 120).requires_grad_()
    terms = reference_contrast(spectra, _samples(60, 120), torch.tensor([1.0, 0.0]))
    terms["attract_reference"].backward()  # type: ignore[no-untyped-call]
    assert spectra.grad is not None
    assert float(spectra.grad[0].abs().sum()) > 0
    assert float(spectra.grad[1].abs().sum()) == 0


def test_negative_pearson_is_0_for_the_same_1_for_none_2_for_the_opposite() -> None:
    wave = sine(72)
    for other, expected in (
        (3 * wave + 1, 0.0),
        (sine(72, phase=0.3 + np.pi / 2), 1.0),
        (-wave, 2.0),
    ):
        assert float(negative_pearson(wave, other)) == pytest.approx(expected, abs=1e-6)


def test_cross_correlation_is_the_same_at_any_lag_and_polarity() -> None:
    wave = sine(72, seconds=20.0)
    late = sine(72, seconds=20.0, phase=0.3 - 2 * np.pi * 1.2 * 0.2)
    same, lagged, opposite, other = (
        float(max_cross_correlation(wave, y, FS))
        for y in (wave, late, -wave, sine(110, seconds=20.0))
    )
    assert same == pytest.approx(1.0, abs=0.01)
    assert 0.95 < lagged < 1.01
    assert 0.95 < opposite < 1.01
    assert other < 0.4


def test_bandwidth_rises_with_power_outside_the_band() -> None:
    drift = sine(72) + 0.5 * sine(12)
    inside, outside = (float(bandwidth(_full(x), *BAND)) for x in (sine(72), drift))
    assert inside < 0.02
    assert outside > 0.15


def test_sparsity_rises_with_a_second_peak() -> None:
    one, two = (float(sparsity(_full(x), *BAND)) for x in (sine(72), sine(72) + sine(120)))
    assert one < 0.15
    assert two > 0.45


def test_variance_falls_as_the_batch_covers_the_band() -> None:
    same, differences = (
        float(variance(_full(x), *BAND)) for x in (sine(72, 72, 72, 72), sine(55, 85, 115, 145))
    )
    assert differences < 0.2 * same


def test_periodicity_rises_when_the_rate_jumps() -> None:
    jump = torch.cat([sine(60, seconds=10 / 3), sine(90, seconds=20 / 3)], dim=1)
    steady, broken = (float(periodicity(x, FS, *BAND)) for x in (sine(72), jump))
    assert steady < 0.1 * broken


@pytest.mark.parametrize(("variance_weight", "is_cheaper"), [(1.0, True), (8.0, False)])
def test_one_fixed_sine_costs_less_than_true_pulses_unless_the_variance_weighs_more(
    variance_weight: float, is_cheaper: bool
) -> None:
    """Decision 29: the sum of four losses with equal weights is least for a collapsed output.

    A batch of 64 clips at speeds of 0.6 to 1.4. The true pulses have rates of 50 to 120 bpm, no
    noise, and rates that swing by 2 bpm at 0.1 Hz; the collapsed output is one sine of 90 bpm.
    """
    speed = torch.linspace(0.6, 1.4, 64, dtype=torch.float64)
    rates = torch.linspace(50, 120, 64, dtype=torch.float64)[torch.randperm(64)] / 60
    t = torch.arange(300, dtype=torch.float64)[None] / FS * speed[:, None]
    swing = 2 / 60 / 0.1 * torch.sin(2 * torch.pi * (0.1 * t + rates[:, None]))
    true = torch.sin(2 * torch.pi * rates[:, None] * t + swing)
    costs = []
    for pulses in (sine(90).expand(64, -1), true):
        spectra = power_spectra(pulses, FS, speed=speed)
        unweighted = bandwidth(spectra, *BAND) + sparsity(spectra, *BAND)
        unweighted += periodicity(pulses, FS, *BAND, speed=speed)
        costs.append(float(unweighted + variance_weight * variance(spectra, *BAND)))
    assert (costs[0] < 0.8 * costs[1]) is is_cheaper
    assert (costs[0] > costs[1]) is not is_cheaper


def test_the_grid_changes_neither_value_nor_gradient_of_periodicity() -> None:
    values, gradients = [], []
    for samples in (2700, 5400, 10800):
        noise = torch.randn(
            16, 300, generator=torch.Generator().manual_seed(0), dtype=torch.float64
        )
        noise.requires_grad_()
        value = periodicity(noise, FS, *BAND, samples=samples)
        gradients.append(torch.autograd.grad(value, noise)[0])
        values.append(float(value.detach()))
    assert values[0] == pytest.approx(values[1], rel=0.02)
    assert values[2] == pytest.approx(values[1], rel=0.02)
    for gradient in gradients:
        assert float((gradient - gradients[1]).norm() / gradients[1].norm()) < 0.02


def test_periodicity_has_the_size_of_the_segments_own_bins() -> None:
    """Noise: each of 8 bins has about an eighth of the power; unpadded spectra differ by about as
    much as padded ones times samples over length. The other losses are 0.8 here."""
    noise = torch.randn(256, 300, dtype=torch.float64)
    parts = power_spectra(noise.reshape(-1, 100), FS, samples=100)
    power = parts.power * parts.band(*BAND)
    unit = (power / power.sum(dim=1, keepdim=True)).reshape(256, 3, -1)
    unpadded = float(unit.diff(dim=1).square().sum(dim=(1, 2)).mean())
    assert float(periodicity(noise, FS, *BAND)) == pytest.approx(unpadded, rel=0.25)
    assert float(bandwidth(power_spectra(noise, FS), *BAND)) > 0.7


@pytest.mark.parametrize("bpm", [66.0, 72.3, 84.0, 101.7, 133.3])
def test_the_peak_of_sparsity_is_37_bins_wide(bpm: float) -> None:
    """6 beats a minute to both sides, on bins of a third of a beat: 18 + 1 + 18."""
    spectra = power_spectra(sine(bpm), FS)
    flat = replace(spectra, power=torch.ones_like(spectra.power))
    peak = int((spectra.power * spectra.band(*BAND)).argmax())
    flat.power[0, peak] = 2.0
    inside = int(spectra.band(*BAND).sum())
    share = float(sparsity(flat, *BAND))
    assert share == pytest.approx((inside - 37) / (inside + 1), abs=1e-9)


def test_speeds_move_the_band_with_the_clip() -> None:
    fast = sine(210)  # 150 bpm played 1.4 times faster: outside 40 to 180, but a pulse
    as_in_life = power_spectra(fast, FS)
    sped_up = power_spectra(fast, FS, speed=torch.tensor([1.4]))
    assert float(bandwidth(as_in_life, *BAND)) > 0.9
    assert float(bandwidth(sped_up, *BAND)) < 0.05


def test_a_constant_output_is_penalised_and_not_undefined() -> None:
    flat = torch.zeros(3, 300)
    spectra = power_spectra(flat, FS)
    for loss in (bandwidth, sparsity, variance):
        assert bool(torch.isfinite(loss(spectra, *BAND)))
    assert float(bandwidth(spectra, *BAND)) > 0.5
    assert bool(torch.isfinite(norm_psd(flat, FS)).all())


@pytest.mark.parametrize("name", ["psd_mse", "psd_l1", "correlation"])
def test_triplet_falls_as_positives_agree_and_negatives_differ(name: str) -> None:
    triplet = part("gideon2021.losses").triplet
    pulse, other = (sine(rate, seconds=5.0).expand(4, 1, -1) for rate in (72.0, 108.0))
    good = triplet(pulse, pulse, other, FS, distance=name).sum()
    bad = triplet(pulse, other, pulse, FS, distance=name).sum()
    assert good < 0 < bad


def test_saliency_terms_fall_for_one_steady_focus() -> None:
    module = part("gideon2021.saliency")
    even = torch.full((1, 4, 1, 8, 8), 1 / 64)
    focus = torch.zeros(1, 4, 1, 8, 8)
    focus[..., 3, 3] = 1.0
    roaming = torch.eye(64)[:4].reshape(1, 4, 1, 8, 8)
    assert module.sparseness(focus) < module.sparseness(even)
    assert module.steadiness(focus) < module.steadiness(roaming)


def _full(pulse: Tensor) -> Any:
    return power_spectra(pulse, FS)


# --- co-rectification and its errata -------------------------------------------------------------


def _rates(*bpm: float) -> Tensor:
    return norm_psd(sine(*bpm), FS)


def test_negatives_are_repelled_and_attracted_by_the_printed_sign_of_eq_4() -> None:
    losses = part("co_rectification.losses")
    anchor, same = _rates(72), _rates(72)
    near, far = (_rates(75), _rates(69)), (_rates(100), _rates(54))
    positive = float(losses.positive(anchor, same))
    negative = [float(losses.negative(anchor, *pair)) for pair in (near, far)]
    assert positive + negative[1] < positive + negative[0]
    assert positive - negative[1] > positive - negative[0]  # Eq 4 as printed


def test_positive_falls_as_the_spectra_agree() -> None:
    positive = part("co_rectification.losses").positive
    assert positive(_rates(72), _rates(72)) < positive(_rates(72), _rates(96))


def test_ranking_is_0_in_order_and_counts_bins_out_of_order() -> None:
    ranking = part("co_rectification.losses").ranking
    slower, middle, faster = _rates(60), _rates(72), _rates(90)  # bins of 6 bpm: 3, 5, 8
    assert float(ranking(middle, faster, slower, noise=False)) == 0
    assert float(ranking(middle, slower, faster, noise=False)) == pytest.approx(3 + 2)


def test_ranking_has_a_gradient_that_puts_the_peaks_in_order() -> None:
    losses = part("co_rectification.losses")
    logits = torch.log(_rates(72) + 1e-3).requires_grad_()
    slower = _rates(90)  # wrong: above
    h = losses.ranking(logits.softmax(dim=1), _rates(120), slower, noise=False)
    h.backward()
    assert logits.grad is not None
    bins = torch.arange(logits.shape[1])
    moved = (logits - 0.5 * logits.grad).softmax(dim=1)
    assert float((moved @ bins.double()).detach()) > float(
        (logits.softmax(1) @ bins.double()).detach()
    )


def test_power_as_gumbel_logits_picks_the_peak_rarely_unless_the_temperature_is_low() -> None:
    peak_bin = part("co_rectification.losses").peak_bin
    spectrum = norm_psd(sine(72, noise=0.5), FS)
    assert spectrum.shape[1] == 35  # 10 s: 35 bins, as in the fact sheet
    peak = int(spectrum.argmax())
    share = float(spectrum.max())
    drawn = spectrum.expand(20000, -1)
    by_log = float((peak_bin(drawn, logits="log_power") == peak).double().mean())
    by_share = float((peak_bin(drawn) == peak).double().mean())
    sharp = float((peak_bin(drawn, temperature=0.1) == peak).double().mean())
    assert by_log == pytest.approx(share, abs=0.02)
    assert by_log > 0.5
    assert by_share < 0.1
    logits = (spectrum / 0.1).softmax(dim=1)
    assert sharp == pytest.approx(float(logits.max()), abs=0.02)


def test_the_clips_that_deviate_most_are_least_trusted() -> None:
    least_trusted = part("co_rectification.losses").least_trusted
    label, out = torch.tensor([60.0, 80, 100, 70]), torch.tensor([61.0, 120, 99, 50])
    assert sorted(least_trusted(label, out, 2).tolist()) == [1, 3]
    assert least_trusted(label, out, 0).tolist() == []
