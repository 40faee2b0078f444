"""An import from its options to a results folder."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rppgbench.core.content_roots import checkout_root
from rppgbench.core.estimate import Estimate
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution.provenance import provenance
from rppgbench.importing.batches import RowBatches
from rppgbench.importing.import_manifest import import_manifest, import_notes
from rppgbench.importing.import_plan import ImportPlan, ImportRow
from rppgbench.importing.matched import LEFTOVERS, leftovers_csv, match_rows
from rppgbench.importing.name_matching import read_name_map
from rppgbench.importing.options import (
    ImportOptions,
    check_method_name,
    open_references,
    open_source,
)
from rppgbench.importing.reference_rates import doubtful_clock
from rppgbench.importing.references import (
    SeenRecording,
    names_of_references,
    of_data_set,
    of_reference_source,
    of_signal,
)
from rppgbench.importing.row_digests import RowDigests
from rppgbench.importing.signals import ImportedSignal, coverage_of, imported_signal
from rppgbench.importing.survey import survey_source
from rppgbench.importing.targets import Target, expected_recordings
from rppgbench.predictions.record import PredictedRecording
from rppgbench.store.store import Store
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import MachineError, one_line
from rppgbench.system.io_errors import writing
from rppgbench.system.plural import pluralise

CHANGED = "the labels, the options or the code that reads them changed since"

Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ImportSummary:
    """What an import did.

    Attributes:
        methods: the methods of the results.
        rows: the number of estimates.
        recordings: the number of recordings.
        rule: how names were matched, with examples.
        leftovers: how many lines `leftovers.csv` has.
        failed: the reason of each recording that has no usable prediction or reference.
        store: the results folder.
        clock_note: why the clock of the references is doubtful; "" where it is not.
    """

    methods: tuple[str, ...]
    rows: int
    recordings: int
    rule: str
    leftovers: int
    failed: Mapping[str, str]
    store: Store
    clock_note: str = ""


def import_predictions(options: ImportOptions, cache: Path, log: Log) -> ImportSummary:
    """Read predictions, set them beside references, and store both as results.

    The source is read twice, one recording at a time: once for its names, then for its signals.
    Nothing is written before all names are matched.

    Args:
        options: what is imported.
        cache: folder of the fingerprints of data sets.
        log: takes lines that begin with "note: ".

    Returns:
        What was stored.

    Raises:
        BenchError: the source cannot be read, nothing in it matches, or the folder holds something
            else.
        MachineError: the machine prevents it.
    """
    check_method_name(options.method)
    source, references = open_source(options), open_references(options)
    listing = Catalog(cache, lambda line: log(f"note: {line}"))
    expected = expected_recordings(options, listing, log)
    survey = survey_source(source, options.method)
    named = read_name_map(options.names) if options.names else {}
    reference_names = names_of_references(references)
    plan = ImportPlan(
        options=options,
        source=source,
        references=references,
        expected=expected,
        survey=survey,
        matched=match_rows(survey, expected, reference_names, named, str(options.source)),
        digests=RowDigests(options, source, references, listing),
    )
    for note in import_notes(plan):
        log(f"note: {note}")
    return _ImportRun(plan).store_all(log)


class _ImportRun:
    """Writes the results of one import."""

    def __init__(self, plan: ImportPlan) -> None:
        self._plan = plan
        self._durations_s: dict[tuple[str, str], float] = {}

    def store_all(self, log: Log) -> ImportSummary:
        """Write manifest, references, estimates and leftovers."""
        plan, store = self._plan, Store(self._plan.options.out)
        with store.locked():
            jobs = list(plan.jobs())
            store.begin(import_manifest(plan), jobs, _made_by(plan.options))
            done = store.done()
            if not set(jobs) <= done:
                if changed := len(done - set(jobs)):
                    log(f"note: not reused: {pluralise(changed, 'stored row')}: {CHANGED}")
                batches = RowBatches(store)
                for seen in self._separate_references():
                    self._keep(seen, batches)
                self._store_predicted(batches, done)
                self._store_absent(batches, done)
                batches.write()
                self._write_leftovers()
            clock_note = doubtful_clock(info.ground_truth for info in store.observed().values())
            if clock_note:  # the references are known only now
                store.begin(import_manifest(plan, clock_note), jobs)
            return self._summary(store, clock_note)

    def _summary(self, store: Store, clock_note: str) -> ImportSummary:
        plan = self._plan
        return ImportSummary(
            methods=tuple(plan.survey.methods.values()),
            rows=len(plan.rows),
            recordings=len(plan.targets),
            rule=plan.name_rule,
            leftovers=len(plan.matched.leftovers) + len(plan.source.leftovers),
            failed=store.failed(),
            store=store,
            clock_note=clock_note,
        )

    def _separate_references(self) -> Iterator[SeenRecording]:
        """References of a data set or of a source of their own, and recordings that lack one."""
        plan = self._plan
        if plan.references_with_predictions:
            return
        condition, simulated = plan.expected.condition, plan.simulated
        if plan.references is None:
            fs_by_key = plan.fs_by_key()
            for target in plan.targets.values():
                yield of_data_set(target, condition, fs_by_key.get(target.key))
            return
        named = plan.matched.references
        yield from of_reference_source(plan.references, named, condition, simulated=simulated)
        with_reference = {places[0].key for places in named.values()}
        for target in plan.targets.values():
            if target.key not in with_reference:
                yield of_signal(target, condition, (), simulated=simulated)

    def _keep(self, seen: SeenRecording, batches: RowBatches) -> None:
        key = seen.info.dataset, seen.info.recording
        self._durations_s[key] = seen.duration_s
        batches.add_observed(seen.info)

    def _store_predicted(self, batches: RowBatches, done: set[str]) -> None:
        plan = self._plan
        for recording in plan.source:
            for target in plan.matched.targets.get(recording.name, ()):
                if plan.references_with_predictions:
                    self._keep_own_reference(target, recording, batches)
                row = ImportRow(method=recording.method, name=recording.name, target=target)
                if plan.job(row) not in done:
                    batches.add(self._predicted(row, recording))

    def _store_absent(self, batches: RowBatches, done: set[str]) -> None:
        """A row with its reason for each recording that has no prediction by a method."""
        reason = f"no prediction in {one_line(self._plan.source.path.name)}"
        for row in self._plan.absent:
            if self._plan.job(row) not in done:
                batches.add(self._estimate(row, ImportedSignal(reason=reason), 0.0))

    def _keep_own_reference(
        self, target: Target, recording: PredictedRecording, batches: RowBatches
    ) -> None:
        """The reference beside a prediction, once where several methods have the recording."""
        if target.key in self._durations_s:
            return
        seen = of_signal(
            target,
            self._plan.expected.condition,
            recording.references,
            beats_s=recording.beats_s,
            reason=recording.reference_reason,
            simulated=self._plan.simulated,
            notes=recording.assumptions if recording.references else (),
        )
        self._keep(seen, batches)

    def _predicted(self, row: ImportRow, recording: PredictedRecording) -> Estimate:
        if recording.prediction is None:
            signal = ImportedSignal(reason=recording.reason)
        else:
            signal = imported_signal(recording.prediction)
        duration_s = self._durations_s.get(row.target.key, 0.0)
        return self._estimate(row, signal, coverage_of(signal, duration_s))

    def _estimate(self, row: ImportRow, signal: ImportedSignal, coverage: float) -> Estimate:
        plan, target = self._plan, row.target
        return Estimate(
            job=plan.job(row),
            dataset=target.dataset,
            recording=target.name,
            subject=target.subject,
            scenario=target.recording.scenario if target.recording else "",
            method=plan.survey.methods[row.method],
            fold=target.fold,
            seed=plan.expected.protocol.seeds[0],
            condition=plan.expected.condition,
            region="",
            waveform=signal.waveform,
            heart_rate=signal.heart_rate,
            confidence=signal.confidence,
            coverage=coverage,
            reason=signal.reason,
        )

    def _write_leftovers(self) -> None:
        plan = self._plan
        text = leftovers_csv(plan.matched.leftovers, plan.source.leftovers)
        with writing(plan.options.out, kind=MachineError):
            write_file(plan.options.out / LEFTOVERS, text)


def _made_by(options: ImportOptions) -> dict[str, Any]:
    return {
        **provenance(checkout_root()),
        "command": options.command,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }
