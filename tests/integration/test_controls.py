"""Controls of a run: from the features in the cache to the marks in terminal, table and page."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rppgbench.analysis.registered_run import manifest_deviations
from rppgbench.cli import main
from rppgbench.core.controls import CONTROLS
from rppgbench.execution.registering import planned_code, register
from rppgbench.execution.reuse import read_dependencies
from rppgbench.execution.run_options import RunOptions
from rppgbench.store.store import Store
from rppgbench.video import stream

METHODS = ("pos", "green", "constant")
CONTROL_NAMES = tuple(CONTROLS)
RUN = (
    *("run", "--protocol", "ubfc_intra", "--simulate", "--subjects", "4", "--seconds", "12"),
    *("--difficulty", "easy", "--methods", ",".join(METHODS)),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without controls, and the same folder with all of them; nothing is decoded for them."""
    folder = tmp_path_factory.mktemp("controls")
    arguments = [*RUN, "--cache", str(folder / "cache"), "--out", str(folder / "results")]
    assert main(arguments) == 0
    before, jobs = Counter(stream.decode_counts), Store(folder / "results").done()
    assert main([*arguments, "--controls", ",".join(CONTROL_NAMES)]) == 0
    assert Counter(stream.decode_counts) == before
    assert Store(folder / "results").done() > jobs  # what was stored stays as it was
    return folder / "results"


def test_each_input_control_has_an_estimate_of_each_method_that_measures(results: Path) -> None:
    counts = Counter((e.method, e.condition) for e in Store(results).estimates())
    tested = counts["pos", "none"]
    assert counts == {
        **{(method, "none"): tested for method in METHODS},
        **{(m, c): tested for m in ("pos", "green") for c in ("photograph", "background")},
    }


def test_the_digest_of_a_control_holds_its_code_and_that_of_a_method_does_not(
    results: Path,
) -> None:
    content = read_dependencies(results)
    settings = {(s["method"], s["condition"]): s for s in content["settings"].values()}
    code = content["closures"][settings["pos", "photograph"]["control_code"]]
    assert any("control_inputs" in part for part in code)
    assert settings["pos", "none"]["change_code"] == ""
    assert settings["pos", "photograph"]["change"] != settings["pos", "background"]["change"]
    of_method = content["closures"][settings["pos", "none"]["code"]]
    assert not any("control_inputs" in part for part in of_method)


TIME = "2026-11-01T00:00:00+00:00"


def test_a_registration_with_controls_knows_their_code(results: Path, tmp_path: Path) -> None:
    options = RunOptions(
        cache=tmp_path,
        methods=METHODS,
        controls=CONTROL_NAMES,
        simulate=True,
        subjects=4,
        seconds=12.0,
        difficulty="easy",
    )
    registration = register("ubfc_intra", options, [], evaluator=None, registered=TIME, log=print)
    content, manifest = read_dependencies(results), Store(results).manifest
    code = planned_code(content["settings"].values(), content["closures"])
    assert any("control_inputs" in part for part in registration.code["controls"])
    assert manifest_deviations(registration, manifest, code) == []
    code["controls"] = {"another": "0"}
    subjects = [d.subject for d in manifest_deviations(registration, manifest, code)]
    assert subjects == ["code: controls"]


def test_table_file_and_page_have_the_skill_of_each_method(results: Path) -> None:
    table = pd.read_csv(results / "table.csv")
    records = table[table["evaluator"] == "li2023"].to_dict("records")
    rows = {str(record["method"]): record for record in records}
    assert set(rows) == set(METHODS)  # no control is a row of the table of methods
    controls = pd.read_csv(results / "controls.csv", keep_default_na=False)
    assert set(controls["control"]) == set(CONTROLS)
    of_rule = controls[controls["evaluator"] == "li2023"]
    rivals = of_rule[(of_rule["method"].isin(["pos", ""])) & (of_rule["knows"] == "")]
    best = min(rivals.to_dict("records"), key=lambda record: float(record["mae"]))
    pos = rows["pos"]
    assert pos["best_control"] == best["control"]
    assert pos["control_mae"] == pytest.approx(float(best["mae"]))
    assert pos["skill"] == pytest.approx(pos["control_mae"] - pos["mae"])
    assert np.isnan(rows["constant"]["skill"])
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "Does it know more than no pulse?" in page
    assert "Of the rows that cannot know the pulse" in page
    assert int(pos["n_subjects"]) == 2
    assert "not known to be more than chance (2 subjects; 5 are needed)" in page
    assert pos["control_note"].startswith("not known whether it beats the control ")


