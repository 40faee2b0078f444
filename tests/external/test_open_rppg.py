"""open-rppg's networks run in a subprocess."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.factories.records import video_source

from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.execution.prediction_reading import NamedEvaluator
from rppgbench.execution.pulse_estimation import method_inputs
from rppgbench.execution.video_prediction import predict_video
from rppgbench.external import open_rppg
from rppgbench.external.open_rppg_server import signal_quality
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.simulation import SimulationPlan
from rppgbench.system.errors import BenchError
from rppgbench.testing.method_contract import strongest_bpm

from ..conftest import ROOT

INSTALLED = bool(os.environ.get(open_rppg.PYTHON)) or importlib.util.find_spec("rppg") is not None
needs_open_rppg = pytest.mark.skipif(not INSTALLED, reason="needs the extra open-rppg")
NAMES = sorted(
    name
    for name in {**load_methods().available, **load_methods().unavailable}
    if name.startswith("open_rppg_")
)


def bench(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from rppgbench.cli import main; raise SystemExit(main())",
            *arguments,
        ],
        env={k: v for k, v in os.environ.items() if k != open_rppg.PYTHON} | env,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.skipif(importlib.util.find_spec("rppg") is not None, reason="open-rppg is installed")
def test_without_open_rppg_the_list_and_the_run_say_what_to_install() -> None:
    listed = bench("list", "methods").stdout.splitlines()
    (place,) = (number for number, line in enumerate(listed) if "open_rppg_physnet" in line)
    assert set(listed[place].strip().split(", ")) == set(NAMES)
    assert len(NAMES) == 17
    assert "not available: needs open-rppg: pip install 'rppgbench[open-rppg]'" in listed[place + 1]
    process = bench("run", "--protocol", "quickstart", "--methods", "pos,open_rppg_physnet")
    assert process.returncode == 2
    (line,) = process.stderr.strip().splitlines()
    assert "needs open-rppg: pip install" in line


def test_a_python_that_is_absent_or_lacks_open_rppg_is_one_line(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "python")
    process = bench("check", "open_rppg_physnet", **{open_rppg.PYTHON: nowhere})
    assert process.returncode == 2
    assert f"{nowhere} is no file" in process.stderr
    bare = f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n'  # without any package
    Path(nowhere).write_text(bare)
    Path(nowhere).chmod(0o755)
    arguments = ["run", "--protocol", "quickstart", "--methods", "open_rppg_physnet"]
    process = bench(*arguments, "--out", str(tmp_path / "results"), **{open_rppg.PYTHON: nowhere})
    assert process.returncode == 2
    assert "has no open-rppg" in process.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "results").exists()  # the message comes before the simulation


@needs_open_rppg
def test_each_method_states_its_training_set_and_licence() -> None:
    for name in NAMES:
        method = load_methods().available[name]
        assert method.trained_on == (("pure",) if name.endswith("_pure") else ("rlap",))
        assert "weights" in method.licence
        assert method.fit is None
    assert set(open_rppg.versions()) >= {"open-rppg", "jax"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Waveform, float]:
    """A clip of a simulated subject, 12 s, cut out for open-rppg's PhysNet; the mean heart rate."""
    folder = tmp_path_factory.mktemp("person")
    dataset = load_datasets().available["simulated"]
    assert dataset.simulate is not None
    dataset.simulate(
        folder / "people", SimulationPlan(subjects=1, seconds=12.0, seed=0, difficulty="easy")
    )
    (recording,) = dataset.recordings(folder / "people")
    method = load_methods().available["open_rppg_physnet"]
    request = FeatureRequest(frozenset({str(method.params["crop"])}))
    features = cached_features(video_source(recording), request, folder / "cache")
    (frames,) = method_inputs(features, method, method.parameters({}), "")
    rate = recording.ground_truth().heart_rate
    assert rate is not None
    return frames, float(rate.values.mean())


