"""Pre-trainings: on their own side only, once for all models that begin alike, shared by digest."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.method import Example, Method, Model, Pretraining, Training
from rppgbench.core.model_files import ARRAYS, read_model
from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import load_methods, toml_files
from rppgbench.core.waveform import Waveform
from rppgbench.execution import plan_cost, runner, training_task
from rppgbench.execution.plan_cost import describe_cost
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.recording_task import RecordingTask, TaskResult
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_process import train_in_this_process
from rppgbench.execution.training_task import TrainingTask
from rppgbench.papers.declaration import read_table
from rppgbench.papers.experiments import experiments
from rppgbench.store.store import Store
from rppgbench.system.errors import RecordingError
from rppgbench.system.fault_kinds import Fault

from ..factories import trees

pytestmark = pytest.mark.torch

FIRST = ["disfa", "ubfc_rppg", "mmse_hr", "pure"]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Small trees of all data sets of the challenge."""
    folder = tmp_path_factory.mktemp("sets")
    for name in [*FIRST, "vipl_hr_v2"]:
        getattr(trees, name)(folder / name)
    trees.clip(folder / "video_folder" / "a.mp4")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Example]]:
    """Stubs in place of what learns; what each stage of `contrast_phys_plus` was shown."""
    seen: list[tuple[str, Example]] = []

    def learn(examples: Sequence[Example], training: Training, **params: Any) -> Model:
        seen.extend(("pretrain", example) for example in examples)
        return Model({"w": np.array([float(params["width"]), training.seed])}, {"collapse": {}})

    def fit(examples: Sequence[Example], training: Training, **params: Any) -> Model:
        seen.extend(("finetune", example) for example in examples)
        assert training.pretrained is not None
        return Model({"w": training.pretrained.arrays["w"] + 1})

    method = load_methods().get("method", "contrast_phys_plus", "test")
    assert method.pretraining is not None
    stub = replace(method, fit=fit, pretraining=Pretraining(learn, method.pretraining.params))
    monkeypatch.setitem(load_methods().available, "contrast_phys_plus", stub)

    def example(
        task: RecordingTask, method: Method, params: Any, region: str, *, labelled: bool, side: Any
    ) -> Example:
        assert labelled == (side != "pretrain")
        name = f"{task.dataset}/{task.recording}"
        waveform = Waveform(np.zeros((300, 3)), 30.0)
        return Example(
            recording=name, subject=name, inputs=(waveform,), ground_truth=None, side=side
        )

    monkeypatch.setattr(training_task, "load_example", example)
    monkeypatch.setattr(runner, "require_possible", lambda plan, jobs: None)
    monkeypatch.setattr(runner, "_open_executor", lambda options: _Executor())
    return seen


class _Executor(AbstractContextManager["_Executor"]):
    """Trains in this process and estimates nothing."""

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def recordings(self, tasks: Sequence[RecordingTask]) -> Iterator[TaskResult]:
        yield from (TaskResult(task=task) for task in tasks)

    def trainings(
        self, tasks: Sequence[TrainingTask], log: Any
    ) -> Iterator[tuple[TrainingTask, Fault | None]]:
        yield from ((task, train_in_this_process(task, log)) for task in tasks)


def protocol_with(pretrain: list[str], **params: Any) -> Protocol:
    protocol = read_protocol(toml_files("protocols")["repss3_track1"])
    params = {"crop": "contrast_phys", **params}
    changed = {"pretrain": pretrain, "params": {"contrast_phys_plus": params}}
    return protocol.model_copy(update=changed)


def plan_of(
    protocol: Protocol, roots: Mapping[str, Path], seeds: Sequence[int] = (0,), device: str = "cpu"
) -> Plan:
    return make_plan(
        protocol,
        "repss3_track1",
        {name: roots[name] for name in protocol.datasets},
        methods=["contrast_phys_plus"],
        seeds=seeds,
        location="test",
        device=device,
    )


def run(plan: Plan, folder: Path, cache: Path) -> Path:
    runner.run(plan, Store(folder), RunOptions(cache=cache, device="cpu", quiet=True))
    return folder


