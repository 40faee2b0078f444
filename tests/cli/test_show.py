"""What `bench show` and `bench list` say of the declarations."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.cli.descriptions import DESCRIBE, describe, names_of
from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import find_toml, load_datasets, load_methods

from ..factories.evaluators import evaluator


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `bench show` prints."""
    assert main(["show", *arguments]) == 0
    return capsys.readouterr().out


def test_a_method_is_shown_with_defaults_presets_input_and_citation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    method = load_methods().available["pos"]
    lines = {line.split()[0]: line for line in shown(capsys, "pos").splitlines()}
    for name, default in method.params.items():
        assert repr(default) in lines[name]
        for preset, values in method.presets.items():
            assert (f"{preset}: {values.get(name)!r}" in lines[name]) == (name in values)
    assert lines["input"].split(maxsplit=1)[1] == "trace (T, 3)"
    assert method.cite in lines["cite"]
    assert "Algorithmic Principles of Remote PPG, 2017" in lines["publication"]
    assert lines["weights"].endswith("none needed")


@pytest.mark.torch
def test_a_method_that_learns_says_where_weights_come_from_and_what_a_step_takes() -> None:
    described = describe("methods", "co_rectification")
    assert "--weights FILE" in described["weights"]
    assert described["seconds_per_training_step"]["cpu"]["seconds"] > 0
    assert described["presets"] == load_methods().available["co_rectification"].presets


def test_a_name_of_several_kinds_is_shown_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "contrast_phys")
    assert "method contrast_phys" in out
    assert "evaluator contrast_phys" in out
    assert evaluator("contrast_phys").meaning in out
    alone = shown(capsys, "contrast_phys", "--kind", "evaluator")
    assert "method contrast_phys" not in alone
    answer = json.loads(shown(capsys, "contrast_phys", "--json"))
    assert answer.keys() == {"name", "method", "evaluator"}


def test_a_protocol_is_shown_with_split_and_n(capsys: pytest.CaptureFixture[str]) -> None:
    protocol = read_protocol(find_toml("protocols", "protocol", "ubfc_intra", "a test"))
    described = json.loads(shown(capsys, "ubfc_intra", "--json"))["protocol"]
    assert described["recordings"] == protocol.recordings == 12
    assert described["split"]["name"] == protocol.split
    assert described["split"]["folds"] == {"1": {"train_subjects": 30, "test_subjects": 12}}
    assert described["evaluators"] == protocol.evaluators


def test_a_data_set_is_shown_with_licence_place_and_the_text_of_its_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = load_datasets().available["pure"]
    out = shown(capsys, "pure")
    assert dataset.licence in out
    assert dataset.url in out
    assert "PURE: ten subjects, six kinds of head motion." in out
    assert main(["data", "show", "pure"]) == 0
    assert "PURE: ten subjects, six kinds of head motion." in capsys.readouterr().out


def test_a_report_names_protocol_evaluator_and_n_of_each_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = json.loads(shown(capsys, "li2023_table1", "--json"))["report"]["settings"]
    assert settings["UBFC-rPPG"]["protocol"] == "ubfc_intra"
    assert (settings["UBFC-rPPG"]["evaluator"], settings["UBFC-rPPG"]["recordings"]) == (
        "li2023",
        12,
    )
    assert settings["PURE"]["data"] == {"pure": load_datasets().available["pure"].licence}


def test_a_report_s_rows_have_method_parameters_and_hours_by_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = json.loads(shown(capsys, "li2023_table1", "--json"))["report"]
    pos = report["rows"]["POS"]
    assert (pos["method"], pos["parameters"]) == ("pos", {})
    assert pos["hours"].keys() == {"UBFC-rPPG", "PURE → UBFC-rPPG"}  # those that the paper prints
    assert report["rows"]["PulseGAN"]["method"] == "not run here"
    assert report["rows"]["PulseGAN"]["hours"] == {}
    assert "estimates" in report["hours"]


def test_every_declaration_is_described_and_has_a_title(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == list(DESCRIBE)
    for kind, described in listed.items():
        assert list(described) == names_of(kind)
        for name, description in described.items():
            assert description.get("title") or description["not_available"], name


def test_an_unknown_name_shows_similar_ones_and_where_all_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "quickstrt"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "did you mean 'quickstart'" in line
    assert line.endswith("more: bench list.")
    assert len(line) < 160


def test_a_file_that_cannot_be_read_is_a_reason_and_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "protocols" / "evaluators").mkdir(parents=True)
    (tmp_path / "protocols" / "evaluators" / "odd.toml").write_text('title = "odd"\n')
    assert main(["list", "evaluators", "--json", "--plugins", str(tmp_path)]) == 0
    evaluators = json.loads(capsys.readouterr().out)["evaluators"]
    assert "missing meaning" in evaluators["odd"]["not_available"]
    assert evaluators["li2023"]["meaning"] == evaluator("li2023").meaning
    assert main(["show", "odd", "--plugins", str(tmp_path)]) == 2
    assert "missing meaning" in capsys.readouterr().err


def test_methods_that_one_package_would_bring_share_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "methods").mkdir()
    for name in ("wants_a", "wants_b"):
        (tmp_path / "methods" / f"{name}.py").write_text("import no_such_package\n")
    assert main(["list", "methods", "--plugins", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("  wants_a, wants_b")
    assert "not available: " in lines[place + 1]
    assert "pip install no_such_package" in lines[place + 1]
    reasons = [line for line in lines if "not available: " in line]
    assert len(reasons) == len(set(reasons))


@pytest.mark.parametrize("arguments", [["list"], ["show", "pos"], ["show", "ubfc_intra"], []])
def test_lines_fit_the_terminal(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