@needs_open_rppg
@pytest.mark.parametrize("name", ["open_rppg_physnet", "open_rppg_physnet_pure"])
def test_physnet_finds_a_simulated_pulse_and_repeats_it_exactly(
    name: str, clip: tuple[Waveform, float]
) -> None:
    frames, bpm = clip
    before = frames.samples.copy()
    method = load_methods().available[name]
    pulse, again = (method.estimate(frames, **method.parameters({})) for _ in range(2))
    assert abs(strongest_bpm(pulse) - bpm) < 3
    np.testing.assert_array_equal(pulse.samples, again.samples)
    np.testing.assert_array_equal(frames.samples, before)
    assert pulse.fs == 30.0
    assert abs(len(pulse.samples) / pulse.fs - len(frames.samples) / frames.fs) < 0.1


@needs_open_rppg
def test_the_confidence_is_the_signal_quality_of_open_rppg(clip: tuple[Waveform, float]) -> None:
    """A quality for each second, on the clock of the clip; noise has less of it."""
    frames = Waveform(clip[0].samples, clip[0].fs, 3.0)
    confidence = open_rppg.run_model("PhysNet.rlap", frames).confidence
    assert confidence is not None
    assert confidence.times_s == pytest.approx([7.983, 8.983, 9.983], abs=0.01)
    assert (confidence.values > 0.5).all()
    pixels: Any = np.random.default_rng(0).integers(90, 160, frames.samples.shape, np.uint8)
    noise = open_rppg.run_model("PhysNet.rlap", Waveform(pixels, frames.fs)).confidence
    assert noise is not None
    assert noise.values.max() < confidence.values.min()


def test_a_quality_belongs_to_the_middle_of_its_window() -> None:
    """A stand-in for open-rppg's function: the mean of what it is given."""

    def mean(pulse: np.ndarray, sr: float) -> float:
        assert sr == 2.0
        return float(pulse.mean())

    quality, times_s = signal_quality(mean, np.arange(24) / 24, 2.0)
    assert times_s == [4.75, 5.75, 6.75]
    assert quality == pytest.approx([9.5 / 24, 11.5 / 24, 13.5 / 24])
    quality, times_s = signal_quality(mean, np.arange(12) / 24, 2.0)
    assert times_s == [2.75]
    assert quality == pytest.approx([5.5 / 24])


@needs_open_rppg
def test_a_segment_shorter_than_a_block_is_refused_with_the_length(
    clip: tuple[Waveform, float],
) -> None:
    short = Waveform(clip[0].samples[:100], clip[0].fs)
    with pytest.raises(ValueError, match="needs 128 frames at 30 a second"):
        open_rppg.run_model("PhysNet.rlap", short)


@needs_open_rppg
def test_ts_can_s_pulse_ends_before_the_block_that_gives_no_numbers() -> None:
    """In half precision two equal frames give NaN; 400 frames are 2.5 blocks."""
    pixels: Any = np.random.default_rng(0).integers(90, 160, (400, 36, 36, 3), np.uint8)
    pulse = open_rppg.run_model("TSCAN.rlap", Waveform(pixels, 30.0))
    assert len(pulse.samples) == 320
    assert np.isfinite(pulse.samples).all()
    with pytest.raises(ValueError, match="no two seconds of numbers"):
        open_rppg.run_model("TSCAN.rlap", Waveform(np.repeat(pixels[:200], 2, axis=0), 30.0))


@needs_open_rppg
def test_a_subprocess_that_dies_is_one_line_and_the_next_question_starts_another(
    clip: tuple[Waveform, float],
) -> None:
    open_rppg.run_model("PhysNet.rlap", clip[0])
    server = open_rppg._server(open_rppg._find_python(), os.getpid())
    os.kill(server._process.pid, signal.SIGKILL)
    with pytest.raises(BenchError, match="open-rppg's process ended"):
        open_rppg.run_model("PhysNet.rlap", clip[0])
    assert len(open_rppg.run_model("PhysNet.rlap", clip[0]).samples)


@needs_open_rppg
@pytest.mark.real
@pytest.mark.parametrize("name", ["open_rppg_physnet", "open_rppg_physnet_pure"])
def test_physnet_on_a_genuine_face(name: str, real: Path, tmp_path: Path) -> None:
    """The face has 53 bpm by several sources; see the page of the recordings."""
    rule = find_evaluator("li2023", "")
    prediction = predict_video(
        real / "evm-face" / "face.mp4",
        load_methods().available[name],
        NamedEvaluator(name="li2023", rule=rule),
        tmp_path,
    )
    assert abs(prediction.heart_rate_bpm - 53) < 2
    assert prediction.coverage == 1.0
