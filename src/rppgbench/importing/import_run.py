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
from rppgbench.importing.matched import Matched, leftovers_csv, match_rows
from rppgbench.importing.name_matching import first_names, read_name_map
from rppgbench.importing.options import (
    ImportOptions,
    check_method_name,
    check_trained_on,
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
from rppgbench.importing.signals import ImportedSignal, coverage_of, imported_signal
from rppgbench.importing.survey import Survey, survey_source
from rppgbench.importing.targets import Expected, Target, expected_recordings
from rppgbench.predictions.record import PredictedRecording, PredictionSource
from rppgbench.store.store import Store
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import MachineError, one_line
from rppgbench.system.hashing import digest

LEFTOVERS = "leftovers.csv"
"""The file in the results folder that names all that is on one side alone."""

Log = Callable[[str], None]
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class ImportSummary:
    """What an import did.

    Attributes:
        methods: the methods of the results.
        rows: the number of estimates.
        recordings: the number of recordings.
        rule: how names were matched, with examples.
        leftovers: how many names and files are on one side alone.
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
    expected = expected_recordings(options, Catalog(cache, lambda line: log(f"note: {line}")), log)
    survey = survey_source(source, options.method)
    named = read_name_map(options.names) if options.names else {}
    reference_names = names_of_references(references)
    matched = match_rows(survey, expected, reference_names, named, str(options.source))
    run = _Import(options, source, references, expected, survey, matched)
    for note in run.notes():
        log(f"note: {note}")
    return run.store_all()


class _Import:
    """One import whose names are matched."""

    def __init__(
        self,
        options: ImportOptions,
        source: PredictionSource,
        references: PredictionSource | None,
        expected: Expected,
        survey: Survey,
        matched: Matched,
    ) -> None:
        self.options, self.source, self.references = options, source, references
        self.expected, self.survey, self.matched = expected, survey, matched
        self.simulated = options.simulated or source.simulated
        self.from_source = references is None and expected.targets is None
        self._durations: dict[Key, float] = {}

    def notes(self) -> list[str]:
        """What a reader of the results has to know, a line each."""
        lines = [*self.expected.notes, *check_trained_on(self.options.trained_on)]
        left = self.matched.leftovers
        for side, message in (
            ("source", "of the source match no recording"),
            ("recording", "have no prediction or no reference"),
            ("reference", "of the references match no prediction"),
        ):
            names = [leftover.name for leftover in left if leftover.side == side]
            if names:
                lines.append(
                    f"{len(names)} recordings {message}: {first_names(names)} ({LEFTOVERS})"
                )
        if self.source.leftovers:
            files = first_names(self.source.leftovers)
            lines.append(f"{len(self.source.leftovers)} files are not read: {files} ({LEFTOVERS})")
        if self.expected.targets is not None and self.survey.with_reference and not self.references:
            lines.append("the references in the source are not used: those of the data set are")
        if self.from_source and not self.survey.with_reference:
            lines.append(
                "the source holds no references, so nothing is scored; give --reference FILE, or "
                "--data SET=PATH"
            )
        if self.expected.targets is None:
            lines.append("each recording counts as a subject of its own: the source names none")
        return lines

    def store_all(self) -> ImportSummary:
        """Write manifest, references, estimates and leftovers."""
        store = Store(self.options.out)
        with store.locked():
            jobs = list(self._jobs())
            store.begin(self._manifest(), jobs, _made_by(self.options))
            done = store.done()
            if set(jobs) <= done:
                return self._summary(store)
            with RowBatches(store) as batches:
                for seen in self._references():
                    self._keep(seen, batches)
                self._store_estimates(batches, done)
                self._store_absent(batches, done)
            self._write_leftovers()
            return self._summary(store)

    def _summary(self, store: Store) -> ImportSummary:
        rows = self._rows()
        return ImportSummary(
            methods=tuple(self.survey.methods.values()),
            rows=len(rows),
            recordings=len({target.key for _, _, target in rows}),
            rule="; ".join(filter(None, (self.matched.rule, self.matched.examples))),
            leftovers=len(self.matched.leftovers) + len(self.source.leftovers),
            failed=store.failed(),
            store=store,
            clock_note=doubtful_clock(info.ground_truth for info in store.observed().values()),
        )

    def _references(self) -> Iterator[SeenRecording]:
        """References that do not come with the predictions, and recordings that lack one."""
        if self.from_source:
            return
        condition, simulated = self.expected.condition, self.simulated
        targets = {target.key: target for _, _, target in self._rows()}
        if self.references is None:
            fs_by_key = self._fs_by_key()
            for target in targets.values():
                yield of_data_set(target, condition, fs_by_key.get(target.key))
            return
        named = self.matched.references
        yield from of_reference_source(self.references, named, condition, simulated=simulated)
        for places in named.values():
            targets.pop(places[0].key, None)
        for target in targets.values():
            yield of_signal(target, condition, (), simulated=simulated)

    def _fs_by_key(self) -> dict[Key, float]:
        """The rate of each recording's waveform in the source, in Hz."""
        return {
            target.key: self.survey.fs[name]
            for name, targets in self.matched.targets.items()
            for target in targets
            if name in self.survey.fs
        }

    def _keep(self, seen: SeenRecording, batches: RowBatches) -> None:
        key = seen.info.dataset, seen.info.recording
        self._durations[key] = seen.duration_s
        batches.add_observed(seen.info)

    def _store_estimates(self, batches: RowBatches, done: set[str]) -> None:
        for recording in self.source:
            for target in self.matched.targets.get(recording.name, ()):
                if self.from_source:
                    self._keep_own_reference(target, recording, batches)
                job = self._job(recording.method, recording.name, target)
                if job not in done:
                    batches.add(self._estimate(job, recording, target))

    def _store_absent(self, batches: RowBatches, done: set[str]) -> None:
        """A row with its reason for each recording that has no prediction by a method."""
        present = {(method, target.key, target.fold) for method, _, target in self._predicted()}
        reason = f"no prediction in {one_line(self.source.path.name)}"
        for method, name, target in self._rows():
            job = self._job(method, name, target)
            if (method, target.key, target.fold) not in present and job not in done:
                batches.add(self._row(job, method, target, ImportedSignal(reason=reason), 0.0))

    def _keep_own_reference(
        self, target: Target, recording: PredictedRecording, batches: RowBatches
    ) -> None:
        """The reference beside a prediction, once where several methods have the recording."""
        if target.key in self._durations:
            return
        seen = of_signal(
            target,
            self.expected.condition,
            recording.references,
            beats_s=recording.beats_s,
            simulated=self.simulated,
            notes=recording.assumptions if recording.references else (),
        )
        self._keep(seen, batches)

    def _estimate(self, job: str, recording: PredictedRecording, target: Target) -> Estimate:
        if recording.prediction is None:
            signal = ImportedSignal(reason=recording.reason)
        else:
            signal = imported_signal(recording.prediction)
        duration_s = self._durations.get(target.key, 0.0)
        return self._row(job, recording.method, target, signal, coverage_of(signal, duration_s))

    def _row(
        self, job: str, method: str, target: Target, signal: ImportedSignal, coverage: float
    ) -> Estimate:
        recording = target.recording
        return Estimate(
            job=job,
            dataset=target.dataset,
            recording=target.name,
            subject=target.subject,
            scenario=recording.scenario if recording else "",
            method=self.survey.methods[method],
            fold=target.fold,
            seed=self.expected.protocol.seeds[0],
            condition=self.expected.condition,
            region="",
            waveform=signal.waveform,
            heart_rate=signal.heart_rate,
            coverage=coverage,
            reason=signal.reason,
        )

    def _predicted(self) -> Iterator[tuple[str, str, Target]]:
        """Method, name in the source and recording of every prediction that matches."""
        for method, name in self.survey.predictions:
            for target in self.matched.targets.get(name, ()):
                yield method, name, target

    def _rows(self) -> list[tuple[str, str, Target]]:
        """The rows of the results: predictions, and where it counts what lacks one."""
        rows = list(self._predicted())
        if self.expected.complete:
            present = {(method, target) for method, _, target in rows}
            names = {t: n for n, targets in self.matched.targets.items() for t in targets}
            every = [*names, *self.matched.absent]
            rows += [
                (method, names.get(target, ""), target)
                for method in self.survey.methods
                for target in every
                if (method, target) not in present
            ]
        return rows

    def _jobs(self) -> Iterator[str]:
        return (self._job(method, name, target) for method, name, target in self._rows())

    def _job(self, method: str, name: str, target: Target) -> str:
        return digest(
            [
                "imported",
                self.source.sha256,
                self.source.format,
                self.options.fs,
                self.options.kind,
                self.references.sha256 if self.references else "",
                method,
                self.survey.methods[method],
                name,
                target.dataset,
                target.name,
                target.fold,
            ]
        )

    def _manifest(self) -> dict[str, Any]:
        protocol, methods = self.expected.protocol, self.survey.methods
        trained_on = list(self.options.trained_on)
        source = {"root": str(self.source.path), "fingerprint": self.source.sha256[:16]}
        return {
            "protocol": {
                "name": self.expected.protocol_name,
                "digest": protocol.digest,
                **protocol.model_dump(mode="json"),
            },
            "methods": {name: {} for name in methods.values()},
            "imports": {name: self._record(method) for method, name in methods.items()},
            "origins": {
                name: {"trained_on": trained_on, "licence": "", "versions": {}}
                for name in methods.values()
                if trained_on
            },
            "expected": len({target.key for _, _, target in self._rows()}),
            "data": dict(self.expected.data) or {protocol.test[0]: source},
            "computed_on": "",
            "left_out": dict(self.expected.left_out),
            "notes": self.notes(),
            "jobs": len(self._rows()),
            "fits": [],
            "command": self.options.command,
        }

    def _record(self, method: str) -> dict[str, Any]:
        """What the manifest says of an imported method."""
        reference = "the source itself" if self.survey.with_reference else "none"
        if self.references is not None:
            path = self.references.path.name
            reference = f"{one_line(path)}, sha256 {self.references.sha256}"
        elif self.expected.data:
            reference = f"the labels of {', '.join(self.expected.data)}"
        return {
            "source": one_line(self.source.path.name),
            "sha256": self.source.sha256,
            "format": self.source.format,
            "method": method,
            "cumulated": method in self.survey.cumulated,
            "assumptions": list(self.survey.assumptions[method]),
            "references": reference,
            "names": "; ".join(filter(None, (self.matched.rule, self.matched.examples))),
            "trained_on": list(self.options.trained_on),
            "cite": self.options.cite,
        }

    def _write_leftovers(self) -> None:
        text = leftovers_csv(self.matched.leftovers, self.source.leftovers)
        try:
            write_file(self.options.out / LEFTOVERS, text)
        except OSError as error:
            out = self.options.out
            raise MachineError(f"{out}: cannot be written: {error.strerror}") from error


def _made_by(options: ImportOptions) -> dict[str, Any]:
    return {
        **provenance(checkout_root()),
        "command": options.command,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }
