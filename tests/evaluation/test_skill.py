"""Skill above the best control: who is marked, and how often by chance."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.waveform import Array
from rppgbench.evaluation.skill import skill_above


def rows(errors: Array) -> pd.DataFrame:
    """Rows of people (S, W) with these errors in bpm."""
    people, count = errors.shape
    return pd.DataFrame(
        {
            "dataset": "d",
            "subject": np.repeat([f"s{number}" for number in range(people)], count),
            "reference_bpm": 70.0,
            "error_bpm": errors.ravel(),
        }
    )


def test_the_control_with_the_lowest_error_is_the_rival() -> None:
    rng = np.random.default_rng(0)
    method = rows(rng.normal(0, 2, (20, 4)))
    controls = {"far": rows(rng.normal(0, 40, (20, 4))), "near": rows(rng.normal(0, 9, (20, 4)))}
    skill = skill_above(method, controls)
    assert skill is not None
    assert skill.control == "near"
    errors = [frame["error_bpm"].abs().mean() for frame in (controls["near"], method)]
    assert skill.value_bpm == pytest.approx(errors[0] - errors[1])
    assert skill.control_mae_bpm == pytest.approx(errors[0])
    assert skill.low_bpm < skill.value_bpm < skill.high_bpm
    assert skill.is_shown


def test_a_better_mean_alone_is_not_enough() -> None:
    """One person makes the difference: 20 bpm on one of ten, the others equal."""
    method, control = np.full((10, 3), 5.0), np.full((10, 3), 5.0)
    control[0] = 25.0
    skill = skill_above(rows(method), {"noise": rows(control)})
    assert skill is not None
    assert skill.value_bpm == pytest.approx(2.0)
    assert not skill.is_shown


@pytest.mark.parametrize("people", [10, 42])
def test_a_method_without_a_pulse_is_seldom_taken_for_one(people: int) -> None:
    """Its errors are those of its controls: at most 2 of 60 tables show skill."""
    rng = np.random.default_rng(people)
    shown = 0
    for _ in range(60):
        hard = rng.gamma(2, 5, (people, 1))  # some people are harder than others for all rows
        draws = [rows(hard * rng.standard_t(4, (people, 6))) for _ in range(4)]
        skill = skill_above(draws[0], dict(zip("abc", draws[1:], strict=True)))
        assert skill is not None
        shown += skill.is_shown
    assert shown <= 2


@pytest.mark.parametrize(("people", "is_shown"), [(2, False), (4, False), (5, True)])
def test_skill_is_shown_by_five_people_or_more(people: int, is_shown: bool) -> None:
    skill = skill_above(rows(np.zeros((people, 3))), {"noise": rows(np.full((people, 3), 9.0))})
    assert skill is not None
    assert skill.low_bpm == 9.0
    assert (skill.people, skill.is_shown) == (people, is_shown)


def test_one_person_shows_nothing_and_nothing_is_no_skill() -> None:
    skill = skill_above(rows(np.zeros((1, 3))), {"noise": rows(np.ones((1, 3)))})
    assert skill is not None
    assert np.isnan(skill.low_bpm)
    assert not skill.is_shown
    unscored = rows(np.ones((2, 2))).assign(reference_bpm=np.nan)
    assert skill_above(rows(np.zeros((2, 2))), {"noise": unscored}) is None
    assert skill_above(unscored, {"noise": rows(np.ones((2, 2)))}) is None
    assert skill_above(rows(np.zeros((2, 2))), {}) is None
