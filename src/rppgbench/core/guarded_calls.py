"""Calls of methods, readers and trainings, isolated and with their returns checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rppgbench.core.method import Example, Method, Model, Training
from rppgbench.core.recording import Dataset, GroundTruth, Recording, Source
from rppgbench.core.return_checks import (
    ReturnError,
    check_ground_truth,
    check_model,
    check_pulse,
    check_video,
    describe_type,
)
from rppgbench.core.waveform import Waveform
from rppgbench.system.fault_kinds import attempt
from rppgbench.system.isolation import isolated
from rppgbench.system.process_state import note_call


def run_estimate(
    method: Method, waveform: Waveform, params: Mapping[str, Any], model: Model | None = None
) -> Waveform:
    """Call a method on one segment, and check the pulse that it returns.

    Args:
        method: whose `estimate` is called, with nothing of it left behind in the process.
        waveform: the segment, (T, ...) by `method.input`.
        params: all of the method's parameters.
        model: what it learned, if it learns.

    Raises:
        NoPulseError, ReturnError: as `check_pulse`; whatever else the method raises.
    """
    inputs = (waveform,) if model is None else (waveform, model)
    with isolated():
        returned = method.estimate(*inputs, **params)
    return check_pulse(returned, waveform, method.name)


def run_fit(
    method: Method, examples: Sequence[Example], training: Training, params: Mapping[str, Any]
) -> Model:
    """The model that a method learns: what `check_model` gives of what it returned.

    Args:
        method: whose `fit` is called, with nothing of it left behind in the process.
        examples: the recordings to learn from.
        training: how and where.
        params: all of the method's parameters.

    Raises:
        ReturnError: as `check_model`; whatever else the method raises.
    """
    if method.fit is None:
        raise TypeError(f"{method.name} does not learn")
    note_call(f"the learning of {method.name}")
    with isolated():
        returned = method.fit(examples, training, **params)
    return check_model(returned, method.name)


def list_recordings(dataset: Dataset, root: Path) -> tuple[Recording, ...]:
    """What a data set's reader finds under a root.

    Args:
        dataset: the data set whose reader is called.
        root: the folder that holds the data set.

    Returns:
        The recordings in the order of the reader.

    Raises:
        BenchError: as the reader says; a bug of the reader, or something that is no `Recording`.
    """
    note_call(f"the reader of {dataset.name}")

    def list_guarded() -> tuple[Recording, ...]:
        with isolated():
            return tuple(dataset.recordings(root))

    outcome = attempt(list_guarded, f"the reader of {dataset.name} at {root}")
    if outcome.value is None:
        assert outcome.fault is not None
        raise outcome.fault.error()
    for recording in outcome.value:
        if not isinstance(recording, Recording):
            raise ReturnError(
                f"{root}: the reader of {dataset.name} lists {describe_type(recording)}"
            )
    return outcome.value


def read_ground_truth(recording: Recording) -> GroundTruth:
    """The labels that a reader gives, checked. ReturnError as `check_ground_truth`."""
    with isolated():
        returned = recording.ground_truth()
    return check_ground_truth(returned)


def read_video(recording: Recording) -> Source:
    """Where a reader says that the frames or mean colours are, checked, as `check_video`."""
    with isolated():
        returned = recording.video()
    return check_video(returned)
