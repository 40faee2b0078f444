"""The stages of a training: what each learns from, and for how many epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rppgbench.core.method import first_stage
from rppgbench.execution.plan_records import Fit

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TrainingStage(Generic[T]):
    """One stage of a training.

    Attributes:
        data: the recordings that the stage learns from, or a number of each, such as its duration.
        epochs: number of epochs; None where the method declares none.
    """

    data: Sequence[T]
    epochs: int | None


def training_stages(
    params: Mapping[str, Any], pretrain: Sequence[T], train: Sequence[T]
) -> list[TrainingStage[T]]:
    """Return the stages of a method: one without labels and one with labels, or a single one.

    Args:
        params: the parameters of the method; `pretrain_epochs` has a method with two stages.
        pretrain: the recordings for pre-training.
        train: the recordings of the training side.

    Returns:
        The stages in their order. A single stage learns from the recordings of both sides.

    >>> params = {"pretrain_on": "pretrain_sets", "pretrain_epochs": 2, "finetune_epochs": 3}
    >>> [(stage.data, stage.epochs) for stage in training_stages(params, ["a"], ["b"])]
    [(('a',), 2), (['b'], 3)]
    >>> [(stage.data, stage.epochs) for stage in training_stages({"epochs": 5}, ["a"], ["b"])]
    [(['a', 'b'], 5)]
    """
    if "pretrain_epochs" not in params:
        return [TrainingStage(data=[*pretrain, *train], epochs=params.get("epochs"))]
    with_labels = params["finetune_epochs"] if params.get("labels", True) else 0
    first = first_stage(pretrain, train, str(params["pretrain_on"]))
    return [
        TrainingStage(data=first, epochs=params["pretrain_epochs"]),
        TrainingStage(data=train, epochs=with_labels),
    ]


def fit_stages(fit: Fit, params: Mapping[str, Any]) -> list[TrainingStage[tuple[str, str]]]:
    """Return the stages of one training, without a stage that is a training of its own.

    Args:
        fit: the training.
        params: the parameters of its method.
    """
    stages = training_stages(params, fit.pretrain, fit.train)
    if fit.is_pretraining:
        return stages[:1]
    return stages[1:] if fit.pretraining else stages
