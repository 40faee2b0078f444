"""What can be known before the first frame is told before it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.core.registry import toml_files
from rppgbench.core.waveform import Signal
from rppgbench.execution import obstacles, runner
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.score_obstacles import score_obstacles
from rppgbench.execution.video_lengths import VideoLength
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

from ..factories import trees

pytestmark = pytest.mark.torch


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    """VIPL-HR-V2 as it is given out: a heart rate for each video, and no pulse."""
    trees.disfa(tmp_path / "disfa")
    trees.vipl_hr_v2(tmp_path / "vipl_hr_v2")
    trees.clip(tmp_path / "video_folder" / "a.mp4")
    return {name: tmp_path / name for name in ("disfa", "vipl_hr_v2", "video_folder")}


def plan_of(
    roots: Mapping[str, Path], methods: list[str], params: Mapping[str, Mapping[str, Any]]
) -> Plan:
    protocol = read_protocol(toml_files("protocols")["repss3_track1"])
    protocol = protocol.model_copy(update={"pretrain": ["disfa"], "params": dict(params)})
    return make_plan(protocol, "repss3_track1", roots, methods=methods, seeds=[0], location="test")


CROP = {"contrast_phys_plus": {"crop": "contrast_phys"}}
LEARNERS = ["st_transformer", "contrast_phys_plus", "constant", "pos"]


def test_a_training_side_without_a_pulse_is_told_before_anything_is_decoded(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(options: RunOptions) -> None:
        raise AssertionError("began")

    monkeypatch.setattr(runner, "_open_executor", decode)
    plan = plan_of(roots, LEARNERS, CROP)
    with pytest.raises(BenchError) as raised:
        runner.run(plan, Store(tmp_path / "r"), RunOptions(cache=tmp_path, device="cpu"))
    message = str(raised.value)
    for method in ("st_transformer", "contrast_phys_plus"):
        assert f"{method}: none of the 5 recordings of vipl_hr_v2 that it learns" in message
    assert "bench data show vipl_hr_v2" in message
    assert "--preset unlabelled" in message
    assert "constant" not in message
    assert "\n" not in message


def test_one_pulse_is_enough_and_a_stage_without_labels_needs_none(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(obstacles, "video_length", lambda recording: None)  # these last 1 s
    unlabelled = {
        "contrast_phys_plus": {"preset": "unlabelled", "crop": "contrast_phys"},
        "st_transformer": {"preset": "unlabelled"},
    }
    plan = plan_of(roots, LEARNERS, unlabelled)
    assert obstacles.method_obstacles(plan, plan.jobs) == {}
    lines = [f"{k / 30:.3f},{k % 9}" for k in range(40)]
    trees.column(roots["vipl_hr_v2"] / "train" / "12" / "video2_bvp.csv", lines)
    plan = plan_of(roots, LEARNERS, CROP)
    assert obstacles.method_obstacles(plan, plan.jobs) == {}


def test_what_is_stored_already_is_not_checked(roots: dict[str, Path]) -> None:
    plan = plan_of(roots, LEARNERS, CROP)
    left = [job for job in plan.jobs if job.method == "pos"]
    assert left
    assert obstacles.method_obstacles(plan, left) == {}


def test_a_missing_face_detector_is_told_with_the_extra(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    plan = plan_of(roots, ["contrast_phys_plus"], {"contrast_phys_plus": {"preset": "unlabelled"}})
    (reason,) = obstacles.method_obstacles(plan, plan.jobs).values()
    assert "mtcnnruntime, onnxruntime is not installed" in reason
    assert "pip install 'rppgbench[mtcnn]'" in reason


def with_durations(monkeypatch: pytest.MonkeyPatch, seconds: Mapping[str, float]) -> None:
    """Recordings of a data set last as long as is said here, and 60 s else."""

    def length(recording: Recording) -> VideoLength:
        lasts_s = seconds.get(recording.dataset, 60.0)
        return VideoLength(seconds=lasts_s, frames=30 * lasts_s)

    monkeypatch.setattr(obstacles, "video_length", length)


def test_each_stage_needs_a_recording_of_a_clip_s_length(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{k / 30:.3f},{k % 9}" for k in range(40)]
    trees.column(roots["vipl_hr_v2"] / "train" / "12" / "video2_bvp.csv", lines)
    plan = plan_of(roots, LEARNERS, CROP)
    both = {"contrast_phys_plus", "st_transformer"}
    for short, names in (("vipl_hr_v2", both), ("disfa", both), ("video_folder", set())):
        with_durations(monkeypatch, {short: 4.0})
        reasons = obstacles.method_obstacles(plan, plan.jobs)
        assert set(reasons) == names, short
        assert all("longer than each of the" in reason for reason in reasons.values())
        assert all("(at most 4 s)" in reason for reason in reasons.values())


def test_a_stage_of_no_epochs_needs_no_long_recording(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(roots, ["st_transformer"], {"st_transformer": {"preset": "unlabelled"}})
    for short, names in (("vipl_hr_v2", set()), ("disfa", {"st_transformer"})):
        with_durations(monkeypatch, {short: 4.0})
        assert set(obstacles.method_obstacles(plan, plan.jobs)) == names, short


def test_labels_of_any_kind_are_looked_for_where_no_pulse_is_needed(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_durations(monkeypatch, {})
    plan = plan_of(roots, ["rhythmnet", "constant"], {})
    assert obstacles.method_obstacles(plan, plan.jobs) == {}
    monkeypatch.setattr(obstacles, "read_labels", lambda recording: GroundTruth())
    reasons = obstacles.method_obstacles(plan, plan.jobs)
    assert set(reasons) == {"rhythmnet", "constant"}
    assert "from has a pulse or heart rate; put the labels beside" in reasons["constant"]


def test_a_method_that_contrasts_recordings_is_not_given_one(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_durations(monkeypatch, {})
    plan = plan_of(roots, ["contrast_phys", "rhythmnet"], {})
    single = tuple(replace(fit, pretrain=(), train=fit.train[:1]) for fit in plan.fits)
    plan = replace(plan, fits=single)
    (name, reason), *others = obstacles.method_obstacles(plan, plan.jobs).items()
    assert (name, others) == ("contrast_phys", [])
    assert reason.startswith("it learns from at least 2 recordings, and fold")
    assert " has 1; add recordings" in reason


def test_an_evaluator_without_references_or_with_longer_windows_is_told(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(roots, ["pos"], {})
    (rule,) = {str(name) for name in plan.protocol.evaluators[:1]}
    tested = [job for job in plan.jobs if job.method == "pos"]
    with_durations(monkeypatch, {job.dataset: 0.5 for job in tested})
    reason = score_obstacles(plan, tested)[rule]
    assert "recordings that are tested is shorter than its shortest window of" in reason
    assert reason.endswith("(at most 0.5 s)")
    with_durations(monkeypatch, {})
    monkeypatch.setattr(obstacles, "read_labels", lambda recording: GroundTruth())
    assert "to score by" in score_obstacles(plan, tested)[rule]
    times_s = np.arange(3.0)
    rated = GroundTruth(heart_rate=Signal(times_s, 60 + times_s))
    monkeypatch.setattr(obstacles, "read_labels", lambda recording: rated)
    assert score_obstacles(plan, tested) == {}
    assert score_obstacles(plan, []) == {}
