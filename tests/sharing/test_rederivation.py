"""Whether a sample of a bundle comes back from the videos, on a tiny run of simulated people."""

import json
from pathlib import Path

import pytest

import rppgbench as rb
from rppgbench.cli import DONE, FAULT, SOME_FAILED, main
from rppgbench.sharing.checking import check_bundle
from rppgbench.sharing.rederivation import read_record
from rppgbench.simulation import SimulationPlan
from rppgbench.system.errors import BenchError

from ..factories import bundles
from ..factories.datasets import write_tree


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated people of 10 s."""
    tree = tmp_path_factory.mktemp("people")
    write_tree(
        "simulated", tree, SimulationPlan(subjects=2, seconds=10.0, seed=0, difficulty="easy")
    )
    return tree


@pytest.fixture(scope="module")
def bundle(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a finished run of two methods, one of which learned."""
    folder = tmp_path_factory.mktemp("run")
    words = ["--protocol", "quickstart", "--methods", "green,constant", "--out", str(folder / "r")]
    words += ["--data", f"simulated={people}", "--cache", str(folder / "c")]
    assert main(["run", *words]) == DONE
    return rb.bundle(folder / "r", by="Ann Lee")


def test_a_sample_comes_back_and_is_recorded(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["rerun-check", str(bundle), "--sample", "4", "--by", "Bob", "--json"]) == DONE
    file = tmp_path / "record.json"
    file.write_text(capsys.readouterr().out)
    record = read_record(file)
    assert record.fit
    assert record.bundle == check_bundle(bundle).id
    assert (record.by, record.estimates, record.stored, record.references) == ("Bob", 4, 4, 2)
    evaluators = len(check_bundle(bundle).summary.evaluators)
    assert record.scores == 4 * evaluators


def test_forged_scores_and_references_are_found(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "scores/li2023.csv"

    def forge(files: dict[str, bytes]) -> None:
        head, first, *rows = files[name].decode().splitlines()
        cells = first.split(",")
        cells[11] = str(float(cells[11]) + 0.5)
        files[name] = ("\n".join([head, ",".join(cells), *rows]) + "\n").encode()
        records = json.loads(files["references.json"])
        records[0]["sha256"] = "0" * 64
        files["references.json"] = json.dumps(records).encode()

    forged = bundles.forge(bundle, forge)
    capsys.readouterr()
    assert main(["rerun-check", str(forged), "--sample", "4"]) == SOME_FAILED
    said = capsys.readouterr().out
    assert "the reference is another one" in said
    assert "differs: li2023: " in said
    assert "2 different" in said


def test_without_models_what_needs_none_comes_back(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    light = rb.bundle(bundle.parent, tmp_path / "light.zip", models=False)
    assert light.stat().st_size < bundle.stat().st_size
    capsys.readouterr()
    assert main(["rerun-check", str(light), "--sample", "4"]) == DONE
    said = capsys.readouterr().out
    assert "2 of 4 estimates are of models that are not here" in said
    assert "2 of 4 waveforms" in said


def test_imported_results_are_not_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = bundles.write(tmp_path / "r", more={"imports": {"pos": bundles.IMPORT}})
    assert main(["rerun-check", str(file)]) == FAULT
    assert "pos was imported: there is nothing to run again" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"kind": "rppgbench re-derivation"}'])
def test_a_file_that_is_no_record_is_one_line(content: str, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(content)
    with pytest.raises(BenchError, match=r"record\.json: "):
        read_record(file)
    with pytest.raises(BenchError, match=r"nowhere\.json"):
        read_record(tmp_path / "nowhere.json")
