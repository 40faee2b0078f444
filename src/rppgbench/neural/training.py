"""The training loop of every method that learns."""

import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

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


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn. `precision` "auto" is bfloat16 on CUDA, float32 elsewhere.

    `one_cycle` is the number of steps an epoch has where the learning rate rises from a 25th of
    `lr` to it and falls to nearly nothing over all epochs (L. N. Smith, N. Topin, 2019, DOI
    10.1117/12.2520589, as PyTorch has it); 0 keeps it constant. Where memory is short, a step's
    batch goes in shares of at least `together` samples: two where two are contrasted. `compiled`
    goes through `torch.compile`, whose sums and random numbers are others: the weights are too.
    """

    epochs: int
    lr: float
    weight_decay: float = 0.01
    precision: str = "auto"
    compiled: bool = False
    one_cycle: int = 0
    together: int = 2


def train(
    make: Callable[[], Learner],
    batches: Callable[[int, np.random.Generator], Iterable[Batch]],
    recipe: Recipe,
    training: Training,
    *,
    stage: str = "train",
    export: Callable[[Learner], Model] | None = None,
) -> tuple[Learner, list[dict[str, float]]]:
    """Train what `make` makes with AdamW; give it back with the mean of every loss term an epoch.

    The learner's forward takes a batch of tensors and the epoch, and gives named terms; "loss" is
    minimised, all are logged. `batches(epoch, random source)` yields arrays; it runs in a thread
    of its own, so that the device need not wait.

    Every random source is seeded from the training's seed, the stage and the epoch, and the state
    after each epoch is written whole or not at all: a killed training goes on from its last epoch
    to the same weights, bit for bit on one machine. The log is `STAGE.jsonl` in the folder. With
    `export` and `training.every_epoch` the model of each epoch of the last stage is kept in
    `epochs/0007`.
    A loss that is not finite ends the training with a BenchError.

    Where a step needs more memory than there is, the epoch begins again with every batch in twice
    as many shares, whose gradients are added up, as often as it takes; the log's `shares` says so.
    What compares or normalises the samples of a batch then sees those of a share. MachineError if a
    share of `together` samples is still too much.

    With `training.devices` each device's process calls this alike; see `together.shared`. What does
    not fit into their memory ends the training.
    """
    device, several = resolve_device(training.device), training.devices > 1
    with deterministic(device) as doubts:
        fabric = _fabric(recipe, device, training)
        torch.manual_seed(_seed(training.seed, stage, -1))
        learner = make()
        optimiser = torch.optim.AdamW(
            learner.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
        )
        schedule = _schedule(optimiser, recipe)
        wrapped, optimiser = fabric.setup(learner, optimiser)
        if recipe.compiled and several:
            raise BenchError(f"--devices {training.devices}: not with a compiled recipe")
        if recipe.compiled:
            _need_compiler(device)
            wrapped = torch.compile(wrapped)
        precision = effective_precision(recipe.precision, device)
        state = Checkpoint(
            training, stage, {**asdict(recipe), "precision": precision, "device": device}
        )
        if training.rank:
            fabric.barrier()  # the first of them may find a damaged file and delete it
        history = state.resume(learner, optimiser)
        if several and not training.rank:
            fabric.barrier()
        for _ in range(len(history) * recipe.one_cycle):
            schedule.step()
        cut = int(history[-1].get("shares", 1)) if history else 1
        began, first = time.monotonic(), len(history)
        while (epoch := len(history)) < recipe.epochs:
            seed = _seed(training.seed, stage, epoch)
            torch.manual_seed(seed)
            learner.train()
            rates = _rates(optimiser), schedule.state_dict()
            pace = StepTimer(fabric.device)
            no_room, most = "", 0
            with (
                closing(pace.waiting(prefetch(batches(epoch, np.random.default_rng(seed))))) as fed,
                synchronised(learner, training.rank, training.devices)
                if several
                else nullcontext(),
            ):
                try:
                    means = train_epoch(
                        wrapped,
                        optimiser,
                        schedule,
                        fabric,
                        fed,
                        epoch,
                        cut=cut,
                        together=recipe.together,
                    )
                except OutOfMemoryStep as error:
                    no_room, most = str(error), error.most
            if no_room:  # outside of except, where the exception would hold the step's tensors
                if cut >= most or several:
                    least = "its share of a batch" if several else f"{recipe.together} samples"
                    raise MachineError(
                        f"{training.folder}: no memory on {device} for a step of {stage} with "
                        f"{least} ({no_room}); --preset smoke or a smaller width needs less"
                    )
                cut = min(2 * cut, most)
                training.log(f"{stage}: out of memory; every batch in {cut} shares from here")
                optimiser.zero_grad(set_to_none=True)
                if device == "cuda":
                    torch.cuda.empty_cache()
                if not state.resume(learner, optimiser):
                    torch.manual_seed(_seed(training.seed, stage, -1))
                    load_arrays(learner, to_arrays(make()))
                    optimiser.load_state_dict({**optimiser.state_dict(), "state": {}})
                for group, was in zip(optimiser.param_groups, rates[0], strict=True):
                    group.update(was)
                schedule.load_state_dict(rates[1])
                continue
            if not means:
                raise RecordingError(
                    f"{training.folder}: no batch to learn from in epoch {epoch + 1}"
                )
            if not np.isfinite(means["loss"]):
                raise RecordingError(
                    f"{training.folder}: the loss is not finite in epoch {epoch + 1} of {stage}; "
                    "lower the learning rate, or look for clips of one colour"
                )
            history.append(means | ({"shares": float(cut)} if cut > 1 else {}))
            if training.rank:
                continue
            state.write(learner, optimiser, history)
            pace.write(training.folder / f"{stage}_speed.json", precision)
            if export and training.every_epoch:
                kept = training.folder / "epochs"
                if epoch == 0:  # those of an earlier stage are no candidates
                    shutil.rmtree(kept, ignore_errors=True)
                write_model(kept / f"{epoch + 1:04d}", export(learner))
            left = (time.monotonic() - began) / (epoch + 1 - first) * (recipe.epochs - epoch - 1)
            training.log(_line(stage, epoch + 1, recipe.epochs, history[-1], left))
        if doubts:
            training.log(f"{stage}: not deterministic on this device: {'; '.join(doubts)}")
    learner.eval()
    return learner, history


def _fabric(recipe: Recipe, device: str, training: Training) -> Any:
    """Lightning Fabric on one device or, with the variables of `lesson_process`, on several."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    strategy: Any = "auto"
    if training.devices > 1:
        there = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device, training.devices)
        if there < training.devices:
            raise BenchError(f"--devices {training.devices}: of {device} there are {there}")
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        # A network whose turn it is not has no gradients in that step.
        strategy = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False)
    fabric = Fabric(
        accelerator=device,
        devices=training.devices,
        strategy=strategy,
        precision=effective_precision(recipe.precision, device),  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def _need_compiler(device: str) -> None:
    """BenchError where `torch.compile` would end in a long trace, for want of a C++ compiler."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if device == "cpu" and shutil.which(name) is None:
        raise BenchError(
            f"torch.compile: no C++ compiler {name!r}; install one, name one in CXX, or leave "
            "`compiled` out of the recipe"
        )


def _schedule(optimiser: torch.optim.Optimizer, recipe: Recipe) -> Any:
    if not recipe.one_cycle:
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.lr, total_steps=recipe.one_cycle * recipe.epochs
    )


def _rates(optimiser: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """What a schedule changes of the optimiser."""
    return [{k: v for k, v in g.items() if k != "params"} for g in optimiser.param_groups]


def resolve_device(name: str = "") -> str:
    """The device for "auto", "cpu", "cuda" or "mps"; "" asks RPPGBENCH_DEVICE, else "auto".

    BenchError if it is not there.
    """
    name = name or os.environ.get("RPPGBENCH_DEVICE", "auto")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if name == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there.get(name, False):
        raise BenchError(f"--device {name}: not there; choose auto, cpu, cuda or mps")
    return name


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


@contextmanager
def deterministic(device: str) -> Iterator[list[str]]:
    """Choose deterministic algorithms and put the random sources back afterwards.

    Where CUDA has none for an operation, it goes on and the yielded list names the operation.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = range(torch.cuda.device_count()) if device == "cuda" else ()
    doubts: list[str] = []
    with torch.random.fork_rng(devices), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
        try:
            yield doubts
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warned)
            lines = {str(w.message).splitlines()[0] for w in seen}
            doubts += sorted(line for line in lines if "deterministic" in line)


def _seed(seed: int, stage: str, epoch: int) -> int:
    words = np.random.SeedSequence([seed, *stage.encode(), epoch + 1]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def training_outcome(
    network: nn.Module, history: Mapping[str, list[dict[str, float]]], **facts: Any
) -> Model:
    """What was learned: the weights, the last value of every loss term by stage, and `facts`."""
    last = {stage: {k: round(v, 6) for k, v in h[-1].items()} for stage, h in history.items() if h}
    size = sum(p.numel() for p in network.parameters())
    epochs = {stage: len(h) for stage, h in history.items()}
    return Model(
        to_arrays(network), {"n_parameters": size, "epochs": epochs, "last": last, **facts}
    )


def _line(stage: str, epoch: int, epochs: int, means: Mapping[str, float], left_s: float) -> str:
    terms = " ".join(f"{name} {value:.4g}" for name, value in means.items())
    return f"{stage}: epoch {epoch} of {epochs}, {terms}, {left_s / 60:.1f} min left"
