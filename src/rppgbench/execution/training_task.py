"""One model to learn: what it takes, and the doing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.method import LEARNED_FROM, Example, Method, Training
from rppgbench.core.model_files import is_model, write_model
from rppgbench.core.protocol import Condition
from rppgbench.core.registry import load_methods
from rppgbench.core.validation import run_fit
from rppgbench.execution.planner import Fit
from rppgbench.execution.recording_task import RecordingTask, load_example
from rppgbench.execution.training_examples import shown
from rppgbench.system.errors import RecordingError
from rppgbench.system.fault_kinds import attempt

NO_WHOLE_LABELS = "labels: not of the kind that the method learns from, or never for a whole clip"


@dataclass(frozen=True)
class TrainingTask:
    """A fit with all that is needed to do it, on this machine or another: names and digests only.

    `fingerprints` are those of its recordings, pretraining first, as the plan saw them. The model
    goes to `models/DIGEST`, its checkpoints and log to `models/DIGEST-training`.
    """

    fit: Fit
    params: Mapping[str, Any]
    roots: Mapping[str, Path]
    condition: Condition
    clips: frozenset[str]
    cache: Path
    models: Path
    device: str
    fingerprints: tuple[str, ...]
    every_epoch: bool = False
    devices: int = 1
    provenance: str = ""  # the name of what the run says of itself, in its store
    rank: int = 0  # which of the devices' processes this is for; the first writes


def run_training(lesson: TrainingTask, say: Callable[[str], None]) -> None:
    """Learn one model and write it, unless it is there; `say` takes lines of how far it is.

    Recordings that cannot be learned from are named in the model's facts. RecordingError where none
    can, MachineError where files are gone; whatever else the method's `fit` raises.
    """
    fit, folder = lesson.fit, lesson.models / lesson.fit.digest
    if is_model(folder):
        return
    method = load_methods().get("method", fit.method, fit.fold)
    examples, lost = _examples(lesson, method)
    if not examples:
        raise RecordingError(f"{fit.method}: nothing to learn from: {'; '.join(lost[:3])}")
    training = Training(
        seed=fit.seed,
        device=lesson.device,
        folder=folder.with_name(f"{fit.digest}-training"),
        log=lambda line: say(f"{fit.method} {fit.fold} seed {fit.seed}: {line}"),
        every_epoch=lesson.every_epoch,
        devices=lesson.devices,
        rank=lesson.rank,
    )
    model = run_fit(method, examples, training, lesson.params)
    if lesson.rank:
        return
    facts = dict(model.facts)
    taught = set(facts.pop(LEARNED_FROM, [one.recording for one in examples]))
    lost += [
        f"{one.recording}: {NO_WHOLE_LABELS}" for one in examples if one.recording not in taught
    ]
    facts = {
        **facts,
        "method": fit.method,
        "fold": fit.fold,
        "seed": fit.seed,
        "params": dict(lesson.params),
        "device": lesson.device,
        "learned_from": sum(one.recording in taught for one in examples),
        "could_not_learn_from": lost,
        "provenance": lesson.provenance,
    }
    write_model(folder, replace(model, facts=facts))


def _examples(lesson: TrainingTask, method: Method) -> tuple[list[Example], list[str]]:
    """The recordings that can be learned from, and why the others cannot."""
    examples, lost = [], []
    for task, labelled in example_tasks(lesson, labels=method.is_shown_labels(lesson.params)):
        read = partial(
            load_example, task, method, lesson.params, lesson.fit.region, labelled=labelled
        )
        made = attempt(read, f"{task.dataset}/{task.recording}")
        if made.fault is not None and made.fault.kind in {"machine", "user"}:
            raise made.fault.error()
        if made.fault is not None:
            lost.append(f"{task.recording}: {made.fault.reason}")
        if made.value is not None:
            lacks = _lacks(made.value, float(lesson.params.get("clip_s", 0.0)))
            if lacks:
                lost.append(f"{task.recording}: {lacks}")
            else:
                examples.append(made.value)
    return examples, lost


def _lacks(one: Example, clip_s: float) -> str:
    """Why a recording gives nothing to learn from, or "".

    It needs a stretch of `clip_s` seconds, and where it comes with labels, one at a frame there.
    """
    parts = [p for p in one.inputs if len(p.samples) >= clip_s * p.fs * (1 - 1e-3)]
    if clip_s and not parts:
        return f"has no {clip_s:g} s without a gap; choose a shorter clip_s"
    if one.ground_truth is None or not parts:
        return ""
    times_s = np.concatenate([part.times_s() for part in parts])
    labels = (one.ground_truth.pulse_at(times_s), one.ground_truth.heart_rate_at(times_s))
    return "" if np.isfinite(labels).any() else "labels: none at any of its frames"


def example_tasks(lesson: TrainingTask, *, labels: bool) -> list[tuple[RecordingTask, bool]]:
    """The recordings of a lesson, and whether each comes with its labels."""
    fit = lesson.fit
    keys = shown(fit.pretrain, fit.train, labels=labels)
    return [
        (
            RecordingTask(
                dataset,
                lesson.roots[dataset],
                recording,
                (lesson.condition,),
                lesson.clips,
                (),
                (),
                lesson.cache,
                lesson.models,
                fingerprint,
            ),
            labelled,
        )
        for ((dataset, recording), labelled), fingerprint in zip(
            keys, lesson.fingerprints, strict=True
        )
    ]
