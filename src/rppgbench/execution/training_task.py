"""The training of one model: its inputs, its examples, and the model's file."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rppgbench.core.guarded_calls import run_fit
from rppgbench.core.method import LEARNED_FROM, Example, Method, Model, Side, Training
from rppgbench.core.model_files import is_model, read_model, write_model
from rppgbench.core.protocol import Condition
from rppgbench.core.registry import load_methods
from rppgbench.execution.plan_records import Fit
from rppgbench.execution.recording_task import RecordingTask, load_example
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_effort import measured_effort
from rppgbench.execution.training_examples import is_labelled, unusable_reason
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.system.errors import RecordingError
from rppgbench.system.fault_kinds import attempt

NO_WHOLE_LABELS = "labels: not of the kind that the method learns from, or never for a whole clip"

CHECKPOINTS = "*.safetensors"
"""The checkpoints of a training, in its folder: `Training.folder`."""

NAMED = 5
"""Number of recordings that the log names; the facts of the model name all."""


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """The training of one model, for this machine or another: names and digests only.

    Attributes:
        fit: the model to train.
        params: all parameters of the method.
        roots: roots of the data sets of its recordings.
        condition: what is done to the videos of its recordings.
        request: the features that the methods of the plan ask for.
        options: the options of the run, with the device that is used.
        models: the folder of models: the model goes to `models/DIGEST`, its checkpoints and log to
            `models/DIGEST-training`.
        fingerprints: those of the fit's `recordings` as the plan saw them.
        provenance: the name of the run's provenance in its store.
        rank: the index of this process among those that share the training; the first writes.
    """

    fit: Fit
    params: Mapping[str, Any]
    roots: Mapping[str, Path]
    condition: Condition
    request: FeatureRequest
    options: RunOptions
    models: Path
    fingerprints: tuple[str, ...]
    provenance: str = ""
    rank: int = 0


@dataclass(frozen=True)
class ExampleSet:
    """The recordings that a method can learn from, and one line on each of the others."""

    examples: tuple[Example, ...]
    rejected: tuple[str, ...]


def run_training(task: TrainingTask, log: Callable[[str], None]) -> None:
    """Load the examples, train the model and write it; a stored model is not trained again.

    Args:
        task: the model to train.
        log: takes lines of progress.

    Raises:
        RecordingError: the method can learn from none of the recordings.
        MachineError: files are gone.
        Exception: what the method's `fit` raises.
    """
    folder = task.models / task.fit.digest
    if is_model(folder):
        remove_checkpoints(task)
        return
    method = load_methods().get("method", task.fit.method, task.fit.fold)
    if task.fit.is_pretraining:
        assert method.pretraining is not None
        method = replace(method, fit=method.pretraining.learn)
    data = load_examples(task, method)
    training = _training(task, log)
    if data.rejected and not task.rank:
        training.log(
            f"{len(data.rejected)} of {len(data.rejected) + len(data.examples)} recordings are not "
            f"learned from: {'; '.join(data.rejected[:NAMED])}"
            + ("; and others" if len(data.rejected) > NAMED else "")
        )
    is_continued = any(_training_folder(task).glob(CHECKPOINTS))
    with _counting_operations(method), measured_effort(is_continued=is_continued) as effort:
        model = run_fit(method, list(data.examples), training, task.params)
    if not task.rank:
        metadata = {**_model_metadata(task, model, data), "effort": effort}
        write_model(folder, replace(model, metadata=metadata))
        remove_checkpoints(task)


def remove_checkpoints(task: TrainingTask) -> None:
    """Delete the checkpoints of a training whose model is written: nothing continues from them.

    A checkpoint holds the weights three times, as the optimiser has two values for each, and there
    are two. Losses, speeds and the models of epochs stay. The process of rank 0 does it.

    Args:
        task: the model that was trained.
    """
    if not task.rank:
        for file in _training_folder(task).glob(CHECKPOINTS):
            file.unlink(missing_ok=True)


def load_examples(task: TrainingTask, method: Method) -> ExampleSet:
    """Load the recordings of a training.

    Args:
        task: the model to train.
        method: its method.

    Returns:
        At least one example, and why other recordings are not used.

    Raises:
        RecordingError: there is no example.
        MachineError: the files of a recording are gone.
    """
    examples: list[Example] = []
    rejected: list[str] = []
    for recording_task, side in example_tasks(task):
        name = f"{recording_task.dataset}/{recording_task.recording}"
        load = partial(
            load_example,
            recording_task,
            method,
            task.params,
            task.fit.region,
            labelled=is_labelled(method, task.params, side),
            side=side,
        )
        loaded = attempt(load, name)
        if loaded.fault is not None and loaded.fault.kind in {"machine", "user"}:
            raise loaded.fault.error()
        if loaded.value is None:
            rejected.append(f"{name}: {loaded.fault.reason if loaded.fault else ''}")
        elif reason := unusable_reason(loaded.value, float(task.params.get("clip_s", 0.0))):
            rejected.append(f"{name}: {reason}")
        else:
            examples.append(loaded.value)
    if not examples:
        reasons = "; ".join(rejected[:3])
        raise RecordingError(f"{task.fit.method}: nothing to learn from: {reasons}")
    return ExampleSet(tuple(examples), tuple(rejected))


def _training_folder(task: TrainingTask) -> Path:
    return task.models / f"{task.fit.digest}-training"


def _training(task: TrainingTask, log: Callable[[str], None]) -> Training:
    """Return what the method's `fit` needs to know of the run."""
    fit = task.fit
    return Training(
        seed=fit.seed,
        device=task.options.device,
        folder=_training_folder(task),
        log=lambda line: log(f"{fit.method} {fit.fold} seed {fit.seed}: {line}"),
        every_epoch=task.options.every_epoch,
        devices=task.options.devices,
        rank=task.rank,
        pretrained=read_model(task.models / fit.pretraining) if fit.pretraining else None,
    )


