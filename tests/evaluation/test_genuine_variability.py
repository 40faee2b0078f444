"""Beats of three genuine people before a webcam, against their contact pulses."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.beat_reading import pulse_beats
from rppgbench.evaluation.scores import score_windows

from ..factories.evaluators import beat_rule, evaluator
from ..factories.records import make_estimate

pytestmark = pytest.mark.real


def person(real: Path, number: str) -> tuple[GroundTruth, Waveform]:
    """The contact pulse, and somebody else's POS on the forehead at 60 samples a second."""
    file = real / "webcam-traces-60hz" / "traces.npz"
    if not file.is_file():
        pytest.skip("needs the genuine webcam traces")
    with np.load(file, allow_pickle=False) as archive:
        ms, values, _ = archive[f"{number}_ppg"].astype(np.float64).T
        own_ms, own, _ = archive[f"{number}_FH_theirs"].astype(np.float64).T
    grid_s = np.arange(0, own_ms[-1] / 1000, 1 / 60)
    wave = Waveform(np.interp(grid_s, own_ms / 1000, own), 60.0)
    return GroundTruth(pulse=Signal(values, ms / 1000).in_order()), wave


@pytest.mark.parametrize(("number", "least_f1"), [("01", 0.7), ("02", 0.93), ("03", 0.98)])
def test_beats_of_a_face_are_found_though_its_clock_drifts(
    real: Path, number: str, least_f1: float
) -> None:
    truth, wave = person(real, number)
    rows = score_windows(evaluator("hrv"), [make_estimate(wave)], {("set", "a1"): truth})
    scored = rows[rows["reference_bpm"].notna()]
    assert len(scored) == 5
    assert (scored["beat_f1"] > least_f1).all()
    assert (scored["ibi_floor_ms"] < 5).all()
    assert (scored["ibi_error_ms"] > 3 * scored["ibi_floor_ms"]).all()
    assert (scored["rmssd_ms"] > scored["rmssd_ms_reference"]).all()  # noise moves beats
    if number == "03":
        assert 0.4 < scored["beat_lag_s"].iloc[-1] - scored["beat_lag_s"].iloc[0] < 0.7


@pytest.mark.parametrize("number", ["01", "02", "03"])
def test_beats_of_a_contact_pulse_are_those_of_neurokit2(real: Path, number: str) -> None:
    neurokit = pytest.importorskip("neurokit2")
    truth, _ = person(real, number)
    assert truth.pulse is not None
    own_s = pulse_beats(truth.pulse, beat_rule())[0].times_s
    even_s = np.arange(truth.pulse.times_s[0], truth.pulse.times_s[-1], 1 / 60)
    clean = neurokit.ppg_clean(
        np.interp(even_s, truth.pulse.times_s, truth.pulse.values), sampling_rate=60
    )
    theirs_s = even_s[neurokit.ppg_findpeaks(clean, sampling_rate=60)["PPG_Peaks"]]
    assert abs(len(own_s) - len(theirs_s)) <= 2
    assert (np.abs(own_s[:, None] - theirs_s).min(axis=0) < 0.04).mean() > 0.98
