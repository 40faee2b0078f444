"""Citations: every declaration is cited by a record, and the records make sound files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rppgbench.core.registry import load_datasets, load_methods, toml_files
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.sharing import publications
from rppgbench.sharing.citations import bibtex, citation_cff, citations_of
from rppgbench.sharing.publications import cited_in, load_publications
from rppgbench.system.errors import BenchError

from ..factories import bundles, stores

RECORDS = load_publications()
WITHOUT = {"constant", "traces", "video_folder"}
"""A baseline of our own, and a user's own data: nobody published them."""

ROOT = Path(__file__).parents[2]


def declared() -> Iterator[tuple[str, str]]:
    for name, method in load_methods().available.items():
        yield name, method.cite
    for name, dataset in load_datasets().available.items():
        yield name, dataset.cite
    for name, file in toml_files("protocols/evaluators").items():
        yield name, read_evaluator(file).source


@pytest.mark.parametrize(("name", "text"), list(declared()))
def test_every_declaration_is_cited_by_a_record(name: str, text: str) -> None:
    assert bool(cited_in([text], RECORDS)) == (name not in WITHOUT)


@pytest.mark.parametrize("name", ["pyvhr.py", "open_rppg.py"])
def test_methods_of_packages_that_are_not_installed_are_cited_too(name: str) -> None:
    text = (ROOT / "methods" / name).read_text(encoding="utf-8")
    cites = re.findall(r'cite="([^"]+)"', text)
    assert len(cites) >= 9
    assert [cite for cite in cites if not cited_in([cite], RECORDS)] == []


def test_records_are_whole() -> None:
    for record in RECORDS:
        assert re.fullmatch(r"[a-z]+\d{4}[a-z]*", record.key), record.key
        assert record.authors
        assert record.title
        assert 1990 < record.year < 2100
        assert record.details.get("container-title") or record.details.get("publisher")
        assert re.fullmatch(r"(10\.\d{4,}/\S+)?", record.details.get("DOI", ""))
        assert re.fullmatch(r"(\d{4}\.\d{5})?", record.custom.get("arxiv", ""))
        assert not record.details.get("URL") or record.url == record.details["URL"]
    for what in ("DOI", "title"):
        values = [getattr(r, what, r.details.get(what)) for r in RECORDS]
        known = [value for value in values if value]
        assert len(set(known)) == len(known)


def test_a_record_says_what_it_was_checked_against() -> None:
    records = json.loads((ROOT / publications.FILE).read_text(encoding="utf-8"))
    start = "Checked against: "
    assert [r["id"] for r in records if len(r.get("note", "")) <= len(start)] == []
    assert all(record["note"].startswith(start) for record in records)


@pytest.mark.torch
def test_a_publication_without_doi_and_preprint_is_found_by_its_address() -> None:
    manifest = stores.manifest({"dual_gan_backbone": {}}, ["skin"])
    made = citations_of(manifest, [])
    address = "https://openaccess.thecvf.com/content/CVPR2021/"
    assert entries(bibtex(made))["lu2021"]["url"].startswith("{" + address)
    assert f'"url": "{address}' in citation_cff(made, title="a", version="1", by="b")


def test_a_text_names_a_publication_by_doi_preprint_repository_or_title() -> None:
    by_key = {record.key: record for record in RECORDS}
    toolbox = by_key["liu2023toolbox"]
    assert by_key["wang2017"].is_named_by("https://doi.org/10.1109/tbme.2016.2609282")
    assert toolbox.is_named_by("arXiv 2210.00716")
    assert toolbox.is_named_by("ubicomplab/rPPG-Toolbox@d807b01")
    assert toolbox.is_named_by("the rPPG toolbox, deep remote PPG toolbox")
    assert not toolbox.is_named_by("a toolbox")
    assert cited_in(["none: your own"], RECORDS) == []


