"""The limits of stored results: for the command, and for a page."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rppgbench.analysis import rate_limits
from rppgbench.analysis.build_report import score_results
from rppgbench.analysis.rate_limits import page_limits, untouched_condition
from rppgbench.analysis.stored_results import load_stored
from rppgbench.cli import main
from rppgbench.core.mean_colours import MeanColours
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.evaluator_lookup import find_evaluator

from ..factories import stores as made_store


def test_the_command_sets_methods_beside_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = ["--protocol", "traces", "--simulate", "--subjects", "2", "--seconds", "31"]
    assert main(["run", *plan, "--methods", "pos,green", "--out", "res", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["limit", "res", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["simulated"] is True
    for recording in answer["recordings"]:
        assert recording["reason"] == ""
        assert recording["windows"] >= 1
        assert 0 < recording["limit_bpm"] < 1
        assert set(recording["rmse_bpm"]) == {"pos", "green"}
        assert all(0 < share < 0.05 for share in recording["noise"])
    lines = Path("res/limits.csv").read_text().splitlines()
    rows = {row["recording"]: row for row in csv.DictReader(lines)}
    page = Path("res/report.html").read_text()
    for recording in answer["recordings"]:
        row = rows[recording["recording"]]
        assert float(row["limit_bpm"]) == recording["limit_bpm"]
        assert int(row["windows"]) == recording["windows"]
        assert {m: float(row[f"rmse_bpm_{m}"]) for m in ("pos", "green")} == recording["rmse_bpm"]
        assert row["simulated"] == "True"
        assert f'data-value="{recording["limit_bpm"]}"' in page
    monkeypatch.setattr(rate_limits, "stored_colours", lambda stored, region: {})
    assert main(["limit", "res", "--json"]) == 0  # from the features of the videos
    from_videos = json.loads(capsys.readouterr().out)
    assert from_videos == answer
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(["limit", "res"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("SIMULATED DATA")
    assert lines[-1].split()[0] == "median"
    assert main(["limit", "res", "--region", "whole_frame", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == answer
    assert main(["limit", "res", "--region", "skin"]) == 2
    assert "no region 'skin'. Known: whole_frame" in capsys.readouterr().err
    assert main(["limit", "res", "--data", "pure=res"]) == 2
    assert capsys.readouterr().err.startswith("bench: --data: pure has no effect: res uses traces")
    assert main(["limit", "res", "--evaluator", "respiration"]) == 2
    assert "the limit is of heart rates" in capsys.readouterr().err
    assert main(["limit", "res", "--evaluator", "hrv"]) == 3
    assert "are too short" in capsys.readouterr().out
    monkeypatch.setattr(rate_limits, "BEATS", "pyvhr")
    assert main(["limit", "res", "--evaluator", "pyvhr"]) == 2
    assert "pyvhr.toml: reads no beats of the reference" in capsys.readouterr().err


def test_imported_predictions_have_a_reason_in_place_of_a_limit(tmp_path: Path) -> None:
    store = made_store.write(tmp_path / "made", made_store.estimates(("pos",)))
    report = score_results(store, tmp_path / "report.html")
    (section,) = [s for s in report.inputs.sections if s.key == "limits"]
    assert section.tables == ()
    assert section.paragraphs == (f"No limit for 4 of 4 recordings: {rate_limits.NO_COLOURS} (4).",)


def test_a_page_of_respiration_frames_or_changed_frames_has_no_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conditions = [{"name": "crf_30", "kind": "compression", "params": {}}]
    store = made_store.write(tmp_path / "made", made_store.estimates(("pos",)))
    stored = load_stored(store)
    rule = find_evaluator("li2023", "test")
    windows = stored.score(rule)
    assert len(page_limits(stored, windows, rule, "skin")) == 4
    breath = find_evaluator("respiration", "test")
    assert page_limits(stored, windows, breath, "skin") == []
    of_frames = find_evaluator("v4v", "test")
    assert page_limits(stored, stored.score(of_frames), of_frames, "skin") == []
    capsys.readouterr()
    assert main(["limit", str(store.folder), "--evaluator", "v4v"]) == 2
    assert "has a row for each frame" in capsys.readouterr().err
    assert page_limits(stored, windows.assign(condition="crf_30"), rule, "skin") == []
    assert page_limits(stored, windows.assign(leaked="PURE"), rule, "skin") == []
    protocol = {**stored.manifest["protocol"], "conditions": conditions}
    named = replace(stored, manifest={**stored.manifest, "protocol": protocol})
    assert untouched_condition(named) == "none"
    conditions.append({"name": "clean", "kind": "none", "params": {}})
    assert untouched_condition(named) == "clean"


def test_the_command_leaves_out_leaked_rows_and_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"origins": {"pos": {"trained_on": ["made_up"]}}}
    store = made_store.write(tmp_path / "made", made_store.estimates(("pos", "green")), more=seen)
    rows_of: list[str] = []

    def take_methods(stored: object, windows: pd.DataFrame, rule: object, **_: object) -> list[Any]:
        rows_of.extend(sorted(set(windows["method"])))
        return []

    monkeypatch.setattr(rate_limits, "rate_limits", take_methods)
    assert main(["limit", str(store.folder), "--json"]) == 3
    assert rows_of == ["green"]
    assert "pos on made_up" in json.loads(capsys.readouterr().out)["left_out"][0]
    alone = made_store.write(tmp_path / "alone", made_store.estimates(("pos",)), more=seen)
    assert main(["limit", str(alone.folder)]) == 2
    assert "no row is left. Left out" in capsys.readouterr().err


def test_errors_are_those_of_the_region_of_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run on two regions: an error over both would stand beside the limit of one."""
    made = made_store.estimates(("pos",), regions=("skin", "toolbox_box"))
    network = [
        replace(e, job=e.job[::-1], method="chrom", region="") for e in made if e.region == "skin"
    ]
    stored = load_stored(made_store.write(tmp_path / "made", [*made, *network]))
    rule = find_evaluator("li2023", "test")
    windows = stored.score(rule)
    rng = np.random.default_rng(0)
    times_s = np.arange(1200) / 30
    pulses = {s: made_store.pulse(s, times_s)[:, None] for s in made_store.SUBJECTS}
    colours = {
        ("made_up", f"{subject}-1"): MeanColours(
            region="any",
            segments=(Waveform(100 + pulse + rng.normal(0, 0.3, (1200, 3)), 30.0),),
        )
        for subject, pulse in pulses.items()
    }
    monkeypatch.setattr(rate_limits, "stored_colours", lambda stored, region: colours)
    for region, of_errors in (("skin", "skin"), ("toolbox_box", "toolbox_box"), ("nose", "skin")):
        limits = list(
            rate_limits.rate_limits(
                stored, windows, rule, region=region, cache=tmp_path, moved_roots={}
            )
        )
        assert len(limits) == 4
        for limit in limits:
            rows = windows[
                (windows["recording"] == limit.recording)
                & (windows["method"] == "pos")
                & (windows["region"] == of_errors)
            ]
            assert limit.windows == len(rows)
            expected = np.sqrt((rows["error_bpm"] ** 2).mean())
            assert limit.rmse_bpm["pos"] == pytest.approx(expected)
            assert "chrom" in limit.rmse_bpm
