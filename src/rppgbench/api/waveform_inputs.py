"""Waveforms in memory as the estimates and references that are scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, Union, cast

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd


SET = "given"
"""The name of the data set that waveforms in memory belong to."""


Reference: TypeAlias = Waveform | Signal | GroundTruth


Estimates: TypeAlias = Union[
    Mapping[str, Waveform], Mapping[str, Mapping[str, Waveform]], "pd.DataFrame"
]


References: TypeAlias = Union[Mapping[str, Reference], "pd.DataFrame"]


def paired_inputs(
    estimates: Estimates, references: References, subjects: Mapping[str, str] | None
) -> tuple[list[Estimate], dict[tuple[str, str], GroundTruth]]:
    """Return the estimates of all methods, and the ground truth of each recording.

    Args:
        estimates: as `rppgbench.score` takes them.
        references: as `rppgbench.score` takes them.
        subjects: the subject of each recording; by default each recording is a subject.

    Raises:
        BenchError: a recording has an estimate and no reference, or the other way round.
    """
    methods = _by_method(estimates)
    truths = {
        name: _truth(name, reference) for name, reference in _by_recording(references).items()
    }
    _require_pairs(methods, truths)
    rows = [
        _estimate(method, name, (subjects or {}).get(name, name), wave)
        for method, waves in methods.items()
        for name, wave in waves.items()
    ]
    return rows, {(SET, name): truth for name, truth in truths.items()}


def _require_pairs(
    methods: Mapping[str, Mapping[str, Waveform]], truths: Mapping[str, GroundTruth]
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


def _by_method(estimates: Estimates) -> dict[str, dict[str, Waveform]]:
    if not isinstance(estimates, Mapping):
        groups = estimates.groupby("method") if "method" in estimates else [("", estimates)]
        return {str(name): _waves(part) for name, part in groups}
    if all(isinstance(value, Mapping) for value in estimates.values()) and estimates:
        nested = cast("Mapping[str, Mapping[str, Waveform]]", estimates)
        return {method: dict(waves) for method, waves in nested.items()}
    return {"": dict(cast("Mapping[str, Waveform]", estimates))}


def _by_recording(references: References) -> Mapping[str, Reference]:
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


def _estimate(method: str, recording: str, subject: str, wave: Waveform) -> Estimate:
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
        waveform=wave,
        coverage=float(np.isfinite(wave.samples).mean()),
        reason="",
        seconds=0.0,
    )
