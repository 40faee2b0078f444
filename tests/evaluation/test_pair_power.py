"""What the people of scored results can tell of pairs of methods."""

import math

import numpy as np
import pandas as pd
import pytest

from rppgbench.evaluation.pair_power import pair_powers
from rppgbench.evaluation.power import detectable_difference, people_needed


def windows(errors: dict[str, list[list[float]]], condition: str = "") -> pd.DataFrame:
    """Rows of score_windows: for each method and person the errors of windows, in bpm."""
    rows = [
        {
            "dataset": "set",
            "recording": f"r{person}",
            "subject": f"p{person}",
            "method": method,
            "fold": "",
            "seed": 0,
            "condition": condition,
            "region": "",
            "start_s": float(number),
            "reference_bpm": 70.0,
            "estimate_bpm": 70.0 + error,
            "error_bpm": error,
            "missing": False,
        }
        for method, people in errors.items()
        for person, values in enumerate(people)
        for number, error in enumerate(values)
    ]
    return pd.DataFrame(rows)


ERRORS = {
    "good": [[1.0, -1.0], [2.0, 2.0], [0.0, 1.0]],
    "weak": [[2.0, 4.0], [2.0, -3.0], [5.0, 5.0]],
}


def test_a_pair_is_compared_person_by_person() -> None:
    """Means: 1, 2, 0.5 and 3, 2.5, 5; differences -2, -0.5, -4.5."""
    (pair,) = pair_powers(windows(ERRORS), wanted_bpm=2.0, people=50)
    differences = np.array([-2.0, -0.5, -4.5])
    assert (pair.first, pair.second, pair.people) == ("good", "weak", 3)
    assert pair.difference == pytest.approx(differences.mean())
    assert pair.sd == pytest.approx(differences.std(ddof=1))
    assert pair.low < pair.difference < pair.high
    assert pair.detectable == pytest.approx(detectable_difference(pair.sd, 3))
    assert pair.detectable_with == pytest.approx(detectable_difference(pair.sd, 50))
    assert pair.needed == people_needed(2.0, pair.sd)
    assert pair.correlation == pytest.approx(np.corrcoef([1, 2, 0.5], [3, 2.5, 5])[0, 1])


def test_the_order_of_rows_changes_nothing_and_conditions_stay_apart() -> None:
    table = pd.concat([windows(ERRORS, "raw"), windows({**ERRORS, "good": ERRORS["weak"]}, "crf")])
    shuffled = table.sample(frac=1, random_state=1)
    expected = pair_powers(table, wanted_bpm=1.0)
    assert repr(pair_powers(shuffled, wanted_bpm=1.0)) == repr(expected)
    assert [(pair.condition, pair.difference) for pair in expected] == [
        ("crf", 0.0),
        ("raw", pytest.approx(-7 / 3)),
    ]
    assert math.isnan(expected[0].detectable_with)


def test_methods_without_a_region_stand_beside_those_of_every_region() -> None:
    """Networks read clips of the face, and the region of their rows is empty."""
    trace = windows(ERRORS, "raw")
    table = pd.concat(
        [
            trace.assign(region="skin"),
            trace.assign(region="forehead"),
            windows({"net": ERRORS["weak"], "other_net": ERRORS["good"]}, "raw"),
        ]
    )
    pairs = pair_powers(table)
    assert len({(pair.first, pair.second, pair.condition) for pair in pairs}) == len(pairs)
    by_condition = {
        pair.condition: pair.difference
        for pair in pairs
        if (pair.first, pair.second) == ("good", "net")
    }
    assert by_condition == {
        "raw, forehead": pytest.approx(-7 / 3),
        "raw, skin": pytest.approx(-7 / 3),
    }
    nets = [pair.condition for pair in pairs if (pair.first, pair.second) == ("net", "other_net")]
    assert nets == ["raw"]