def stages(seen: Sequence[tuple[str, Example]]) -> dict[str, set[str]]:
    """The data sets that each stage was shown, by side."""
    out: dict[str, set[str]] = {}
    for stage, example in seen:
        key = f"{stage} {example.side}"
        out.setdefault(key, set()).add(example.recording.split("/")[0])
    return out


def test_the_first_stage_is_shown_the_pretraining_sets_and_the_second_the_others(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path], tmp_path: Path
) -> None:
    run(plan_of(protocol_with(["disfa", "pure"]), roots), tmp_path / "r", tmp_path / "cache")
    assert stages(calls) == {
        "pretrain pretrain": {"disfa", "pure"},
        "finetune train": {"vipl_hr_v2"},
    }


def test_all_sets_and_a_protocol_without_pretraining_sets(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path], tmp_path: Path
) -> None:
    both = protocol_with(["disfa"], pretrain_on="all_sets")
    run(plan_of(both, roots), tmp_path / "a", tmp_path / "cache")
    assert stages(calls)["pretrain pretrain"] == {"disfa", "vipl_hr_v2"}
    calls.clear()
    run(plan_of(protocol_with([]), roots), tmp_path / "b", tmp_path / "cache")
    assert stages(calls)["pretrain pretrain"] == {"vipl_hr_v2"}


def test_the_twelve_rows_of_table_2_do_five_pretrainings(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path], tmp_path: Path
) -> None:
    _, lines = read_table(toml_files("reports")["qian2024_table2"])
    assert len(lines) == 12
    trained: list[str] = []
    options = RunOptions(cache=tmp_path / "cache")
    for number, experiment in enumerate(experiments(lines, options)):
        assert experiment.protocol is not None
        folder = tmp_path / str(number)
        before = len(calls)
        run(plan_of(experiment.protocol, roots), folder, tmp_path / "cache")
        (fit,) = Store(folder).manifest["fits"]
        began = any(stage == "pretrain" for stage, _ in calls[before:])
        trained += [fit["pretraining"]] * began
        assert read_model(folder / "models" / fit["pretraining"]).arrays["w"][0] == 32
        assert read_model(folder / "models" / fit["digest"]).arrays["w"][0] == 33
    assert number == 11
    assert len(trained) == len(set(trained)) == 5


def test_equal_seeds_share_and_others_do_not(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path]
) -> None:
    plan = plan_of(protocol_with(["disfa"]), roots, seeds=[0, 1])
    assert len(plan.pretrainings) == len(plan.fits) == 2
    assert len({fit.pretraining for fit in plan.fits}) == 2
    digests = {fit.digest for fit in plan.pretrainings}
    for params in ({"finetune_lr": 2e-5}, {"pearson_weight": 0.0}, {"label_ratio": 0.5}):
        again = plan_of(protocol_with(["disfa"], **params), roots, seeds=[0, 1])
        assert {fit.digest for fit in again.pretrainings} == digests
        assert not {fit.digest for fit in again.fits} & {fit.digest for fit in plan.fits}


@pytest.mark.parametrize(
    "params", [{"width": 8}, {"lr": 2e-4}, {"difference": True}, {"clip_s": 9.0}, {"crop": "sinc"}]
)
def test_what_the_stage_can_see_is_in_its_digest(
    params: dict[str, Any], calls: list[tuple[str, Example]], roots: Mapping[str, Path]
) -> None:
    (one,) = plan_of(protocol_with(["disfa"]), roots).pretrainings
    (other,) = plan_of(protocol_with(["disfa"], **params), roots).pretrainings
    assert one.digest != other.digest


def test_device_files_and_recordings_are_in_the_digest_and_the_training_side_is_not(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path], tmp_path: Path
) -> None:
    (plain,) = plan_of(protocol_with(["disfa"]), roots).pretrainings
    (more,) = plan_of(protocol_with(["disfa", "pure"]), roots).pretrainings
    (cuda,) = plan_of(protocol_with(["disfa"]), roots, device="cuda").pretrainings
    copy = tmp_path / "disfa"
    trees.disfa(copy)
    next(copy.rglob("*.avi")).write_bytes(next(roots["pure"].rglob("*.png")).read_bytes())
    (edited,) = plan_of(protocol_with(["disfa"]), {**roots, "disfa": copy}).pretrainings
    assert len({fit.digest for fit in (plain, more, cuda, edited)}) == 4
    fewer = tmp_path / "vipl"
    trees.vipl_hr_v2(fewer)
    (fewer / "train" / "1" / "video1.avi").unlink()
    changed = plan_of(protocol_with(["disfa"]), {**roots, "vipl_hr_v2": fewer})
    assert changed.pretrainings[0].digest == plain.digest


