"""Batches prepared ahead, and how long steps take."""

import json
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import torch
from numpy.typing import NDArray

Batch = Mapping[str, NDArray[Any]]


def prefetch(batches: Iterable[Batch], depth: int = 2) -> Iterator[Batch]:
    """The same batches, prepared by another thread up to `depth` before they are asked for."""
    queue: Queue[Batch | BaseException | None] = Queue(depth)
    wanted = True

    def fill() -> None:
        try:
            for batch in batches:
                if not wanted:
                    return
                queue.put(batch)
            queue.put(None)
        except BaseException as error:
            queue.put(error)

    thread = Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        wanted = False
        while thread.is_alive():  # it may wait for room in the queue
            if not queue.empty():
                queue.get_nowait()
            thread.join(timeout=0.01)


class StepTimer:
    """How long an epoch's steps take, and how much of that the device waits for batches."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.began, self.began_cpu = time.monotonic(), time.process_time()
        self.waited = 0.0
        self.steps = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            _forget_peak()

    def waiting(self, batches: Iterable[Batch]) -> Generator[Batch]:
        """The same batches; the time until each is there counts as waiting."""
        source = iter(batches)
        while True:
            asked = time.monotonic()
            try:
                batch = next(source)
            except StopIteration:
                return
            self.waited += time.monotonic() - asked
            self.steps += 1
            yield batch

    def write(self, file: Path, precision: str) -> None:
        """Seconds a step, share waited, peak memory in MiB, as JSON.

        That is what tensors took on CUDA, what the process took elsewhere (None but on Linux).
        """
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.synchronize(self.device)
        took = time.monotonic() - self.began
        facts = {
            "device": torch.cuda.get_device_name(self.device) if cuda else self.device.type,
            "precision": precision,
            "steps": self.steps,
            "seconds_per_step": took / max(1, self.steps),
            "processor_s_per_step": (time.process_time() - self.began_cpu) / max(1, self.steps),
            "waited_share": self.waited / took,
            "peak_memory_mib": torch.cuda.max_memory_allocated(self.device) / 2**20
            if cuda
            else _peak_mib(),
        }
        file.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _forget_peak() -> None:
    """Begin anew with the largest size of this process: `proc(5)`, clear_refs."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float | None:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None
