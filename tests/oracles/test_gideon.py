"""Oracles `gideon` and `gideon_saliency_sampler`."""

import re

import numpy as np
import pytest
import torch

from rppgbench.neural.losses.agreement import correlation, max_cross_correlation
from rppgbench.neural.losses.power_spectra import irrelevant_power_ratio, norm_psd

from ..factories.methods import part
from .oracle import load

ARRAYS, _ = load("gideon")
FS = 30.0
BANDS = sorted(m.groups() for key in ARRAYS if (m := re.fullmatch(r"NegMCC_(\d+)_(\d+)", key)))
PULSE, LABEL = torch.from_numpy(ARRAYS["pred"]), torch.from_numpy(ARRAYS["label"])
VIEWS = [torch.from_numpy(ARRAYS[f"views_{name}"]) for name in ("anc", "pos", "neg")]


@pytest.mark.parametrize("band", BANDS)
def test_largest_cross_correlation_and_power_ratio(band: tuple[str, str]) -> None:
    low_hz, high_hz = (float(limit) / 60 for limit in band)
    name = "_".join(band)
    for key, scaled in (("NegMCC", True), ("NegMCCov", False)):
        out = max_cross_correlation(PULSE, LABEL, FS, low_hz=low_hz, high_hz=high_hz, scaled=scaled)
        np.testing.assert_allclose(-out.numpy(), ARRAYS[f"{key}_{name}"], atol=1e-5)
    ratio = irrelevant_power_ratio(PULSE, FS, low_hz=low_hz, high_hz=high_hz)
    np.testing.assert_allclose(ratio.numpy(), ARRAYS[f"IPR_{name}"], atol=1e-5)


def test_cross_correlation_of_unequal_lengths() -> None:
    shorter = PULSE[:, : 5 * PULSE.shape[1] // 6]  # the oracle's first 250 of 300
    out = max_cross_correlation(shorter, LABEL, FS)
    np.testing.assert_allclose(-out.numpy(), ARRAYS["NegMCC_difflen_40_250"], atol=1e-5)


def test_pearson_correlation() -> None:
    np.testing.assert_allclose(-correlation(PULSE, LABEL).numpy(), ARRAYS["NegPC"], atol=1e-5)


@pytest.mark.parametrize(
    ("key", "distance"),
    [("MVTL_PSD_MSE", "psd_mse"), ("MVTL_PSD_L1", "psd_l1"), ("MVTL_NegMCC", "correlation")],
)
def test_multi_view_triplet(key: str, distance: str) -> None:
    out = part("gideon2021.losses").triplet(*VIEWS, FS, distance=distance)
    np.testing.assert_allclose(out.numpy(), ARRAYS[key], atol=1e-5)


def test_spectra_share_one_mean_over_the_batch() -> None:
    out = norm_psd(VIEWS[0][0], FS, common_mean=True)
    np.testing.assert_allclose(out.numpy(), ARRAYS["NormPSD_batch"], atol=1e-5)


def test_resampler_in_space_and_time() -> None:
    losses = part("gideon2021.losses")
    video, factor = torch.from_numpy(ARRAYS["fc_video"]), float(ARRAYS["fc_freq_factor"][0])
    negative = losses.faster(video, factor)
    assert negative.shape[2] == int(ARRAYS["fc_target_size"][0])
    scale = np.abs(ARRAYS["fc_anc"]).max()
    means = negative.mean(dim=(1, 3, 4))
    np.testing.assert_allclose(means.numpy(), ARRAYS["fc_neg"], atol=1e-5 * scale)
    positive = losses.resized(means, video.shape[2])
    np.testing.assert_allclose(positive.numpy(), ARRAYS["fc_pos"], atol=1e-5 * scale)


def test_saliency_sampler() -> None:
    arrays, facts = load("gideon_saliency_sampler")
    size = arrays["x_sampled"].shape[-1]
    number = r"([\d.]+)"
    pattern = rf"{number} sin\({number} i\+{number}\), bias {number} .*weight {number} sin"
    weight, step, phase, bias, last = map(float, re.search(pattern, facts["weights"]).groups())  # type: ignore[union-attr]

    def wave(height: float, parameter: torch.Tensor) -> torch.Tensor:
        at = np.arange(parameter.numel())
        values = torch.from_numpy((height * np.sin(step * at + phase)).astype(np.float32))
        return values.reshape(parameter.shape)

    toy = torch.nn.Conv2d(3, 64, 3, stride=4, padding=1)
    sampler = part("gideon2021.saliency").SaliencySampler(size, toy)
    with torch.no_grad():
        toy.weight.copy_(wave(weight, toy.weight))
        toy.bias.copy_(wave(bias, toy.bias))  # type: ignore[union-attr, arg-type]
        sampler.last.weight.copy_(wave(last, sampler.last.weight))
        sampler.last.bias.zero_()
        sampled, saliency = sampler(torch.from_numpy(arrays["x"]))
    np.testing.assert_allclose(sampler.kernel.detach(), arrays["gauss_filter"], atol=1e-6)
    np.testing.assert_allclose(saliency, arrays["saliency"], atol=1e-6)
    np.testing.assert_allclose(sampled, arrays["x_sampled"], atol=1e-4)