def test_the_cost_of_a_shared_pretraining_is_counted_once(
    calls: list[tuple[str, Example]],
    roots: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_cost, "method_obstacles", lambda plan, jobs: {})
    epochs = {"pretrain_epochs": 7, "finetune_epochs": 3, "clip_choice": "random", "passes": 2}
    plan = plan_of(protocol_with(["disfa"], **epochs), roots, seeds=[0, 1])
    other = plan_of(protocol_with(["disfa"], **epochs, finetune_lr=2e-5), roots, seeds=[0, 1])
    options = RunOptions(cache=tmp_path / "cache", device="cpu")
    counted: set[str] = set()
    batch = plan.methods["contrast_phys_plus"]["batch"]
    (fit,) = {
        (first.pretrain, fit.train) for first, fit in zip(plan.pretrainings, plan.fits, strict=True)
    }
    steps = [e * math.ceil(2 * len(keys) / batch) for e, keys in zip((7, 3), fit, strict=True)]
    first = "\n".join(describe_cost(plan, Store(tmp_path / "a"), options, counted))
    assert f"2 trainings and 2 pre-trainings of {2 * sum(steps)} steps, " in first
    second = "\n".join(describe_cost(other, Store(tmp_path / "b"), options, counted))
    assert "pre-training" not in second
    assert f"contrast_phys_plus: 2 trainings of {steps[1]} steps each" in second
    run(plan, tmp_path / "a", tmp_path / "cache")
    third = "\n".join(describe_cost(other, Store(tmp_path / "b"), options))
    assert "pre-training" not in third  # the cache holds both


def test_a_single_stage_has_no_pretraining_apart(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path]
) -> None:
    for params in ({"finetune_epochs": 0}, {"pretrain_epochs": 0}, {"preset": "weak"}):
        plan = plan_of(protocol_with(["disfa"], **params), roots)
        assert plan.pretrainings == ()
        assert plan.fits[0].pretraining == ""


def test_a_damaged_copy_in_the_cache_is_trained_again(
    calls: list[tuple[str, Example]], roots: Mapping[str, Path], tmp_path: Path
) -> None:
    plan = plan_of(protocol_with(["disfa"]), roots)
    run(plan, tmp_path / "a", tmp_path / "cache")
    file = tmp_path / "cache" / "pretrainings" / plan.pretrainings[0].digest / ARRAYS
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    calls.clear()
    run(plan, tmp_path / "b", tmp_path / "cache")
    assert "pretrain pretrain" in stages(calls)
    calls.clear()
    run(plan, tmp_path / "c", tmp_path / "cache")
    assert "pretrain pretrain" not in stages(calls)


def test_the_fault_of_a_pretraining_is_that_of_its_models(
    calls: list[tuple[str, Example]],
    roots: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> Model:
        raise RecordingError("no clip")

    stub = load_methods().available["contrast_phys_plus"]
    assert stub.pretraining is not None
    broken = replace(stub, pretraining=Pretraining(fail, stub.pretraining.params))
    monkeypatch.setitem(load_methods().available, "contrast_phys_plus", broken)
    reasons: list[str] = []

    def recordings(self: _Executor, tasks: Sequence[RecordingTask]) -> Iterator[TaskResult]:
        reasons.extend(reason for task in tasks for _, reason in task.broken)
        yield from ()

    monkeypatch.setattr(_Executor, "recordings", recordings)
    run(plan_of(protocol_with(["disfa"]), roots), tmp_path / "r", tmp_path / "cache")
    assert reasons == ["no clip"]
    assert not (tmp_path / "cache" / "pretrainings").exists()
