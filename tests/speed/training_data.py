"""A training on a made-up cache of many recordings at uneven times: its memory and open files.

    python -m tests.speed.training_data FOLDER RECORDINGS [SECONDS [CROP]]

The first run makes the clips on the method's clock. The second run compares all files with their
checksums once (a hard link changes the state of a file). The third run finds everything as it is.

The features of all recordings have the same pictures, as hard links. Their times differ, so every
recording has clips of its own on the method's clock.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array
from rppgbench.execution import recording_task
from rppgbench.execution.plan_records import UNTOUCHED, Fit
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_task import TrainingTask, load_examples
from rppgbench.extraction import feature_cache
from rppgbench.extraction.array_files import ArrayWriter
from rppgbench.extraction.crops import crop_rule
from rppgbench.extraction.extractor import FeatureRequest, OutputSpec
from rppgbench.extraction.feature_files import BASE, BASE_ARRAYS, FACTS, clip_arrays
from rppgbench.system.hashing import digest

DATASET = "made_up"
FPS = 27.0
PARAMETERS = {"width": 4, "epochs": 1, "passes": 1, "precision": "32-true", "lr": 1e-3}


def uneven_times_s(number: int, seconds: float) -> Array:
    """Times of frames at about 27 a second that jitter by up to 4 ms, for recording `number`."""
    rng = np.random.default_rng(number)
    even = np.arange(round(seconds * FPS)) / FPS
    return np.asarray(even + rng.uniform(-0.004, 0.004, len(even)))


class MadeUpPass:
    """Stands for `extractor.extract_all`: features of one template, with the video's times."""

    def __init__(self, folder: Path, crop: str, seconds: float) -> None:
        self.folder = folder
        self.checksums: dict[str, dict[str, str]] = {}
        self.rows = rows = round(seconds * FPS)
        rng = np.random.default_rng(0)
        if (folder / "checksums.json").is_file():
            self.checksums = json.loads((folder / "checksums.json").read_text())
            return
        for part, arrays in ((BASE, BASE_ARRAYS), (crop, clip_arrays(crop_rule(crop)))):
            (folder / part).mkdir(parents=True)
            self.checksums[part] = {}
            for name, (shape, dtype) in arrays.items():
                with ArrayWriter(folder / part / f"{name}.npy", shape, dtype) as writer:
                    for _ in range(rows):
                        noise = name == "frames"
                        row = rng.integers(0, 256, shape) if noise else np.ones(shape)
                        writer.append(row.astype(dtype))
                self.checksums[part][name] = writer.sha256
        (folder / "checksums.json").write_text(json.dumps(self.checksums))

    def __call__(self, source: VideoSource, outputs: Sequence[OutputSpec], **_: Any) -> list[None]:
        for output in outputs:
            for part in [*([BASE] if output.base else []), *(rule.name for rule in output.rules)]:
                self._write(output.folder / part, part, np.asarray(source.times_s))
        return [None] * len(outputs)

    def _write(self, place: Path, part: str, times_s: Array) -> None:
        place.mkdir(parents=True)
        checksums = dict(self.checksums[part])
        for name in checksums:
            if name == "times_s":
                with ArrayWriter(place / "times_s.npy", (), np.float64) as writer:
                    for value in times_s:
                        writer.append(value)
                checksums[name] = writer.sha256
            else:
                (place / f"{name}.npy").hardlink_to(self.folder / part / f"{name}.npy")
        content: dict[str, Any] = {"rows": self.rows, "sha256": checksums}
        if part == BASE:
            content["facts"] = {"face": {"cadence": 1}, "warnings": []}
        (place / FACTS).write_text(json.dumps({**content, "digest": digest(content)}))


@contextmanager
def made_up_training(
    folder: Path, recordings: int, seconds: float, crop: str
) -> Iterator[TrainingTask]:
    """A training of contrast_phys on recordings that exist only as features of a cache.

    Args:
        folder: where the cache and the models lie.
        recordings: number of recordings.
        seconds: duration of a recording.
        crop: crop rule of the pictures.
    """
    video = folder / "video.avi"
    folder.mkdir(parents=True, exist_ok=True)
    video.touch()

    def recording(number: int) -> Recording:
        source = VideoSource(video, times_s=uneven_times_s(number, seconds))
        return Recording(
            dataset=DATASET,
            name=f"{number:04d}",
            subject=f"{number:04d}",
            video=lambda: source,
            ground_truth=GroundTruth,
            files=(),
        )

    made = {f"{number:04d}": recording(number) for number in range(recordings)}
    method = load_methods().get("method", "contrast_phys", "test")
    fit = Fit(
        digest="0" * 16,
        method="contrast_phys",
        fold="1",
        seed=0,
        region="",
        condition="none",
        train=tuple((DATASET, name) for name in made),
        pretrain=(),
    )
    task = TrainingTask(
        fit=fit,
        params=method.parameters({**PARAMETERS, "crop": crop}),
        roots={DATASET: folder},
        condition=UNTOUCHED,
        request=FeatureRequest(frozenset({crop})),
        options=RunOptions(cache=folder / "cache", device="cpu"),
        models=folder / "models",
        fingerprints=("",) * recordings,
    )
    template = folder / "template"
    extract = MadeUpPass(template, crop, seconds)
    with (
        mock.patch.object(feature_cache, "extract_all", extract),
        mock.patch.object(recording_task, "_recordings", return_value=made),
    ):
        yield task


class Watch:
    """The most open files and the most memory of this process, sampled by a thread."""

    def __init__(self) -> None:
        self.files = 0
        self.private_mib = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            self.files = max(self.files, open_files())
            self.private_mib = max(self.private_mib, status_mib("RssAnon"))

    def end(self) -> None:
        """Stop sampling."""
        self._stop.set()
        self._thread.join()


def open_files() -> int:
    """Number of open files of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def status_mib(field: str) -> float:
    """A size of this process in MiB: "RssAnon" is its own memory, "VmHWM" the peak with files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measure(folder: Path, recordings: int, seconds: float, crop: str) -> dict[str, float]:
    """Load the recordings and train one epoch on them.

    Args:
        folder: keeps the cache.
        recordings: number of recordings.
        seconds: duration of a recording.
        crop: crop rule of the pictures.

    Returns:
        Seconds of loading and training, open files, and memory in MiB.
    """
    import torch

    from rppgbench.core.method import Training

    torch.set_num_threads(1)
    method = load_methods().get("method", "contrast_phys", "test")
    assert method.fit is not None
    with made_up_training(folder, recordings, seconds, crop) as task:
        before, before_mib = open_files(), status_mib("RssAnon")
        watch = Watch()
        began_s = time.perf_counter()
        data = load_examples(task, method)
        loaded_s = time.perf_counter()
        training = Training(seed=0, device="cpu", folder=folder / f"training-{os.getpid()}")
        method.fit(list(data.examples), training, **task.params)
        trained_s = time.perf_counter()
        watch.end()
    return {
        "recordings": len(data.examples),
        "load_s": loaded_s - began_s,
        "train_s": trained_s - loaded_s,
        "open_files": watch.files - before,
        "own_memory_mib": watch.private_mib,
        "own_memory_before_mib": before_mib,
        "peak_mib": status_mib("VmHWM"),
        "clips_mib": sum(e.inputs[0].samples.nbytes for e in data.examples) / 2**20,
    }


if __name__ == "__main__":
    place, count, *more = sys.argv[1:]
    rule = more[1] if len(more) > 1 else "contrast_phys_32"
    print(json.dumps(measure(Path(place), int(count), float(more[0]) if more else 30.0, rule)))
