"""Typed records of the parameters of methods that learn. Imports no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, TypeVar

from rppgbench.core.method import PRETRAIN_ON, Example, Model, Training
from rppgbench.system.errors import BenchError, unknown_name

CHECKPOINTS = ("validation", "last")


@dataclass(frozen=True, kw_only=True)
class StageParameters:
    """The parameters that every stage of a training needs.

    Attributes:
        fs: sampling rate that the network expects, in Hz.
        clip_s: length of a clip to learn from, in seconds.
        batch: clips in a step.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """

    fs: float
    clip_s: float
    batch: int
    lr: float
    weight_decay: float
    precision: str

    @property
    def clip_length(self) -> int:
        """Length of a clip in samples."""
        return round(self.clip_s * self.fs)


@dataclass(frozen=True, kw_only=True)
class LearningParameters(StageParameters):
    """The parameters that every method with a network declares.

    Attributes:
        preset: name of the preset that was chosen.
    """

    preset: str


@dataclass(frozen=True, kw_only=True)
class SingleStageParameters(LearningParameters):
    """The parameters of a training in one stage of `epochs` epochs."""

    epochs: int


@dataclass(frozen=True, kw_only=True)
class PretrainingParameters(StageParameters):
    """The parameters of a first stage, without labels, at `lr`.

    A record of this kind holds every parameter that the stage uses. So two models whose records
    are equal can share the stage.
    """

    pretrain_epochs: int


@dataclass(frozen=True, kw_only=True)
class TwoStageParameters(PretrainingParameters, LearningParameters):
    """The parameters of a training without labels at `lr`, then with labels at `finetune_lr`.

    Attributes:
        finetune_epochs: epochs with labels.
        finetune_lr: learning rate with labels.
        pretrain_on: what the first stage learns from: see `core.method.first_stage`.
        checkpoint: "validation" keeps the epoch of the second stage with the least error on the
            validation part, where there is one; "last" keeps the last.
    """

    finetune_epochs: int
    finetune_lr: float
    pretrain_on: str
    checkpoint: str

    def __post_init__(self) -> None:
        """BenchError for a value without a meaning."""
        for name, value, known in (
            ("pretrain_on", self.pretrain_on, PRETRAIN_ON),
            ("checkpoint", self.checkpoint, CHECKPOINTS),
        ):
            if value not in known:
                raise unknown_name(name, value, known, "parameters")


def require_width(method: str, width: int, multiple: int, reason: str) -> None:
    """Refuse a width that does not divide into the parts of a network.

    Args:
        method: name of the method.
        width: the parameter `width`.
        multiple: the number of parts.
        reason: the parts, for the message.

    Raises:
        BenchError: the width is no multiple, or not positive.

    >>> require_width("m", 6, 4, "4 heads")
    Traceback (most recent call last):
        ...
    rppgbench.system.errors.BenchError: m: width is a multiple of 4, not 6: the network has 4 heads
    """
    if width < 1 or width % multiple:
        raise BenchError(
            f"{method}: width is a multiple of {multiple}, not {width}: the network has {reason}"
        )


Parameters = TypeVar("Parameters", bound=StageParameters)
TypedFit = Callable[[Sequence[Example], Training, Parameters], Model]


def parameter_names(record: type[StageParameters]) -> tuple[str, ...]:
    """The names of the parameters of a record."""
    return tuple(field.name for field in fields(record))


def typed_fit(record: type[Parameters]) -> Callable[[TypedFit[Parameters]], Callable[..., Model]]:
    """Make the `fit` of a method, which takes keywords, from a function that takes a record.

    Args:
        record: class of the record; its fields are the parameters that the method declares.

    Returns:
        A decorator. The decorated function takes examples, training and all parameters as keywords.
        It raises BenchError for a parameter that the record does not have, and for a missing one.
    """
    names = set(parameter_names(record))

    def decorate(fit: TypedFit[Parameters]) -> Callable[..., Model]:
        @wraps(fit)
        def fit_from_keywords(
            examples: Sequence[Example], training: Training, **values: Any
        ) -> Model:
            place = f"fit of {fit.__module__.rsplit('.', 1)[-1]}"
            for name in sorted(values.keys() - names):
                raise unknown_name("parameter", name, names, place)
            if missing := sorted(names - values.keys()):
                raise BenchError(f"{place}: no value for {', '.join(missing)}; give all parameters")
            return fit(examples, training, record(**values))

        return fit_from_keywords

    return decorate
