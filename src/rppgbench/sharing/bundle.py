"""Write a results folder as one file, a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rppgbench import __version__
from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.sharing import bundle_facts, croissant, ro_crate
from rppgbench.sharing.archive import write_archive
from rppgbench.sharing.bundle_facts import BundleFacts, MemberFacts, bundle_id, bundle_json
from rppgbench.sharing.checking import check_bundle
from rppgbench.sharing.citations import bibtex, citation_cff, citations_of
from rppgbench.sharing.contents import (
    Files,
    Sharing,
    Withholding,
    check_own_data,
    dataset_facts,
    reference_records,
    results_files,
)
from rppgbench.sharing.recording_scores import recording_scores, to_csv
from rppgbench.store.store import Store
from rppgbench.system.atomic_files import atomic_file
from rppgbench.system.canonical_json import canonical_json
from rppgbench.system.errors import MachineError
from rppgbench.system.folders import refuse_folder
from rppgbench.system.io_errors import writing


def write_bundle(folder: Path, out: Path | None, sharing: Sharing) -> Path:
    """Write a results folder as one file.

    The same results give the same bytes. The file is checked before it is moved into place.

    Args:
        folder: The results folder.
        out: The file; None names it by protocol and id, inside the results folder.
        sharing: What whoever makes the bundle decides.

    Returns:
        The file.

    Raises:
        BenchError: The folder holds no whole results, or references that may not be passed on.
        MachineError: The file cannot be written.
    """
    store = Store(folder)
    stored = load_stored(store)
    check_own_data(sharing.own_data, stored.manifest["data"])
    files = bundle_files(stored, sharing)
    summary = bundle_facts.read_bundle_json(_bytes(files[bundle_facts.FILE]))[0]
    identity = bundle_id(_bytes(files[bundle_facts.FILE]))
    place = out or folder / f"{summary.protocol['name']}-{identity}.zip"
    refuse_folder(place, "-o")
    with writing(place, "give -o", kind=MachineError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(place) as partial:
            with partial.open("wb") as stream:
                write_archive(stream, list(files.items()))
            check_bundle(partial, identity)
    return place


def bundle_files(stored: StoredResults, sharing: Sharing) -> Files:
    """The content of a bundle by name, in the order of the archive: `bundle.json` comes first.

    Args:
        stored: The results.
        sharing: What whoever makes the bundle decides.

    Raises:
        BenchError: A part is damaged, or an evaluator of the protocol is not there.
    """
    manifest = stored.manifest
    withheld = Withholding(frozenset(sharing.own_data))
    rules = _evaluators(manifest)
    references = reference_records(dict(stored.observed), withheld)
    files = results_files(stored.store, withheld, models=sharing.models)
    for name, rule in rules.items():
        files[f"scores/{name}.csv"] = to_csv(recording_scores(stored.score(rule)))
    files["references.json"] = canonical_json(references)
    files["evaluators.json"] = canonical_json(
        {name: {"digest": r.digest, **r.model_dump(mode="json")} for name, r in rules.items()}
    )
    summary = _facts(stored, rules, references, sharing)
    citations = citations_of(manifest, summary.runs)
    version = f"{summary.protocol['digest']}, rppgbench {summary.made_with}"
    files["citations.bib"] = bibtex(citations).encode()
    files["CITATION.cff"] = citation_cff(
        citations, title=summary.title, version=version, by=summary.by
    ).encode()
    files["README.md"] = _readme(summary).encode()
    document = croissant.croissant(summary, _members(files))
    files[croissant.FILE] = canonical_json(document)
    crate = ro_crate.ro_crate(summary, _members(files), citations.publications)
    files[ro_crate.FILE] = canonical_json(crate)
    ordered = dict(sorted(files.items()))
    return {bundle_facts.FILE: bundle_json(summary, _members(ordered)), **ordered}


def _evaluators(manifest: Mapping[str, Any]) -> dict[str, Evaluator]:
    return {name: find_evaluator(name, "bundle") for name in manifest["protocol"]["evaluators"]}


def _facts(
    stored: StoredResults,
    rules: Mapping[str, Evaluator],
    references: list[dict[str, Any]],
    sharing: Sharing,
) -> BundleFacts:
    manifest = stored.manifest
    protocol = {key: str(manifest["protocol"][key]) for key in ("name", "digest", "title")}
    runs = tuple(dict(part.provenance) for part in stored.parts)
    return BundleFacts(
        by=sharing.by,
        licence=sharing.licence,
        made_with=__version__,
        protocol=protocol,
        evaluators={name: rule.digest for name, rule in rules.items()},
        methods=tuple(sorted(manifest["methods"])),
        datasets=dataset_facts(manifest, references),
        runs=runs,
        estimates=len(stored.estimates),
        expected=int(manifest["expected"]),
        simulated=stored.simulated,
        imported=stored.imported,
        models=sharing.models,
    )


def _members(files: Files) -> dict[str, MemberFacts]:
    return {name: _member(content) for name, content in sorted(files.items())}


def _member(content: bytes | Path) -> MemberFacts:
    if isinstance(content, bytes):
        return MemberFacts(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    with content.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return MemberFacts(size=content.stat().st_size, sha256=digest)


def _bytes(content: bytes | Path) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _readme(summary: BundleFacts) -> str:
    """A page for a reader who has the file and nothing else."""
    lines = [
        f"# {summary.title}",
        "",
        summary.description,
        "",
        f"Terms: {summary.terms}.",
        "",
        "| file | content |",
        "| --- | --- |",
        "| `bundle.json` | every file with its SHA-256; its own digest is the bundle's id |",
        "| `results/` | the results folder: waveforms, recordings, manifest, provenance |",
        "| `references.json` | the digest of each recording's references |",
        "| `scores/` | errors of each recording under each evaluator |",
        "| `evaluators.json` | the rules of each evaluator |",
        "| `ro-crate-metadata.json`, `croissant.json` | metadata for machines |",
        "| `CITATION.cff`, `citations.bib` | what to cite |",
        "",
        "Check it with `bench bundle --check FILE`. Read it with `bench report FILE`.",
        "",
    ]
    return "\n".join(lines)
