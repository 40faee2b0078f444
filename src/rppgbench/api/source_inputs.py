"""Files of predictions as the estimates and references that are scored."""

from __future__ import annotations

from pathlib import Path

from rppgbench.core.recording import GroundTruth
from rppgbench.importing.references import truth_of
from rppgbench.importing.signals import ImportedSignal, ground_truth_of, imported_signal
from rppgbench.predictions.opening import open_predictions
from rppgbench.report.data_marks import IMPORTED
from rppgbench.system.errors import BenchError, one_line


def read_estimates(path: str | Path) -> dict[str, dict[str, ImportedSignal]]:
    """The predictions of a source in any known format, by method and recording.

    Args:
        path: a file or a folder.

    Raises:
        BenchError: it cannot be read, or its format is not certain.
    """
    methods: dict[str, dict[str, ImportedSignal]] = {}
    for recording in open_predictions(Path(path).expanduser()):
        signal = ImportedSignal(reason=recording.reason)
        if recording.prediction is not None:
            signal = imported_signal(recording.prediction)
        methods.setdefault(recording.method, {})[recording.name] = signal
    return methods


def mark_of_source(path: str | Path) -> str:
    """What a table says of scores of predictions in a file: their source, digest and format.

    Args:
        path: a file or a folder.

    Raises:
        BenchError: it cannot be read, or its format is not certain.
    """
    source = open_predictions(Path(path).expanduser())
    name = one_line(source.path.name)
    return f"{IMPORTED}: {name}, sha256 {source.sha256[:12]}, format {source.format}"


def read_references(path: str | Path, *, of_estimates: bool) -> dict[str, GroundTruth]:
    """The references of a source, by recording.

    Args:
        path: a file or a folder.
        of_estimates: whether the source is that of the estimates, so that its predictions are no
            references.

    Raises:
        BenchError: it cannot be read, or holds no reference, or one that cannot be used.
    """
    truths: dict[str, GroundTruth] = {}
    for recording in open_predictions(Path(path).expanduser()):
        signals = recording.references if of_estimates else truth_of(recording)
        if signals or recording.beats_s is not None:
            truths[recording.name] = ground_truth_of(signals, recording.beats_s)
    if not truths:
        raise BenchError(f"{one_line(path)}: holds no references; give references")
    return truths
