"""Which methods bench speed measures, and what it says of their cost."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from rppgbench.cli import main
from rppgbench.cli.speed import _fill_in_defaults
from rppgbench.cli.speed_methods import chosen_methods
from rppgbench.core.registry import load_methods
from rppgbench.execution.method_groups import expand_groups
from rppgbench.profiling import energy
from rppgbench.system.errors import BenchError


def chosen(*methods: str) -> list[str]:
    arguments = argparse.Namespace(methods=methods or None)
    return [method.name for method in chosen_methods(arguments)]


def test_a_group_stands_for_its_methods_that_are_installed() -> None:
    assert set(chosen()) == set(chosen("all")) == set(load_methods().available)
    assert chosen("constant", "learned") == ["constant", *expand_groups(["learned"])]
    with pytest.raises(BenchError, match="--methods: no method 'leraned'"):
        chosen("leraned")


def measured(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[Any], str]:
    """The rows of `bench speed` and what it told beside them."""
    assert main(["speed", "--seconds", "2", "--json", *arguments]) == 0
    output = capsys.readouterr()
    return json.loads(output.out)["rates"], output.err


def test_latency_has_the_face_and_each_method_that_streams(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows, notes = measured(capsys, "--only", "latency", "--methods", "pos,ica,green")
    face, pos, green = rows
    assert face["what"].startswith("decoding and following the face")
    assert 0.5 < face["numbers"]["look_ahead_s"] < 0.8
    assert pos["numbers"]["look_ahead_s"] == pytest.approx(47 / 30)
    assert pos["value"] == pytest.approx(
        pos["numbers"]["look_ahead_s"] + pos["numbers"]["call_95_s"]
    )
    assert green["what"] == "green, preset toolbox"
    assert "every sample needs the whole recording: ica" in notes


def test_energy_has_the_pass_and_each_method(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure = energy.work_energy
    monkeypatch.setattr(
        energy, "work_energy", lambda work: measure(work, least_s=0, powercap=tmp_path)
    )
    rows, _ = measured(capsys, "--only", "energy", "--methods", "green")
    assert [row["what"] for row in rows] == ["the pass over a video, before each method", "green"]
    for row in rows:
        assert row["unit"] == "processor s/min"
        assert row["value"] > 0
        assert f"no energy counters of processor packages in {tmp_path}" in row["note"]


@pytest.mark.torch
def test_operations_of_a_network_and_the_methods_that_are_not_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("--only", "operations", "--preset", "toy", "--methods", "noobheart,pos")
    assert main(["speed", "--json", *arguments]) == 0
    output = capsys.readouterr()
    (row,) = json.loads(output.out)["rates"]
    assert row["numbers"]["parameters"] == 361
    assert row["value"] == pytest.approx(row["numbers"]["flop_per_minute"] / 1e9)
    assert row["numbers"]["flop_per_minute"] == 60 * 114_816
    assert row["numbers"]["flop_per_train_step"] > 0
    assert "operations are not counted" in output.err
    assert output.err.rstrip().endswith(": pos")


def test_networks_are_not_trained_unasked() -> None:
    """Without --only the parts that train networks are left out."""
    arguments = argparse.Namespace(only=None, methods=None, video=None, seconds=None)
    for name in ("evaluator", "preset", "device"):
        setattr(arguments, name, None)
    _fill_in_defaults(arguments)
    assert arguments.only == ["extraction", "methods", "scoring", "bookkeeping", "feeding"]
