"""The phase of references, and the command on stored results."""

import json
from pathlib import Path

import numpy as np
import pytest

from rppgbench.analysis import rate_limits
from rppgbench.analysis.rate_limits import reference_phase
from rppgbench.cli import main
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal

from ..factories.evaluators import beat_rule
from ..factories.records import make_ground_truth

RULE = beat_rule()


def test_the_phase_turns_once_a_beat() -> None:
    times_s = np.arange(5, 15, 1 / 30)
    phase = reference_phase(make_ground_truth(72.0, seconds=30.0), RULE, times_s)
    assert phase is not None
    assert np.diff(phase) == pytest.approx(2 * np.pi * 1.2 / 30, rel=0.05)


def test_beats_of_the_device_and_its_rate_give_the_phase_too() -> None:
    times_s = np.array([1.25, 1.5, 2.25])
    beats = GroundTruth(beats_s=np.arange(0.0, 10.0))
    assert reference_phase(beats, RULE, times_s) == pytest.approx(
        2 * np.pi * (times_s - 1.0) + 2 * np.pi, abs=1e-9
    )
    clock = np.arange(0.0, 10.0)
    rising = GroundTruth(heart_rate=Signal(60 + 6 * clock, clock))
    turned = reference_phase(rising, RULE, np.linspace(1, 5, 401))
    assert turned is not None
    assert (turned[-1] - turned[0]) / (2 * np.pi) == pytest.approx(4 * (60 + 6 * 3) / 60)


def test_a_reference_that_ends_in_the_window_gives_none() -> None:
    truth = make_ground_truth(72.0, seconds=10.0)
    assert reference_phase(truth, RULE, np.arange(5, 15, 1 / 30)) is None
    assert reference_phase(GroundTruth(), RULE, np.arange(5, 15, 1 / 30)) is None


def test_the_command_sets_methods_beside_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = ["--protocol", "traces", "--simulate", "--subjects", "2", "--seconds", "31"]
    assert main(["run", *plan, "--methods", "pos,green", "--out", "res", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["limit", "res", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["simulated"] is True
    for recording in answer["recordings"]:
        assert recording["reason"] == ""
        assert recording["windows"] >= 1
        assert 0 < recording["limit_bpm"] < 1
        assert set(recording["rmse_bpm"]) == {"pos", "green"}
        assert all(0 < share < 0.05 for share in recording["noise"])
    assert main(["limit", "res"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("SIMULATED DATA")
    assert lines[-1].split()[0] == "median"
    assert main(["limit", "res", "--region", "whole_frame", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == answer
    assert main(["limit", "res", "--region", "skin"]) == 2
    assert "no region 'skin'. Known: whole_frame" in capsys.readouterr().err
    assert main(["limit", "res", "--data", "pure=res"]) == 2
    assert capsys.readouterr().err.startswith("bench: --data: pure has no effect: res uses traces")
    assert main(["limit", "res", "--evaluator", "respiration"]) == 2
    assert "the limit is of heart rates" in capsys.readouterr().err
    assert main(["limit", "res", "--evaluator", "hrv"]) == 3
    assert "are too short" in capsys.readouterr().out
    monkeypatch.setattr(rate_limits, "BEATS", "pyvhr")
    assert main(["limit", "res", "--evaluator", "pyvhr"]) == 2
    assert "pyvhr.toml: reads no beats of the reference" in capsys.readouterr().err
