"""Which files of a results folder go into a bundle, and which references stay behind."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rppgbench.core.model_files import ARRAYS, FACTS
from rppgbench.core.recording import Redistribution
from rppgbench.core.registry import load_datasets
from rppgbench.execution.epoch_models import EPOCHS
from rppgbench.execution.reuse import FILE as DEPENDENCIES
from rppgbench.sharing.bundle_facts import DatasetFacts
from rppgbench.store.references import reference_digest, without_references
from rppgbench.store.store import ENERGY, PROVENANCE, REGISTRATION, Seen, Store, part_digest
from rppgbench.system.errors import BenchError

RESULTS = "results"
Files = dict[str, bytes | Path]
"""Content by name in the archive: bytes, or a file that is copied."""


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """What whoever makes a bundle decides.

    Attributes:
        by: Who made the results; "" names nobody.
        licence: The licence of the bundle, as an SPDX name or a text; "" states none.
        own_data: Data sets of the user's own, whose references may be passed on.
        models: Whether trained models are in the bundle; without them they cannot be run again.
    """

    by: str = ""
    licence: str = ""
    own_data: tuple[str, ...] = ()
    models: bool = True


@dataclass(frozen=True)
class Withholding:
    """Which references a bundle does not hold.

    A reference is passed on where the recording is simulated, where the declaration of its data set
    allows it, or where the user owns the data and says so.
    """

    own_data: Collection[str]

    def __call__(self, dataset: str, recording: str, simulated: bool) -> bool:
        """Whether the references of a recording stay behind.

        Args:
            dataset: Its data set.
            recording: Its name.
            simulated: Whether it is simulated.
        """
        return not (simulated or dataset in self.own_data or _terms(dataset) == "references")


def check_own_data(own_data: Collection[str], data: Collection[str]) -> None:
    """Refuse to pass on references of data sets that are not the user's.

    Args:
        own_data: The data sets that the user calls their own.
        data: The data sets of the results.

    Raises:
        BenchError: A data set is not in the results, or has an owner of its own.
    """
    for name in own_data:
        if name not in data:
            raise BenchError(f"--own-data: the results hold no data set {name!r}")
        if _terms(name) == "none":
            raise BenchError(
                f"--own-data: {name} is not yours to pass on: its declaration does not allow it"
            )


def _terms(dataset: str) -> Redistribution:
    declared = load_datasets().available.get(dataset)
    return declared.redistribution if declared else "owner"


def results_files(store: Store, withheld: Withholding, *, models: bool) -> Files:
    """The files of a results folder, without the references that are withheld.

    Args:
        store: The folder.
        withheld: Which references stay behind.
        models: Whether the arrays of trained models are taken too.

    Returns:
        Content by name. Every part keeps the run and step that it was written at.

    Raises:
        BenchError: A part is damaged or missing.
    """
    files = _store_files(store, withheld, RESULTS)
    for name in (REGISTRATION, DEPENDENCIES, ENERGY):
        if (store.folder / name).is_file():
            files[f"{RESULTS}/{name}"] = store.folder / name
    apart = store.folder / EPOCHS
    if apart.is_dir():
        files |= _store_files(Store(apart), withheld, f"{RESULTS}/{EPOCHS}")
    for fit in store.manifest.get("fits", ()):
        folder = store.folder / "models" / str(fit["digest"])
        for name in (FACTS, *([ARRAYS] if models else [])):
            if (folder / name).is_file():
                files[f"{RESULTS}/models/{folder.name}/{name}"] = folder / name
    return files


def _store_files(store: Store, withheld: Withholding, prefix: str) -> Files:
    files: Files = {f"{prefix}/plan.json": store.folder / "plan.json"}
    recordings = store.observed().values()
    withheld_names = sorted(
        {o.dataset for o in recordings if withheld(o.dataset, o.recording, o.simulated)}
    )
    manifest = store.manifest
    if withheld_names:
        notes = [
            f"the references of {name} are not in this bundle: its terms" for name in withheld_names
        ]
        manifest = {**manifest, "notes": [*manifest.get("notes", ()), *notes]}
        files[f"{prefix}/manifest.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode()
    else:
        files[f"{prefix}/manifest.json"] = store.folder / "manifest.json"
    for name in store.provenances():
        files[f"{prefix}/{PROVENANCE}/{name}.json"] = store.folder / PROVENANCE / f"{name}.json"
    for part in store.parts("estimates"):
        files[f"{prefix}/estimates/{part.name}"] = part
    for part in store.parts("recordings"):
        data = without_references(part, withheld)
        files[f"{prefix}/recordings/{part_digest(data)}.parquet"] = data
    return files


def reference_records(observed: Seen, withheld: Withholding) -> list[dict[str, Any]]:
    """The digest of each recording's references, and whether the bundle holds them.

    Args:
        observed: What was seen of every recording.
        withheld: Which references stay behind.

    Returns:
        One record for each recording, in their order; the digest is "" where it has no references.
    """
    records: dict[tuple[str, str], dict[str, Any]] = {}
    for (dataset, recording, _), info in observed.items():
        records[dataset, recording] = {
            "dataset": dataset,
            "recording": recording,
            "sha256": reference_digest(info.ground_truth),
            "included": not withheld(dataset, recording, info.simulated),
        }
    return [records[key] for key in sorted(records)]


def dataset_facts(
    manifest: Mapping[str, Any], references: list[dict[str, Any]]
) -> dict[str, DatasetFacts]:
    """What a bundle says of each data set.

    Args:
        manifest: The manifest of the results.
        references: The records of `reference_records`.
    """
    known = load_datasets().available
    records = {}
    for name, dataset in sorted(manifest["data"].items()):
        included = [record["included"] for record in references if record["dataset"] == name]
        declared = known.get(name)
        records[name] = DatasetFacts(
            fingerprint=str(dataset["fingerprint"]),
            title=declared.title if declared else name,
            licence=declared.licence if declared else "",
            url=declared.url if declared else "",
            recordings=len(included),
            references=sum(included),
        )
    return records
