"""An import holds some recordings at a time, however many there are."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rppgbench.importing import batches, import_run
from rppgbench.importing.options import ImportOptions
from rppgbench.predictions.record import PredictedRecording, PredictedSignal, PredictionSource

SAMPLES = 3_000
FEW, MANY = 100, 600
MIB = 1 << 20


def recordings(count: int) -> Iterator[PredictedRecording]:
    """Recordings that are made when they are asked for."""
    times_s = np.arange(SAMPLES) / 30.0
    for number in range(count):
        signals = [
            PredictedSignal(
                name="pulse",
                kind="waveform",
                values=np.sin(2 * np.pi * rate_hz * times_s + number),
                times_s=times_s,
            )
            for rate_hz in (1.2, 1.3)
        ]
        yield PredictedRecording(name=f"r{number:05d}", prediction=signals[0], reference=signals[1])


def peak_mib(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """The peak of an import of that many recordings, in MiB."""
    source = PredictionSource(
        path=folder / "net",
        files=(),
        format="made",
        sha256=f"{count:064d}",
        read=lambda: recordings(count),
    )
    monkeypatch.setattr(import_run, "open_source", lambda options: source)
    options = ImportOptions(source=source.path, method="net", out=folder / f"out{count}")
    tracemalloc.start()
    summary = import_run.import_predictions(options, folder / "cache", lambda line: None)
    peak = tracemalloc.get_traced_memory()[1] / MIB
    tracemalloc.stop()
    assert summary.rows == count
    return peak


def test_memory_does_not_grow_with_the_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS", 20)
    peak_mib(tmp_path, 2, monkeypatch)  # what the first call imports does not count
    few = peak_mib(tmp_path, FEW, monkeypatch)
    many = peak_mib(tmp_path, MANY, monkeypatch)
    more_signals = 2 * (MANY - FEW) * SAMPLES * 8 / MIB
    assert many - few < 0.25 * more_signals
