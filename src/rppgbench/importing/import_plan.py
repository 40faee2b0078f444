"""An import whose names are matched, and the rows that it stores."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rppgbench.importing.matched import Matched
from rppgbench.importing.options import ImportOptions
from rppgbench.importing.row_digests import RowDigests
from rppgbench.importing.survey import Survey
from rppgbench.importing.targets import Expected, Target
from rppgbench.predictions.record import PredictionSource


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """One estimate of the results.

    Attributes:
        method: the method in the source.
        name: the recording in the source; empty where the source has no such name.
        target: the recording and the fold.
    """

    method: str
    name: str
    target: Target


@dataclass(frozen=True, eq=False, kw_only=True)
class ImportPlan:
    """What is imported, with its names matched.

    Attributes:
        options: what the user asks for.
        source: the predictions.
        references: a source of references; None without one.
        expected: the recordings of a protocol or data set, if any.
        survey: what the source of the predictions holds.
        matched: predictions and references, set beside recordings.
        digests: what rows are made of.
    """

    options: ImportOptions
    source: PredictionSource
    references: PredictionSource | None
    expected: Expected
    survey: Survey
    matched: Matched
    digests: RowDigests

    @property
    def simulated(self) -> bool:
        """Whether the recordings are simulated, as the user or the source says."""
        return self.options.simulated or self.source.simulated

    @property
    def references_with_predictions(self) -> bool:
        """Whether the references are those beside the predictions in the source."""
        return self.references is None and self.expected.targets is None

    @property
    def name_rule(self) -> str:
        """How names were matched, with examples."""
        return "; ".join(filter(None, (self.matched.rule, self.matched.examples)))

    @cached_property
    def predicted(self) -> tuple[ImportRow, ...]:
        """A row for each recording and fold with which a prediction is matched."""
        return tuple(
            ImportRow(method=method, name=name, target=target)
            for method, name in self.survey.predictions
            for target in self.matched.targets.get(name, ())
        )

    @cached_property
    def absent(self) -> tuple[ImportRow, ...]:
        """With a protocol, a row for each of its recordings that a method has no prediction of."""
        if not self.expected.complete:
            return ()
        present = {(row.method, row.target) for row in self.predicted}
        names = {t: n for n, targets in self.matched.targets.items() for t in targets}
        return tuple(
            ImportRow(method=method, name=names.get(target, ""), target=target)
            for method in self.survey.methods
            for target in (*names, *self.matched.absent)
            if (method, target) not in present
        )

    @property
    def rows(self) -> tuple[ImportRow, ...]:
        """The rows of the results."""
        return self.predicted + self.absent

    @cached_property
    def targets(self) -> dict[tuple[str, str], Target]:
        """The recordings of the results, by data set and name."""
        return {row.target.key: row.target for row in self.rows}

    def fs_by_key(self) -> dict[tuple[str, str], float]:
        """The rate of each recording's waveform in the source, in Hz."""
        return {
            target.key: self.survey.fs[name]
            for name, targets in self.matched.targets.items()
            for target in targets
            if name in self.survey.fs
        }

    def jobs(self) -> Iterator[str]:
        """The digests of the rows."""
        return (self.job(row) for row in self.rows)

    def job(self, row: ImportRow) -> str:
        """The digest of what a row depends on."""
        stored_name = self.survey.methods[row.method]
        return self.digests.of_row(row.method, stored_name, row.name, row.target)
