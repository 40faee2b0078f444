"""What a training gives: the history of its loss terms, the best epoch, and the model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from rppgbench.core.method import Model
from rppgbench.neural.network_weights import to_arrays

SCORE = "score"
"""The name of an epoch's score in the history."""

History = list[dict[str, float]]
"""The mean of every loss term in each epoch; "shares" counts the micro-batches of a batch."""


def best_epoch(history: History) -> int:
    """The index of the epoch with the least score, the first of equal ones; NaN is no score.

    >>> best_epoch([{SCORE: float("nan")}, {SCORE: 5.0}, {SCORE: 4.0}, {SCORE: 4.0}])
    2
    """
    scores = np.array([terms[SCORE] for terms in history])
    return int(np.argmin(np.where(np.isnan(scores), np.inf, scores)))


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
