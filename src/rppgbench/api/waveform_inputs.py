"""Waveforms in memory as the estimates and references that are scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union, cast

import numpy as np

from rppgbench.api.source_inputs import read_references, read_source
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.importing.signals import ImportedSignal, coverage_of
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd


SET = "given"
"""The name of the data set that waveforms in memory belong to."""


Reference: TypeAlias = Waveform | Signal | GroundTruth


Estimated: TypeAlias = Waveform | ImportedSignal


WaveformsInMemory: TypeAlias = Union[
    Mapping[str, Waveform], Mapping[str, Mapping[str, Waveform]], "pd.DataFrame"
]


Estimates: TypeAlias = WaveformsInMemory | str | Path


References: TypeAlias = Union[Mapping[str, Reference], "pd.DataFrame", str, Path]


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedInputs:
    """Estimates with the ground truth of each recording.

    Attributes:
        rows: the estimates of all methods.
        truths: the ground truth by data set and recording.
        mark: what a table says of scores of predictions in a file; empty for waveforms in memory.
    """

    rows: Sequence[Estimate]
    truths: Mapping[tuple[str, str], GroundTruth]
    mark: str


def paired_inputs(
    estimates: Estimates, references: References | None, subjects: Mapping[str, str] | None
) -> PairedInputs:
    """Return the estimates of all methods, and the ground truth of each recording.

    Args:
        estimates: as `rppgbench.score` takes them.
        references: as `rppgbench.score` takes them.
        subjects: the subject of each recording; by default each recording is a subject.

    Raises:
        BenchError: a recording has an estimate and no reference, or the other way round.
    """
    mark = ""
    if isinstance(estimates, str | Path):
        source = read_source(estimates, with_references=references is None)
        methods: Mapping[str, Mapping[str, Estimated]] = source.methods
        references = source.references if references is None else references
        mark = source.mark
    else:
        methods = _by_method(estimates)
    by_recording = _by_recording(references)
    truths = {name: _truth(name, reference) for name, reference in by_recording.items()}
    _require_pairs(methods, truths)
    rows = [
        _estimate(method, name, (subjects or {}).get(name, name), wave)
        for method, waves in methods.items()
        for name, wave in waves.items()
    ]
    by_key = {(SET, name): truth for name, truth in truths.items()}
    return PairedInputs(rows=rows, truths=by_key, mark=mark)


def _require_pairs(
    methods: Mapping[str, Mapping[str, Estimated]], truths: Mapping[str, GroundTruth]
) -> None:
    """BenchError where a recording is on one side alone: nothing is dropped."""
    for method, waves in methods.items():
        for unpaired, noun in (
            (waves.keys() - truths.keys(), "reference"),
            (truths.keys() - waves.keys(), "estimate"),
        ):
            if unpaired:
                names = sorted(unpaired)
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                raise BenchError(
                    f"score: {method or 'the estimates'}: no {noun} of "
                    f"{', '.join(names[:3])}{more}; give one for each, or leave the recording out"
                )


def _by_method(estimates: WaveformsInMemory) -> Mapping[str, Mapping[str, Estimated]]:
    if not isinstance(estimates, Mapping):
        groups = estimates.groupby("method") if "method" in estimates else [("", estimates)]
        return {str(name): _waves(part) for name, part in groups}
    if all(isinstance(value, Mapping) for value in estimates.values()) and estimates:
        nested = cast("Mapping[str, Mapping[str, Waveform]]", estimates)
        return {method: dict(waves) for method, waves in nested.items()}
    return {"": dict(cast("Mapping[str, Waveform]", estimates))}


def _by_recording(references: References | None) -> Mapping[str, Reference]:
    """The reference of each recording; those in a file are read."""
    if references is None:
        raise BenchError("score: waveforms in memory have no references; give references")
    if isinstance(references, str | Path):
        return read_references(references)
    if isinstance(references, Mapping):
        return references
    return {name: Signal(value, time_s) for name, time_s, value in _series(references)}


def _series(table: pd.DataFrame) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
    missing = [c for c in ("recording", "time_s", "value") if c not in table]
    if missing:
        raise BenchError(f"score: the table has no column {missing[0]!r}; it has {list(table)}")
    for name, part in table.groupby("recording"):
        ordered = part.sort_values("time_s", kind="stable")
        yield str(name), ordered["time_s"].to_numpy(float), ordered["value"].to_numpy(float)


def _waves(table: pd.DataFrame) -> dict[str, Waveform]:
    """Estimates of a table: their times have to be even, for nothing is resampled in silence."""
    waves = {}
    for name, times_s, values in _series(table):
        if len(times_s) < 2:
            raise BenchError(f"score: the estimate of {name} has {len(times_s)} samples")
        fs = (len(times_s) - 1) / (times_s[-1] - times_s[0])
        if np.abs(times_s - times_s[0] - np.arange(len(times_s)) / fs).max() > 0.1 / fs:
            raise BenchError(
                f"score: the times of {name} are not even; resample its estimate to a fixed rate"
            )
        waves[name] = Waveform(values, float(fs), float(times_s[0]))
    return waves


def _truth(name: str, reference: Reference) -> GroundTruth:
    if isinstance(reference, GroundTruth):
        return reference
    if isinstance(reference, Signal):
        return GroundTruth(pulse=reference)
    if isinstance(reference, Waveform):
        return GroundTruth(pulse=Signal(reference.samples, reference.times_s()))
    raise TypeError(f"score: the reference of {name} is a {type(reference).__name__}")


def _estimate(method: str, recording: str, subject: str, estimated: Estimated) -> Estimate:
    signal = estimated
    if isinstance(signal, Waveform):
        pulse = replace(signal, confidence=None)
        signal = ImportedSignal(waveform=pulse, confidence=signal.confidence)
    return Estimate(
        job=f"{method}/{recording}",
        dataset=SET,
        recording=recording,
        subject=subject,
        scenario="",
        method=method,
        fold="",
        seed=0,
        condition="none",
        region="",
        waveform=signal.waveform,
        heart_rate=signal.heart_rate,
        confidence=signal.confidence,
        coverage=coverage_of(signal, 0.0),
        reason=signal.reason,
        seconds=0.0,
    )
