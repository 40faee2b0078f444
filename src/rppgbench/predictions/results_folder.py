"""Results folders of this suite as a source of predictions: the format `rppgbench`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.predictions.record import (
    Kind,
    PredictedRecording,
    PredictedSignal,
    PredictionSource,
)
from rppgbench.predictions.source_files import digest_of_files, list_files
from rppgbench.store.store import Seen, Store
from rppgbench.system.errors import BenchError

RESULTS = "rppgbench"
"""The name of the format."""

CELL = ("region", "condition", "seed", "fold")
"""Fields that tell estimates of one method and recording apart."""

FILES = ("manifest.json", "plan.json")


def is_results_folder(path: Path) -> bool:
    """Whether a path is a results folder of this suite."""
    return (path / FILES[0]).is_file() and (path / "estimates").is_dir()


def open_results(path: Path) -> PredictionSource:
    """Open a results folder: its methods, recordings and references.

    A method whose estimates of one recording differ by region, condition, seed or fold is a method
    for each of these. Recordings bear the name of the data set where there are several.

    Args:
        path: the folder.

    Raises:
        BenchError: it is no results folder, or a part of it is lost or damaged.
    """
    if not is_results_folder(path):
        raise BenchError(f"{path}: is no results folder of this suite; check the path or --format")
    store = Store(path)
    estimates, observed = store.read()
    files = [
        file
        for file in list_files(path)
        if file.parent.name in {"estimates", "recordings"} or file.name in FILES
    ]
    return PredictionSource(
        path=path,
        files=tuple(files),
        format=RESULTS,
        sha256=digest_of_files(path, files),
        simulated=any(info.simulated for info in observed.values()),
        read=lambda: predicted_recordings(estimates, observed),
    )


def predicted_recordings(
    estimates: Sequence[Estimate], observed: Seen
) -> Iterator[PredictedRecording]:
    """Stored estimates and references as predictions of recordings.

    Args:
        estimates: the estimates.
        observed: what was seen of their recordings.

    Yields:
        One recording for each estimate.
    """
    fields = [name for name in CELL if _several(estimates, name)]
    several_sets = len({estimate.dataset for estimate in estimates}) > 1
    for estimate in estimates:
        name = f"{estimate.dataset}/{estimate.recording}" if several_sets else estimate.recording
        key = estimate.dataset, estimate.recording, estimate.condition
        parts = [str(getattr(estimate, field)) for field in fields]
        signal = _prediction(estimate)
        truth = observed[key].ground_truth if key in observed else GroundTruth()
        references = references_of(truth)
        yield PredictedRecording(
            name=name,
            prediction=signal,
            reference=references[0] if references else None,
            second_reference=references[1] if len(references) > 1 else None,
            beats_s=truth.beats_s,
            method="_".join([estimate.method, *filter(None, parts)]),
            reason="" if signal is not None else estimate.reason or "no sample in the waveform",
        )


def references_of(truth: GroundTruth) -> tuple[PredictedSignal, ...]:
    """The references of a recording: its pulse, then the device's heart rates."""
    signals = []
    if truth.pulse is not None and len(truth.pulse.times_s):
        signals.append(_signal(truth.pulse, "pulse", "waveform"))
    if truth.heart_rate is not None and len(truth.heart_rate.times_s):
        signals.append(_signal(truth.heart_rate, "heart_rate", "heart_rate"))
    return tuple(signals)


def _prediction(estimate: Estimate) -> PredictedSignal | None:
    wave = estimate.waveform
    if wave is not None and len(wave.samples):
        pulse = _signal(Signal(wave.samples, wave.times_s()), "pulse", "waveform")
        return replace(pulse, confidence=estimate.confidence)
    if estimate.heart_rate is not None and len(estimate.heart_rate.times_s):
        rates = _signal(estimate.heart_rate, "heart_rate", "heart_rate")
        return replace(rates, confidence=estimate.confidence)
    return None


def _signal(signal: Signal, name: str, kind: Kind) -> PredictedSignal:
    return PredictedSignal(name=name, kind=kind, values=signal.values, times_s=signal.times_s)


def _several(estimates: Sequence[Estimate], name: str) -> bool:
    """Whether estimates of one method and recording differ in a field."""
    values: dict[tuple[str, str, str], set[object]] = {}
    for estimate in estimates:
        key = estimate.method, estimate.dataset, estimate.recording
        values.setdefault(key, set()).add(getattr(estimate, name))
    return any(len(of_recording) > 1 for of_recording in values.values())
