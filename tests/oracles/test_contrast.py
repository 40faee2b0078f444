"""Oracle `contrast_phys_losses`: spectra, contrast, labels."""

import re

import numpy as np
import pytest
import torch

from rppgbench.neural.losses.contrastive import contrast, reference_contrast, sampled_spectra
from rppgbench.neural.losses.power_spectra import irrelevant_power_ratio, norm_psd

from .oracle import load

ARRAYS, FACTS = load("contrast_phys_losses")
CALL = FACTS["source"]["functions"][0]
LENGTH, FS, LOW, HIGH = (
    float(re.search(rf"{name}=([\d.]+)", CALL)[1])  # type: ignore[index]
    for name in ("delta_t", "Fs", "high_pass", "low_pass")
)
BAND = {"low_hz": LOW / 60, "high_hz": HIGH / 60}
SEEDS = sorted({m[1] for key in ARRAYS if (m := re.match(r"cp_(seed\d+)_", key))})
FLAGS = sorted({m[1] for key in ARRAYS if (m := re.match(r"cpp_seed\d+_flag(\d+)_", key))})
BLOCK, PULSE = torch.from_numpy(ARRAYS["model_output"]), torch.from_numpy(ARRAYS["gt"])


def test_the_four_label_flags_are_compared() -> None:
    assert len(SEEDS) >= 2
    assert len(FLAGS) == 4


@pytest.mark.parametrize("key", [key for key in ARRAYS if key.startswith("normpsd_")])
def test_unit_sum_spectrum(key: str) -> None:
    low, high, pad = re.fullmatch(r"normpsd_(\d+)_(\d+)(?:_zeropad(\d+))?", key).groups()  # type: ignore[union-attr]
    out = norm_psd(
        torch.from_numpy(ARRAYS["psd_in"]),
        FS,
        low_hz=float(low) / 60,
        high_hz=float(high) / 60,
        zero_pad=float(pad or 0),
    )
    np.testing.assert_allclose(out.numpy(), ARRAYS[key], atol=1e-6)


def test_irrelevant_power_ratio() -> None:
    out = irrelevant_power_ratio(BLOCK[:, -1], FS, **BAND)
    np.testing.assert_allclose(out.numpy(), ARRAYS["ipr_40_250"], atol=1e-6)


def spectra(block: torch.Tensor, offsets: str) -> torch.Tensor:
    return sampled_spectra(block, torch.from_numpy(ARRAYS[offsets]), int(LENGTH), FS, **BAND)


@pytest.mark.parametrize("seed", SEEDS)
def test_contrast_of_the_given_samples(seed: str) -> None:
    terms = contrast(spectra(BLOCK, f"cp_{seed}_offsets"))
    values = [float(terms["attract"] + terms["repel"]), *map(float, terms.values())]
    np.testing.assert_allclose(values, ARRAYS[f"cp_{seed}_loss_pos_neg"], atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("flags", FLAGS)
def test_contrast_with_labels(seed: str, flags: str) -> None:
    own = spectra(BLOCK, f"cpp_{seed}_offsets_st")
    rows = PULSE[:, None].expand(-1, ARRAYS[f"cpp_{seed}_offsets_gt"].shape[1], -1)
    reference = spectra(rows, f"cpp_{seed}_offsets_gt")
    labelled = torch.tensor([float(flag) for flag in flags])
    terms = contrast(own) | reference_contrast(own, reference, labelled)
    values = [float(sum(terms.values())), *map(float, terms.values())]
    expected = ARRAYS[f"cpp_{seed}_flag{flags}_loss_pos_neg_posgt_neggt"]
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_a_video_without_a_label_may_have_no_pulse_at_all() -> None:
    own = spectra(BLOCK, f"cpp_{SEEDS[0]}_offsets_st")
    missing = torch.full_like(own, torch.nan)
    known = torch.cat([own[:1], missing[1:]])
    for reference, flags in ((missing, [0.0, 0.0]), (known, [1.0, 0.0])):
        terms = reference_contrast(own, reference, torch.tensor(flags))
        assert all(bool(torch.isfinite(term)) for term in terms.values())
