"""Pre-trainings that results folders share through the cache, by digest."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rppgbench.core.model_files import is_model, read_model, write_model
from rppgbench.execution.plan_records import Fit
from rppgbench.system.cache_use import mark_used
from rppgbench.system.errors import MachineError

FOLDER = "pretrainings"
MADE_BY = "made_by"
"""The metadata of a shared model that holds the provenance of the run that trained it."""


def is_shared(cache: Path, digest: str) -> bool:
    """Whether the cache holds a pre-training.

    Args:
        cache: the cache.
        digest: the digest of the pre-training.
    """
    return is_model(cache / FOLDER / digest)


def take_shared(cache: Path, models: Path, fit: Fit) -> bool:
    """Copy a pre-training from the cache into the models of a results folder.

    The digest holds everything that the weights depend on, so the copy is what the training would
    give. A damaged copy is not taken; the training that replaces the copy writes over it (`share`).

    Args:
        cache: the cache.
        models: the folder of models of the results folder.
        fit: the pre-training.

    Returns:
        Whether the results folder holds the model now.
    """
    if is_model(models / fit.digest):
        return True
    _mark(cache, fit)
    if not is_shared(cache, fit.digest):
        return False
    try:
        model = read_model(cache / FOLDER / fit.digest)
    except MachineError:
        return False
    write_model(models / fit.digest, model)
    return True


def share(cache: Path, models: Path, fit: Fit, made_by: Mapping[str, Any]) -> None:
    """Copy a pre-training of a results folder into the cache, for other results folders.

    Args:
        cache: the cache.
        models: the folder of models of the results folder.
        fit: the pre-training.
        made_by: the provenance of the run that trained it.
    """
    _mark(cache, fit)
    model = read_model(models / fit.digest)
    metadata = {**model.metadata, MADE_BY: dict(made_by)}
    write_model(cache / FOLDER / fit.digest, replace(model, metadata=metadata))


def _mark(cache: Path, fit: Fit) -> None:
    """Note which data sets use a pre-training, for `bench cache`."""
    for dataset in {dataset for dataset, _ in fit.pretrain}:
        mark_used(cache, dataset, FOLDER, fit.digest)
