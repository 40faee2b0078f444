"""Metadata of a bundle for machines: RO-Crate and Croissant."""

import csv
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ..factories import bundles


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return bundles.contents(bundles.write(tmp_path_factory.mktemp("bundle") / "results"))


def ids(value: Any) -> Iterator[str]:
    """Every reference to an entity: an object that holds its id and nothing else."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        else:
            for each in value.values():
                yield from ids(each)
    elif isinstance(value, list):
        for each in value:
            yield from ids(each)


def test_the_crate_is_what_the_specification_demands(files: dict[str, bytes]) -> None:
    """RO-Crate 1.1: a descriptor, a root with its properties, and entities that all are there."""
    crate = json.loads(files["ro-crate-metadata.json"])
    assert crate["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(graph) == len(crate["@graph"])
    descriptor = graph["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = graph[descriptor["about"]["@id"]]
    assert root["@type"] == "Dataset"
    assert all(root[key] for key in ("name", "description", "license"))
    assert root["datePublished"] == "2026-03-04"
    assert set(ids(crate["@graph"])) - {descriptor["conformsTo"]["@id"]} <= set(graph)
    assert all("@type" in entity for entity in graph.values())


def test_the_crate_describes_every_file(files: dict[str, bytes]) -> None:
    graph = json.loads(files["ro-crate-metadata.json"])["@graph"]
    described = {entity["@id"]: entity for entity in graph if entity["@type"] == "File"}
    assert set(files) - set(described) == {"bundle.json", "ro-crate-metadata.json"}
    for name, entity in described.items():
        assert entity["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert int(entity["contentSize"]) == len(files[name])
    runs = [entity for entity in graph if entity["@type"] == "CreateAction"]
    assert [run["startTime"] for run in runs] == ["2026-03-04T05:06:07+00:00"]


def test_croissant_is_what_the_specification_demands(files: dict[str, bytes]) -> None:
    """Croissant 1.0: required properties, resources with digests, fields with a source."""
    document = json.loads(files["croissant.json"])
    assert document["@type"] == "sc:Dataset"
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    required = {"@context", "name", "description", "license", "url", "creator", "datePublished"}
    assert required <= set(document)
    resources = {one["@id"]: one for one in document["distribution"]}
    for name, resource in resources.items():
        assert resource["@type"] == "cr:FileObject"
        assert resource["contentUrl"] == name
        assert resource["sha256"] == hashlib.sha256(files[name]).hexdigest()
    identities = [one["@id"] for one in document["recordSet"]]
    identities += [field["@id"] for one in document["recordSet"] for field in one["field"]]
    assert len(set(identities)) == len(identities)
    for record_set in document["recordSet"]:
        for field in record_set["field"]:
            assert field["source"]["fileObject"]["@id"] in resources
            assert field["dataType"] in {"sc:Text", "sc:Integer", "sc:Float"}


def test_the_fields_are_the_columns_of_the_tables(files: dict[str, bytes]) -> None:
    document = json.loads(files["croissant.json"])
    tables = [name for name in files if name.startswith("scores/")]
    assert len(document["recordSet"]) == len(tables) == 2
    for record_set in document["recordSet"]:
        (table,) = {field["source"]["fileObject"]["@id"] for field in record_set["field"]}
        columns = next(csv.reader(files[table].decode().splitlines()))
        extracted = [field["source"]["extract"]["column"] for field in record_set["field"]]
        assert extracted == columns
