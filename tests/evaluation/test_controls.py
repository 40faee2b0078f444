"""Controls that are made when scores are computed: what each can know, and that it is no more."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.controls import CONTROLS, INPUT_CONTROLS
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.controls import DRAWS, score_controls

from ..factories.evaluators import evaluator
from ..factories.records import make_estimate, make_ground_truth, make_pulse

RATES = {"a": 52.0, "b": 61.0, "c": 70.0, "d": 79.0, "e": 88.0, "f": 97.0, "g": 106.0, "h": 115.0}
SCORED = [name for name in CONTROLS if name not in INPUT_CONTROLS]
Key = tuple[str, str]


def truths(seconds: float = 61.0) -> dict[Key, GroundTruth]:
    """Two recordings of each person; the people of another data set have other rates."""
    made = {
        ("set", f"{person}{number}"): make_ground_truth(bpm, seconds=seconds)
        for person, bpm in RATES.items()
        for number in (1, 2)
    }
    return made | {("far", f"{person}1"): make_ground_truth(40.0 + bpm) for person, bpm in
                   list(RATES.items())[:2]}  # fmt: skip


def perfect(references: Mapping[Key, GroundTruth]) -> list[Estimate]:
    """A method that reads every pulse without error."""
    estimates = []
    for (dataset, recording), truth in references.items():
        assert truth.heart_rate is not None
        pulse = make_pulse(float(truth.heart_rate.values[0]))
        estimates.append(make_estimate(pulse, recording, dataset=dataset))
    return estimates


def scored(
    names: Sequence[str], estimates: Sequence[Estimate], references: Mapping[Key, GroundTruth]
) -> pd.DataFrame:
    return score_controls(evaluator("li2023"), names, estimates, [], references)


def mean_error(rows: pd.DataFrame) -> float:
    return float(rows["error_bpm"].abs().mean())


def test_another_persons_sensor_errs_by_the_difference_of_two_people() -> None:
    references = truths()
    rows = scored(["other_person"], perfect(references), references)
    of_set = rows[rows["dataset"] == "set"]
    assert set(of_set["seed"]) == set(range(DRAWS))
    for person, bpm in RATES.items():
        of_person = of_set[of_set["subject"] == person]
        partners = {round(float(v)) for v in of_person.groupby("seed")["estimate_bpm"].mean()}
        assert round(bpm) not in partners  # nobody keeps the own pulse
        assert partners <= {round(v) for v in RATES.values()}  # nor that of another data set
        assert len(partners) == DRAWS
    assert set(rows.loc[rows["dataset"] == "far", "seed"]) == {0}  # two people, one exchange


def test_shuffled_labels_of_a_perfect_method_err_as_another_persons_sensor() -> None:
    references = truths()
    rows = scored(["shuffled_labels", "other_person"], perfect(references), references)
    errors = rows.groupby("control")[["error_bpm"]].apply(mean_error)
    assert errors["shuffled_labels"] == pytest.approx(errors["other_person"], rel=0.02)
    assert errors["shuffled_labels"] > 15
    assert set(rows.loc[rows["control"] == "shuffled_labels", "method"]) == {"pos"}
    assert set(rows.loc[rows["control"] == "other_person", "method"]) == {""}


def test_time_reversed_knows_a_steady_rate_and_not_when_a_rate_changes() -> None:
    steady = truths()
    assert mean_error(scored(["time_reversed"], perfect(steady), steady)) < 0.1
    times_s = np.arange(60 * 30) / 30
    cycles = (60 * times_s + 20 * times_s**2 / 60) / 60  # from 60 to 100 bpm
    rising = Waveform(np.sin(2 * np.pi * cycles), 30.0)
    reference = {("set", "a1"): GroundTruth(pulse=Signal(rising.samples, times_s))}
    rows = scored(["time_reversed"], [make_estimate(rising, "a1")], reference)
    assert mean_error(rows) > 12
    assert CONTROLS["time_reversed"].knows


def test_the_median_of_the_others_leaves_the_person_out() -> None:
    references = truths()
    rows = scored(["median_of_others"], perfect(references), references)
    for person in RATES:
        rates = [v for name, v in RATES.items() if name != person]
        of_person = rows[(rows["dataset"] == "set") & (rows["subject"] == person)]
        assert of_person["estimate_bpm"].to_numpy() == pytest.approx(np.median(rates), abs=0.1)
    far = rows[rows["dataset"] == "far"].groupby("subject")["estimate_bpm"].mean()
    assert far["a"] == pytest.approx(40 + RATES["b"], abs=0.1)
    np.testing.assert_allclose(rows["error_bpm"], rows["estimate_bpm"] - rows["reference_bpm"])


def test_noise_is_read_towards_the_middle_of_the_band_whatever_the_pulse() -> None:
    """The band of li2023 is 40 to 180 bpm: the mean reading does not follow the reference."""
    references = truths()
    rows = scored(["noise"], perfect(references), references)
    assert set(rows["seed"]) == set(range(DRAWS))
    assert 85 < rows["estimate_bpm"].mean() < 135
    assert abs(rows["estimate_bpm"].corr(rows["reference_bpm"])) < 0.15
    assert rows["estimate_bpm"].std() > 20


def test_rows_are_the_same_in_any_order_and_differ_between_recordings() -> None:
    references = truths()
    estimates = perfect(references)
    first = scored(SCORED, estimates, references)
    backward = scored(SCORED, estimates[::-1], dict(reversed(references.items())))
    keys = ["control", "method", "dataset", "recording", "seed", "window"]
    pd.testing.assert_frame_equal(
        first.sort_values(keys, ignore_index=True), backward.sort_values(keys, ignore_index=True)
    )
    noise = first[(first["control"] == "noise") & (first["window"] == 0)]
    assert noise["estimate_bpm"].nunique() == len(noise)


def test_one_person_has_no_control_that_needs_another() -> None:
    references = {("set", "a1"): make_ground_truth(60.0), ("set", "a2"): make_ground_truth(62.0)}
    rows = scored(SCORED, perfect(references), references)
    assert set(rows["control"]) == {"noise", "time_reversed"}


def test_recordings_without_a_reference_take_no_part() -> None:
    references = truths()
    references["set", "b1"] = references["set", "b2"] = GroundTruth()
    estimates = [make_estimate(make_pulse(60.0), f"{p}1") for p in RATES]
    rows = scored(["other_person", "shuffled_labels"], estimates, references)
    assert "b1" not in set(rows["recording"])
    assert rows["reference_bpm"].notna().all()


@pytest.mark.parametrize("has_rates", [True, False])
def test_estimates_without_a_waveform_have_the_median_of_the_others(has_rates: bool) -> None:
    references = truths()
    rates = Signal(np.full(61, 60.0), np.arange(61.0)) if has_rates else None
    reason = "" if has_rates else "no face"
    estimates = [
        replace(estimate, waveform=None, heart_rate=rates, reason=reason)
        for estimate in perfect(references)
    ]
    rows = scored(SCORED, estimates, references)
    median = rows[rows["control"] == "median_of_others"]
    expected = scored(["median_of_others"], perfect(references), references)
    assert set(median["recording"]) == set(expected["recording"])
    assert mean_error(median) == pytest.approx(mean_error(expected), abs=0.2)
    assert not {"noise", "other_person"} & set(rows["control"])
    assert scored(SCORED, [], references).empty


def test_the_median_of_the_others_finds_no_beat() -> None:
    references = truths()
    rows = score_controls(
        evaluator("hrv"), ["median_of_others"], perfect(references), [], references
    )
    assert (rows["beat_f1"] == 0).all()


def test_a_shorter_sensor_is_repeated_and_rates_without_a_pulse_are_read() -> None:
    references = {
        ("set", "a1"): make_ground_truth(60.0),
        ("set", "b1"): make_ground_truth(90.0, seconds=25.0),
    }
    rows = scored(["other_person"], perfect(references), references)
    of_first = rows[rows["recording"] == "a1"]
    assert of_first["estimate_bpm"].notna().all()
    assert of_first["estimate_bpm"].median() == pytest.approx(90, abs=0.5)
    devices = {
        key: GroundTruth(heart_rate=make_ground_truth(bpm).heart_rate)
        for key, bpm in ((("set", "a1"), 60.0), (("set", "b1"), 90.0))
    }
    rows = scored(["other_person"], perfect(devices), devices)
    read = rows.groupby("recording")["estimate_bpm"].mean()
    assert read.to_dict() == pytest.approx({"a1": 90.0, "b1": 60.0})