def entries(text: str) -> dict[str, dict[str, str]]:
    """A small reader of the entries that `bibtex` writes, one field a line."""
    found = {}
    for block in text.split("\n@"):
        head, *lines = block.strip().splitlines()
        assert lines[-1] == "}"
        key = head.partition("{")[2].rstrip(",")
        assert key not in found
        fields = dict(line.strip().rstrip(",").split(" = ", 1) for line in lines[:-1])
        for value in fields.values():
            assert value.startswith("{")
            assert value.count("{") == value.count("}")
        found[key] = fields
    return found


def test_a_bibliography_holds_all_that_a_run_used() -> None:
    manifest = stores.manifest({"pos": {}, "hfut_ensemble": {}}, ["skin"])
    manifest["data"] = {"pure": {"root": "", "fingerprint": ""}}
    manifest["origins"] = {"pos": {"versions": {"pyVHR": "2.0"}}}
    runs = [
        {"rppgbench": "0.1.0", "packages": {"numpy": v, "torch": "not installed"}}
        for v in ("2.1", "2.0")
    ]
    made = citations_of(manifest, runs)
    found = entries(bibtex(made))
    assert {"wang2017", "qian2024", "stricker2014", "li2023", "liu2023toolbox"} <= set(found)
    assert {"harris2020", "boccignone2022"} <= set(found)
    assert "paszke2019" not in found
    assert found["software_numpy"]["version"] == "{2.0, 2.1}"
    assert found["software_pyVHR"]["version"] == "{2.0}"
    assert "software_torch" not in found
    assert found["stricker2014"]["author"] == (
        "{Stricker, Ronny and Müller, Steffen and Gross, Horst-Michael}"
    )


def test_what_has_no_record_is_cited_by_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = stores.manifest({"pos": {}}, ["skin"])
    monkeypatch.setattr("rppgbench.sharing.citations.load_publications", lambda: ())
    found = entries(bibtex(citations_of(manifest, [])))
    assert found["method_pos"]["note"] == "{10.1109/TBME.2016.2609282}"


def test_an_imported_method_is_cited_by_the_words_of_its_import() -> None:
    manifest = stores.manifest({"pos": {}}, ["skin"]) | {"imports": {"pos": bundles.IMPORT}}
    found = entries(bibtex(citations_of(manifest, [])))
    assert found["method_pos"]["note"] == "{Anybody, A Network, 2024}"
    assert "wang2017" not in found


def test_citation_cff_holds_the_references(tmp_path: Path) -> None:
    """Every value is JSON, which is YAML: the file is read line by line."""
    text = bundles.contents(bundles.write(tmp_path / "results"))["CITATION.cff"].decode()
    head, _, references = text.partition("references:\n")
    facts = {
        key: json.loads(value) for key, value in (line.split(": ", 1) for line in head.splitlines())
    }
    assert facts["cff-version"] == "1.2.0"
    assert facts["authors"] == [{"name": "Ann Lee"}]
    records = [json.loads(line.removeprefix("  - ")) for line in references.splitlines()]
    assert all({"type", "title", "authors"} <= set(record) for record in records)
    assert "10.1109/TBME.2016.2609282" in {record.get("doi") for record in records}


def test_names_cannot_break_out_of_a_file() -> None:
    manifest = stores.manifest({"pos": {}}, ["skin"])
    text = citation_cff(citations_of(manifest, []), title='a"\nb: {c}', version="1", by="x\ny")
    assert len(text.partition("references:")[0].splitlines()) == 6


@pytest.mark.parametrize("content", ["{", "[1]", '[{"id": "a"}]', "{}"])
def test_a_file_without_records_is_one_line(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "publications.json").write_text(content)
    monkeypatch.setattr(publications, "content_roots", lambda: (tmp_path,))
    if content == "{}":
        assert load_publications() == ()
    else:
        with pytest.raises(BenchError, match="no list of records in CSL-JSON"):
            load_publications()


def test_a_key_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publications, "content_roots", lambda: (ROOT, ROOT))
    with pytest.raises(BenchError, match="is there twice"):
        load_publications()
