"""Recovery from a lack of memory: the epoch starts again with smaller micro-batches."""

from dataclasses import dataclass
from typing import Any

import torch

from rppgbench.neural.network_weights import load_arrays, to_arrays
from rppgbench.neural.training_stage import Learner, Stage, stage_seed
from rppgbench.system.errors import MachineError


@dataclass(frozen=True, kw_only=True)
class OutOfMemory:
    """An epoch that did not fit into memory, and the schedule's state before that epoch."""

    reason: str
    max_micro_batches: int
    groups: list[dict[str, Any]]
    schedule: dict[str, Any]


def group_settings(optimiser: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """The settings of the optimiser that a schedule changes."""
    return [{k: v for k, v in g.items() if k != "params"} for g in optimiser.param_groups]


def split_batches(run: Stage[Learner], failure: OutOfMemory) -> None:
    """Double the micro-batches and go back to the state before the epoch that failed.

    Args:
        run: the stage.
        failure: the epoch that failed, and the settings before it.

    Raises:
        MachineError: a batch cannot be split further.
    """
    if run.micro_batches >= failure.max_micro_batches or run.distributed:
        minimum = f"{run.recipe.min_micro_batch} samples"
        raise MachineError(
            f"{run.training.folder}: no memory on {run.device} for a step of {run.name} with "
            f"{'a share of a batch' if run.distributed else minimum} ({failure.reason}); --preset "
            "smoke or a smaller width needs less"
        )
    run.micro_batches = min(2 * run.micro_batches, failure.max_micro_batches)
    run.training.log(
        f"{run.name}: out of memory; from here every batch in {run.micro_batches} micro-batches"
    )
    run.optimiser.zero_grad(set_to_none=True)
    if run.device == "cuda":
        torch.cuda.empty_cache()
    if not run.checkpoint.resume(run.learner, run.optimiser):
        torch.manual_seed(stage_seed(run.training.seed, run.name, -1))
        load_arrays(run.learner, to_arrays(run.make()))
        run.optimiser.load_state_dict({**run.optimiser.state_dict(), "state": {}})
    for group, settings in zip(run.optimiser.param_groups, failure.groups, strict=True):
        group.update(settings)
    run.schedule.load_state_dict(failure.schedule)