def _model_metadata(task: TrainingTask, model: Model, data: ExampleSet) -> dict[str, Any]:
    """Return the metadata of a model: what the method states, and how the model was trained."""
    metadata = dict(model.metadata)
    names = [example.recording for example in data.examples if example.side != "validation"]
    used_names = set(metadata.pop(LEARNED_FROM, names))
    unused = [f"{name}: {NO_WHOLE_LABELS}" for name in names if name not in used_names]
    return {
        **metadata,
        "method": task.fit.method,
        "fold": task.fit.fold,
        "seed": task.fit.seed,
        "params": dict(task.params),
        "device": task.options.device,
        "learned_from": sum(name in used_names for name in names),
        "could_not_learn_from": [*data.rejected, *unused],
        "provenance": task.provenance,
        **({"pretraining": task.fit.pretraining} if task.fit.pretraining else {}),
        **_operations(task, model),
    }


def _counting_operations(method: Method) -> AbstractContextManager[None]:
    """The context in which a training of a network counts the operations of a step."""
    if method.baseline or find_spec("torch") is None:
        return nullcontext()
    from rppgbench.neural.operations import counted_steps

    return counted_steps()


def _operations(task: TrainingTask, model: Model) -> dict[str, Any]:
    """The floating-point operations of the training and of a minute of video; none without both.

    A count that fails is no reason to lose a model: the reason is stored.
    """
    if "n_parameters" not in model.metadata:
        return {}
    from rppgbench.neural.method_operations import operations_per_minute, training_operations

    counts = {"training": training_operations(_training_folder(task))}
    if not task.fit.is_pretraining:
        method = load_methods().get("method", task.fit.method, task.fit.fold)
        counted = attempt(
            lambda: operations_per_minute(method, model, task.params), "the count of operations"
        )
        counts["estimate"] = (
            {"flop_per_minute": counted.value}
            if counted.fault is None
            else {"not_counted": counted.fault.reason}
        )
    return {"operations": counts}


def example_tasks(task: TrainingTask) -> list[tuple[RecordingTask, Side]]:
    """Return the recordings of a training in order, and the side of each."""
    return [
        (
            RecordingTask(
                dataset=dataset,
                root=task.roots[dataset],
                recording=recording,
                conditions=(task.condition,),
                request=task.request,
                jobs=(),
                params=(),
                options=task.options,
                models=task.models,
                fingerprint=fingerprint,
            ),
            side,
        )
        for ((dataset, recording), side), fingerprint in zip(
            task.fit.recordings, task.fingerprints, strict=True
        )
    ]
