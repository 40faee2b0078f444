"""Batches that threads read ahead of the steps, as tensors that a device can take at once.

Threads and not processes: reading maps a file, copies rows and computes on large arrays, for which
numpy and PyTorch let other threads go on. Threads share the maps and the memory of the process, and
need neither copies between processes nor shared memory, of which containers have little.
"""

import os
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from rppgbench.neural.batches import Batch, BatchSource, random_source
from rppgbench.neural.clips import ClipStart

AHEAD = 2
"""Number of batches that are ready or being read, beyond one for each thread."""

MAX_WORKERS = 8


def worker_count(device: str) -> int:
    """Number of threads that read batches for a device.

    A device apart from the processor leaves the cores to reading: half of them, at most
    `MAX_WORKERS`. On a CPU the network needs the cores, and one thread reads ahead.

    Args:
        device: "cpu", "cuda" or "mps".
    """
    if device == "cpu":
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores // 2))


def feed(
    source: BatchSource, seed: int, device: torch.device, workers: int
) -> Generator[Mapping[str, Tensor]]:
    """Read the batches of an epoch ahead.

    Args:
        source: chooses and reads the batches.
        seed: the seed of the epoch. A batch depends on this seed and on its own number alone.
        device: where the batches will go: tensors for CUDA are in pinned memory.
        workers: number of threads; with 0 a batch is read when it is taken.

    Yields:
        Tensors by name, on the CPU, in the order in which the batches were chosen. An exception of
        a batch is raised where that batch is taken.
    """

    def read(number: int, starts: Sequence[ClipStart]) -> Mapping[str, Tensor]:
        return to_tensors(source.read(starts, random_source(seed, number)), device)

    chosen = enumerate(source.choose(np.random.default_rng(seed)))
    if workers == 0:
        for number, starts in chosen:
            yield read(number, starts)
        return
    pending: deque[Future[Mapping[str, Tensor]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    try:
        for number, starts in chosen:
            pending.append(pool.submit(read, number, starts))
            if len(pending) >= workers + AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """Arrays as tensors on the CPU that a device can take.

    Args:
        batch: arrays by name.
        device: where the tensors will go. For CUDA they are in pinned memory, from which a copy
            runs beside the computation; for MPS, which has no float64, float64 becomes float32.

    Returns:
        Tensors by name.
    """
    tensors = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in batch.items()}
    if device.type == "mps":
        return {n: t.float() if t.dtype == torch.float64 else t for n, t in tensors.items()}
    if device.type == "cuda":
        with torch.cuda.device(device):
            return {name: tensor.pin_memory() for name, tensor in tensors.items()}
    return tensors
