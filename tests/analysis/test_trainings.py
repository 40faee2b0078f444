"""What tables and pages say of how methods were trained."""

import json
from pathlib import Path
from typing import Any

import pytest

from rppgbench.analysis.build_report import build_report
from rppgbench.analysis.trainings import (
    load_loss_curves,
    load_trained_models,
    training_notes,
    training_warnings,
)
from rppgbench.report.sections.training import training_sections
from rppgbench.report.tables.latex import to_latex
from rppgbench.report.tables.scores import method_table
from rppgbench.report.tables.text_formats import to_csv, to_markdown

from ..evaluation.test_leakage import scores
from ..factories import stores as made_store


def model(fold: str, verdict: str, **last: float) -> dict[str, Any]:
    return {
        "method": "net",
        "fold": fold,
        "seed": 1,
        "params": {"preset": "smoke"},
        "learned_from": 16,
        "n_parameters": 12345,
        "epochs": {"pretrain": 3, "finetune": 0},
        "last": {"pretrain": {"loss": 0.5, **last}},
        "collapse": {"verdict": verdict, "in_band": 0.7},
    }


FLAT = "collapsed: all clips have one peak, within 0.2 bpm"


def test_presets_collapse_and_short_memory_are_said_and_the_ordinary_is_not() -> None:
    methods: dict[str, Any] = {"net": {"preset": "paper"}, "pos": {"window_s": 1.6}}
    assert training_notes([model("1", "learned")], methods) == {}
    methods["net"] = {"preset": "smoke"}
    models = [model("1", "learned", shares=2.0), model("2", FLAT), model("3", "learned")]
    note = training_notes(models, methods)["net"]
    assert note == (
        "smoke preset; did not learn in 1 of 3 trainings; batches in shares: memory was short"
    )


def test_recordings_that_taught_nothing_are_counted_in_the_table_and_named_on_the_page() -> None:
    model_facts = {"could_not_learn_from": ["p1: labels: none at any of its frames", "p2: no face"]}
    models = [
        model("1", "learned"),
        model("2", "learned") | model_facts,
        model("2", "learned") | model_facts,
    ]
    note = training_notes(models, {"net": {"preset": "paper"}})["net"]
    assert note == "2 training recordings taught nothing"
    assert training_warnings(models) == (
        "training of net, fold 2: nothing learned from p1: labels: none at any of its frames",
        "training of net, fold 2: nothing learned from p2: no face",
    )
    (section,) = training_sections(models)
    assert [row.cells[4].text for row in section.tables[0].rows] == ["16", "16 of 18", "16 of 18"]


def test_models_are_read_by_the_fits_of_a_run_and_missing_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.json").write_text(json.dumps({"seed": 1}))
    fits = [{"digest": d, "method": "net", "fold": f} for d, f in (("a", "1"), ("b", "2"))]
    assert load_trained_models(tmp_path, fits) == [
        {"seed": 1, "digest": "a", "method": "net", "fold": "1"}
    ]


def test_every_training_is_a_row_with_its_verdict() -> None:
    baseline = {"method": "constant", "fold": "1", "seed": 0, "learned_from": 16}
    (section,) = training_sections([model("1", "learned"), model("2", FLAT), baseline])
    (table,) = section.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    start = ["net", "1", "1", "smoke", "16", "12,345", "pretrain 3", "0.5"]
    assert rows == [[*start, "learned"], ["net", "2", *start[2:], FLAT]]
    assert "in_band 0.7" in table.rows[0].cells[-1].detail
    for text in (to_csv(table), to_markdown(table), to_latex(table)):
        assert text.count(FLAT) == 1


def test_a_shared_pretraining_and_a_chosen_epoch_are_told() -> None:
    first = {**model("pre-training", "learned"), "epochs": {"pretrain": 3}, "params": {}}
    choice = {"rule": "validation", "epoch": 2, "rmse_bpm": 4.0, "clips": 9}
    second = {**model("1", "learned"), "epochs": {"finetune": 5}, "checkpoint": choice}
    (section,) = training_sections([first, second])
    rows = [[cell.text for cell in row.cells] for row in section.tables[0].rows]
    assert rows[0][1:4] == ["pre-training", "1", ""]
    assert [row[6] for row in rows] == ["pretrain 3", "finetune 5 (epoch 2 is tested)"]


def test_the_losses_of_every_stage_are_drawn_and_all_terms_are_in_the_file(tmp_path: Path) -> None:
    logs = {"a": {"pretrain": [1.5, 0.5], "finetune": [2.0, 0.25]}, "b": {"train": [3.0]}}
    for digest, stages in logs.items():
        for stage, losses in stages.items():
            file = tmp_path / f"{digest}-training" / f"{stage}.jsonl"
            file.parent.mkdir(exist_ok=True)
            lines = [json.dumps({"loss": loss, "variance": loss / 4}) for loss in losses]
            file.write_text("\n".join(lines) + "\n")
    fits = [
        {"digest": d, "method": "net", "fold": "1", "condition": "none", "seed": 7}
        for d in ("a", "b", "absent")
    ]
    curves = load_loss_curves(tmp_path, fits)
    assert [curve.stage for curve in curves] == ["pretrain", "finetune", "train"]
    (section,) = training_sections([model("1", "learned")], curves)
    (drawing,) = section.drawings
    assert "net, pretrain: 1.5 in the first epoch, 0.5 in the last" in drawing.alt
    assert "net, train" not in drawing.alt  # one epoch is no line
    assert "net,1,none,7,finetune,2,variance,0.0625" in drawing.data.text.splitlines()


def test_without_a_trained_network_there_is_no_section() -> None:
    assert training_sections([{"method": "constant", "fold": "1"}]) == ()


@pytest.mark.parametrize("written", [to_markdown, to_latex])
def test_a_table_of_scores_names_what_was_trained_how(written: Any) -> None:
    one = scores("none")
    one.summary["training"] = ["smoke preset" if m == "pos" else "" for m in one.summary["method"]]
    table = method_table(one)
    below = {row.cells[0].text: row.cells[0].below for row in table.rows}
    assert below == {"pos": "smoke preset", "chrom": "", "green": ""}
    assert "pos: smoke preset." in written(table)


def test_the_page_says_below_a_method_how_it_was_trained(tmp_path: Path) -> None:
    methods: dict[str, Any] = {name: {} for name in ("pos", "chrom", "green", "constant")}
    more = {"methods": {**methods, "chrom": {"preset": "smoke"}}}
    store = made_store.write(tmp_path / "results", made_store.estimates(), more=more)
    folder = store.folder / "models" / "a"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(model("1", FLAT)))
    store.folder.joinpath("manifest.json").write_text(
        json.dumps({**store.manifest, "fits": [{"digest": "a", "method": "chrom", "fold": "1"}]})
    )
    page = build_report(store, tmp_path / "report.html").page.read_text(encoding="utf-8")
    assert "<small>smoke preset; did not learn in 1 of 1 trainings</small>" in page
    assert "How the methods were trained" in page
    assert FLAT in page
