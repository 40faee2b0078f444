"""A results folder as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.build_report import ROW_COLUMNS
from rppgbench.analysis.stored_results import score_estimates
from rppgbench.api.heart_rate import load_evaluator
from rppgbench.core.estimate import Estimate
from rppgbench.evaluation.summary import summarise
from rppgbench.store.store import Store

if TYPE_CHECKING:
    import pandas as pd


class Results:
    """What a run stored, and its scores under any evaluator.

    Attributes:
        folder: the results folder.
    """

    def __init__(self, folder: Path, *, partial: bool = False) -> None:
        self.folder = folder
        self._store = Store(folder)
        self._estimates, self._observed = self._store.read(partial=partial)

    @property
    def manifest(self) -> dict[str, Any]:
        """What was run, on what, by which versions."""
        return self._store.manifest

    @property
    def recordings(self) -> pd.DataFrame:
        """One row for each recording and condition: its labels, the facts of its video, faults.

        `pulse` and `heart_rate` hold the references as `Signal`, or None.
        """
        import pandas as pd

        rows = []
        for info in self._observed.values():
            row = {f.name: getattr(info, f.name) for f in fields(info) if f.name != "ground_truth"}
            row |= {"pulse": info.ground_truth.pulse, "heart_rate": info.ground_truth.heart_rate}
            rows.append(row | {"warnings": list(info.ground_truth.warnings)})
        return pd.DataFrame(rows)

    @property
    def estimates(self) -> pd.DataFrame:
        """One row for each estimate; `waveform` holds the pulse, or None with a reason."""
        import pandas as pd

        names = [f.name for f in fields(Estimate)]
        return pd.DataFrame(
            [[getattr(e, n) for n in names] for e in self._estimates], columns=names
        )

    def windows(self, evaluator: str | None = None) -> pd.DataFrame:
        """The rates of all windows beside their references.

        Args:
            evaluator: the rule; None takes the first of the protocol.

        Returns:
            One row for each method, recording and window, as `score_windows` describes.

        Raises:
            BenchError: there is no such evaluator.
        """
        rule = load_evaluator(evaluator or self._default)
        truths = {(d, name): one.ground_truth for (d, name, _), one in self._observed.items()}
        return score_estimates(rule, self._estimates, truths, self.manifest["methods"])

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

    @property
    def _default(self) -> str:
        return str(self.manifest["protocol"]["evaluators"][0])

    def __repr__(self) -> str:
        return f"<results of {self.manifest['protocol']['name']}: {len(self._estimates)} estimates>"


def load_results(folder: str | Path, *, partial: bool = False) -> Results:
    """Read a results folder that `run` or `bench run` wrote.

    Args:
        folder: the results folder.
        partial: also read a folder whose run was stopped.

    Returns:
        The results with `.recordings`, `.estimates`, `.windows(evaluator)`, `.scores(evaluator)`.

    Raises:
        BenchError: there are no results, a part is damaged, or estimates of the plan are missing.
    """
    return Results(Path(folder).expanduser(), partial=partial)
