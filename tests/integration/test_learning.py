"""Methods learn from simulated recordings, through the command.

The short form trains one small network, kills it and lets it go on; `pytest -m learning --long`
trains the three methods of `simulated_intra` and holds them to their goal.
"""

import csv
import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.model_files import read_model
from rppgbench.store.store import Store

from ..faults.runs import begin, bench, finish, until

pytestmark = pytest.mark.learning

PROTOCOL = Path(__file__).parents[2] / "protocols" / "simulated_intra.toml"
GOAL_BPM = 3.0
BETTER = 4.0
"""How many times smaller than the baseline's the error of unseen subjects is to be."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of content with `small`: the protocol, with eight epochs on three short videos."""
    text = PROTOCOL.read_text(encoding="utf-8")
    for old, new in (
        ("[params.co_rectification]\n", "[params.co_rectification]\nepochs = 8\nbatch = 4\n"),
        ("subjects = 24\nseconds = 24.0", "subjects = 3\nseconds = 13.0"),
    ):
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "more" / "protocols" / "small.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file.parent.parent


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One set of videos for all tests."""
    return tmp_path_factory.mktemp("cache")


def small_run(small: Path, cache: Path) -> list[str]:
    arguments = [
        "run",
        "--protocol",
        "small",
        "--simulate",
        "--methods",
        "co_rectification,constant",
    ]
    return [*arguments, "--plugins", str(small), "--device", "cpu", "--cache", str(cache)]


def read_table(results: Path) -> list[dict[str, str]]:
    with (results / "table.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_killed_training_of_the_command_continues_to_the_same_weights(
    small: Path, cache: Path, tmp_path: Path
) -> None:
    arguments = small_run(small, cache)
    code, _, errors = bench(*arguments, "--out", tmp_path / "whole")
    assert code == 0, errors
    models = tmp_path / "killed" / "models"

    def two_epochs() -> bool:
        logs = list(models.glob("*-training/train.jsonl"))
        return any(len(log.read_text().splitlines()) >= 2 for log in logs)

    run = begin(*arguments, "--out", tmp_path / "killed")
    assert until(two_epochs, run), "it ended before it could be killed"
    os.killpg(run.pid, signal.SIGKILL)
    assert finish(run)[0] == -signal.SIGKILL
    (log,) = models.glob("*-training/train.jsonl")
    kept = len(log.read_text().splitlines())
    run, seen = begin(*arguments, "--out", tmp_path / "killed"), []
    while run.poll() is None:
        seen.append(len(log.read_text().splitlines()))
        time.sleep(0.02)
    code, _, errors = finish(run)
    assert code == 0, errors
    # It went on: the log, written anew after every epoch, was never shorter (0: being written).
    assert min(filter(None, seen)) >= kept
    assert max(seen) == 8
    learned = sorted(file.parent.name for file in models.glob("*/model.json"))
    assert len(learned) == 6  # two methods in three folds
    for name in learned:
        first, second = (
            read_model(tmp_path / out / "models" / name) for out in ("whole", "killed")
        )
        assert first.arrays.keys() == second.arrays.keys()
        for key, value in first.arrays.items():
            assert value.tobytes() == second.arrays[key].tobytes(), f"{name}: {key}"
    pulses = [
        {
            (e.recording, e.method): e.waveform.samples.tobytes()
            for e in Store(tmp_path / out).estimates()
            if e.waveform is not None
        }
        for out in ("whole", "killed")
    ]
    assert len(pulses[0]) == 6
    assert pulses[0] == pulses[1]
    code, _, errors = bench(*arguments, "--every-epoch", "--out", tmp_path / "killed")
    assert code == 2
    assert "was learned without --every-epoch" in errors
    page = (tmp_path / "killed" / "report.html").read_text(encoding="utf-8")
    assert "Has it learned?" in page
    assert "smoke preset" in page


def test_the_best_epoch_is_a_row_of_its_own_that_is_not_ranked(
    small: Path, cache: Path, tmp_path: Path
) -> None:
    arguments = small_run(small, cache)
    out = tmp_path / "out"
    code, _, errors = bench(*arguments, "--every-epoch", "--out", out)
    assert code == 0, errors
    rows = {r["method"]: r for r in read_table(out) if r["evaluator"] == "li2023"}
    last, best = rows["co_rectification"], rows["co_rectification: best epoch (oracle)"]
    assert float(best["mae"]) <= float(last["mae"])
    assert last["leaked"] == ""
    assert "its epoch was chosen" in best["leaked"]
    assert best["n_recordings"] == last["n_recordings"] == "3"
    stored = {e.recording for e in Store(out / "epochs").estimates()}
    assert len(list(Store(out / "epochs").estimates())) == 8 * len(stored) == 24


def test_two_devices_share_a_training_of_the_command(
    small: Path, cache: Path, tmp_path: Path
) -> None:
    rows = []
    for number in (1, 2):
        out = tmp_path / str(number)
        code, _, errors = bench(*small_run(small, cache), "--devices", str(number), "--out", out)
        assert code == 0, errors
        logs = [
            [json.loads(line) for line in file.read_text().splitlines()]
            for file in sorted((out / "models").glob("*-training/train.jsonl"))
        ]
        rows.append([[epoch["loss"] for epoch in log] for log in logs])
    alone, together = np.array(rows[0]), np.array(rows[1])
    assert alone.shape == together.shape == (3, 8)
    # Float32 rounds differently in parts of a batch, and AdamW amplifies the difference. In float64
    # both trainings agree to 1e-6 (tests/neural/test_distributed.py).
    np.testing.assert_allclose(together[:, 0], alone[:, 0], rtol=1e-3)
    np.testing.assert_allclose(together, alone, rtol=0.1, atol=0.02 * alone.max())


NO_TORCH = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torch" else real(name, *more)
from rppgbench.cli import main
sys.exit(main())
"""


