"""What methods learned, on disk: safetensors and JSON."""

import json
import os
import shutil
from pathlib import Path

import numpy as np

from rppgbench.errors import BenchError
from rppgbench.method import Model

ARRAYS, FACTS = "model.safetensors", "model.json"


def write_model(folder: Path, model: Model) -> None:
    """Write a model whole or not at all; `folder` is replaced.

    A folder of checkpoints that the training kept beside it stays where it is.
    """
    from safetensors.numpy import save_file

    partial = folder.with_name(f".partial-{os.getpid()}-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        arrays = {name: np.ascontiguousarray(a) for name, a in model.arrays.items()}
        save_file(arrays, partial / ARRAYS)
        (partial / FACTS).write_text(json.dumps(dict(model.facts), indent=1, sort_keys=True))
        if folder.is_dir():
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        raise BenchError(f"{folder}: cannot write the model: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def read_model(folder: Path) -> Model:
    """Read what `write_model` wrote; a damaged one is one clear line, and nothing is unpickled."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return Model(load_file(folder / ARRAYS), facts)
    except (OSError, ValueError, SafetensorError) as error:
        raise BenchError(
            f"{folder}: no model, or a damaged one ({error}); delete the folder to learn it again"
        ) from error


def is_model(folder: Path) -> bool:
    """Whether a whole model lies there."""
    return (folder / ARRAYS).is_file() and (folder / FACTS).is_file()
