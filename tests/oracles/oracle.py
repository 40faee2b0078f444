"""Outputs of public reference code, as arrays and facts."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent


def places() -> list[Path]:
    """Where oracles may lie, best first: named by the environment, beside the checkout, in it."""
    named = os.environ.get("RPPGBENCH_ORACLES")
    beside = HERE.parents[2] / "shared" / "oracles"
    return [*([Path(named)] if named else []), beside, HERE / "data"]


def load(name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of NAME.npz and what NAME.json says of them, from the first place that has it."""
    for folder in places():
        file = folder / f"{name}.npz"
        if file.is_file():
            with np.load(file, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            return arrays, json.loads((folder / f"{name}.json").read_text())
    raise FileNotFoundError(f"no oracle {name!r} in {', '.join(map(str, places()))}")


def cases(arrays: dict[str, NDArray[Any]], start: str) -> list[str]:
    """What follows `start__` in the keys: the names of the inputs.

    >>> cases({"in_rgb__b": np.zeros(1), "in_rgb__a": np.zeros(1), "x": np.zeros(1)}, "in_rgb")
    ['a', 'b']
    """
    return sorted(key.removeprefix(start + "__") for key in arrays if key.startswith(start + "__"))


def far(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference as a share of the largest expected value; infinite if shapes differ.

    >>> far(np.array([1.0, 2.5]), np.array([1.0, 2.0]))
    0.25
    """
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return float("inf")
    return float(np.abs(actual - expected).max() / np.abs(expected).max())
