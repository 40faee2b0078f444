"""What can be known before the first frame is told before it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.execution import obstacles, runner
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.run_options import RunOptions
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