def test_a_photograph_gives_classical_methods_no_rate_and_that_is_no_fault(results: Path) -> None:
    """Both give a straight line, of which no evaluator reads a rate."""
    stills = [e.waveform for e in Store(results).estimates() if e.condition == "photograph"]
    assert stills
    assert all(pulse is not None and np.ptp(pulse.samples) == 0 for pulse in stills)
    assert Store(results).failed() == {}
    controls = pd.read_csv(results / "controls.csv")
    of_stills = controls[(controls["control"] == "photograph") & (controls["n_windows"] > 0)]
    assert set(of_stills["method"]) == {"pos", "green"}
    assert (of_stills["window_coverage"] == 0).all()


def test_a_method_that_does_not_beat_its_controls_is_marked_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A method that answers noise, whatever it sees."""
    code = '''"""Noise."""

import numpy as np

from rppgbench import Waveform, method


@method("Dice", "none")
def dice(trace: Waveform) -> Waveform:
    """Noise: (T, 3) in, (T,) out."""
    rng = np.random.default_rng(len(trace.samples))
    return Waveform(rng.standard_normal(len(trace.samples)), trace.fs, trace.start_s)
'''
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "dice.py").write_text(code)
    arguments = [*RUN[:-1], "pos,dice", "--controls", "noise,median_of_others"]
    arguments += ["--protocol", "pure_to_ubfc", "--subjects", "5"]  # five are tested
    arguments += ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--plugins", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    (row,) = [line for line in output.splitlines() if line.startswith("dice  ")]
    assert row.endswith("no skill shown")
    assert "dice: not shown to beat the control" in output
    table = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False)
    of_rule = table[table["evaluator"] == "li2023"].to_dict("records")
    notes = {str(record["method"]): str(record["control_note"]) for record in of_rule}
    assert notes["dice"].startswith("not shown to beat the control ")
    assert notes["pos"] == ""
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("not shown to beat the control") > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--controls", "photo"), "--controls: no control 'photo'; did you mean 'photograph'"),
        (("--controls", "background", "--region", "whole_frame"), "the control background needs"),
    ],
)
def test_controls_that_cannot_be_made_are_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, *arguments, "--cache", str(tmp_path), "--out", str(tmp_path / "o")]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_protocol_names_its_controls_and_its_digest_is_that_of_the_estimates() -> None:
    from rppgbench.core.protocol import read_protocol
    from rppgbench.core.registry import toml_files

    protocol = read_protocol(toml_files("protocols")["bias_eval_rppg"])
    assert "noise" in protocol.controls
    plain = protocol.model_copy(update={"controls": []})
    assert plain.digest == protocol.digest
    content = json.loads(protocol.model_dump_json())
    for controls, message in (
        (["noise", "noise"], "named twice"),
        (["dice"], "no 'dice'; known: photograph"),
    ):
        with pytest.raises(ValueError, match=message):
            type(protocol).model_validate({**content, "controls": controls})
    condition = {"name": "noise", "kind": "noise", "params": {"std": 1.0}}
    with pytest.raises(ValueError, match="'noise' is the name of a control"):
        type(protocol).model_validate({**content, "conditions": [condition]})


@pytest.mark.parametrize(("people", "missing"), [("1", "other_person"), ("2", "")])
def test_a_control_without_a_row_is_told(
    people: str,
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ["run", "--protocol", "traces", "--simulate", "--subjects", people, "--seconds", "12"]
    assert main([*run, "--methods", "pos", "--controls", "noise,other_person"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "no row under" in line]
    expected = f"warning: no row under beats_tukey of the controls {missing}: an exchange of people"
    assert [line.startswith(expected) for line in told] == [True] * bool(missing)
