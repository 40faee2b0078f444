"""A results folder, read whole and scored under an evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.part_provenance import PartProvenance, difference_lines, part_provenances
from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_methods
from rppgbench.evaluation.ensembles import ensemble_rates
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.leakage import mark_leaks
from rppgbench.evaluation.rule_notes import mark_rule_notes
from rppgbench.evaluation.scores import score_windows
from rppgbench.execution.epoch_models import BEST
from rppgbench.report.data_marks import DataMarks
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd


SHOWN_ASSUMPTIONS = 3
"""Assumptions of an import that every caption tells; a section of the page tells all."""

SHOWN_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredResults:
    """A results folder, read whole: a damaged part is found before anything is written.

    Attributes:
        store: The folder.
        manifest: What was run, on what, by which versions.
        estimates: Every stored estimate.
        observed: What was recorded of each recording, by data set, recording and condition.
        parts: The runs that made parts of the results.
        further: Further folders whose results are joined to these.
        control_estimates: The estimates of input controls, which are of no method's row.
    """

    store: Store
    manifest: Mapping[str, Any]
    estimates: Sequence[Estimate]
    observed: Mapping[tuple[str, str, str], RecordingInfo]
    parts: Sequence[PartProvenance]
    further: tuple[Store, ...] = ()
    control_estimates: Sequence[Estimate] = ()

    @property
    def stores(self) -> tuple[Store, ...]:
        """All folders of the results."""
        return (self.store, *self.further)

    @cached_property
    def simulated(self) -> bool:
        """Whether any recording is simulated."""
        return any(info.simulated for info in self.observed.values())

    @property
    def twins(self) -> tuple[str, ...]:
        """The twins, with their versions, that the data sets were drawn from."""
        datasets = self.manifest.get("data", {}).values()
        return tuple(dict.fromkeys(str(d["twin"]) for d in datasets if d.get("twin")))

    @property
    def imports(self) -> Mapping[str, Mapping[str, Any]]:
        """What the manifest says of the methods whose predictions were imported."""
        return dict(self.manifest.get("imports", {}))

    @cached_property
    def imported(self) -> dict[str, str]:
        """The methods whose predictions were imported, each with its source in a sentence."""
        return {name: describe_import(record) for name, record in self.imports.items()}

    @property
    def marks(self) -> DataMarks:
        """What tables and figures of these results are marked with."""
        return DataMarks(simulated=self.simulated, imported=self.imported, twins=self.twins)

    @cached_property
    def ground_truths(self) -> dict[tuple[str, str], GroundTruth]:
        """The ground truth of every recording, by data set and recording."""
        return {(d, name): info.ground_truth for (d, name, _), info in self.observed.items()}

    @cached_property
    def made_by(self) -> tuple[str, ...]:
        """In what the runs that made the parts differ, a line each."""
        return tuple(difference_lines(self.parts))

    def score(
        self,
        evaluator: Evaluator,
        *,
        estimates: Sequence[Estimate] | None = None,
        methods: Iterable[str] | None = None,
    ) -> pd.DataFrame:
        """Score stored estimates and mark the windows that a method's weights may have seen.

        Args:
            evaluator: The rules.
            estimates: The estimates to score; by default all.
            methods: Methods whose ensembles are formed; by default those of the run.

        Returns:
            One row for each estimate and window, as `score_windows` describes, with `leaked`.
        """
        windows = score_estimates(
            evaluator,
            self.estimates if estimates is None else estimates,
            self.ground_truths,
            self.manifest["methods"] if methods is None else methods,
            self.manifest.get("imports", {}),
        )
        mark_leaks(windows, self.manifest.get("origins", {}))
        return windows


def describe_import(record: Mapping[str, Any]) -> str:
    """Source, digest, format and assumptions of an imported method, in a sentence.

    Args:
        record: What the manifest says under `imports`.

    >>> describe_import({"source": "a.csv", "sha256": "0123456789abcdef", "format": "table",
    ...                  "assumptions": ["times are seconds"], "references": "the source itself"})
    'a.csv, sha256 0123456789ab, format table, references: the source itself; times are seconds'
    """
    description = (
        f"{record['source']}, sha256 {record['sha256'][:12]}, format {record['format']}, "
        f"references: {record['references'][:SHOWN_CHARACTERS]}"
    )
    lines = list(record["assumptions"])
    if len(lines) > SHOWN_ASSUMPTIONS:
        lines = [*lines[:SHOWN_ASSUMPTIONS], f"{len(lines) - SHOWN_ASSUMPTIONS} more assumptions"]
    return "; ".join([description, *lines])


def load_stored(store: Store, *, partial: bool = False) -> StoredResults:
    """Read a results folder.

    Args:
        store: The folder.
        partial: Whether a folder that lacks planned estimates is read as well.

    Returns:
        Everything that is stored.

    Raises:
        BenchError: The folder holds no results, lacks a part, or has a damaged part.
    """
    manifest = store.manifest
    for key in ("protocol", "methods", "expected"):
        if key not in manifest:
            raise BenchError(f"{store.folder}: manifest.json lacks {key!r}; run the protocol again")
    estimates, observed = store.read(partial=partial)
    return StoredResults(
        store=store,
        manifest=manifest,
        estimates=[e for e in estimates if e.condition not in INPUT_CONTROLS],
        observed={key: info for key, info in observed.items() if key[2] not in INPUT_CONTROLS},
        parts=part_provenances(store),
        control_estimates=[e for e in estimates if e.condition in INPUT_CONTROLS],
    )


def score_estimates(
    evaluator: Evaluator,
    estimates: Sequence[Estimate],
    ground_truths: Mapping[tuple[str, str], GroundTruth],
    methods: Iterable[str],
    imports: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Score estimates, and the ensembles that are formed from heart rates of other methods.

    Args:
        evaluator: The rules.
        estimates: The estimates.
        ground_truths: Ground truth by data set and recording.
        methods: Names of methods; those with members are formed as ensembles.
        imports: What the manifest says of imported methods.

    Returns:
        One row for each estimate and window, as `score_windows` describes.
    """
    windows = score_windows(evaluator, estimates, ground_truths)
    declared = load_methods().available
    for name in methods:
        members = declared[name].members if name in declared else ()
        if members:
            windows = ensemble_rates(windows, name, members, evaluator)
    mark_rule_notes(windows, evaluator, cumulative_methods(windows["method"].unique(), imports))
    return windows


def cumulative_methods(
    methods: Iterable[str], imports: Mapping[str, Mapping[str, Any]]
) -> frozenset[str]:
    """Those of some methods whose pulse is a running sum that still drifts.

    Args:
        methods: Names of scored rows: methods, variants, and their best epochs.
        imports: What the manifest says of imported methods; those whose differences were summed up
            at import are among the methods.
    """
    known = load_methods().available
    imported = {name for name, record in imports.items() if record.get("cumulated")}
    declared = {
        name
        for name in methods
        if (method := name.removesuffix(BEST)) in known and known[method].cumulated
    }
    return frozenset(declared | imported)
