"""The parts of the code that a registration and a plan name."""

from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.core.registry import load_methods
from rppgbench.execution.registering import planned_code, register
from rppgbench.execution.run_options import RunOptions

TIME = "2026-11-01T00:00:00+00:00"


def test_versions_of_other_peoples_packages_are_parts_of_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pos = replace(load_methods().available["pos"], versions=lambda: {"weights": "7"})
    monkeypatch.setitem(load_methods().available, "pos", pos)
    options = RunOptions(methods=("pos",), cache=Path("nowhere"))
    code = register("quickstart", options, [], evaluator=None, registered=TIME, log=print).code[
        "method pos"
    ]
    assert code["version of weights"] == "7"
    setting = {
        "method": "pos",
        "dataset": "simulated",
        "code": "c",
        "reader": "r",
        "extractor": "e",
        "versions": {"weights": "8"},
    }
    closures = {"c": {"methods/pos.py": "0"}, "r": {}, "e": {}}
    planned = planned_code([setting], closures)["method pos"]
    assert planned == {"methods/pos.py": "0", "version of weights": "8"}


@pytest.mark.parametrize(("test", "simulated"), [("simulated", True), ("pure", False)])
def test_data_is_simulated_where_all_tested_sets_are(test: str, simulated: bool) -> None:
    options = RunOptions(methods=("pos",), train="ubfc_rppg", test=test, cache=Path("nowhere"))
    made = register("cross", options, [], evaluator=None, registered=TIME, log=print)
    assert made.simulated is simulated
