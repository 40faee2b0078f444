"""Oracle `two_sr`: spatial subspace rotation of bob and pyVHR."""

import re

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.subspace import principal_axes, rotation_pulse, subspace_rotation

from .oracle import cases, far, load

ARRAYS, FACTS = load("two_sr")
CASES = cases(ARRAYS, "frames")
RUNS = sorted(
    (match[2], int(match[1]))
    for key in ARRAYS
    if (match := re.fullmatch(r"bob_stride(\d+)_u1pos__(.+)", key))
)


def fs(case: str) -> float:
    return float(FACTS["summary"][case]["fs"])


def flips(case: str) -> int:
    return int(FACTS["summary"][case]["u1_sign_flips_in_numpy_eig"])


def moments(case: str) -> Array:
    frames = ARRAYS[f"frames__{case}"].astype(np.float64)
    pixels = frames.reshape(len(frames), -1, 3)
    second: Array = np.swapaxes(pixels, 1, 2) @ pixels / pixels.shape[1]
    return second


def theirs(case: str, key: str) -> tuple[Array, Array]:
    """The oracle's eigenvalues and -vectors in ascending order: (T, 3), (T, 3, 3)."""
    values, vectors = ARRAYS[f"eigvals__{case}"].T, np.moveaxis(ARRAYS[f"{key}__{case}"], -1, 0)
    return values[:, ::-1], vectors[:, :, ::-1]


def peak_bpm(pulse: Array, rate: float) -> float:
    power = np.abs(np.fft.rfft(pulse - pulse.mean(), 1 << 15))
    bpm = 60 * np.fft.rfftfreq(1 << 15, 1 / rate)
    band = (bpm > 40) & (bpm < 240)
    return float(bpm[band][power[band].argmax()])


def test_clips_with_and_without_sign_flips_are_there() -> None:
    assert any(flips(case) for case in CASES)
    assert len(RUNS) >= 2


@pytest.mark.parametrize("case", CASES)
def test_eigenvalues_and_first_axes_equal_those_of_bob(case: str) -> None:
    values, vectors = principal_axes(moments(case))
    expected, _ = theirs(case, "eigvecs_raw")
    ratios = values[:, :2] / values[:, 2:]
    np.testing.assert_allclose(ratios, expected[:, :2] / expected[:, 2:], rtol=1e-6)
    assert far(vectors[:, :, 2].T, ARRAYS[f"u1_canonical__{case}"]) < 1e-6


@pytest.mark.parametrize(("case", "stride"), RUNS)
def test_every_sample_equals_that_of_bob_with_turned_axes(case: str, stride: int) -> None:
    result = subspace_rotation(moments(case), fs(case), stride_s=stride / fs(case))
    assert far(result, ARRAYS[f"bob_stride{stride}_u1pos__{case}"]) < 1e-6


@pytest.mark.parametrize(("case", "stride"), RUNS)
def test_the_signs_of_bob_give_the_pulse_of_bob(case: str, stride: int) -> None:
    result = rotation_pulse(*theirs(case, "eigvecs_raw"), stride)
    assert far(result, ARRAYS[f"bob_stride{stride}_raw__{case}"]) < 1e-6


@pytest.mark.parametrize("case", [case for case in CASES if not flips(case)])
def test_the_pulse_of_pyvhr_is_equal_where_no_sign_flips(case: str) -> None:
    result = subspace_rotation(moments(case), fs(case), stride_s=int(fs(case)) / fs(case))
    expected = ARRAYS[f"pyvhr_cpu_SSR__{case}"]
    sign = np.sign(np.corrcoef(result, expected)[0, 1])
    assert far(sign * result, expected) < 1e-3


@pytest.mark.parametrize("case", CASES)
def test_the_method_finds_the_true_heart_rate(case: str) -> None:
    method = load_methods().available["two_sr"]
    pulse = method.estimate(Waveform(moments(case), fs(case)), **method.parameters({}))
    assert abs(peak_bpm(pulse.samples, fs(case)) - FACTS["summary"][case]["true_hr"]) <= 1.0
    assert np.corrcoef(pulse.samples, ARRAYS[f"pulse__{case}"])[0, 1] > 0.5


@pytest.mark.parametrize("case", [case for case in CASES if flips(case)])
def test_signs_of_the_eigen_solver_spoil_the_pulse(case: str) -> None:
    summary = FACTS["summary"][case]
    turned = subspace_rotation(moments(case), fs(case))
    raw = subspace_rotation(moments(case), fs(case), turned=False)
    assert abs(np.corrcoef(raw, turned)[0, 1]) < 0.99
    if abs(summary["peak_bpm_bob_raw"] - summary["true_hr"]) > 5:  # there bob itself is wrong
        assert abs(peak_bpm(raw, fs(case)) - summary["true_hr"]) > 1.0
