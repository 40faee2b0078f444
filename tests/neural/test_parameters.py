"""Parameters of methods that learn arrive as typed records."""

import importlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from rppgbench.core.method import Example, Method, Model, Training
from rppgbench.core.registry import PACKAGE, load_methods
from rppgbench.execution.method_groups import expand_groups
from rppgbench.neural.frame_parameters import FrameParameters, PlayedParameters
from rppgbench.neural.parameters import LearningParameters, SingleStageParameters, typed_fit
from rppgbench.system.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class _Parameters(SingleStageParameters):
    width: int


@typed_fit(_Parameters)
def fit(examples: Sequence[Example], training: Training, params: _Parameters) -> Model:
    return Model(metadata={"width": params.width, "clip": params.clip_length})


VALUES: dict[str, Any] = {
    "preset": "paper", "fs": 30.0, "clip_s": 2.0, "batch": 4, "lr": 0.1, "weight_decay": 0.0,
    "precision": "auto", "epochs": 2, "width": 8,
}  # fmt: skip
TRAINING = Training(seed=0, device="cpu", folder=Path("unused"))


def test_a_fit_gets_its_keywords_as_a_record() -> None:
    assert fit([], TRAINING, **VALUES).metadata == {"width": 8, "clip": 60}


def test_an_unknown_parameter_is_one_line_with_the_nearest_name() -> None:
    with pytest.raises(BenchError, match="no parameter 'widht'; did you mean 'width'"):
        fit([], TRAINING, **VALUES, widht=3)


def test_a_missing_parameter_is_one_line() -> None:
    given = {name: value for name, value in VALUES.items() if name != "lr"}
    with pytest.raises(BenchError, match="fit of test_parameters: no value for lr; give all"):
        fit([], TRAINING, **given)


def networks() -> list[Method]:
    methods = load_methods().available.values()
    return [one for one in methods if "epochs" in one.params or "pretrain_epochs" in one.params]


def record_of(method: Method) -> type[LearningParameters]:
    """The record of a method's `fit`, from the annotation of its third argument."""
    assert method.fit is not None
    signature = inspect.signature(inspect.unwrap(method.fit))
    kind: type[LearningParameters] = signature.parameters["params"].annotation
    if kind.__name__ == "FrameParameters":  # the frame that several networks share
        folder = importlib.import_module(f"{PACKAGE}.methods.{method.name}")
        kinds = [k for k in vars(folder).values() if inspect.isclass(k) and issubclass(k, kind)]
        own = [k for k in kinds if k.__module__ == folder.__name__]
        (kind,) = own or [k for k in kinds if k is not kind] or [kind]
    assert issubclass(kind, LearningParameters)
    return kind


def test_every_method_that_learns_declares_its_epochs() -> None:
    assert {method.name for method in networks()} == set(expand_groups(["learned"]))


@pytest.mark.parametrize("method", networks(), ids=lambda method: method.name)
def test_a_record_has_the_parameters_that_the_method_declares(method: Method) -> None:
    declared = {
        name: one.annotation
        for name, one in inspect.signature(method.estimate).parameters.items()
        if one.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert {one.name: one.type for one in fields(record_of(method))} == declared
    assert set(declared) == set(method.params)


def test_a_width_that_leaves_a_layer_without_channels_is_refused() -> None:
    assert FrameParameters(width=1).width == 1
    for record, width in ((FrameParameters, 0), (PlayedParameters, 1)):
        with pytest.raises(BenchError, match=f"width is at least {width + 1}, not {width}"):
            record(width=width)
