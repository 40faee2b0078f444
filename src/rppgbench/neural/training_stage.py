"""One stage of a training: its recipe, and its learner, optimiser and schedule at the start."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from rppgbench.core.method import Training
from rppgbench.core.precision import effective_precision
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.checkpoint import Checkpoint
from rppgbench.neural.devices import require_devices
from rppgbench.neural.trained_model import History

Learner = TypeVar("Learner", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Length, learning rate and precision of a training.

    Attributes:
        epochs: number of epochs.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto" is bfloat16 on CUDA and float32 elsewhere.
        one_cycle_steps: number of steps in an epoch, where the learning rate rises from a 25th of
            `lr` to `lr` and falls to nearly nothing over all epochs (L. N. Smith, N. Topin, 2019,
            DOI 10.1117/12.2520589, as implemented in PyTorch); 0 keeps the rate constant.
        min_micro_batch: least number of samples in a micro-batch, where memory is short: 2 for a
            loss that contrasts two samples.
    """

    epochs: int
    lr: float
    weight_decay: float = 0.01
    precision: str = "auto"
    one_cycle_steps: int = 0
    min_micro_batch: int = 2


@dataclass(kw_only=True)
class Stage(Generic[Learner]):
    """One stage of a training while it runs."""

    name: str
    make: Callable[[], Learner]
    batches: BatchSource
    recipe: Recipe
    training: Training
    device: str
    fabric: Any  # Lightning Fabric: device, precision, backward pass, processes
    learner: Learner
    wrapped: Any  # the learner as Fabric calls it
    optimiser: Any
    schedule: Any
    checkpoint: Checkpoint
    history: History
    score: Callable[[Learner], float] | None  # of an epoch; the least is kept
    micro_batches: int  # into which a batch is split
    started_at_s: float
    first_epoch: int

    @property
    def distributed(self) -> bool:
        """Whether several devices share the training."""
        return self.training.devices > 1


def start_stage(
    make: Callable[[], Learner],
    batches: BatchSource,
    recipe: Recipe,
    training: Training,
    stage: str,
    device: str,
    score: Callable[[Learner], float] | None,
) -> Stage[Learner]:
    """Make learner, optimiser and schedule, and load the last checkpoint.

    Args:
        make: makes the learner.
        batches: the batches of each epoch.
        recipe: epochs, learning rate, precision.
        training: seed, folder, devices and where messages go.
        stage: name of the stage.
        device: "cpu", "cuda" or "mps".
        score: scores the learner after each epoch, if anything does.

    Raises:
        BenchError: there are fewer devices than `training.devices`.
    """
    fabric = _fabric(recipe, device, training)
    torch.manual_seed(stage_seed(training.seed, stage, -1))
    learner = make()
    optimiser, schedule = _optimiser(learner, recipe)
    wrapped, optimiser = fabric.setup(learner, optimiser)
    checkpoint = _checkpoint(recipe, training, stage, device, scored=score is not None)
    history = _resume(checkpoint, learner, optimiser, fabric, training)
    for _ in range(len(history) * recipe.one_cycle_steps):
        schedule.step()
    return Stage(
        name=stage,
        make=make,
        batches=batches,
        recipe=recipe,
        training=training,
        device=device,
        fabric=fabric,
        learner=learner,
        wrapped=wrapped,
        optimiser=optimiser,
        schedule=schedule,
        checkpoint=checkpoint,
        history=history,
        score=score,
        micro_batches=int(history[-1].get("shares", 1)) if history else 1,
        started_at_s=time.monotonic(),
        first_epoch=len(history),
    )


def _resume(
    checkpoint: Checkpoint, learner: nn.Module, optimiser: Any, fabric: Any, training: Training
) -> History:
    """Load the last checkpoint: rank 0 first, since rank 0 may delete a damaged file."""
    if training.rank:
        fabric.barrier()
    history = checkpoint.resume(learner, optimiser)
    if training.devices > 1 and training.rank == 0:
        fabric.barrier()
    return history


def _fabric(recipe: Recipe, device: str, training: Training) -> Any:
    """Lightning Fabric on one device or, with the variables of `training_process`, on several."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    strategy: Any = "auto"
    if training.devices > 1:
        require_devices(device, training.devices)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        # A network that a step does not use has no gradients in that step.
        strategy = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False)
    fabric = Fabric(
        accelerator=device,
        devices=training.devices,
        strategy=strategy,
        precision=effective_precision(recipe.precision, device),  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def _optimiser(learner: nn.Module, recipe: Recipe) -> tuple[torch.optim.Optimizer, Any]:
    """AdamW and the schedule of its learning rate."""
    optimiser = torch.optim.AdamW(
        learner.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    if not recipe.one_cycle_steps:
        return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.lr, total_steps=recipe.one_cycle_steps * recipe.epochs
    )
    return optimiser, schedule


def _checkpoint(
    recipe: Recipe, training: Training, stage: str, device: str, *, scored: bool
) -> Checkpoint:
    """The checkpoints of a stage: those of another recipe, precision or device are not used."""
    precision = effective_precision(recipe.precision, device)
    settings = {**asdict(recipe), "precision": precision, "device": device, "scored": scored}
    return Checkpoint(training, stage, settings)


def stage_seed(seed: int, stage: str, epoch: int) -> int:
    """The seed of an epoch of a stage, or of its first weights.

    Args:
        seed: the seed of the training.
        stage: name of the stage.
        epoch: the epoch from 0; -1 for the first weights.
    """
    state = np.random.SeedSequence([seed, *stage.encode(), epoch + 1]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))
