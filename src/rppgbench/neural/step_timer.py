"""A timer of optimisation steps."""

import json
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import torch

T = TypeVar("T")


class StepTimer:
    """Measure how long an epoch's steps take, and how long the device waits for batches."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.started_s, self.started_cpu_s = time.monotonic(), time.process_time()
        self.waited_s = 0.0
        self.steps = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            _reset_peak()

    def timed(self, batches: Iterable[T]) -> Generator[T]:
        """Yield the same batches; the time until a batch is ready counts as waiting."""
        source = iter(batches)
        while True:
            started_s = time.monotonic()
            try:
                batch = next(source)
            except StopIteration:
                return
            self.waited_s += time.monotonic() - started_s
            self.steps += 1
            yield batch

    def write(self, file: Path, precision: str) -> None:
        """Write seconds per step, share of waiting and peak memory as JSON.

        Args:
            file: the JSON file. `peak_memory_mib` is the memory of tensors on CUDA, and of the
                process elsewhere (None on other systems than Linux).
            precision: precision of the training, for the file.
        """
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.synchronize(self.device)
        elapsed_s = time.monotonic() - self.started_s
        processor_s = time.process_time() - self.started_cpu_s
        measurements = {
            "device": torch.cuda.get_device_name(self.device) if cuda else self.device.type,
            "precision": precision,
            "steps": self.steps,
            "seconds_per_step": elapsed_s / max(1, self.steps),
            "processor_s_per_step": processor_s / max(1, self.steps),
            "waited_share": self.waited_s / elapsed_s,
            "peak_memory_mib": torch.cuda.max_memory_allocated(self.device) / 2**20
            if cuda
            else _peak_mib(),
        }
        file.write_text(json.dumps(measurements, indent=1) + "\n", encoding="utf-8")


def _reset_peak() -> None:
    """Reset the peak memory of this process: `proc(5)`, clear_refs."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float | None:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None
