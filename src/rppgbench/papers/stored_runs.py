"""The results behind the papers' tables: stored already, or run now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution.executors import load_executor
from rppgbench.execution.obstacles import method_obstacles
from rppgbench.execution.plan_cost import describe_cost
from rppgbench.execution.plan_manifest import JOBS_BY_METHOD
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.run_setup import RESULTS, find_roots, network_device
from rppgbench.execution.runner import run
from rppgbench.papers.experiments import Experiment
from rppgbench.papers.method_members import ensemble_members
from rppgbench.papers.rows import NOTHING_STORED
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

NOT_STORED = f"{NOTHING_STORED}, and --stored runs nothing"
NOT_CHOSEN = "left out by --methods"
PLANNED = "--dry-run runs nothing"
NO_EPOCHS = "the models of all epochs are tested with --every-epoch"
Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class FoundResults:
    """The results that may fill the lines of a run.

    Attributes:
        results: nearest first.
        reason: why there are not more, or "".
        failed: whether the run failed; `reason` then says why.
        failures: the reason of each method that could not be planned or trained.
    """

    results: Sequence[StoredResults] = ()
    reason: str = ""
    failed: bool = False
    failures: Mapping[str, str] = field(default_factory=dict)

    def why_missing(self, method: str) -> str:
        """Why nothing complete is there of a method."""
        return self.failures.get(method) or self.reason or NOTHING_STORED

    def has_failed(self, method: str) -> bool:
        """Whether a method, or the whole run, failed."""
        return self.failed or method in self.failures


class StoredRuns:
    """The stored results of the runs of tables; what is missing is run first.

    Several tables share a run. The run is planned, done and read once, and is not tried again
    after a failure.

    Args:
        methods: the methods of each run over all tables, by its folder, so that each video is
            decoded once.
        options: the options of the runs.
        folders: further results folders that may fill lines; all are read at once.
        run_missing: whether missing results are run.
        dry_run: whether runs are only planned.
        log: takes lines that begin with "note: ", "warning: ", "plan: " or "running ".

    Attributes:
        costs: what each run takes, a line for each part.
    """

    def __init__(
        self,
        methods: Mapping[str, Sequence[str]],
        options: RunOptions,
        *,
        folders: Sequence[Path] = (),
        run_missing: bool = True,
        dry_run: bool = False,
        log: Log = lambda line: None,
    ) -> None:
        self._methods = methods
        self._options = options
        self._run_missing = run_missing
        self._dry_run = dry_run
        self.costs: list[str] = []
        self._log = log
        self._catalog = Catalog(options.cache, self._note)
        self._read: dict[Path, StoredResults] = {}
        self._found: dict[tuple[str, bool], FoundResults] = {}
        self._used: set[Path] = set()
        # Pre-trainings in `costs`: rows that share one run it once, so later rows do not count it.
        self._counted: set[str] = set()
        self._extra = [self._load(folder) for folder in folders]
        for results in self._extra:
            if results.twins:
                twins = ", ".join(results.twins)
                raise BenchError(
                    f"{results.store.folder}: results of twin {twins} stand beside no paper's "
                    "value; leave it out"
                )

    def unused(self) -> list[Path]:
        """Return the further folders that hold nothing of the data of any run."""
        folders = [results.store.folder for results in self._extra]
        return [folder for folder in folders if folder not in self._used]

    def find(self, experiment: Experiment, *, simulate: bool) -> FoundResults:
        """Find the results that may fill the lines of a run, and run what is missing.

        A method that cannot be planned or trained leaves the others as they are.

        Args:
            experiment: the run.
            simulate: on simulated or on genuine recordings.

        Raises:
            BenchError: stored results are damaged.
        """
        if experiment.protocol is None:
            return FoundResults(reason=experiment.reason)
        key = experiment.folder, simulate
        if key not in self._found:
            self._found[key] = self._find(experiment, experiment.protocol, simulate=simulate)
        return self._found[key]

    def _find(self, experiment: Experiment, protocol: Protocol, *, simulate: bool) -> FoundResults:
        folder = RESULTS / experiment.folder
        near = [results for results in self._extra if _has_same_data(results, protocol)]
        self._used.update(results.store.folder for results in near)
        near = [results for results in near if results.simulated == simulate]
        exact = [r for r in near if r.manifest["protocol"]["digest"] == protocol.digest]
        if exact:
            folder = exact[0].store.folder
        outcome = self._complete(experiment, protocol, folder, simulate=simulate)
        run_results = []
        if _is_results(folder) and not (outcome.failed and not _has_estimates(folder)):
            run_results = [
                results
                for results in [self._load(folder)]
                if results.simulated == simulate and not results.twins
            ]
        further = (results for results in near if results.store.folder != folder)
        return replace(outcome, results=(*run_results, *further))

    def _load(self, folder: Path) -> StoredResults:
        """Read a results folder; one that says how many estimates a method has may be partial."""
        if folder not in self._read:
            store = Store(folder)
            self._read[folder] = load_stored(store, partial=JOBS_BY_METHOD in store.manifest)
        return self._read[folder]

    def _complete(
        self, experiment: Experiment, protocol: Protocol, folder: Path, *, simulate: bool
    ) -> FoundResults:
        """Run what is missing in a results folder; say why nothing was run, and what failed.

        The methods that the folder holds already stay in its plan.
        """
        store = Store(folder)
        manifest = store.manifest if _is_results(folder) else {}
        if blocked := self._why_not_run(experiment, protocol, store, manifest, simulate=simulate):
            return FoundResults(reason=blocked)
        name = experiment.lines[0].setting.protocol
        stored = [m for m in manifest.get("methods", ()) if m in load_methods().available]
        chosen = [m for m in self._methods[experiment.folder] if self._is_chosen(m)]
        methods = list(dict.fromkeys([*chosen, *stored]))
        if not methods:
            return FoundResults(reason=NOT_CHOSEN)
        file = f"protocols/{name}.toml"
        try:
            roots = find_roots(protocol, methods, self._options, file, self._log, simulate=simulate)
        except BenchError as error:
            self._note_obstacle(f"{name}: cannot run: {error}")
            return FoundResults(reason=str(error))
        failures: dict[str, str] = {}
        try:
            plan = self._plan(protocol, name, roots, methods, self._folds(manifest), failures)
            if any(recording.simulated != simulate for recording in plan.recordings.values()):
                places = ", ".join(map(str, roots.values()))
                reason = f"the data in {places} is simulated; use --simulate"
                self._note_obstacle(f"{name}: not run: {reason}")
                return FoundResults(reason=reason)
            self._run(experiment, plan, store, failures)
        except BenchError as error:
            self._note_obstacle(f"{name}: cannot run: {error}")
            return FoundResults(reason=str(error), failed=True, failures=failures)
        reason = PLANNED if self._dry_run else "" if len(chosen) == len(methods) else NOT_CHOSEN
        return FoundResults(reason=reason, failures=failures)

    def _is_chosen(self, method: str) -> bool:
        return not self._options.methods or method in self._options.methods

    def _folds(self, manifest: Mapping[str, Any]) -> list[str]:
        """The chosen folds, and those that the results folder holds; none for all folds."""
        if not self._options.folds:
            return []
        return list(dict.fromkeys([*self._options.folds, *manifest.get("folds", ())]))

    def _note_obstacle(self, line: str) -> None:
        """Tell once what rows of one protocol cannot run without."""
        if line not in self.costs:
            self.costs.append(line)

    def _why_not_run(
        self,
        experiment: Experiment,
        protocol: Protocol,
        store: Store,
        manifest: Mapping[str, Any],
        *,
        simulate: bool,
    ) -> str:
        """Why nothing is run, by the options and by what the results folder holds; or ""."""
        if not self._run_missing:
            return NOT_STORED
        if experiment.every_epoch and not self._options.every_epoch:
            return NO_EPOCHS
        return _conflict(protocol, store, manifest, simulate=simulate) if manifest else ""

    def _run(
        self, experiment: Experiment, plan: Plan, store: Store, failures: dict[str, str]
    ) -> None:
        """Run a plan into a store where something of it is missing."""
        begun = _is_results(store.folder)
        if begun and store.planned() == {j.digest for j in plan.jobs} and not store.missing():
            return
        costs = describe_cost(plan, store, self._options, self._counted)
        costs += [f"{plan.name}: cannot run: {m}: {reason}" for m, reason in failures.items()]
        self.costs += costs
        if self._dry_run:
            return
        for line in costs:
            self._log(f"plan: {line}")
        self._log(f"running {plan.name} into {store.folder}: {', '.join(plan.methods)}")
        self._read.pop(store.folder, None)
        options = replace(self._options, every_epoch=experiment.every_epoch)
        run(plan, store, options, self._note, failures.setdefault)

    def _plan(
        self,
        protocol: Protocol,
        name: str,
        roots: Mapping[str, Path],
        methods: Sequence[str],
        folds: Sequence[str],
        failures: dict[str, str],
    ) -> Plan:
        """Plan the methods that can run; the reasons of the others go to `failures`.

        Raises:
            BenchError: none of the methods can be planned.
        """
        load_executor(self._options.executor).check_options(self._options)
        device = network_device(self._options, methods) or "cpu"

        def plan_methods(names: Sequence[str]) -> Plan:
            return make_plan(
                protocol,
                name,
                roots,
                methods=names,
                seeds=protocol.seeds,
                location=f"protocols/{name}.toml",
                listing=self._catalog,
                device=device,
                chosen_folds=folds,
            )

        try:
            plan = plan_methods(methods)
        except BenchError:
            if len(methods) < 2:
                raise
        else:
            obstacles = method_obstacles(plan, plan.jobs)
            failures |= obstacles
            if not obstacles:
                return plan
            able = [m for m in methods if not {m, *ensemble_members(m)} & obstacles.keys()]
            for method in (m for m in methods if m not in able and m not in obstacles):
                member = next(m for m in ensemble_members(method) if m in obstacles)
                failures[method] = f"{member}: {obstacles[member]}"
            if not able:
                raise BenchError(next(iter(obstacles.values())))
            return plan_methods(able)
        able = []
        for method in methods:
            try:
                plan_methods([method])
                able.append(method)
            except BenchError as error:
                failures[method] = str(error)
        if not able:
            raise BenchError(next(iter(failures.values())))
        return plan_methods(able)

    def _note(self, line: str) -> None:
        self._log(f"note: {line}")


def _has_same_data(results: StoredResults, protocol: Protocol) -> bool:
    """Whether results are of the same data; the table marks results of another split."""
    return bool(results.manifest["protocol"].get("test") == protocol.test)


def _has_estimates(folder: Path) -> bool:
    """Whether a results folder holds any planned estimate."""
    store = Store(folder)
    return bool(store.planned() & store.done())


def _is_results(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


def _conflict(
    protocol: Protocol, store: Store, manifest: Mapping[str, Any], *, simulate: bool
) -> str:
    """Return why a results folder cannot take the results of a run, or ""."""
    if manifest["protocol"]["digest"] != protocol.digest:
        return f"{store.folder} holds results of another version of the protocol; move it away"
    if any(info.simulated != simulate for info in store.observed().values()):
        kind = "genuine" if simulate else "simulated"
        return f"{store.folder} holds {kind} results; move it away"
    return ""