def test_without_torch_a_protocol_runs_with_what_there_is(
    small: Path, cache: Path, tmp_path: Path
) -> None:
    arguments = ["run", "--protocol", "small", "--simulate", "--plugins", str(small)]
    arguments += ["--cache", str(cache), "--out", str(tmp_path / "out")]
    run = [sys.executable, "-c", NO_TORCH, *arguments]
    process = subprocess.run(run, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    missing = " left out: needs torch: pip install 'rppgbench[neural]'"
    (line,) = (line for line in process.stderr.splitlines() if line.endswith(missing))
    assert {"contrast_phys", "co_rectification"} <= set(re.findall(r"\w+", line))
    assert {r["method"] for r in read_table(tmp_path / "out")} == {"constant", "pos", "two_sr"}
    page = html.unescape((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert line.removeprefix("note: ") in page
    asked = subprocess.run(
        [*run, "--methods", "contrast_phys"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "method 'contrast_phys' cannot run: needs torch" in asked.stderr


@pytest.mark.timeout(5400)
@pytest.mark.parametrize("method", ["st_transformer", "co_rectification", "contrast_phys"])
def test_the_error_on_unseen_people_reaches_the_goal(
    method: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("only with --long")
    assert method in tomllib.loads(PROTOCOL.read_text(encoding="utf-8"))["methods"]
    folder = tmp_path_factory.getbasetemp() / "learning"
    arguments = ["run", "--protocol", "simulated_intra", "--simulate", "--device", "cpu"]
    arguments += ["--cache", str(folder / "cache"), "--out", str(folder / method)]
    run = begin(*arguments, "--methods", f"{method},constant")
    _, text = run.communicate()
    assert run.returncode == 0, text
    rows = {r["method"]: r for r in read_table(folder / method) if r["evaluator"] == "li2023"}
    error, baseline = float(rows[method]["mae"]), float(rows["constant"]["mae"])
    assert error < GOAL_BPM
    assert error < baseline / BETTER


@pytest.mark.timeout(9000)
def test_on_hard_people_co_rectification_beats_its_pseudo_labels(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("only with --long")
    arguments = [
        "run",
        "--protocol",
        "simulated_hard",
        "--simulate",
        "--device",
        "cpu",
        "--jobs",
        "2",
    ]
    arguments += ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "hard")]
    run = begin(*arguments, "--methods", "co_rectification,two_sr")
    _, text = run.communicate()
    assert run.returncode == 0, text
    rows = {r["method"]: r for r in read_table(tmp_path / "hard") if r["evaluator"] == "li2023"}
    assert float(rows["co_rectification"]["mae"]) < float(rows["two_sr"]["mae"])
