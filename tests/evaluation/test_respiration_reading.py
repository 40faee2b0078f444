"""Respiration rates from the pulse: right ones, agreement, labels of two kinds, refusals."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from rppgbench.api.heart_rate import read_heart_rate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.decomposition import Endpoint
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.scores import method_table
from rppgbench.simulation import Scene, SimulatedRecording, frame_times, simulate
from rppgbench.testing.declaration_checks import check_evaluator_file

from ..factories.evaluators import FOLDER, evaluator
from ..factories.records import make_estimate, make_ground_truth

FUSION = evaluator("respiration")
SECONDS = 91.0
TIMES_S = np.arange(0, SECONDS, 1 / 30)
SINGLE = ("baseline", "amplitude", "frequency")


@cache
def person(number: int) -> SimulatedRecording:
    scene = Scene(
        width=64,
        height=64,
        times_s=frame_times(SECONDS, 30.0),
        heart_rate_bpm=55.0 + 9 * number,
    )
    return simulate(
        dataset="simulated", subject=f"{number}", session="still", scene=scene, seed=number
    )


def truth_of(body: SimulatedRecording) -> GroundTruth:
    times_s = np.arange(0, SECONDS, 0.04)
    return GroundTruth(respiration=Signal(body.respiration_at(times_s), times_s))


def scored(
    samples: Array | None, truth: GroundTruth, rule: Evaluator = FUSION, **fields: str | Signal
) -> pd.DataFrame:
    wave = None if samples is None else Waveform(samples, 30.0)
    estimate = make_estimate(wave, **fields)  # type: ignore[arg-type]
    return score_windows(rule, [estimate], {("set", "a1"): truth})


@pytest.mark.parametrize("number", range(5))
def test_the_rate_of_a_simulated_contact_pulse(number: int) -> None:
    """All three modulations, each by itself, and together."""
    body = person(number)
    for name in ("respiration", *(f"respiration_{single}" for single in SINGLE)):
        rows = scored(body.pulse_at(TIMES_S), truth_of(body), evaluator(name))
        assert len(rows) == 3
        assert (rows["truth"] == "respiration").all()
        assert rows["reference_bpm"].between(11, 19).all()
        assert rows["error_bpm"].abs().max() < 0.6, name


def test_a_pulse_without_a_baseline_has_the_other_two_modulations() -> None:
    body = person(1)
    beats = body.body.volume(TIMES_S)  # what the skin shows: no baseline
    level = scored(beats, truth_of(body), evaluator("respiration_frequency"))
    assert level["error_bpm"].abs().max() < 0.6


def test_modulations_that_differ_give_no_estimate_and_say_what_they_read() -> None:
    body = person(2)
    drift = 3 * np.sin(2 * np.pi * 0.45 * TIMES_S)  # a movement at 27 a minute
    rows = scored(body.pulse_at(TIMES_S) + drift, truth_of(body))
    assert rows["missing"].all()
    assert (
        rows["reason"]
        .str.match(r"estimate: baseline, amplitude, frequency read 27, \d+, \d+ breaths per minute")
        .all()
    )
    assert (rows["error_bpm"].abs() > 10).all()  # the farther edge of the band
    alone = scored(
        body.pulse_at(TIMES_S) + drift, truth_of(body), evaluator("respiration_baseline")
    )
    np.testing.assert_allclose(alone["estimate_bpm"], 27, atol=0.5)


def test_a_device_takes_the_place_of_a_sensor_of_respiration() -> None:
    body = person(0)
    seconds = np.arange(SECONDS)
    device = Signal(np.where(seconds < 30, 14.0, 16.0), seconds)
    rows = scored(body.pulse_at(TIMES_S), GroundTruth(respiration_rate=device))
    assert rows["reference_bpm"].tolist() == [14.0, 16.0, 16.0]
    assert (rows["truth"] == "respiration_rate").all()


def test_a_set_without_respiration_has_a_reason_and_no_number() -> None:
    rows = scored(person(0).pulse_at(TIMES_S), make_ground_truth(70.0, seconds=SECONDS))
    assert rows["reference_bpm"].isna().all()
    assert rows["reason"].str.contains("reference: no respiration or respiration_rate").all()


def test_an_estimate_without_beats_and_a_failed_one_are_missing() -> None:
    body = person(3)
    rows = scored(np.linspace(0, 1, len(TIMES_S)), truth_of(body))
    assert rows["missing"].all()
    assert (rows["reason"] == "estimate: baseline of the beats: absent in 100% of the window").all()
    failed = scored(None, truth_of(body), reason="no face")
    assert failed["missing"].all()
    assert (failed["reason"] == "no face").all()
    rates = Signal(np.full(90, 70.0), np.arange(90.0))
    given = scored(None, truth_of(body), heart_rate=rates)
    assert given["missing"].all()
    assert (given["reason"] == "estimate: heart rates without a waveform").all()


def test_a_gap_of_the_belt_has_no_reference() -> None:
    body = person(1)
    whole = truth_of(body).respiration
    assert whole is not None
    keep = (whole.times_s < 35) | (whole.times_s > 52)
    cut = GroundTruth(respiration=Signal(whole.values[keep], whole.times_s[keep]))
    rows = scored(body.pulse_at(TIMES_S), cut)
    assert rows["reference_bpm"].notna().tolist() == [True, False, True]
    assert "reference: absent in" in rows["reason"][1]


def test_tables_say_that_the_rates_are_of_respiration() -> None:
    estimates, truths = [], {}
    for number in range(3):
        body = person(number)
        truths["set", f"p{number}"] = truth_of(body)
        wave = Waveform(body.pulse_at(TIMES_S), 30.0)
        estimates.append(make_estimate(wave, f"p{number}", subject=str(number)))
    windows = score_windows(FUSION, estimates, truths)
    summary = summarise(windows)
    assert summary["mae_low"][0] <= summary["mae"][0] <= summary["mae_high"][0] < 0.6
    table = method_table(Scores(name="respiration", windows=windows, summary=summary))
    assert table.caption.startswith("Respiration-rate error under respiration")
    assert {column.unit for column in table.columns} <= {"", "%", "breaths/min", "dB"}
    assert [column.unit for column in table.columns if column.key == "mae"] == ["breaths/min"]
    assert summary["n_band_edge"][0] == 0


def test_heart_rates_are_not_asked_of_a_rule_of_respiration() -> None:
    from rppgbench.system.errors import BenchError

    message = "evaluator respiration: its rates are of respiration, not of the heart"
    with pytest.raises(BenchError, match=message):
        read_heart_rate(np.sin(TIMES_S), evaluator="respiration", fs=30.0)
    with pytest.raises(BenchError, match=message):
        Endpoint("respiration", FUSION)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"truth": ["pulse"]}, r'needs truth of "respiration"'),
        ({"respiration": None}, r"truth: respiration needs a table \[respiration\]"),
        ({"correlation": "mcc"}, "has no correlation, no frames"),
        ({"unit": "frame"}, "has no correlation, no frames"),
        ({"reference": evaluator("hrv").reference}, "reads no beats of a reference"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Evaluator.model_validate(FUSION.model_dump() | changed)


@pytest.mark.parametrize("name", ["respiration", "respiration_amplitude", "hrv"])
def test_the_checks_of_a_declaration_accept_the_rules(name: str) -> None:
    findings = check_evaluator_file(FOLDER / f"{name}.toml")
    assert len(findings) > 1
    assert all(finding.kept for finding in findings)
