"""Files of predictions as the estimates and references that are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rppgbench.core.recording import GroundTruth
from rppgbench.importing.references import truth_of
from rppgbench.importing.signals import ImportedSignal, ground_truth_of, imported_signal
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.record import PredictedRecording, PredictedSignal
from rppgbench.report.data_marks import IMPORTED
from rppgbench.system.errors import BenchError, one_line


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceInputs:
    """Estimates and references of a source that was read once.

    Attributes:
        methods: the prediction of each recording, by method and recording.
        references: the reference of each recording that has one; empty where they are not read.
        mark: what a table says of scores of these predictions: source, digest and format.
    """

    methods: Mapping[str, Mapping[str, ImportedSignal]]
    references: Mapping[str, GroundTruth]
    mark: str


def read_source(path: str | Path, *, with_references: bool) -> SourceInputs:
    """The predictions of a source in any known format, and the references beside them.

    Args:
        path: a file or a folder.
        with_references: whether the references in the source are read.

    Raises:
        BenchError: the source cannot be read, its format is not certain, or its references are
            wanted and it has none, or one that cannot be used.
    """
    source = open_predictions(Path(path).expanduser())
    methods: dict[str, dict[str, ImportedSignal]] = {}
    truths: dict[str, GroundTruth] = {}
    for recording in source:
        signal = ImportedSignal(reason=recording.reason)
        if recording.prediction is not None:
            signal = imported_signal(recording.prediction)
        methods.setdefault(recording.method, {})[recording.name] = signal
        if with_references:
            _add_reference(truths, recording, recording.references, recording.reference_reason)
    if with_references:
        _require_references(truths, path)
    name = one_line(source.path.name)
    mark = f"{IMPORTED}: {name}, sha256 {source.sha256[:12]}, format {source.format}"
    return SourceInputs(methods=methods, references=truths, mark=mark)


def read_references(path: str | Path) -> dict[str, GroundTruth]:
    """The references in a source of references, by recording.

    Args:
        path: a file or a folder.

    Raises:
        BenchError: it cannot be read, or holds no reference, or one that cannot be used.
    """
    truths: dict[str, GroundTruth] = {}
    for recording in open_predictions(Path(path).expanduser()):
        reason = recording.reference_reason or recording.reason
        _add_reference(truths, recording, truth_of(recording), reason)
    _require_references(truths, path)
    return truths


def _add_reference(
    truths: dict[str, GroundTruth],
    recording: PredictedRecording,
    signals: tuple[PredictedSignal, ...],
    reason: str,
) -> None:
    if reason and not signals:
        raise BenchError(reason)
    if signals or recording.beats_s is not None:
        truths[recording.name] = ground_truth_of(signals, recording.beats_s)


def _require_references(truths: Mapping[str, GroundTruth], path: str | Path) -> None:
    if not truths:
        raise BenchError(f"{one_line(path)}: holds no references; give references")
