"""A reader of somebody else: NAME.mp4, whose name says how its labels are wrong."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.recording import Dataset, GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal

T = np.arange(0, 11, 1 / 60)
P = np.sin(2 * np.pi * 53 / 60 * T)
LABELS: dict[str, Any] = {
    "empty": lambda: GroundTruth(pulse=Signal(np.zeros(0), np.zeros(0))),
    "one": lambda: GroundTruth(pulse=Signal(np.zeros(1), np.zeros(1))),
    "early": lambda: GroundTruth(pulse=Signal(P, T - 100)),
    "unsorted": lambda: GroundTruth(pulse=Signal(P[::-1], T[::-1])),
    "ms": lambda: GroundTruth(pulse=Signal(P, 1000 * T)),
    "nan_time": lambda: GroundTruth(pulse=Signal(P, np.where(T > 5, np.nan, T))),
    "nan": lambda: GroundTruth(pulse=Signal(np.full(len(T), np.nan), T)),
    "half_nan": lambda: GroundTruth(pulse=Signal(np.where(T > 5, P, np.nan), T)),
    "nan_rate": lambda: GroundTruth(heart_rate=Signal(np.full(12, np.nan), np.arange(12.0))),
    "flat": lambda: GroundTruth(pulse=Signal(np.zeros(len(T)), T)),
    "hz": lambda: GroundTruth(heart_rate=Signal(np.full(12, 1.2), np.arange(12.0))),
    "zero": lambda: GroundTruth(heart_rate=Signal(np.zeros(12), np.arange(12.0))),
    "huge": lambda: GroundTruth(heart_rate=Signal(np.full(12, 1e9), np.arange(12.0))),
    "two_columns": lambda: GroundTruth(pulse=Signal(np.stack([P, P], 1), T)),
    "none": lambda: None,
    "value_error": lambda: float("x"),
    "key_error": lambda: {"y": 1}["x"],
    "fine": lambda: GroundTruth(pulse=Signal(P, T)),
}


def _recordings(root: Path) -> Iterator[Recording]:
    for file in sorted(root.glob("*.mp4")):
        yield Recording(
            dataset="labx",
            name=file.stem,
            subject=file.stem,
            video=partial(VideoSource, file),
            ground_truth=LABELS[file.stem],
            files=(file,),
        )


labx = Dataset(
    name="labx",
    title="Labels that are wrong",
    cite="none",
    licence="none",
    url="https://example.org",
    expected={},
    recordings=_recordings,
)
