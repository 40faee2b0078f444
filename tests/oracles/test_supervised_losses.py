"""Oracle `supervised_losses`: Pearson, and losses on heart rates."""

import re

import numpy as np
import pytest
import torch

from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.rate_spectrum import (
    LOWEST_BPM,
    rate_bins,
    rate_cross_entropy,
    rate_divergence,
    rate_spectrum,
)

from .oracle import load

ARRAYS, FACTS = load("supervised_losses")
VALUES = FACTS["values"]
PHYSFORMER_FS = 30.0
CVD_END_BPM = 150  # its code takes whole rates from 40 to 149
TOLERANCE = 1e-5
RATES = {
    int(m[2]): float(m[3])
    for key in VALUES
    if (m := re.fullmatch(r"physformer_(original|toolbox)_row(\d+)_hr([\d.]+)", key))
}


def row(number: int) -> torch.Tensor:
    return torch.from_numpy(ARRAYS["pred160"][number : number + 1])


@pytest.mark.parametrize("kind", ["toolbox_Neg_Pearson", "cvd_Neg_Pearson"])
def test_negative_pearson(kind: str) -> None:
    given = torch.from_numpy(ARRAYS["pred160"]), torch.from_numpy(ARRAYS["label160"])
    expected = next(value for key, value in VALUES.items() if key.startswith(kind))
    assert float(negative_pearson(*given).mean()) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("number", sorted(RATES))
def test_power_at_every_heart_rate(number: int) -> None:
    expected = ARRAYS[f"complex_absolute_row{number}"]
    share = rate_spectrum(row(number), PHYSFORMER_FS)[0]
    np.testing.assert_allclose(share.numpy(), expected, atol=TOLERANCE)


@pytest.mark.parametrize("code", ["original", "toolbox"])
@pytest.mark.parametrize("number", sorted(RATES))
def test_physformer_losses(number: int, code: str) -> None:
    bpm = RATES[number]
    expected = VALUES[f"physformer_{code}_row{number}_hr{bpm}"]
    share = rate_spectrum(row(number), PHYSFORMER_FS)
    bins = rate_bins(torch.tensor([bpm]))
    assert float(rate_divergence(share, bins)) == pytest.approx(expected["kl"], abs=TOLERANCE)
    assert float(rate_cross_entropy(share, bins)) == pytest.approx(expected["ce"], abs=TOLERANCE)
    off = abs(float(share.argmax()) + LOWEST_BPM - bpm)
    assert off == pytest.approx(expected["abs_err"])


def test_signal_to_noise_loss_of_cvd() -> None:
    fs = float(re.search(r"fps ([\d.]+)", FACTS["cvd_inputs"])[1])  # type: ignore[index]
    share = rate_spectrum(torch.from_numpy(ARRAYS["cvd_wave"]), fs, end_bpm=CVD_END_BPM)
    peaks = share.argmax(dim=1) + LOWEST_BPM
    np.testing.assert_array_equal(peaks.numpy(), ARRAYS["cvd_snr_argmax_bpm"])
    truth = torch.tensor([RATES[k] for k in sorted(RATES)])
    bins = rate_bins(truth, end_bpm=CVD_END_BPM)
    offset = torch.arange(share.shape[1]) - bins[:, None]
    beside_peak = 1 - (share * ((offset >= -3) & (offset < 3))).sum(dim=1)
    loss = (rate_cross_entropy(share, bins) + beside_peak).mean()
    assert float(loss) == pytest.approx(VALUES["cvd_SNR_loss_type7"], abs=TOLERANCE)
