"""What a plan will take is said before the first frame, and each number has a source."""

import math
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rppgbench.cli import main
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.execution.plan_records import Fit
from rppgbench.execution.training_cost import (
    RATES_FILE,
    count_steps,
    resampled_bytes,
    total_steps,
    training_rate,
)
from rppgbench.execution.video_lengths import VideoLength, video_length
from rppgbench.extraction.crops import crop_rule
from rppgbench.video.stream import decode_counts

from ..factories import trees

ROOT = Path(__file__).parents[2]


def test_declared_rates_are_of_methods_that_learn_and_have_a_source() -> None:
    declared = tomllib.loads((ROOT / RATES_FILE).read_text())
    loaded = load_methods()
    for name, of_method in declared.items():
        assert name in loaded.unavailable or loaded.available[name].fit is not None
        paper = {device: rate for device, rate in of_method.items() if device != "smoke"}
        for rates in (paper, of_method.get("smoke", {})):
            for device, rate in rates.items():
                assert device in {"cpu", "cuda", "mps"}
                assert rate["step_s"] > 0
                assert rate["source"].startswith(("measured: ", "arithmetic, not measured: "))
    assert math.isnan(training_rate("pos", "cuda")[0])
    assert (
        "bench speed --only learning --device cuda --methods pos" in training_rate("pos", "cuda")[1]
    )
    _, ask = training_rate("pos", "cuda", "toy")
    assert "--device cuda --preset smoke --methods pos" in ask


def test_every_method_that_learns_has_a_rate_of_its_paper_and_of_its_small_presets() -> None:
    for method in load_methods().available.values():
        if method.fit is None or method.baseline:
            continue
        paper_s, smoke_s, toy_s = (
            training_rate(method.name, "cpu", preset)[0] for preset in ("paper", "smoke", "toy")
        )
        assert smoke_s == toy_s, method.name
        assert smoke_s > 0, method.name
        assert paper_s > 0, method.name
        others = set(method.presets) - {"smoke", "toy"}
        assert all(training_rate(method.name, "cpu", name)[0] == paper_s for name in others)


@pytest.mark.parametrize(
    ("params", "durations_s", "steps"),
    [
        ({"epochs": 2, "batch": 4, "clip_s": 10.0}, [30.0, 29.9], 2 * 2),  # 3 + 2 clips
        ({"epochs": 2, "batch": 4, "clip_s": 10.0, "step_s": 5.0}, [30.0], 2 * 2),  # 5 clips
        ({"epochs": 1, "batch": 1, "clip_s": 10.0, "train_step_s": 4.0, "step_s": 1.0}, [20.0], 3),
        ({"epochs": 7, "batch": 2, "passes": 3}, [9.0] * 5, 7 * 8),
        ({"epochs": 2, "batch": 4, "passes": 9, "clip_choice": "consecutive"}, [30.0, 29.9], 2 * 2),
        ({"epochs": 5, "batch": 8, "clip_s": 10.0}, [4.0], 5),  # a short one still gives a batch
    ],
)
def test_steps_are_counted_from_the_parameters(
    params: dict[str, float], durations_s: list[float], steps: int
) -> None:
    assert count_steps(params, durations_s) == steps


def test_each_stage_is_counted_over_the_recordings_that_it_learns_from() -> None:
    """The stage without labels takes the pre-training sets alone, and may be the only stage."""
    params = {"pretrain_epochs": 3, "finetune_epochs": 4, "batch": 1, "clip_s": 10.0}
    own = {**params, "pretrain_on": "pretrain_sets"}
    assert total_steps(own, [10.0], [20.0, 20.0]) == 3 * 1 + 4 * 4
    assert total_steps({**params, "pretrain_on": "all_sets"}, [10.0], [20.0]) == 3 * 3 + 4 * 2
    assert total_steps({**own, "labels": False}, [], [20.0]) == 3 * 2
    assert total_steps({"epochs": 2, "batch": 1, "clip_s": 10.0}, [10.0], [20.0]) == 2 * 3
    assert math.isnan(total_steps({"batch": 1}, [10.0], [20.0]))


def test_the_length_of_a_video_is_that_of_its_times_and_needs_no_frame(tmp_path: Path) -> None:
    trees.vipl_hr(tmp_path)
    before = decode_counts.copy()
    recordings = {r.name: r for r in _vipl(tmp_path)}
    with_times = video_length(recordings["p2/v1/source1"])
    assert with_times is not None
    assert with_times.seconds == pytest.approx(0.64)
    assert with_times.frames == len(trees.VIPL_MS)
    (tmp_path / "data/p2/v1/source1/time.txt").write_text("x")
    assert video_length(recordings["p2/v1/source1"]) is None
    assert decode_counts == before


def _vipl(root: Path) -> Iterable[Recording]:
    from rppgbench.core.registry import load_datasets

    return load_datasets().available["vipl_hr"].recordings(root)


def test_bench_run_says_it_too_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    trees.vipl_hr(tmp_path / "vipl")
    before = decode_counts.copy()
    arguments = ["run", "--protocol", "vipl5fold", "--data", f"vipl_hr={tmp_path / 'vipl'}"]
    arguments += ["--cache", str(tmp_path / "cache"), "--methods", "pos", "--folds", "fold2"]
    code = main([*arguments, "--dry-run"])
    output, faults = capsys.readouterr()
    assert code == 0, faults
    assert output.startswith("vipl5fold: 3 estimates of 1 method over 3 recordings in 1 fold")
    assert "3 container headers" in output
    assert " in results/vipl5fold (8 bytes a frame and estimate" in output
    assert "memory: at most 458 MiB of 1 x 458 MiB for features" in output
    assert "no score: vipl: each of the 3 recordings that are tested is shorter" in output
    assert "features of 3 videos (4.6 s, by" in output  # 0.64 s by times, and twice 2 s by rates
    assert not (tmp_path / "results").exists()
    assert decode_counts == before


def clip_plan(methods: dict[str, dict[str, object]]) -> Any:
    """What `resampled_bytes` reads of a plan."""
    available = load_methods().available
    return SimpleNamespace(
        methods={name: available[name].parameters(params) for name, params in methods.items()}
    )


def clip_fit(method: str, train: Sequence[str], seed: int = 0) -> Fit:
    return Fit(
        digest=f"{method}{seed}",
        method=method,
        fold="1",
        seed=seed,
        region="",
        condition="none",
        train=tuple(("set", name) for name in train),
        pretrain=(),
    )


@pytest.mark.torch
def test_a_clip_on_a_clock_takes_room_once_for_all_trainings() -> None:
    lengths = {"set": VideoLength(seconds=30.0, frames=750.0, read=1)}
    plan = clip_plan({"contrast_phys": {}, "physnet": {"fs": 30.0}, "st_transformer": {}})
    of_one = 30 * 30 * 3 * crop_rule(str(plan.methods["contrast_phys"]["crop"])).size ** 2
    fits = [clip_fit("contrast_phys", "ab"), clip_fit("contrast_phys", "bc", seed=1)]
    assert resampled_bytes(plan, fits, lengths) == 3 * of_one
    assert resampled_bytes(plan, [clip_fit("st_transformer", "ab")], lengths) == 0  # no pictures
    even = {"set": VideoLength(seconds=30.0, frames=900.0, read=1)}
    assert resampled_bytes(plan, fits, even) == 0  # the features' own files
    same_crop = plan.methods["physnet"]["crop"] == plan.methods["contrast_phys"]["crop"]
    both = resampled_bytes(plan, [*fits, clip_fit("physnet", "abc")], lengths)
    assert (both == 3 * of_one) == same_crop
