"""What a protocol comes to: jobs and fits, by name and digest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rppgbench.core.canonical_order import ordered_items
from rppgbench.core.protocol import EVERY_OTHER, Protocol
from rppgbench.core.registry import load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.fingerprint import fingerprint_from_lines
from rppgbench.datasets.splits import FoldAssignment
from rppgbench.execution.fold_layout import lay_out_folds
from rppgbench.execution.job_dependencies import JobDependencies
from rppgbench.execution.job_layout import JobLayout
from rppgbench.execution.method_parameters import declared_parameters
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planned_recordings import protocol_recordings, shared_people, unread_files
from rppgbench.extraction.conditions import check_condition
from rppgbench.system.errors import unknown_name


def make_plan(
    protocol: Protocol,
    name: str,
    roots: Mapping[str, Path],
    *,
    methods: Sequence[str],
    seeds: Sequence[int],
    location: str,
    listing: Catalog | None = None,
    device: str = "cpu",
    chosen_folds: Sequence[str] = (),
) -> Plan:
    """Lay out the jobs of a protocol over the data that is there.

    Args:
        protocol: the protocol.
        name: the name of the protocol.
        roots: the root of each data set.
        methods: names of methods.
        seeds: seeds of the methods that learn.
        location: where the names come from, for messages.
        listing: the recordings of the data sets; several plans over the same files share one.
        device: the kind of device that networks compute on: "cpu", "cuda" or "mps".
        chosen_folds: names of the folds to run; empty for all.

    Returns:
        The plan. A fold that a small simulated tree leaves without test subjects is a note.

    Raises:
        BenchError: a name is unknown, the data does not fit the split, or no fold has a recording
            to test.
    """
    selected = select_methods(methods, protocol, location)
    listing = listing or Catalog()
    recordings, left_out = protocol_recordings(protocol, roots, listing)
    file = f"protocols/{name}.toml"
    folds = lay_out_folds(protocol, roots, recordings, file)
    sides = _chosen_folds(folds.sides, chosen_folds)
    people = shared_people(protocol, recordings.values())
    notes = [*folds.notes, *people, *unread_files(roots)]
    lines = dict(zip(recordings, listing.lines(recordings.values()), strict=True))
    prints = {key: fingerprint_from_lines([line]) for key, line in lines.items()}
    for condition in protocol.conditions:
        check_condition(condition, file)
    layout = JobLayout(
        protocol, selected, recordings, prints, JobDependencies(device=device), location
    )
    for side in sides:
        layout.add(side, seeds)
    tested = {(j.dataset, j.recording) for j in layout.jobs}
    dependencies = layout.dependencies
    return Plan(
        protocol=protocol,
        name=name,
        methods=selected,
        roots=roots,
        recordings=recordings,
        jobs=tuple(layout.jobs),
        fits=tuple(layout.fits.values()),
        pretrainings=tuple(layout.pretrainings.values()),
        expected=len(tested),
        fingerprints={
            d: fingerprint_from_lines(line for k, line in lines.items() if k[0] == d) for d in roots
        },
        prints=prints,
        left_out=left_out,
        device=device if any(dependencies.is_network(m) for m in selected) else "",
        settings=dependencies.settings,
        closures=dependencies.closures,
        notes=tuple(notes),
        folds=tuple(side.fold for side in sides),
        chosen_folds=tuple(chosen_folds),
        folds_from=folds.source,
    )


def _chosen_folds(
    sides: Sequence[FoldAssignment], names: Sequence[str]
) -> Sequence[FoldAssignment]:
    """The folds of these names, or all where there is no name."""
    for name in names:
        if name not in {side.fold for side in sides}:
            raise unknown_name("fold", name, [side.fold for side in sides], "--folds")
    return [side for side in sides if not names or side.fold in names]


def select_methods(
    names: Sequence[str], protocol: Protocol, location: str
) -> dict[str, Mapping[str, Any]]:
    """Every method with all its parameters, by name; a combination brings its members.

    In which order they were asked for changes nothing.

    Args:
        names: names of methods.
        protocol: the protocol as it is run.
        location: where the names come from, for messages.

    Raises:
        BenchError: a method is unknown, or a package that it needs is missing.
    """
    registry = load_methods()
    selected: dict[str, Mapping[str, Any]] = {}
    for name in names:
        method = registry.get("method", name, location)
        for member in (*method.members, name):
            declared = declared_parameters(protocol, member)
            selected[member] = registry.get("method", member, location).parameters(
                declared, location
            )
    by_method = set() if isinstance(protocol.pretrain, list) else {*protocol.pretrain}
    for name in [*protocol.params, *sorted(by_method - {EVERY_OTHER})]:
        if name not in registry.unavailable:
            registry.get("method", name, location)
    return ordered_items(selected)
