"""Registrations as files, and hypotheses as texts."""

import json
from pathlib import Path

import pytest

from rppgbench.core.registration import Registration, read_hypothesis
from rppgbench.execution.registering import register
from rppgbench.execution.run_options import RunOptions
from rppgbench.system.errors import BenchError


@pytest.fixture(scope="module")
def registration() -> Registration:
    return register(
        "quickstart",
        RunOptions(methods=("pos", "green"), cache=Path("nowhere")),
        [read_hypothesis("pos < green - 1")],
        evaluator="toolbox_2023",
        registered="2026-11-01T00:00:00+00:00",
        log=print,
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("pos<chrom", "pos < chrom"),
        (" pos  <  chrom - 0.5 ", "pos < chrom - 0.5"),
        ("pos < two_sr @ crf_30", "pos < two_sr @ crf_30"),
        ("pos window_s=3.2 < pos - 2@raw", "pos window_s=3.2 < pos - 2 @ raw"),
    ],
)
def test_a_hypothesis_is_read_and_written_in_one_form(text: str, written: str) -> None:
    assert str(read_hypothesis(text)) == written
    assert read_hypothesis(written) == read_hypothesis(text)


@pytest.mark.parametrize("text", ["", "pos", "pos > chrom", "pos < ", "pos < chrom -", "a < b < c"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not METHOD < METHOD"):
        read_hypothesis(text)


def test_a_method_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="compares pos with itself"):
        read_hypothesis("pos < pos")


def test_a_registration_names_methods_rules_code_and_touches_no_data(
    registration: Registration, tmp_path: Path
) -> None:
    assert registration.evaluator == "toolbox_2023"
    assert set(registration.evaluators) == {"toolbox_2023", *registration.protocol.evaluators}
    assert set(registration.methods) == {"pos", "green"}
    assert registration.methods["pos"]["window_s"] == 1.6
    assert "methods/pos.py" in registration.code["method pos"]
    assert {"features of frames", "scores", "reader of simulated"} <= set(registration.code)
    assert not Path("nowhere").exists()
    registration.write(tmp_path / "deep" / "r.json")
    assert Registration.read(tmp_path / "deep" / "r.json") == registration


@pytest.mark.parametrize("key", ["registered", "hypotheses", "code", "methods", "evaluator"])
def test_a_file_that_was_changed_does_not_fit_its_id(
    key: str, registration: Registration, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    registration.write(file)
    content = json.loads(file.read_text())
    other = {"registered": "2026-10-01T00:00:00+00:00", "evaluator": "li2023"}
    content[key] = other.get(key, type(content[key])())
    file.write_text(json.dumps(content))
    with pytest.raises(BenchError, match="was changed after it was written"):
        Registration.read(file)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("evaluator", "physbench", "'physbench' has no rule"),
        ("evaluators", {}, "'toolbox_2023' has no rule"),
        ("registered", "yesterday", "Invalid isoformat"),
        ("registered", "2026-11-01T00:00:00", "has no time zone"),
    ],
)
def test_a_registration_without_its_rule_or_time_is_refused(
    key: str, value: object, message: str, registration: Registration, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    registration.model_copy(update={key: value}).write(file)
    with pytest.raises(BenchError, match=message):
        Registration.read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "is no registration of format 1"),
        ('{"format": 1}', "is no registration: registered: Field required"),
    ],
)
def test_other_files_are_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(text)
    with pytest.raises(BenchError, match=message):
        Registration.read(file)
