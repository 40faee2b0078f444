"""The training loop of every method that learns."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from rppgbench.core.method import Model, Training
from rppgbench.core.model_files import write_model
from rppgbench.core.precision import effective_precision
from rppgbench.neural.batches import BatchSource, offer_batches
from rppgbench.neural.devices import deterministic, resolve_device
from rppgbench.neural.distributed import synchronised
from rppgbench.neural.feeding import feed, worker_count
from rppgbench.neural.memory_recovery import OutOfMemory, group_settings, split_batches
from rppgbench.neural.operations import is_counting, operations_file, write_step
from rppgbench.neural.step_timer import StepTimer
from rppgbench.neural.train_epoch import OutOfMemoryStep, train_epoch
from rppgbench.neural.trained_model import SCORE, History, best_epoch
from rppgbench.neural.training_stage import Learner, Recipe, Stage, stage_seed, start_stage
from rppgbench.system.errors import RecordingError


@dataclass(frozen=True, kw_only=True)
class _Epoch:
    """A finished epoch: the mean of every loss term, and how long its steps took."""

    means: dict[str, float]
    timer: StepTimer


def train(
    make: Callable[[], Learner],
    batches: BatchSource,
    recipe: Recipe,
    training: Training,
    *,
    stage: str = "train",
    export: Callable[[Learner], Model] | None = None,
    score: Callable[[Learner], float] | None = None,
) -> tuple[Learner, History]:
    """Train a learner with AdamW.

    Every random source is seeded from the training's seed, the stage and the epoch. The state after
    each epoch is written whole or not at all: a training that was killed continues from its last
    epoch to the same weights, bit for bit on one machine. The log is `STAGE.jsonl` in the folder.

    Where a step needs more memory than there is, the epoch starts again with every batch split into
    twice as many micro-batches, whose gradients are accumulated. A loss that compares samples and a
    batch norm then see the samples of one micro-batch. "shares" in the log counts micro-batches.

    With `training.devices`, the process of each device calls this function with equal arguments:
    see `distributed.synchronised`. Such a training ends where memory is short.

    Args:
        make: makes the learner; its forward takes a batch of tensors and the epoch, and returns
            named loss terms, of which "loss" is minimised.
        batches: the batches of each epoch; threads read them ahead (`feeding`).
        recipe: epochs, learning rate, precision.
        training: seed, device, folder, and where messages go.
        stage: name of the stage, for files and messages.
        export: makes the model of a learner; with `training.every_epoch` the model of each epoch
            of the last stage is kept in `epochs/0007`.
        score: scores the learner after each epoch, in evaluation mode, without random numbers. The
            learner of the epoch with the least score is returned (the first of equal ones); the
            scores are the entries `SCORE` of the history. None returns the last epoch.

    Returns:
        The trained learner in evaluation mode, and the mean of every loss term in each epoch.

    Raises:
        RecordingError: no batch, or a loss that is not finite.
        MachineError: no memory for `recipe.min_micro_batch` samples.
        BenchError: a device that is not available.
    """
    if recipe.epochs:
        offer_batches(batches, stage)
    device = resolve_device(training.device)
    with deterministic(device) as nondeterministic:
        run = start_stage(make, batches, recipe, training, stage, device, score)
        while len(run.history) < recipe.epochs:
            result = _run_epoch(run)
            if isinstance(result, OutOfMemory):
                split_batches(run, result)
                continue
            run.history.append(_check_means(run, result.means))
            _score_epoch(run)
            if training.rank == 0:
                _write_epoch(run, result.timer, export)
        if nondeterministic:
            training.log(f"{stage}: not deterministic on {device}: {'; '.join(nondeterministic)}")
    if score is not None and run.history:
        if run.distributed:
            run.fabric.barrier()  # rank 0 has written the file
        run.checkpoint.load_best(run.learner)
    run.learner.eval()
    return run.learner, run.history


def _score_epoch(run: Stage[Learner]) -> None:
    """Score the epoch that has ended; the weights of the best are written before its checkpoint.

    A training that is killed between both does the epoch again, with the same score and weights.
    """
    if run.score is None:
        return
    run.learner.eval()
    run.history[-1][SCORE] = run.score(run.learner)
    if best_epoch(run.history) == len(run.history) - 1 and run.training.rank == 0:
        run.checkpoint.write_best(run.learner)


def _run_epoch(run: Stage[Learner]) -> _Epoch | OutOfMemory:
    """Train one epoch. A lack of memory is a result, so that no exception keeps the tensors."""
    epoch = len(run.history)
    seed = stage_seed(run.training.seed, run.name, epoch)
    torch.manual_seed(seed)
    run.learner.train()
    groups, schedule = group_settings(run.optimiser), run.schedule.state_dict()
    batches = feed(run.batches, seed, run.fabric.device, worker_count(run.device))
    first = _count_first_step(run, batches)
    timer = StepTimer(run.fabric.device)
    synchronisation = (
        synchronised(run.learner, run.training.rank, run.training.devices)
        if run.distributed
        else nullcontext()
    )
    with (
        closing(batches),
        closing(timer.timed(chain(first, batches))) as timed,
        synchronisation,
    ):
        try:
            means = train_epoch(
                run.wrapped,
                run.optimiser,
                run.schedule,
                run.fabric,
                timed,
                epoch,
                count=run.micro_batches,
                min_samples=run.recipe.min_micro_batch,
            )
        except OutOfMemoryStep as error:
            return OutOfMemory(
                reason=str(error),
                max_micro_batches=error.max_micro_batches,
                groups=groups,
                schedule=schedule,
            )
    return _Epoch(means=means, timer=timer)


def _count_first_step(
    run: Stage[Learner], batches: Iterator[Mapping[str, Tensor]]
) -> list[Mapping[str, Tensor]]:
    """Count the operations of the stage's first step where that is wanted; return its batch."""
    folder = run.training.folder
    if run.distributed or not is_counting() or operations_file(folder, run.name).exists():
        return []
    first = list(islice(batches, 1))
    for batch in first:
        write_step(folder, run.name, run.learner, batch, run.fabric.device)
    return first


