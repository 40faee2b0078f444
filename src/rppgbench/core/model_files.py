"""Learned models on disk: arrays as safetensors, metadata as JSON."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.method import Model
from rppgbench.system.atomic_files import atomic_dir, atomic_file, move_into_place
from rppgbench.system.errors import MachineError

ARRAYS, FACTS, SHA256 = "model.safetensors", "model.json", "sha256"


def write_model(folder: Path, model: Model) -> None:
    """Write a model whole or not at all; `folder` is replaced.

    A folder of checkpoints that the training kept beside it stays where it is.

    Args:
        folder: where the model lies afterwards.
        model: its arrays and metadata.

    Raises:
        MachineError: the model cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    # ascontiguousarray would make a number, such as the batches that a norm has seen, a row of one.
    arrays = {name: np.asarray(a, order="C") for name, a in model.arrays.items()}
    try:
        with atomic_dir(folder) as partial:
            with atomic_file(partial / ARRAYS) as file:  # its writer makes it for the owner alone
                save_file(arrays, file)
            metadata = {**model.metadata, SHA256: _sha256(partial / ARRAYS, model.metadata)}
            (partial / FACTS).write_text(json.dumps(metadata, indent=1, sort_keys=True))
            if folder.is_dir():
                shutil.rmtree(folder)
            move_into_place(partial, folder)
    except (OSError, SafetensorError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise MachineError(f"{folder}: cannot write the model: {why}; make room") from error


def read_model(folder: Path) -> Model:
    """Read what `write_model` wrote; a damaged one is one clear line, and nothing is unpickled."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        metadata = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if not isinstance(metadata, dict):
            raise ValueError(f"{FACTS} holds no table of facts")
        if metadata.pop(SHA256, None) != _sha256(folder / ARRAYS, metadata):
            raise ValueError("it does not agree with its checksum")
        return Model(load_file(folder / ARRAYS), metadata)
    except (OSError, ValueError, SafetensorError) as error:
        raise MachineError(
            f"{folder}: no model, or a damaged one ({error}); delete the folder to learn it again"
        ) from error


def _sha256(arrays: Path, metadata: Mapping[str, Any]) -> str:
    """Of the file of arrays, then of the metadata as JSON will give them back."""
    with arrays.open("rb") as stream:
        checksum = hashlib.file_digest(stream, "sha256")
    stored = json.loads(json.dumps(metadata))  # keys that are numbers come back as text
    checksum.update(json.dumps(stored, sort_keys=True).encode())
    return checksum.hexdigest()


def is_model(folder: Path) -> bool:
    """Whether a whole model lies there."""
    return (folder / ARRAYS).is_file() and (folder / FACTS).is_file()
