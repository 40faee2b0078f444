"""A results folder as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.report_scores import ROW_COLUMNS
from rppgbench.analysis.stored_results import load_stored
from rppgbench.api.heart_rate import load_evaluator
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import SIGNALS
from rppgbench.evaluation.summary import summarise
from rppgbench.predictions.record import PredictedSignal
from rppgbench.predictions.results_folder import predicted_recordings, references_of
from rppgbench.predictions.writing import write_signals
from rppgbench.sharing.checking import results_folder
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError, unknown_name

if TYPE_CHECKING:
    import pandas as pd


CHOICE = ("dataset", "method", "region", "condition", "seed", "fold")
"""Fields by which estimates are chosen for an export."""


class Results:
    """What a run stored, and its scores under any evaluator.

    Attributes:
        folder: the results folder, or the bundle.
    """

    def __init__(self, folder: Path, *, partial: bool = False) -> None:
        self.folder = folder
        with results_folder(folder) as opened:
            self._stored = load_stored(Store(opened), partial=partial)

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What was run, on what, by which versions."""
        return self._stored.manifest

    @property
    def recordings(self) -> pd.DataFrame:
        """One row for each recording and condition: its labels, the metadata of its video, faults.

        `pulse`, `heart_rate`, `respiration`, `respiration_rate` and `oxygen_saturation` hold the
        references as `Signal`, or None.
        """
        import pandas as pd

        rows = []
        for info in self._stored.observed.values():
            row = {f.name: getattr(info, f.name) for f in fields(info) if f.name != "ground_truth"}
            row |= {name: getattr(info.ground_truth, name) for name in SIGNALS}
            rows.append(row | {"warnings": list(info.ground_truth.warnings)})
        return pd.DataFrame(rows)

    @property
    def estimates(self) -> pd.DataFrame:
        """One row for each estimate; `waveform` holds the pulse, or None with a reason."""
        import pandas as pd

        names = [f.name for f in fields(Estimate)]
        return pd.DataFrame(
            [[getattr(e, n) for n in names] for e in self._stored.estimates], columns=names
        )

    def windows(self, evaluator: str | None = None) -> pd.DataFrame:
        """The rates of all windows beside their references.

        Args:
            evaluator: the rule; None takes the first of the protocol.

        Returns:
            One row for each method, recording and window, as `score_windows` describes, with
            `leaked`.

        Raises:
            BenchError: there is no such evaluator.
        """
        return self._stored.score(load_evaluator(evaluator or self._default))

    def scores(
        self,
        evaluator: str | None = None,
        *,
        by: Sequence[str] = ROW_COLUMNS,
        resamples: int = 2000,
    ) -> pd.DataFrame:
        """The results table.

        Args:
            evaluator: the rule; None takes the first of the protocol.
            by: the columns that make a row.
            resamples: bootstrap resamples for the intervals.

        Returns:
            One row for each group, with the columns of `table.csv`.

        Raises:
            BenchError: there is no such evaluator or column.
        """
        expected = int(self.manifest["expected"])
        return summarise(
            self.windows(evaluator), by=by, expected=expected or None, resamples=resamples
        )

    def export(self, path: str | Path, **fields: str | int) -> Path:
        """Write the estimates of one method in a format that every tool reads.

        `bench import` and `import_predictions` read the file again, with the same scores.

        Args:
            path: a file; the suffix is the format: .csv, .parquet, .json, .npz, .mat, .h5; or with
                .npy a folder with a file for each recording.
            **fields: which estimates: method, and where there are several, region, condition, seed,
                fold or dataset.

        Returns:
            The path.

        Raises:
            BenchError: there is no such estimate, several of one recording, or the format cannot
                hold it.
        """
        for name in fields:
            if name not in CHOICE:
                raise unknown_name("field", name, CHOICE, "export")
        chosen = [
            estimate
            for estimate in self._stored.estimates
            if all(getattr(estimate, name) == value for name, value in fields.items())
        ]
        signals: dict[str, PredictedSignal] = {}
        for recording in predicted_recordings(chosen, {}):
            if recording.name in signals:
                raise BenchError(
                    f"export: several estimates of {recording.name!r}; choose by method, region, "
                    "condition, seed, fold or dataset"
                )
            if recording.prediction is not None:
                signals[recording.name] = recording.prediction
        return write_signals(Path(path).expanduser(), signals)

    def export_references(self, path: str | Path, *, beats: bool = True) -> Path:
        """Write the reference of each recording: the pulse, else the device's heart rates.

        Args:
            path: as `export` takes it.
            beats: whether the beats that a device marked are written beside the reference; the
                formats .csv, .parquet and .npy hold none.

        Returns:
            The path.

        Raises:
            BenchError: there is no reference, or the format cannot hold it.
        """
        several = len({info.dataset for info in self._stored.observed.values()}) > 1
        signals, beats_s = {}, {}
        for info in self._stored.observed.values():
            truth = info.ground_truth
            for reference in references_of(truth)[:1]:
                name = f"{info.dataset}/{info.recording}" if several else info.recording
                signals[name] = reference
                if beats and truth.beats_s is not None:
                    beats_s[name] = truth.beats_s
        return write_signals(Path(path).expanduser(), signals, beats_s)

    @property
    def _default(self) -> str:
        return str(self.manifest["protocol"]["evaluators"][0])

    def __repr__(self) -> str:
        name, count = self.manifest["protocol"]["name"], len(self._stored.estimates)
        return f"<results of {name}: {count} estimates>"


def load_results(folder: str | Path, *, partial: bool = False) -> Results:
    """Read a results folder that `run` or `bench run` wrote, or a bundle of it.

    Args:
        folder: the results folder, or a bundle, which is checked to the last byte.
        partial: also read a folder whose run was stopped.

    Returns:
        The results with `.recordings`, `.estimates`, `.windows(evaluator)`, `.scores(evaluator)`.

    Raises:
        BenchError: there are no results, a part is damaged, or estimates of the plan are missing.
    """
    return Results(Path(folder).expanduser(), partial=partial)


def bundle(
    folder: str | Path,
    file: str | Path | None = None,
    *,
    by: str = "",
    licence: str = "",
    own_data: Sequence[str] = (),
    models: bool = True,
) -> Path:
    """Write a results folder as one file: the same results give the same bytes.

    References are in it where the declaration of their data set allows it, else their digests.

    Args:
        folder: the results folder.
        file: the bundle; None names it by protocol and id, inside the folder.
        by: who made the results.
        licence: of the bundle, such as "CC-BY-4.0".
        own_data: data sets of your own, whose references may be passed on.
        models: whether the models that learned methods used are in it.

    Returns:
        The file. `load_results` reads it.

    Raises:
        BenchError: the results are not whole, or references may not be passed on.
        MachineError: the file cannot be written.
    """
    from rppgbench.sharing.bundle import write_bundle
    from rppgbench.sharing.contents import Sharing

    sharing = Sharing(by=by, licence=licence, own_data=tuple(own_data), models=models)
    return write_bundle(
        Path(folder).expanduser(), None if file is None else Path(file).expanduser(), sharing
    )
