"""What the models of a run say of their own training."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.core.model_files import FACTS
from rppgbench.report.figures.losses import LossCurve

if TYPE_CHECKING:
    import pandas as pd


def load_trained_models(folder: Path, fits: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The facts of every model that lies in `folder`, with its digest, method, fold and seed.

    `fits` are those of a run's manifest. A model that is not there, or not yet, is left out.

    Args:
        folder: The folder of models.
        fits: The trainings of a manifest.

    Returns:
        The facts of each model.
    """
    models = []
    for fit in fits:
        file = folder / str(fit["digest"]) / FACTS
        if file.is_file():
            metadata = json.loads(file.read_text(encoding="utf-8"))
            keys = ("digest", "method", "fold", "condition")
            labels = {key: fit[key] for key in keys if key in fit}
            models.append({**metadata, **labels})
    return models


def load_loss_curves(folder: Path, fits: Iterable[Mapping[str, Any]]) -> list[LossCurve]:
    """The losses of every training whose log lies in `folder`, stage by stage.

    A training that was not done here, such as that of a shared pre-training, has none.

    Args:
        folder: The folder of models.
        fits: The trainings of a manifest.

    Returns:
        The curves in the order of the trainings.
    """
    return [
        LossCurve(
            method=str(fit["method"]),
            fold=str(fit["fold"]),
            condition=str(fit.get("condition", "")),
            seed=int(fit["seed"]),
            stage=file.stem,
            epochs=tuple(json.loads(line) for line in file.read_text("utf-8").splitlines()),
        )
        for fit in fits
        for file in sorted((folder / f"{fit['digest']}-training").glob("*.jsonl"), reverse=True)
    ]


def training_notes(
    models: Iterable[Mapping[str, Any]], methods: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """What a table has to say of a method's training, by method; nothing where all is ordinary.

    That is a preset other than the paper's, trainings that did not learn, recordings that gave
    nothing to learn from, and batches that were cut because memory was short. `methods` are a
    run's, with their parameters.

    Args:
        models: The facts of each trained model.
        methods: The methods of the run with their parameters.

    Returns:
        The notes by method.

    >>> fine, flat = ({"method": "m", "collapse": {"verdict": v}} for v in ("learned", "collapsed"))
    >>> training_notes([fine, flat], {"m": {"preset": "smoke"}, "pos": {"window_s": 1.6}})
    {'m': 'smoke preset; did not learn in 1 of 2 trainings'}
    """
    of_method = defaultdict(list)
    for model in models:
        of_method[str(model["method"])].append(model)
    notes = {}
    for name, params in methods.items():
        parts = []
        if params.get("preset", "paper") != "paper":
            parts.append(f"{params['preset']} preset")
        judged = [m for m in of_method[name] if "collapse" in m]
        failed = sum(m["collapse"]["verdict"] != "learned" for m in judged)
        if failed:
            parts.append(f"did not learn in {failed} of {len(judged)} trainings")
        without = max((len(_lost(m)) for m in of_method[name]), default=0)
        if without:
            parts.append(f"{without} training recordings taught nothing")
        if any("shares" in terms for m in judged for terms in m.get("last", {}).values()):
            parts.append("batches in shares: memory was short")
        if parts:
            notes[name] = "; ".join(parts)
    return notes


def training_warnings(models: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What recordings of a training part taught a method nothing, a line each; seeds say it once.

    >>> training_warnings([{"method": "m", "fold": "1", "could_not_learn_from": ["p1: no pulse"]}])
    ('training of m, fold 1: nothing learned from p1: no pulse',)
    """
    lines = (
        f"training of {model['method']}, fold {model['fold']}: nothing learned from {line}"
        for model in models
        for line in _lost(model)
    )
    return tuple(dict.fromkeys(lines))


def _lost(model: Mapping[str, Any]) -> list[str]:
    """The recordings that a model could not learn from, with the reasons."""
    return list(model.get("could_not_learn_from", []))


def flag_trainings(windows: pd.DataFrame, notes: Mapping[str, str]) -> None:
    """Write the column `training`: what `training_notes` say of each row's method, or "".

    Args:
        windows: Scored windows; changed in place.
        notes: The notes by method.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"method": ["net", "pos"]})
    >>> flag_trainings(rows, {"net": "smoke preset"})
    >>> rows["training"].tolist()
    ['smoke preset', '']
    """
    windows["training"] = [notes.get(method, "") for method in windows["method"]]
