"""The results behind the papers' tables: stored, or made now."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.cli.options import device_of, folder_for_output, means_of
from rppgbench.cli.running import find_roots
from rppgbench.cli.table_runs import Experiment
from rppgbench.cli.terminal import tell
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.roots import cache_folder
from rppgbench.system.errors import BenchError, one_line

if TYPE_CHECKING:
    from rppgbench.papers.measures import StoredResults
    from rppgbench.store.store import Store

RESULTS = Path("results")
FAILED = "run: "


class Results:
    """What is stored for the runs of tables; what is missing of it is run first.

    Several tables share a run: it is planned, done and read once, and if it failed, it is not
    tried again. `methods` are those of each run over all tables that are asked for, by its folder,
    so that no video is decoded for each.
    """

    def __init__(self, methods: Mapping[str, Sequence[str]], args: argparse.Namespace) -> None:
        self._methods = methods
        self._args = args
        self._listing = Catalog(cache_folder(args.cache))
        self._held: dict[Path, StoredResults] = {}
        self._found: dict[tuple[str, bool], tuple[list[StoredResults], str]] = {}
        # Those of the command line are all read before anything is made.
        self._near: set[Path] = set()
        self._given = [self._hold(folder) for folder in args.results]

    def unused(self) -> list[Path]:
        """The folders of --results that hold nothing of the data of any run."""
        return [held.store.folder for held in self._given if held.store.folder not in self._near]

    def of(self, one: Experiment, *, simulate: bool) -> tuple[list[StoredResults], str]:
        """The results that may fill a run's lines, nearest first, and why there are not more.

        A reason that begins with `FAILED` is of a run that failed. BenchError where what is stored
        is not whole.
        """
        if one.protocol is None:
            return [], one.reason
        key = one.folder, simulate
        if key not in self._found:
            self._found[key] = self._find(one, one.protocol, simulate=simulate)
        return self._found[key]

    def _find(
        self, one: Experiment, protocol: Protocol, *, simulate: bool
    ) -> tuple[list[StoredResults], str]:
        place = RESULTS / one.folder
        self._near.update(h.store.folder for h in self._given if _near(h, protocol))
        fit = [h for h in self._given if h.simulated == simulate and _near(h, protocol)]
        exact = [h for h in fit if h.manifest["protocol"]["digest"] == protocol.digest]
        if exact:
            place = exact[0].store.folder
        why = self._run(one, protocol, place, simulate=simulate)
        stores = []
        if not why.startswith(FAILED) and _is_there(place):
            stores = [held for held in [self._hold(place)] if held.simulated == simulate]
        return [*stores, *(h for h in fit if h.store.folder != place)], why

    def _hold(self, folder: Path) -> StoredResults:
        from rppgbench.papers.measures import load_stored
        from rppgbench.store.store import Store

        if folder not in self._held:
            self._held[folder] = load_stored(Store(folder))
        return self._held[folder]

    def _run(self, one: Experiment, protocol: Protocol, folder: Path, *, simulate: bool) -> str:
        """Do what is missing of a run; empty, or why nothing was done.

        What else is in the results folder stays in its plan.
        """
        from rppgbench.execution.planner import make_plan
        from rppgbench.execution.runner import run
        from rppgbench.store.store import Store

        args = self._args
        if args.stored:
            return "nothing of this row is stored, and --stored runs nothing"
        store = Store(folder)
        manifest = store.manifest if _is_there(folder) else {}
        if manifest:
            blocked = _in_the_way(protocol, store, manifest, simulate=simulate)
            if blocked:
                return blocked
        name = one.lines[0].setting.protocol
        where = f"protocols/{name}.toml"
        held = [m for m in manifest.get("methods", ()) if m in load_methods().found]
        names = list(dict.fromkeys([*self._methods[one.folder], *held]))
        try:
            roots = find_roots(protocol, args.data, args.cache, where, simulate=simulate)
        except BenchError as error:
            return str(error)
        try:
            means = means_of(args, cache_folder(args.cache))
            plan = make_plan(
                protocol,
                name,
                roots,
                methods=names,
                seeds=protocol.seeds,
                where=where,
                listing=self._listing,
                device=device_of(args, names) or "cpu",
            )
            if any(recording.simulated != simulate for recording in plan.recordings.values()):
                places = ", ".join(map(str, roots.values()))
                return f"the data in {places} is simulated; use --simulate"
            folder_for_output(folder)
            if not manifest or store.planned() != {j.digest for j in plan.jobs} or store.missing():
                tell(f"running {name} into {folder}: {', '.join(names)}")
                self._held.pop(folder, None)
                run(plan, store, means, _note)
        except BenchError as error:
            return f"{FAILED}{error}"
        return ""


def _note(line: str) -> None:
    tell(f"note: {one_line(line)}")


def _near(held: StoredResults, protocol: Protocol) -> bool:
    """Whether results are of the same data: those of another split then say so in the table."""
    return bool(held.manifest["protocol"].get("test") == protocol.test)


def _is_there(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


def _in_the_way(
    protocol: Protocol, store: Store, manifest: Mapping[str, Any], *, simulate: bool
) -> str:
    """Why a results folder cannot take the run's results; empty where it can."""
    if manifest["protocol"]["digest"] != protocol.digest:
        return f"{store.folder} holds results of another version of the protocol; move it away"
    if any(seen.simulated != simulate for seen in store.observed().values()):
        kind = "genuine" if simulate else "simulated"
        return f"{store.folder} holds {kind} results; move it away"
    return ""
