"""bench power: pairs of stored methods, and printed tables."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main

from ..factories import stores as made_store


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("power") / "made"
    made_store.write(folder, made_store.estimates())
    return folder


def test_each_pair_of_methods_has_a_line_marked_as_the_data_are(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["power", str(results), "--people", "42", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["simulated"] is True
    assert (said["people"], said["difference_bpm"]) == (42, 1.0)
    methods = sorted({name for pair in said["pairs"] for name in (pair["first"], pair["second"])})
    assert len(said["pairs"]) == len(methods) * (len(methods) - 1) // 2 > 0
    assert main(["power", str(results), "--people", "42", "--difference", "2"]) == 0
    mark, about, header, *lines = capsys.readouterr().out.splitlines()
    assert mark.startswith("SIMULATED DATA")
    assert "paired t test at 5 %" in about
    assert header.split("  ")[-1].strip() == "2 bpm takes"
    assert len(lines) == len(said["pairs"])
    for line, pair in zip(lines, said["pairs"], strict=True):
        assert line.strip().startswith(f"{pair['first']} - {pair['second']}")
        assert f"{pair['difference']:+.2f}" in line


def test_rows_of_weights_that_saw_what_is_tested_are_left_out_as_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {"origins": {"pos": {"trained_on": ["made_up"]}}}
    made_store.write(tmp_path / "made", made_store.estimates(), more=seen)
    assert main(["power", str(tmp_path / "made"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(pair["first"], pair["second"]) for pair in answer["pairs"]] == [("chrom", "green")]
    (reason,) = answer["left_out"]
    assert reason.endswith("weights were learned on what is tested: pos on made_up.")
    assert main(["power", str(tmp_path / "made")]) == 0
    assert reason in capsys.readouterr().out.splitlines()


def test_the_gaps_of_a_printed_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Table 1 prints 10 methods within UBFC-rPPG: 45 pairs, of which 12 recordings tell few."""
    assert main(["power", "--table", "li2023_table1", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    within = settings[0]
    assert (within["n"], len(within["gaps"])) == (12, 45)
    first = next(gap for gap in within["gaps"] if gap["first"] == "Co-rectification")
    assert (first["second"], first["is_detectable"]) == ("Contrast-Phys", False)
    assert first["gap"] == pytest.approx(0.16)
    assert main(["power", "--table", "li2023_table2", "--people", "107", "--json"]) == 0
    (vipl,) = json.loads(capsys.readouterr().out)["settings"]
    names = {name for gap in vipl["gaps"] for name in (gap["first"], gap["second"])}
    assert len(vipl["gaps"]) == len(names) * (len(names) - 1) // 2
    told = sum(gap["is_detectable"] for gap in vipl["gaps"])
    assert main(["power", "--table", "li2023_table2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("VIPL-HR, n = 2378: ")
    assert int(lines[1].split(": ")[1].split()[0]) > told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give it results, or --table NAME"),
        (["--table", "li2023_tabel1"], "did you mean 'li2023_table1'"),
        (["--table", "li2023_table1", "--difference", "1"], "--difference: has no effect"),
        (["nowhere"], "nowhere"),
        (["nowhere", "--correlation", "0.5"], "--correlation: has no effect without --table"),
        (["nowhere", "--difference", "0"], "'0' is no difference above 0 bpm"),
        (["--table", "li2023_table1", "--correlation", "2"], "'2' is no correlation from -1 to 1"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["power", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert says in capsys.readouterr().err
