"""The tables of a bundle as a Croissant description.

Source: Croissant Format Specification 1.0, http://mlcommons.org/croissant/1.0. Each table of scores
is a resource with a record set; the parts of the results are resources.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from rppgbench.sharing.bundle_facts import BundleFacts, MemberFacts
from rppgbench.sharing.recording_scores import COLUMNS, SUMS
from rppgbench.sharing.ro_crate import encoding

FILE = "croissant.json"
SPECIFICATION = "http://mlcommons.org/croissant/1.0"

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes, in appendix 1."""

DESCRIPTIONS: Mapping[str, str] = {
    "n_windows": "windows with a reference",
    "n_missing": "of these, windows without an estimate",
    "absolute_error_bpm": "sum of the absolute errors of the windows, in bpm",
    "absolute_error_missing_bpm": "part of that sum that missing estimates cost, in bpm",
    "squared_error_bpm2": "sum of the squared errors of the windows, in bpm squared",
    "leaked": "the data set, where the method's weights were trained on it",
}


def croissant(summary: BundleFacts, members: Mapping[str, MemberFacts]) -> dict[str, Any]:
    """The document `croissant.json`.

    Args:
        summary: What the bundle says of itself.
        members: The files that it describes.
    """
    tables = [name for name in members if name.startswith("scores/")]
    document: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": SPECIFICATION,
        "name": summary.title,
        "description": summary.description,
        "license": summary.licence or summary.terms,
        "url": "./",
        "version": "1.0.0",
        "citeAs": "See CITATION.cff and citations.bib.",
        "creator": {"@type": "sc:Person", "name": summary.by or "not named"},
        "distribution": [_resource(name, member) for name, member in members.items()],
        "recordSet": [_record_set(name) for name in tables],
    }
    if summary.date:
        document["datePublished"] = summary.date
    return document


def _resource(name: str, member: MemberFacts) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{member.size} B",
        "encodingFormat": encoding(name),
        "sha256": member.sha256,
    }


def _record_set(table: str) -> dict[str, Any]:
    key = f"scores-{hashlib.sha256(table.encode()).hexdigest()[:8]}"
    return {
        "@type": "cr:RecordSet",
        "@id": key,
        "name": key,
        "description": f"One row for each estimate: {table}",
        "field": [_field(key, table, column) for column in COLUMNS],
    }


def _field(record_set: str, table: str, column: str) -> dict[str, Any]:
    kind = "sc:Text"
    if column in {"seed", *SUMS[:2]}:
        kind = "sc:Integer"
    elif column in SUMS:
        kind = "sc:Float"
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column}",
        "name": f"{record_set}/{column}",
        "description": DESCRIPTIONS.get(column, f"the {column.replace('_', ' ')} of the estimate"),
        "dataType": kind,
        "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
    }
