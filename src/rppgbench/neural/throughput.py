"""How fast a method learns on a device and how fast its batches are read, on synthetic input."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from rppgbench.core.method import Example, Method, Training
from rppgbench.core.waveform import Waveform
from rppgbench.extraction.crops import crop_rule
from rppgbench.extraction.stored_rows import StoredRows
from rppgbench.neural.batches import BatchesTaken, BatchSource, take_batches
from rppgbench.neural.feeding import feed
from rppgbench.neural.synthetic_inputs import synthetic_examples

EPOCHS = 2  # the first warms up
FEEDING_S = 2.0
MAX_RECORDINGS = 24


def learning_speed(
    method: Method, params: Mapping[str, Any], device: str, *, precision: str = "auto"
) -> list[dict[str, Any]]:
    """Measure the speed of each training stage.

    Two epochs of each stage run on recordings that are a second longer than a clip, with pictures
    of the crop rule's size; the second epoch counts. No model is kept.

    Args:
        method: a method that learns.
        params: all parameters of the method.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", "32-true" or "bf16-mixed".

    Returns:
        For each stage what `prefetch.StepTimer` measures, with the names of method and stage.

    Raises:
        ValueError: the method does not learn.
    """
    if method.fit is None:
        raise ValueError(f"{method.name} does not learn")
    epochs = {name: min(EPOCHS, n) for name, n in params.items() if name.endswith("epochs")}
    values = {**params, **epochs, "precision": precision}
    size = crop_rule(str(params["crop"])).size if method.input == "clip" else 0
    examples = synthetic_examples(method, size, seconds=float(params["clip_s"]) + 1)
    with TemporaryDirectory() as folder:
        method.fit(examples, Training(seed=0, device=device, folder=Path(folder)), **values)
        return [
            {"method": method.name, "stage": file.stem.removesuffix("_speed"), **measurements}
            for file in sorted(Path(folder).glob("*_speed.json"))
            for measurements in [json.loads(file.read_text(encoding="utf-8"))]
        ]


def feeding_speed(
    method: Method, params: Mapping[str, Any], *, workers: int = 1
) -> list[dict[str, Any]]:
    """Measure how fast the batches of each training stage are read, apart from any step.

    Pictures are read from files of the system's cache, as in a training whose data fit there.

    Args:
        method: a method that learns.
        params: all parameters of the method.
        workers: number of threads that read.

    Returns:
        For each stage: names of method and stage, `batch` in clips, `clips_per_processor_s`,
        `steps_per_processor_s`, `steps_per_s` by the clock with the threads, and `mib_per_step`.

    Raises:
        ValueError: the method does not learn.
    """
    if method.fit is None:
        raise ValueError(f"{method.name} does not learn")
    size = crop_rule(str(params["crop"])).size if method.input == "clip" else 0
    with TemporaryDirectory() as folder:
        examples = [
            _on_disk(example, Path(folder)) if size else example
            for example in synthetic_examples(
                method,
                size,
                recordings=min(MAX_RECORDINGS, max(4, int(params["batch"]))),
                seconds=2 * float(params["clip_s"]),
            )
        ]
        return [
            {"method": method.name, "stage": stage, **_reading_speed(source, workers)}
            for source, stage in _stages(method, params, examples, Path(folder))
        ]


def _on_disk(example: Example, folder: Path) -> Example:
    """The example with its input in a file, as a training has it."""
    (clip,) = example.inputs
    file = folder / f"{example.recording}.npy"
    np.save(file, clip.samples)
    rows: Any = StoredRows(file)
    return replace(example, inputs=(Waveform(rows, clip.fs),))


def _stages(
    method: Method, params: Mapping[str, Any], examples: list[Example], folder: Path
) -> Iterator[tuple[BatchSource, str]]:
    """The batches of each stage that has epochs, and its name."""
    assert method.fit is not None
    names = [name for name, count in params.items() if name.endswith("epochs") and count]
    for wanted in names:
        epochs = {name: int(name == wanted) for name in names}
        training = Training(seed=0, device="cpu", folder=folder / wanted)
        try:
            with take_batches():
                method.fit(examples, training, **{**params, **epochs})
        except BatchesTaken as taken:
            yield taken.source, taken.stage


def _reading_speed(source: BatchSource, workers: int) -> dict[str, float]:
    clips = steps = size = epoch = 0
    began_s = cpu_began_s = 0.0
    while not began_s or time.perf_counter() - began_s < FEEDING_S:
        stream = feed(source, epoch, torch.device("cpu"), workers)
        if not epoch:  # the first batch warms up
            next(stream)
            began_s, cpu_began_s = time.perf_counter(), time.process_time()
        for batch in stream:
            steps += 1
            clips += len(next(iter(batch.values())))
            size += sum(tensor.nbytes for tensor in batch.values())
            if time.perf_counter() - began_s > FEEDING_S:
                break
        stream.close()
        epoch += 1
    elapsed_s, processor_s = time.perf_counter() - began_s, time.process_time() - cpu_began_s
    return {
        "batch": clips / steps,
        "clips_per_processor_s": clips / processor_s,
        "steps_per_processor_s": steps / processor_s,
        "steps_per_s": steps / elapsed_s,
        "mib_per_step": size / steps / 2**20,
    }
