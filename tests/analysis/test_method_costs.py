"""The costs of methods from stored models, runs and declarations."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.analysis.method_costs import (
    NOT_STORED,
    OF_NUMPY,
    WITHOUT_MODEL,
    stored_costs,
)
from rppgbench.core.estimate import Estimate
from rppgbench.core.method_variants import variant_name
from rppgbench.core.waveform import Waveform


def estimate(method: str, fs: float = 30.0) -> Estimate:
    return Estimate(
        job=f"{method}{fs}",
        dataset="set",
        recording="one",
        subject="1",
        scenario="",
        method=method,
        fold="0",
        seed=0,
        condition="none",
        region="skin",
        waveform=Waveform(np.zeros(300), fs),
        coverage=1.0,
    )


def model(digest: str, operations: Any = None, **more: Any) -> dict[str, Any]:
    counted = {} if operations is None else {"operations": operations}
    return {"method": "net", "digest": digest, "n_parameters": 361, **counted, **more}


def counted(training: int, minute: int | None = 5) -> dict[str, Any]:
    estimates = {} if minute is None else {"estimate": {"flop_per_minute": minute}}
    return {"training": {"flop": training}, **estimates}


def costs_of_net(*models: dict[str, Any]) -> Any:
    return stored_costs([], {"net": {}}, models, []).methods["net"]


def test_trainings_are_averaged_and_each_has_the_first_stage_that_it_begins_with() -> None:
    cost = costs_of_net(
        model("first", counted(1000, None)),
        model("a", counted(10), pretraining="first"),
        model("b", counted(20), pretraining="first"),
    )
    assert (cost.flop_per_training, cost.flop_per_minute) == (1015, 5)
    assert (cost.parameters, cost.not_counted) == (361, "")


def test_seconds_and_energy_of_a_training_count_its_first_stage_too() -> None:
    first = model("first", counted(1, None), effort={"seconds": 30.0, "joules": 900.0})
    after = {"effort": {"seconds": 10.0, "joules": 100.0}, "pretraining": "first"}
    cost = costs_of_net(first, model("a", counted(2), **after))
    assert (cost.training_s, cost.training_joules) == (40.0, 1000.0)
    unknown = {"effort": {"seconds": None, "joules": None}, "pretraining": "first"}
    cost = costs_of_net(first, model("a", counted(2), **unknown))
    assert (cost.training_s, cost.training_joules, cost.flop_per_training) == (None, None, 3)


@pytest.mark.torch
def test_a_method_that_learns_without_a_stored_model_says_so() -> None:
    costs = stored_costs([], {"physnet": {}}, [], []).methods
    assert costs["physnet"].not_counted == WITHOUT_MODEL


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        (None, NOT_STORED),
        ({"training": {"not_counted": "train: no rule"}, "estimate": {}}, "train: no rule"),
    ],
)
def test_what_was_not_counted_is_no_number(operations: Any, reason: str) -> None:
    cost = costs_of_net(model("a", operations))
    assert (cost.flop_per_training, cost.flop_per_minute) == (None, None)
    assert (cost.parameters, cost.not_counted) == (361, reason)


def test_a_training_without_the_count_of_its_first_stage_has_no_number() -> None:
    cost = costs_of_net(model("first"), model("a", counted(10), pretraining="first"))
    assert cost.flop_per_training is None
    assert cost.flop_per_minute == 5


def test_look_ahead_is_that_of_the_stored_frame_rate_and_parameters() -> None:
    long = variant_name("pos", {"window_s": 3.2})
    estimates = [estimate("pos"), estimate(long, 25.0), estimate("ica")]
    methods = {"pos": {}, long: {"window_s": 3.2}, "ica": {}, "chrom": {}}
    costs = stored_costs([], methods, [], estimates).methods
    assert costs["pos"].look_ahead_s == pytest.approx(47 / 30)
    assert costs[long].look_ahead_s == pytest.approx(79 / 25)
    assert costs["ica"].look_ahead_s is None
    assert costs["chrom"].look_ahead_s is None  # no pulse is stored
    assert costs["pos"].not_counted == OF_NUMPY


def test_baselines_have_no_costs_and_runs_have_their_energy(tmp_path: Path) -> None:
    line = {"began": "A", "seconds": 5.0, "joules": 7.0, "processor_share": None, "reason": ""}
    (tmp_path / "energy.jsonl").write_text(json.dumps(line) + "\n")
    costs = stored_costs([tmp_path, tmp_path / "older"], {"constant": {}, "pos": {}}, [], [])
    assert set(costs.methods) == {"pos"}
    assert [(run.began, run.joules) for run in costs.runs] == [("A", 7.0)]
