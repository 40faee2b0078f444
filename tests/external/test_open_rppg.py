"""open-rppg's networks in a process of their own."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.registry import find_toml, load_datasets, load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.execution.prediction import predict_video
from rppgbench.execution.pulse_estimation import method_inputs
from rppgbench.external import open_rppg
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.simulation import SimulationPlan
from rppgbench.system.errors import BenchError
from rppgbench.testing.method_contract import strongest_bpm

from ..conftest import ROOT

THERE = bool(os.environ.get(open_rppg.PYTHON)) or importlib.util.find_spec("rppg") is not None
needs_it = pytest.mark.skipif(not THERE, reason="needs the extra open-rppg")
NAMES = sorted(file.stem for file in (ROOT / "methods").glob("open_rppg_*.py"))


def bench(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from rppgbench.cli import main; raise SystemExit(main())", *words],
        env={k: v for k, v in os.environ.items() if k != open_rppg.PYTHON} | env,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.skipif(importlib.util.find_spec("rppg") is not None, reason="it is installed here")
def test_without_it_the_list_and_the_command_say_what_to_install() -> None:
    listed = bench("list", "methods").stdout.splitlines()
    lines = [line for line in listed if line.split()[:1] and line.split()[0] in NAMES]
    assert len(lines) == len(NAMES) == 17
    assert all("pip install 'rppgbench[open-rppg]'" in line for line in lines)
    done = bench("run", "--protocol", "quickstart", "--methods", "pos,open_rppg_physnet")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "needs open-rppg: pip install" in line


def test_a_python_that_is_none_or_has_none_is_said_in_a_line(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "python")
    done = bench("check", "open_rppg_physnet", **{open_rppg.PYTHON: nowhere})
    assert done.returncode == 2
    assert f"{nowhere} is no file" in done.stderr
    bare = f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n'  # without any package
    Path(nowhere).write_text(bare)
    Path(nowhere).chmod(0o755)
    asked = ["run", "--protocol", "quickstart", "--methods", "open_rppg_physnet"]
    done = bench(*asked, "--out", str(tmp_path / "results"), **{open_rppg.PYTHON: nowhere})
    assert done.returncode == 2
    assert "has no open-rppg" in done.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "results").exists()  # it is said before anything is simulated


@needs_it
def test_each_says_what_it_was_learned_on_and_under_which_terms() -> None:
    found = {name: load_methods().found[name] for name in NAMES}
    for name, one in found.items():
        assert one.trained_on == (("pure",) if name.endswith("_pure") else ("rlap",))
        assert "weights" in one.licence
        assert one.fit is None
    assert set(open_rppg.versions()) >= {"open-rppg", "jax"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Waveform, float]:
    """A simulated person as open-rppg's PhysNet sees them, 12 s, and their mean heart rate."""
    folder = tmp_path_factory.mktemp("person")
    dataset = load_datasets().found["simulated"]
    assert dataset.simulate is not None
    dataset.simulate(folder / "people", SimulationPlan(1, 12.0, 0, "easy"))
    (recording,) = dataset.recordings(folder / "people")
    method = load_methods().found["open_rppg_physnet"]
    needs = FeatureRequest(frozenset({str(method.params["crop"])}))
    features = cached_features(recording.video(), needs, folder / "cache")
    (found,) = method_inputs(features, method, method.parameters({}), "")
    rate = recording.ground_truth().heart_rate
    assert rate is not None
    return found, float(rate.values.mean())


@needs_it
@pytest.mark.parametrize("name", ["open_rppg_physnet", "open_rppg_physnet_pure"])
def test_physnet_finds_a_simulated_pulse_and_says_the_same_twice(
    name: str, clip: tuple[Waveform, float]
) -> None:
    given, bpm = clip
    before = given.samples.copy()
    method = load_methods().found[name]
    pulse, again = (method.estimate(given, **method.parameters({})) for _ in range(2))
    assert abs(strongest_bpm(pulse) - bpm) < 3
    np.testing.assert_array_equal(pulse.samples, again.samples)
    np.testing.assert_array_equal(given.samples, before)
    assert pulse.fs == 30.0
    assert abs(len(pulse.samples) / pulse.fs - len(given.samples) / given.fs) < 0.1


@needs_it
def test_a_stretch_shorter_than_a_block_is_refused_with_the_length(
    clip: tuple[Waveform, float],
) -> None:
    given = Waveform(clip[0].samples[:100], clip[0].fs)
    with pytest.raises(ValueError, match="needs 128 pictures at 30 a second"):
        open_rppg.pulse("PhysNet.rlap", given)


@needs_it
def test_ts_can_s_pulse_ends_before_the_block_that_gives_no_numbers() -> None:
    """Its half precision has no answer to two equal pictures: 400 pictures are 2.5 blocks."""
    pixels: Any = np.random.default_rng(0).integers(90, 160, (400, 36, 36, 3), np.uint8)
    pulse = open_rppg.pulse("TSCAN.rlap", Waveform(pixels, 30.0))
    assert len(pulse.samples) == 320
    assert np.isfinite(pulse.samples).all()
    with pytest.raises(ValueError, match="no two seconds of numbers"):
        open_rppg.pulse("TSCAN.rlap", Waveform(np.repeat(pixels[:200], 2, axis=0), 30.0))


@needs_it
def test_a_process_that_dies_is_one_line_and_the_next_question_has_a_new_one(
    clip: tuple[Waveform, float],
) -> None:
    open_rppg.pulse("PhysNet.rlap", clip[0])
    server = open_rppg._server(open_rppg._python(), os.getpid())
    os.kill(server._process.pid, signal.SIGKILL)
    with pytest.raises(BenchError, match="open-rppg's process ended"):
        open_rppg.pulse("PhysNet.rlap", clip[0])
    assert len(open_rppg.pulse("PhysNet.rlap", clip[0]).samples)


@needs_it
@pytest.mark.real
@pytest.mark.parametrize("name", ["open_rppg_physnet", "open_rppg_physnet_pure"])
def test_physnet_on_a_genuine_face(name: str, real: Path, tmp_path: Path) -> None:
    """53 bpm by several accounts, see the recordings' own page."""
    rule = read_evaluator(find_toml("protocols/evaluators", "evaluator", "li2023", ""))
    said = predict_video(real / "evm-face" / "face.mp4", load_methods().found[name], rule, tmp_path)
    assert abs(said.heart_rate_bpm - 53) < 2
    assert said.coverage == 1.0
