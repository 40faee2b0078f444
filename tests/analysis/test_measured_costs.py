"""Delay and energy that bench speed measured, beside the costs of results."""

import json
from pathlib import Path
from typing import Any

import pytest

from rppgbench.analysis.measured_costs import add_measured_costs, read_measured_costs
from rppgbench.cli import main
from rppgbench.core.registry import load_methods
from rppgbench.report.costs import Costs, MethodCost
from rppgbench.system.errors import BenchError

COSTS = Costs(methods={"pos": MethodCost(), "ica": MethodCost()})


def rate(part: str, method: str, value: float = 1.0, **numbers: float) -> dict[str, Any]:
    return {"part": part, "value": value, "method": method, "preset": "paper", "numbers": numbers}


def write(folder: Path, *rates: dict[str, Any]) -> Path:
    file = folder / "cost.json"
    file.write_text(json.dumps({"machine": "a machine", "rates": rates}))
    return file


def params(name: str, **changes: Any) -> dict[str, Any]:
    return {**load_methods().available[name].parameters({}), **changes}


def test_methods_have_what_was_measured_of_them(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        rate("latency", "", 0.7),
        rate("latency", "pos", 1.6),
        rate("energy", "pos", 3.0, joules_per_minute=3.0),
        rate("energy", "ica", 0.2, processor_s_per_minute=0.2),
        rate("energy", "absent", 5.0, joules_per_minute=5.0),
    )
    methods = {"pos": params("pos"), "ica": params("ica")}
    costs = add_measured_costs(COSTS, methods, read_measured_costs(file))
    assert (costs.methods["pos"].delay_s, costs.methods["pos"].joules_per_minute) == (1.6, 3.0)
    assert costs.methods["ica"] == MethodCost(processor_s_per_minute=0.2)
    assert costs.measured_on == "a machine"


@pytest.mark.parametrize("rates", [[], [rate("latency", "pos")], [rate("energy", "ica")]])
def test_a_file_without_a_number_for_the_results_is_refused(
    tmp_path: Path, rates: list[dict[str, Any]]
) -> None:
    """POS has another window in the results; of ICA the row has no number."""
    methods = {"pos": params("pos", window_s=3.2), "ica": params("ica")}
    measured = read_measured_costs(write(tmp_path, *rates))
    with pytest.raises(BenchError, match="has no cost of a method"):
        add_measured_costs(COSTS, methods, measured)


ROW = '"part": "energy", "method": "pos", "preset": "paper"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"machine": "m", "rates": [{"part": "x"}]}',
        f'{{"machine": "m", "rates": [{{{ROW}, "value": "x", "numbers": {{}}}}]}}',
        f'{{"machine": "m", "rates": [{{{ROW}, "value": NaN, "numbers": {{}}}}]}}',
        f'{{"machine": "m", "rates": [{{{ROW}, "value": 1, "numbers": [1]}}]}}',
        f'{{"machine": "m", "rates": [{{{ROW}, "value": 1, "numbers": {{"x": null}}}}]}}',
    ],
)
def test_another_file_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(BenchError, match=r"other.json: not what bench speed .* writes"):
        read_measured_costs(file)
    with pytest.raises(BenchError, match="cannot be read"):
        read_measured_costs(tmp_path / "absent.json")


def test_the_option_is_for_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["report", str(tmp_path), "--format", "csv", "--cost", str(tmp_path / "cost.json")]
    assert main(arguments) == 2
    assert "--cost: has no effect with --format csv" in capsys.readouterr().err
