"""The training loop of every method that learns."""

import logging
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from rppgbench.core.method import Model, Training
from rppgbench.core.model_files import write_model
from rppgbench.core.precision import effective_precision
from rppgbench.neural.checkpoint import Checkpoint
from rppgbench.neural.distributed import synchronised
from rppgbench.neural.network_weights import load_arrays, to_arrays
from rppgbench.neural.prefetch import Batch, StepTimer, prefetch
from rppgbench.neural.train_epoch import OutOfMemoryStep, train_epoch
from rppgbench.system.errors import BenchError, MachineError, RecordingError

Learner = TypeVar("Learner", bound=nn.Module)

SCORE = "score"
"""The name of an epoch's score in the history."""

History = list[dict[str, float]]
"""The mean of every loss term in each epoch; "shares" counts the micro-batches of a batch."""


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
class _Stage(Generic[Learner]):
    """One stage of a training while it runs."""

    name: str
    make: Callable[[], Learner]
    batches: Callable[[int, np.random.Generator], Iterable[Batch]]
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


@dataclass(frozen=True, kw_only=True)
class _Epoch:
    """A finished epoch: the mean of every loss term, and how long its steps took."""

    means: dict[str, float]
    timer: StepTimer


@dataclass(frozen=True, kw_only=True)
class _OutOfMemory:
    """An epoch that did not fit into memory, and the schedule's state before that epoch."""

    reason: str
    max_micro_batches: int
    groups: list[dict[str, Any]]
    schedule: dict[str, Any]


