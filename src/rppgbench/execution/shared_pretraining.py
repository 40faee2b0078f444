"""Pre-trainings that results folders share through the cache, by digest."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rppgbench.core.model_files import is_model, read_model, write_model
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


def take_shared(cache: Path, models: Path, digest: str) -> bool:
    """Copy a pre-training from the cache into the models of a results folder.

    The digest holds everything that the weights depend on, so the copy is what the training would
    give. A damaged copy is not taken; the training that replaces the copy writes over it (`share`).

    Args:
        cache: the cache.
        models: the folder of models of the results folder.
        digest: the digest of the pre-training.

    Returns:
        Whether the results folder holds the model now.
    """
    if is_model(models / digest):
        return True
    if not is_shared(cache, digest):
        return False
    try:
        model = read_model(cache / FOLDER / digest)
    except MachineError:
        return False
    write_model(models / digest, model)
    return True


def share(cache: Path, models: Path, digest: str, made_by: Mapping[str, Any]) -> None:
    """Copy a pre-training of a results folder into the cache, for other results folders.

    Args:
        cache: the cache.
        models: the folder of models of the results folder.
        digest: the digest of the pre-training.
        made_by: the provenance of the run that trained it.
    """
    model = read_model(models / digest)
    metadata = {**model.metadata, MADE_BY: dict(made_by)}
    write_model(cache / FOLDER / digest, replace(model, metadata=metadata))
