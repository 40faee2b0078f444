"""A training in one stage: from batches to a model with a verdict on collapse."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from rppgbench.core.method import LEARNED_FROM, Model, Training
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.parameters import SingleStageParameters
from rppgbench.neural.trained_model import to_model
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe

CLIPS_JUDGED = 24
"""About how many clips of the training set the verdict on collapse is based on."""


def last_row(out: Tensor) -> Tensor:
    """The pulses (N, T) of a network's output: the output, or the last row of (N, rows, T)."""
    return out if out.ndim == 2 else out[:, -1]


def sample_clips(starts: list[ClipStart], count: int) -> list[ClipStart]:
    """Select clips at even distances.

    Args:
        starts: clips.
        count: about how many clips are selected.

    >>> sample_clips([(0, 0), (0, 30), (1, 0), (1, 30)], 2)
    [(0, 0), (1, 0)]
    """
    return starts[:: max(1, len(starts) // count)]


def train_single_stage(
    make: Callable[[], nn.Module],
    batches: BatchSource,
    clips: Clips,
    read: Callable[[ClipStart], Tensor],
    training: Training,
    params: SingleStageParameters,
    *,
    part: str = "network",
    to_pulses: Callable[[Tensor], Tensor] = last_row,
    one_cycle_steps: int = 0,
) -> Model:
    """Train a learner, keep its network, and judge the network by clips of the training set.

    Args:
        make: makes the learner: see `training.train`.
        batches: the batches of each epoch.
        clips: the clips of the training set.
        read: reads a clip as a batch of one, for the verdict on collapse.
        training: how and where to train.
        params: epochs, learning rate, weight decay, precision and sampling rate.
        part: name of the learner's submodule that is kept.
        to_pulses: makes pulses (N, T) of the network's outputs, for the verdict.
        one_cycle_steps: see `training.Recipe`.

    Returns:
        The weights of the network, with the last losses, the verdict and the recordings.
    """
    recipe = Recipe(
        epochs=params.epochs,
        lr=params.lr,
        weight_decay=params.weight_decay,
        precision=params.precision,
        one_cycle_steps=one_cycle_steps,
    )
    learner, history = train(
        make,
        batches,
        recipe,
        training,
        export=lambda trained: to_model(trained.get_submodule(part), {}),
    )
    network = learner.get_submodule(part)
    judged = sample_clips(clips.all_starts(clips.length), CLIPS_JUDGED)
    pulses = to_pulses(run_network(network, (read(start) for start in judged)))
    model = to_model(network, {"train": history}, collapse=detect_collapse(pulses, params.fs))
    return replace(model, metadata={**model.metadata, LEARNED_FROM: sorted(clips.by_recording)})
