"""A training in one stage: from batches to a judged model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from rppgbench.core.method import LEARNED_FROM, Model, Training
from rppgbench.neural.clips import Clips, Cut
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.training import Recipe, train, training_outcome

JUDGED = 24
"""About how many clips of the training set say whether the training collapsed."""


def last_row(out: Tensor) -> Tensor:
    """The pulse of a network's output: (N, T) as it is, the last row of (N, rows, T)."""
    return out if out.ndim == 2 else out[:, -1]


def to_model(
    make: Callable[[], nn.Module],
    batches: Callable[[int, np.random.Generator], Iterable[Batch]],
    clips: Clips,
    read: Callable[[Cut], Tensor],
    training: Training,
    params: Mapping[str, Any],
    *,
    part: str = "network",
    pulse_of: Callable[[Tensor], Tensor] = last_row,
    one_cycle: int = 0,
) -> Model:
    """Train what `make` makes, keep its part `part`, and judge what that says of training clips.

    `params` give epochs, lr, weight_decay, precision and fs; see `training.learn` for `batches` and
    `training.Recipe` for `one_cycle`. For the verdict on a collapse, `read` makes a clip a batch
    of one, and `pulse_of` makes the outputs pulses (N, T).
    """
    recipe = Recipe(
        params["epochs"],
        params["lr"],
        params["weight_decay"],
        params["precision"],
        one_cycle=one_cycle,
    )
    learner, history = train(
        make,
        batches,
        recipe,
        training,
        export=lambda made: training_outcome(made.get_submodule(part), {}),
    )
    everywhere = clips.all(clips.length)
    some = everywhere[:: max(1, len(everywhere) // JUDGED)]
    network = learner.get_submodule(part)
    pulses = pulse_of(run_network(network, (read(cut) for cut in some)))
    model = training_outcome(
        network, {"train": history}, collapse=detect_collapse(pulses, params["fs"])
    )
    return replace(model, facts={**model.facts, LEARNED_FROM: sorted(clips.by_recording)})