def train(
    make: Callable[[], Learner],
    batches: Callable[[int, np.random.Generator], Iterable[Batch]],
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
        batches: the batches of an epoch as arrays, from the epoch and a random source; a thread
            prepares them ahead.
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
    device = resolve_device(training.device)
    with deterministic(device) as nondeterministic:
        run = _start(make, batches, recipe, training, stage, device, score)
        while len(run.history) < recipe.epochs:
            result = _run_epoch(run)
            if isinstance(result, _OutOfMemory):
                _split_batches(run, result)
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


def best_epoch(history: History) -> int:
    """The index of the epoch with the least score, the first of equal ones.

    >>> best_epoch([{SCORE: 5.0}, {SCORE: 4.0}, {SCORE: 4.0}])
    1
    """
    return int(np.argmin([terms[SCORE] for terms in history]))


def _score_epoch(run: _Stage[Learner]) -> None:
    """Score the epoch that has ended; the weights of the best are written before its checkpoint.

    A training that is killed between both does the epoch again, with the same score and weights.
    """
    if run.score is None:
        return
    run.learner.eval()
    run.history[-1][SCORE] = run.score(run.learner)
    if best_epoch(run.history) == len(run.history) - 1 and run.training.rank == 0:
        run.checkpoint.write_best(run.learner)


def _start(
    make: Callable[[], Learner],
    batches: Callable[[int, np.random.Generator], Iterable[Batch]],
    recipe: Recipe,
    training: Training,
    stage: str,
    device: str,
    score: Callable[[Learner], float] | None,
) -> _Stage[Learner]:
    """Make learner, optimiser and schedule, and load the last checkpoint."""
    fabric = _fabric(recipe, device, training)
    torch.manual_seed(_seed(training.seed, stage, -1))
    learner = make()
    optimiser = torch.optim.AdamW(
        learner.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    schedule = _schedule(optimiser, recipe)
    wrapped, optimiser = fabric.setup(learner, optimiser)
    precision = effective_precision(recipe.precision, device)
    checkpoint = Checkpoint(
        training,
        stage,
        {**asdict(recipe), "precision": precision, "device": device, "scored": score is not None},
    )
    history = _resume(checkpoint, learner, optimiser, fabric, training)
    for _ in range(len(history) * recipe.one_cycle_steps):
        schedule.step()
    return _Stage(
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


def _run_epoch(run: _Stage[Learner]) -> _Epoch | _OutOfMemory:
    """Train one epoch. A lack of memory is a result, so that no exception keeps the tensors."""
    epoch = len(run.history)
    seed = _seed(run.training.seed, run.name, epoch)
    torch.manual_seed(seed)
    run.learner.train()
    groups, schedule = _group_settings(run.optimiser), run.schedule.state_dict()
    timer = StepTimer(run.fabric.device)
    batches = prefetch(run.batches(epoch, np.random.default_rng(seed)))
    synchronisation = (
        synchronised(run.learner, run.training.rank, run.training.devices)
        if run.distributed
        else nullcontext()
    )
    with closing(timer.timed(batches)) as timed, synchronisation:
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
            return _OutOfMemory(
                reason=str(error),
                max_micro_batches=error.max_micro_batches,
                groups=groups,
                schedule=schedule,
            )
    return _Epoch(means=means, timer=timer)


def _split_batches(run: _Stage[Learner], failure: _OutOfMemory) -> None:
    """Double the micro-batches and go back to the state before the epoch that failed.

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
        torch.manual_seed(_seed(run.training.seed, run.name, -1))
        load_arrays(run.learner, to_arrays(run.make()))
        run.optimiser.load_state_dict({**run.optimiser.state_dict(), "state": {}})
    for group, settings in zip(run.optimiser.param_groups, failure.groups, strict=True):
        group.update(settings)
    run.schedule.load_state_dict(failure.schedule)


def _check_means(run: _Stage[Learner], means: dict[str, float]) -> dict[str, float]:
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
    run: _Stage[Learner], timer: StepTimer, export: Callable[[Learner], Model] | None
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


def _fabric(recipe: Recipe, device: str, training: Training) -> Any:
    """Lightning Fabric on one device or, with the variables of `training_process`, on several."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    strategy: Any = "auto"
    if training.devices > 1:
        counts = {"cuda": torch.cuda.device_count(), "mps": 1}
        available = counts.get(device, training.devices)
        if available < training.devices:
            raise BenchError(f"--devices {training.devices}: of {device} there are {available}")
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


def _schedule(optimiser: torch.optim.Optimizer, recipe: Recipe) -> Any:
    if not recipe.one_cycle_steps:
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.lr, total_steps=recipe.one_cycle_steps * recipe.epochs
    )


def _group_settings(optimiser: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """The settings of the optimiser that a schedule changes."""
    return [{k: v for k, v in g.items() if k != "params"} for g in optimiser.param_groups]


def resolve_device(name: str = "") -> str:
    """Choose a device: "cpu", "cuda" or "mps".

    Args:
        name: "auto", "cpu", "cuda" or "mps"; "" reads RPPGBENCH_DEVICE, or else is "auto".

    Raises:
        BenchError: the device is not available.
    """
    name = name or os.environ.get("RPPGBENCH_DEVICE", "auto")
    mps = torch.backends.mps.is_available()
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": mps}
    if name == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if available[kind])
    if not available.get(name, False):
        names = ", ".join(kind for kind, is_available in available.items() if is_available)
        raise BenchError(
            f"--device {name}: not there; this machine has {names}; auto takes the best"
        )
    return name


@contextmanager
def deterministic(device: str) -> Iterator[list[str]]:
    """Use deterministic algorithms; restore the settings and the random sources afterwards.

    Args:
        device: "cpu", "cuda" or "mps".

    Yields:
        A list that afterwards names the operations without a deterministic algorithm on CUDA.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = range(torch.cuda.device_count()) if device == "cuda" else ()
    operations: list[str] = []
    with torch.random.fork_rng(devices), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
        try:
            yield operations
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            lines = {str(w.message).splitlines()[0] for w in caught}
            operations += sorted(line for line in lines if "deterministic" in line)


def _seed(seed: int, stage: str, epoch: int) -> int:
    state = np.random.SeedSequence([seed, *stage.encode(), epoch + 1]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def to_model(network: nn.Module, history: Mapping[str, History], **metadata: Any) -> Model:
    """Make the model of a trained network.

    Args:
        network: the network whose weights are the model's arrays.
        history: the mean of every loss term in each epoch, by stage.
        **metadata: further metadata of the model.

    Returns:
        The weights, with the number of parameters and epochs, and the last value of each term.
    """
    last = {stage: {k: round(v, 6) for k, v in h[-1].items()} for stage, h in history.items() if h}
    size = sum(p.numel() for p in network.parameters())
    epochs = {stage: len(h) for stage, h in history.items()}
    return Model(
        to_arrays(network), {"n_parameters": size, "epochs": epochs, "last": last, **metadata}
    )
