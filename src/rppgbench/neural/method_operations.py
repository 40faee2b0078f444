"""Floating-point operations of a training and of a minute of video; see `operations`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rppgbench.core.method import Method, Model
from rppgbench.neural.operations import COUNTED, count_operations
from rppgbench.neural.synthetic_inputs import synthetic_minute

NO_STEP = "no step was counted, as of a training on several devices"


def training_operations(folder: Path) -> dict[str, Any]:
    """The operations of a training: those of the first step of each stage times its steps.

    Args:
        folder: the folder of the training, with the log and the speed of each stage.

    Returns:
        `flop` of the whole training, and `stages` with `flop_per_step` and `steps`; or the reason
        under `not_counted`.
    """
    stages: dict[str, dict[str, int]] = {}
    for file in sorted(folder.glob(f"*{COUNTED}")):
        name = file.name.removesuffix(COUNTED)
        count_of_step = json.loads(file.read_text(encoding="utf-8"))
        if "not_counted" in count_of_step:
            return {"not_counted": f"{name}: {count_of_step['not_counted']}"}
        epochs = len((folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
        speed = json.loads((folder / f"{name}_speed.json").read_text(encoding="utf-8"))
        stages[name] = {**count_of_step, "steps": epochs * int(speed["steps"])}
    if not stages:
        return {"not_counted": NO_STEP}
    total = sum(stage["flop_per_step"] * stage["steps"] for stage in stages.values())
    return {"flop": total, "stages": stages}


def operations_per_minute(method: Method, model: Model, params: Mapping[str, Any]) -> int:
    """The operations of a method on a minute of video: of its estimate, as a run calls it.

    Args:
        method: a method that learns.
        model: its model.
        params: all parameters of the method.
    """
    minute = synthetic_minute(method, params)
    return count_operations(lambda: method.estimate(minute, model, **params))