def _check_means(run: Stage[Learner], means: dict[str, float]) -> dict[str, float]:
    """The history's entry of an epoch; RecordingError without a batch or a finite loss."""
    folder, number = run.training.folder, len(run.history) + 1
    if not means:
        raise RecordingError(f"{folder}: no batch to learn from in epoch {number}")
    if not np.isfinite(means["loss"]):
        raise RecordingError(
            f"{folder}: the loss is not finite in epoch {number} of {run.name}; "
            "lower the learning rate, or look for clips of one colour"
        )
    return means | ({"shares": float(run.micro_batches)} if run.micro_batches > 1 else {})


def _write_epoch(
    run: Stage[Learner], timer: StepTimer, export: Callable[[Learner], Model] | None
) -> None:
    """Write checkpoint, timing and, if wanted, the model of the last epoch; log its losses."""
    folder, epoch_count = run.training.folder, len(run.history)
    run.checkpoint.write(run.learner, run.optimiser, run.history)
    precision = effective_precision(run.recipe.precision, run.device)
    timer.write(folder / f"{run.name}_speed.json", precision)
    if export and run.training.every_epoch:
        models = folder / "epochs"
        if epoch_count == 1:  # the epochs of an earlier stage are no candidates
            shutil.rmtree(models, ignore_errors=True)
        write_model(models / f"{epoch_count:04d}", export(run.learner))
    seconds_per_epoch = (time.monotonic() - run.started_at_s) / (epoch_count - run.first_epoch)
    left_s = seconds_per_epoch * (run.recipe.epochs - epoch_count)
    terms = " ".join(f"{name} {value:.4g}" for name, value in run.history[-1].items())
    progress = f"epoch {epoch_count} of {run.recipe.epochs}"
    run.training.log(f"{run.name}: {progress}, {terms}, {left_s / 60:.1f} min left")
