"""The device of a computation, and deterministic algorithms on it."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rppgbench.system.errors import BenchError


def resolve_device(name: str = "") -> str:
    """Choose a device: "cpu", "cuda" or "mps".

    Args:
        name: "auto", "cpu", "cuda" or "mps"; "" reads RPPGBENCH_DEVICE, or else is "auto".

    Raises:
        BenchError: the device is not available.
    """
    name = name or os.environ.get("RPPGBENCH_DEVICE", "auto")
    mps = torch.backends.mps.is_available()
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": mps}
    if name == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if available[kind])
    if not available.get(name, False):
        names = ", ".join(kind for kind, is_available in available.items() if is_available)
        raise BenchError(
            f"--device {name}: not there; this machine has {names}; auto takes the best"
        )
    return name


def require_devices(device: str, count: int) -> None:
    """Refuse a training that more devices share than there are; processes share the CPU.

    Args:
        device: "cpu", "cuda" or "mps".
        count: how many devices share a training.

    Raises:
        BenchError: there are fewer.
    """
    counts = {"cuda": torch.cuda.device_count(), "mps": 1}
    available = counts.get(device, count)
    if available < count:
        raise BenchError(f"--devices {count}: of {device} there are {available}")


@contextmanager
def deterministic(device: str) -> Iterator[list[str]]:
    """Use deterministic algorithms; restore the settings and the random sources afterwards.

    Args:
        device: "cpu", "cuda" or "mps".

    Yields:
        A list that afterwards names the operations without a deterministic algorithm on CUDA.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = range(torch.cuda.device_count()) if device == "cuda" else ()
    operations: list[str] = []
    with torch.random.fork_rng(devices), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
        try:
            yield operations
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            lines = {str(w.message).splitlines()[0] for w in caught}
            operations += sorted(line for line in lines if "deterministic" in line)
