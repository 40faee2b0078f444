"""The plan of a stored run, over the data that is there now."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.roots import check_roots, data_root, simulated_root
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError


def stored_plan(
    store: Store, cache: Path, moved_roots: Mapping[str, Path]
) -> tuple[Plan, list[str]]:
    """The plan of a stored run, over the data that is there now.

    Args:
        store: The results folder.
        cache: Folder of simulated data sets.
        moved_roots: Roots of data sets that have moved, by name.

    Returns:
        The plan, and a note for each data set whose files have changed.

    Raises:
        BenchError: A data set is gone and cannot be simulated again, or one that the run does not
            use has moved.
    """
    manifest = store.manifest
    check_roots(moved_roots, manifest["data"], str(store.folder))
    declaration = dict(manifest["protocol"])
    name = declaration.pop("name")
    declaration.pop("digest")
    declaration["params"] = {m: p for m, p in manifest["methods"].items() if p}
    try:
        protocol = Protocol.model_validate(declaration)
    except ValidationError as error:
        fault = error.errors()[0]
        raise BenchError(
            f"{store.folder / 'manifest.json'}: no whole protocol: "
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        ) from error
    roots = {
        d: _root(d, Path(dataset["root"]), protocol, cache, moved_roots)
        for d, dataset in manifest["data"].items()
    }
    plan = make_plan(
        protocol,
        name,
        roots,
        methods=list(manifest["methods"]),
        seeds=protocol.seeds,
        location=str(store.folder / "manifest.json"),
        listing=Catalog(cache),
        device=str(manifest.get("computed_on") or "cpu"),
    )
    notes = [
        f"{d}: the files are not those of the run (fingerprint {plan.fingerprints[d]}, "
        f"then {dataset['fingerprint']})"
        for d, dataset in manifest["data"].items()
        if plan.fingerprints[d] != dataset["fingerprint"]
    ]
    return plan, notes


def _root(
    name: str, stored_root: Path, protocol: Protocol, cache: Path, moved_roots: Mapping[str, Path]
) -> Path:
    """Where the data lies: as given, as the manifest says, or simulated again."""
    if name in moved_roots:
        return moved_roots[name]
    if stored_root.is_dir():
        return stored_root
    dataset = load_datasets().get("data set", name, "bench rerun-check")
    if stored_root.parent.name == "simulated" or dataset.only_simulated:
        from rppgbench.simulation import SimulationPlan

        s = protocol.simulation
        return simulated_root(
            dataset,
            SimulationPlan(
                subjects=s.subjects, seconds=s.seconds, seed=s.seed, difficulty=s.difficulty
            ),
            cache,
        )
    try:
        return data_root(dataset, moved_roots)
    except BenchError as error:
        raise BenchError(
            f"{stored_root}: the data of the run is not there any more; {error}"
        ) from error
