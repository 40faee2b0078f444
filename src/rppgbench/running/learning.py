"""One model to learn: what it takes, and the doing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rppgbench.content import load_methods
from rppgbench.errors import RecordingError
from rppgbench.faults import attempt
from rppgbench.method import Example, Method, Training
from rppgbench.protocol import Condition
from rppgbench.running.learning_examples import shown
from rppgbench.running.models import is_model, write_model
from rppgbench.running.plan import Fit
from rppgbench.running.work import Task, example
from rppgbench.validation import run_fit


@dataclass(frozen=True)
class Lesson:
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
    keep_epochs: bool = False
    devices: int = 1
    rank: int = 0  # which of the devices' processes this is for; the first writes


def learn(lesson: Lesson, say: Callable[[str], None]) -> None:
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
        fit.seed,
        lesson.device,
        folder.with_name(f"{fit.digest}-training"),
        lambda line: say(f"{fit.method} {fit.fold} seed {fit.seed}: {line}"),
        lesson.keep_epochs,
        lesson.devices,
        lesson.rank,
    )
    model = run_fit(method, examples, training, lesson.params)
    if lesson.rank:
        return
    facts = {
        **model.facts,
        "method": fit.method,
        "fold": fit.fold,
        "seed": fit.seed,
        "params": dict(lesson.params),
        "device": lesson.device,
        "learned_from": len(examples),
        "could_not_learn_from": lost,
    }
    write_model(folder, replace(model, facts=facts))


def _examples(lesson: Lesson, method: Method) -> tuple[list[Example], list[str]]:
    """The recordings that can be learned from, and why the others cannot."""
    examples, lost = [], []
    for task, labelled in tasks_of(lesson, labels=method.is_shown_labels(lesson.params)):
        read = partial(example, task, method, lesson.params, lesson.fit.region, labelled=labelled)
        made = attempt(read, f"{task.dataset}/{task.recording}")
        if made.fault is not None and made.fault.kind in {"machine", "user"}:
            raise made.fault.error()
        if made.fault is not None:
            lost.append(f"{task.recording}: {made.fault.reason}")
        if made.value is not None:
            examples.append(made.value)
    return examples, lost


def tasks_of(lesson: Lesson, *, labels: bool) -> list[tuple[Task, bool]]:
    """The recordings of a lesson, and whether each comes with its labels."""
    fit = lesson.fit
    keys = shown(fit.pretrain, fit.train, labels=labels)
    return [
        (
            Task(
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
