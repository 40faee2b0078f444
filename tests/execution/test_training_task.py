"""The end of a training: its checkpoints go, its log and the models of its epochs stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.method import Model
from rppgbench.core.model_files import write_model
from rppgbench.execution.training_task import TrainingTask, remove_checkpoints, run_training

from ..speed.training_data import made_up_training

pytestmark = pytest.mark.torch
STAYING = ("epochs/0001/model.safetensors", "train.jsonl", "train_speed.json")
GOING = ("pretrain.safetensors", "train.before.safetensors", "train.best.safetensors")


@pytest.fixture
def task(tmp_path: Path) -> TrainingTask:
    """A training with checkpoints, a log and the model of an epoch in its folder."""
    with made_up_training(tmp_path, 2, 4.0, "contrast_phys_32") as task:
        folder = task.models / f"{task.fit.digest}-training"
        for name in (*STAYING, *GOING):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        return task


def left(task: TrainingTask) -> tuple[str, ...]:
    folder = task.models / f"{task.fit.digest}-training"
    files = [file for file in folder.rglob("*") if file.is_file()]
    return tuple(sorted(file.relative_to(folder).as_posix() for file in files))


def test_checkpoints_go_when_the_model_is_there(task: TrainingTask) -> None:
    remove_checkpoints(replace(task, rank=1))
    assert len(left(task)) == len(STAYING) + len(GOING)  # the process of rank 0 does it
    remove_checkpoints(task)
    assert left(task) == tuple(sorted(STAYING))


def test_what_a_kill_between_model_and_cleaning_left_goes_too(task: TrainingTask) -> None:
    write_model(task.models / task.fit.digest, Model({"w": np.ones(1)}, {}))
    run_training(task, lambda line: None)
    assert left(task) == tuple(sorted(STAYING))
