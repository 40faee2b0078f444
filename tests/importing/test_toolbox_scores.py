"""Pickles of rPPG-Toolbox, imported and scored, against a computation of its own by scipy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import signal, sparse
from scipy.sparse.linalg import spsolve
from tests.factories.predictions import FS, write_toolbox

from rppgbench.api.results import load_results
from rppgbench.core.waveform import Array
from rppgbench.importing.import_run import import_predictions
from rppgbench.importing.options import ImportOptions

COUNT, CHUNK = 900, 150
LABEL_TYPES = ("Raw", "Standardized", "DiffNormalized")
RATES_BPM = {"p1": (64.0, 64.0), "p2": (81.0, 97.0), "p3": (118.0, 55.0)}
"""Rates of label and prediction."""


def pulses() -> dict[str, tuple[Array, Array]]:
    """Label and prediction of each recording, with noise and drift."""
    rng = np.random.default_rng(5)
    times_s = np.arange(COUNT) / FS

    def noisy(bpm: float) -> Array:
        noise = 0.3 * rng.standard_normal(COUNT)
        fast = 0.9 * np.sin(2 * np.pi * 140 / 60 * times_s)  # the strongest in differences alone
        pulse: Array = np.sin(2 * np.pi * bpm / 60 * times_s) + fast + noise + 0.05 * times_s
        return pulse

    return {
        name: (noisy(label), noisy(predicted)) for name, (label, predicted) in RATES_BPM.items()
    }


def stored(pulse: Array, label_type: str) -> Array:
    """A pulse as the toolbox keeps it under a label type."""
    if label_type == "DiffNormalized":
        pulse = np.diff(pulse, append=pulse[-1])
        pulse = pulse / pulse.std()
    elif label_type == "Standardized":
        pulse = (pulse - pulse.mean()) / pulse.std()
    return pulse


def content(label_type: str) -> dict[str, Any]:
    """What the toolbox saves, in chunks, with the numbers in a mixed order."""

    def chunks(pulse: Array) -> dict[int, Array]:
        parts = stored(pulse, label_type).reshape(-1, CHUNK, 1)
        return {number: parts[number] for number in (3, 0, 5, 1, 4, 2)}

    both = pulses()
    return {
        "predictions": {name: chunks(pair[1]) for name, pair in both.items()},
        "labels": {name: chunks(pair[0]) for name, pair in both.items()},
        "label_type": label_type,
        "fs": FS,
    }


def independent_bpm(values: Array, label_type: str) -> float:
    """The rate of a whole video: sum, detrend, band-pass, and the largest bin of the spectrum."""
    pulse = np.cumsum(values) if label_type == "DiffNormalized" else values
    count = len(pulse)
    second = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(count - 2, count), format="csc")
    eye = sparse.identity(count, format="csc")
    flat = pulse - spsolve((eye + 100.0**2 * second.T @ second).tocsc(), pulse)
    b, a = signal.butter(1, [0.75, 2.5], btype="bandpass", fs=FS)
    filtered = signal.filtfilt(b, a, flat)
    nfft = 2 ** int(np.ceil(np.log2(count)))
    hz, power = signal.periodogram(filtered, fs=FS, nfft=nfft, detrend=False)
    inside = (hz >= 0.75) & (hz <= 2.5)
    return float(60 * hz[inside][np.argmax(power[inside])])


def joined(chunks: Mapping[int, Array]) -> Array:
    return np.concatenate([chunks[number].ravel() for number in sorted(chunks)])


def import_content(made: dict[str, Any], folder: Path) -> Path:
    source = write_toolbox(folder / "out.pickle", made)
    options = ImportOptions(source=source, method="net", out=folder / "out")
    import_predictions(options, folder / "cache", lambda line: None)
    return options.out


@pytest.mark.parametrize("label_type", LABEL_TYPES)
def test_the_rates_of_every_label_type_equal_an_independent_computation(
    label_type: str, tmp_path: Path
) -> None:
    made = content(label_type)
    results = load_results(import_content(made, tmp_path))
    windows = results.windows("toolbox_2023").set_index("recording")
    errors = []
    for name in RATES_BPM:
        expected = [
            independent_bpm(joined(made[side][name]), label_type)
            for side in ("labels", "predictions")
        ]
        row = windows.loc[name]
        measured = [row["reference_bpm"], row["estimate_bpm"]]
        np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-9)
        errors.append(expected[1] - expected[0])
    score = results.scores("toolbox_2023", by=["method"], resamples=0).iloc[0]
    assert score["mae"] == pytest.approx(np.mean(np.abs(errors)), abs=1e-9)
    assert score["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-9)
    assert score["mae"] > 10


@pytest.mark.parametrize("label_type", LABEL_TYPES)
def test_summed_differences_have_the_note_of_cumulated_outputs(
    label_type: str, tmp_path: Path
) -> None:
    results = load_results(import_content(content(label_type), tmp_path))
    notes = set(results.windows("pyvhr")["rule_note"])
    assert notes == {
        "cumulated output, the rule does not detrend" if label_type == "DiffNormalized" else ""
    }
    assert set(results.windows("toolbox_2023")["rule_note"]) == {""}


def test_a_prediction_without_a_number_keeps_its_reference_and_costs_the_worst_error(
    tmp_path: Path,
) -> None:
    made = content("Raw")
    made["predictions"]["p1"] = {n: np.full((CHUNK, 1), np.nan) for n in range(6)}
    made["predictions"]["p2"] = {}
    results = load_results(import_content(made, tmp_path))
    score = results.scores("toolbox_2023", by=["method"], resamples=0).iloc[0]
    assert score["n_recordings"] == 3
    assert score["coverage"] == pytest.approx(1 / 3)
    windows = results.windows("toolbox_2023").set_index("recording")
    for name, reason in (("p1", "no number among 900"), ("p2", "no numbered chunks")):
        row = windows.loc[name]
        reference_bpm = independent_bpm(joined(made["labels"][name]), "Raw")
        assert row["missing"]
        assert reason in row["reason"]
        assert row["reference_bpm"] == pytest.approx(reference_bpm, abs=1e-9)
        assert abs(row["error_bpm"]) == pytest.approx(
            max(reference_bpm - 45, 150 - reference_bpm), abs=1e-9
        )
