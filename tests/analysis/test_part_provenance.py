"""Who made which part: a run that makes nothing changes nothing, and mixed parts are named."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rppgbench.analysis.build_report import build_report
from rppgbench.analysis.compare import compare_results
from rppgbench.analysis.part_provenance import difference_lines, other_versions, part_provenances
from rppgbench.store.store import FORMAT, Store
from rppgbench.system.errors import BenchError

from ..factories import stores as made_store

NEWER = {"device": "cpu", "commit": "def", "packages": {"numpy": "9.9.9"}, "command": "again"}
MADE = made_store.estimates(("pos",))


def begun(folder: Path, made_by: Mapping[str, Any]) -> Store:
    """The same plan again, by a run that says this of itself."""
    store = Store(folder)
    facts = made_store.manifest({"pos": {}}, ["skin"]) | {"command": made_by.get("command", "")}
    store.begin(facts, [e.job for e in MADE], made_by)
    return store


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_run_that_makes_nothing_changes_nothing(tmp_path: Path) -> None:
    made_store.write(tmp_path, MADE, params={"pos": {}})
    build_report(Store(tmp_path), tmp_path / "report.html")
    before = everything(tmp_path)
    store = begun(tmp_path, NEWER)
    assert store.missing() == 0
    build_report(store, tmp_path / "report.html")
    assert everything(tmp_path) == before


def test_mixed_parts_are_named_with_their_counts(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    store = begun(folder, made_store.MADE_BY)
    store.add(MADE[:3])
    store.add_observed([])
    whole = made_store.write(tmp_path / "whole", MADE, params={"pos": {}})
    store = begun(folder, NEWER)
    store.add(MADE[3:])
    store.add_observed(list(whole.observed().values()))
    parts = part_provenances(store)
    assert [(part.provenance["run"], part.amount) for part in parts] == [
        (1, "3 estimates"),
        (2, "1 estimate, 4 recordings"),
    ]
    lines = difference_lines(parts)
    assert lines == [
        "made by different runs: commit abc (3 estimates); def (1 estimate, 4 recordings)",
        "made by different runs: packages.numpy 2.0 (3 estimates); "
        "9.9.9 (1 estimate, 4 recordings)",
    ]
    page = build_report(store, folder / "report.html").page.read_text(encoding="utf-8")
    for line in (*lines, "again (1 estimate, 4 recordings)"):
        assert line in page
    (matches,) = [
        c for c in compare_results(whole, store).changes if c.what == "provenance.packages.numpy"
    ]
    assert (matches.first, matches.second) == (
        "2.0",
        "2.0 (3 estimates); 9.9.9 (1 estimate, 4 recordings)",
    )


def test_parts_alike_are_not_called_different(tmp_path: Path) -> None:
    """Time, number and command of a run are no difference in what it makes."""
    store = begun(tmp_path, made_store.MADE_BY | {"command": "one", "began": "2030"})
    store.add(MADE[:1])
    store = begun(tmp_path, made_store.MADE_BY | {"command": "two", "began": "2031"})
    store.add(MADE[1:])
    parts = part_provenances(store)
    assert len(parts) == 2
    assert difference_lines(parts) == []


def test_verify_names_versions_that_are_not_those_of_here(tmp_path: Path) -> None:
    parts = part_provenances(made_store.write(tmp_path, MADE))
    assert other_versions(parts, {"numpy": "2.0", "scipy": "1.0"}) == []
    (line,) = other_versions(parts, {"numpy": "2.9"})
    assert line == "numpy is 2.9 here; stored: 2.0 (4 estimates, 4 recordings)"


def test_a_model_is_counted_with_the_run_that_made_it(tmp_path: Path) -> None:
    store = made_store.write(tmp_path, MADE, more={"fits": [{"digest": "f1", "method": "pos"}]})
    folder = tmp_path / "models" / "f1"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"provenance": store.provenance()}))
    (part,) = part_provenances(store)
    assert part.amount == "4 estimates, 4 recordings, 1 model"


def test_a_lost_or_changed_provenance_is_one_line(tmp_path: Path) -> None:
    store = made_store.write(tmp_path, MADE)
    (file,) = (tmp_path / "provenance").iterdir()
    text = file.read_text()
    file.write_text(text.replace("abc", "xyz"))
    with pytest.raises(BenchError, match="do not fit its name"):
        part_provenances(store)
    file.unlink()
    with pytest.raises(BenchError, match="is missing"):
        part_provenances(store)


def test_an_older_format_is_refused_and_not_touched(tmp_path: Path) -> None:
    made_store.write(tmp_path, MADE)
    file = tmp_path / "manifest.json"
    file.write_text(file.read_text().replace(f'"format": {FORMAT}', '"format": 1'))
    before = everything(tmp_path)
    with pytest.raises(BenchError, match="older version"):
        begun(tmp_path, NEWER)
    with pytest.raises(BenchError, match="older version"):
        build_report(Store(tmp_path), tmp_path / "report.html")
    assert everything(tmp_path) == before


def test_another_plan_by_the_same_protocol_is_written(tmp_path: Path) -> None:
    """What is declared changes where a plan does, though nothing is made."""
    made_store.write(tmp_path, made_store.estimates(("pos", "chrom")))
    store = begun(tmp_path, NEWER)
    assert set(store.manifest["methods"]) == {"pos"}
    assert store.manifest["command"] == "again"
    assert len(part_provenances(Store(tmp_path))) == 1
