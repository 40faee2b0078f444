"""The device of a computation, and deterministic algorithms on it."""

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.utils.deterministic

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
        raise BenchError(f"--devices {count}: of {device} there are {available}; give no more")


@contextmanager
def deterministic(device: str) -> Iterator[list[str]]:
    """Use deterministic algorithms and whole float32; restore all settings afterwards.

    The random sources are restored too. Memory that is written later is not filled first: no
    result depends on it, and the filling takes time.

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
    memory: Any = torch.utils.deterministic
    fills = memory.fill_uninitialized_memory
    with ExitStack() as settings:
        settings.enter_context(whole_float32())
        settings.enter_context(torch.random.fork_rng(devices))
        caught = settings.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("default")
        torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
        memory.fill_uninitialized_memory = False
        try:
            yield operations
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            memory.fill_uninitialized_memory = fills
            lines = {str(w.message).splitlines()[0] for w in caught}
            operations += sorted(line for line in lines if "deterministic" in line)


@contextmanager
def whole_float32() -> Iterator[None]:
    """Compute float32 products and convolutions on CUDA in float32; restore the setting afterwards.

    PyTorch's default for convolutions and recurrent layers is TF32, with 10 bits of mantissa: a
    result then depends on the generation of the card.
    """
    cuda: Any = torch.backends.cuda
    cudnn: Any = torch.backends.cudnn
    places = (cuda.matmul, cudnn.conv, cudnn.rnn)
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "ieee"
    try:
        yield
    finally:
        for place, precision in zip(places, before, strict=True):
            place.fp32_precision = precision
