"""The metadata of a bundle as an RO-Crate.

Source: RO-Crate Metadata Specification 1.1, https://w3id.org/ro/crate/1.1, sections "Root Data
Entity", "Data Entities", "Contextual Entities" and "Provenance of entities".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rppgbench.sharing.bundle_facts import BundleFacts, DatasetFacts, MemberFacts
from rppgbench.sharing.citations import publication_entities
from rppgbench.sharing.publications import Publication

FILE = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"

ENCODINGS = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "bib": "application/x-bibtex",
    "cff": "application/yaml",
    "safetensors": "application/octet-stream",
    "md": "text/markdown",
}
"""Media types by the suffix of a file."""


def ro_crate(
    summary: BundleFacts, members: Mapping[str, MemberFacts], publications: Sequence[Publication]
) -> dict[str, Any]:
    """The document `ro-crate-metadata.json`.

    Args:
        summary: What the bundle says of itself.
        members: The files that it describes.
        publications: What the results rest on.

    Returns:
        JSON-LD with the descriptor, the root, each file, each data set, each run and each
        publication.
    """
    cited = publication_entities(publications)
    datasets = [_dataset(name, record) for name, record in summary.datasets.items()]
    runs = [_run(number, run) for number, run in enumerate(summary.runs)]
    author = {"@id": "#author", "@type": "Person", "name": summary.by or "not named"}
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": summary.title,
        "description": summary.description,
        "license": {"@id": "#terms"},
        "author": {"@id": "#author"},
        "hasPart": [{"@id": name} for name in members],
        "mentions": [{"@id": each["@id"]} for each in (*datasets, *runs)],
        "citation": [{"@id": each["@id"]} for each in cited],
    }
    if summary.date:
        root["datePublished"] = summary.date
    terms = {
        "@id": "#terms",
        "@type": "CreativeWork",
        "name": summary.licence or "No licence is stated",
        "description": summary.terms,
    }
    descriptor = {
        "@id": FILE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": SPECIFICATION},
        "about": {"@id": "./"},
    }
    files = [_file(name, member) for name, member in members.items()]
    return {
        "@context": [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}],
        "@graph": [
            descriptor,
            root,
            author,
            terms,
            _software(summary),
            *files,
            *datasets,
            *runs,
            *cited,
        ],
    }


def encoding(name: str) -> str:
    """The media type of a file, by its suffix."""
    return ENCODINGS.get(name.rpartition(".")[2], "application/octet-stream")


def _file(name: str, member: MemberFacts) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "contentSize": str(member.size),
        "encodingFormat": encoding(name),
        "sha256": member.sha256,
    }


def _dataset(name: str, record: DatasetFacts) -> dict[str, Any]:
    return {
        "@id": f"#data-set-{name}",
        "@type": "Dataset",
        "name": record.title,
        "identifier": record.fingerprint,
        "description": f"{record.recordings} recordings; references of {record.references} "
        f"are in the bundle. Terms: {record.licence or 'not known here'}. {record.url}",
    }


def _run(number: int, run: Mapping[str, Any]) -> dict[str, Any]:
    action = {
        "@id": f"#run-{number}",
        "@type": "CreateAction",
        "name": str(run.get("command") or "bench run"),
        "instrument": {"@id": "#rppgbench"},
        "result": {"@id": "./"},
        "description": f"rppgbench {run.get('rppgbench', '')}, commit {run.get('commit', '')}",
    }
    if run.get("began"):
        action["startTime"] = str(run["began"])
    return action


def _software(summary: BundleFacts) -> dict[str, Any]:
    return {
        "@id": "#rppgbench",
        "@type": "SoftwareApplication",
        "name": "rppgbench",
        "version": summary.made_with,
        "softwareVersion": summary.made_with,
    }
