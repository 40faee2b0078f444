"""The results behind the papers' tables: stored already, or run now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution.executors import load_executor
from rppgbench.execution.planner import Plan, make_plan
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.run_setup import RESULTS, find_roots, network_device
from rppgbench.execution.runner import run
from rppgbench.papers.experiments import Experiment
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError
from rppgbench.system.folders import make_folder

FAILED = "run: "
"""What the reason of a run that failed begins with."""

NOT_STORED = "nothing of this row is stored, and --stored runs nothing"
Log = Callable[[str], None]


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
        log: takes lines that begin with "note: ", "warning: " or "running ".
    """

    def __init__(
        self,
        methods: Mapping[str, Sequence[str]],
        options: RunOptions,
        *,
        folders: Sequence[Path] = (),
        run_missing: bool = True,
        log: Log = lambda line: None,
    ) -> None:
        self._methods = methods
        self._options = options
        self._run_missing = run_missing
        self._log = log
        self._catalog = Catalog(options.cache, self._note)
        self._read: dict[Path, StoredResults] = {}
        self._found: dict[tuple[str, bool], tuple[list[StoredResults], str]] = {}
        self._used: set[Path] = set()
        self._extra = [self._load(folder) for folder in folders]

    def unused(self) -> list[Path]:
        """Return the further folders that hold nothing of the data of any run."""
        folders = [results.store.folder for results in self._extra]
        return [folder for folder in folders if folder not in self._used]

    def find(self, experiment: Experiment, *, simulate: bool) -> tuple[list[StoredResults], str]:
        """Find the results that may fill the lines of a run, and run what is missing.

        Args:
            experiment: the run.
            simulate: on simulated or on genuine recordings.

        Returns:
            The results, nearest first, and why there are not more. The reason of a run that failed
            begins with `FAILED`.

        Raises:
            BenchError: stored results are incomplete or damaged.
        """
        if experiment.protocol is None:
            return [], experiment.reason
        key = experiment.folder, simulate
        if key not in self._found:
            self._found[key] = self._find(experiment, experiment.protocol, simulate=simulate)
        return self._found[key]

    def _find(
        self, experiment: Experiment, protocol: Protocol, *, simulate: bool
    ) -> tuple[list[StoredResults], str]:
        folder = RESULTS / experiment.folder
        near = [results for results in self._extra if _has_same_data(results, protocol)]
        self._used.update(results.store.folder for results in near)
        near = [results for results in near if results.simulated == simulate]
        exact = [r for r in near if r.manifest["protocol"]["digest"] == protocol.digest]
        if exact:
            folder = exact[0].store.folder
        reason = self._complete(experiment, protocol, folder, simulate=simulate)
        run_results = []
        if not reason.startswith(FAILED) and _is_results(folder):
            run_results = [
                results for results in [self._load(folder)] if results.simulated == simulate
            ]
        return [*run_results, *(r for r in near if r.store.folder != folder)], reason

    def _load(self, folder: Path) -> StoredResults:
        if folder not in self._read:
            self._read[folder] = load_stored(Store(folder))
        return self._read[folder]

    def _complete(
        self, experiment: Experiment, protocol: Protocol, folder: Path, *, simulate: bool
    ) -> str:
        """Run what is missing in a results folder; the reason why nothing was run, or "".

        The methods that the folder holds already stay in its plan.
        """
        if not self._run_missing:
            return NOT_STORED
        store = Store(folder)
        manifest = store.manifest if _is_results(folder) else {}
        if manifest and (blocked := _conflict(protocol, store, manifest, simulate=simulate)):
            return blocked
        name = experiment.lines[0].setting.protocol
        stored = [m for m in manifest.get("methods", ()) if m in load_methods().available]
        methods = list(dict.fromkeys([*self._methods[experiment.folder], *stored]))
        origin = f"protocols/{name}.toml"
        try:
            roots = find_roots(protocol, self._options, origin, self._log, simulate=simulate)
        except BenchError as error:
            return str(error)
        try:
            plan = self._plan(protocol, name, roots, methods)
            if any(recording.simulated != simulate for recording in plan.recordings.values()):
                places = ", ".join(map(str, roots.values()))
                return f"the data in {places} is simulated; use --simulate"
            make_folder(folder)
            if not manifest or store.planned() != {j.digest for j in plan.jobs} or store.missing():
                self._log(f"running {name} into {folder}: {', '.join(methods)}")
                self._read.pop(folder, None)
                run(plan, store, self._options, self._note)
        except BenchError as error:
            return f"{FAILED}{error}"
        return ""

    def _plan(
        self, protocol: Protocol, name: str, roots: Mapping[str, Path], methods: Sequence[str]
    ) -> Plan:
        load_executor(self._options.executor).check_options(self._options)
        return make_plan(
            protocol,
            name,
            roots,
            methods=methods,
            seeds=protocol.seeds,
            location=f"protocols/{name}.toml",
            listing=self._catalog,
            device=network_device(self._options, methods) or "cpu",
        )

    def _note(self, line: str) -> None:
        self._log(f"note: {line}")


def _has_same_data(results: StoredResults, protocol: Protocol) -> bool:
    """Whether results are of the same data; the table marks results of another split."""
    return bool(results.manifest["protocol"].get("test") == protocol.test)


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
