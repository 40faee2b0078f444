"""Weights learned on what is tested: shown, and never ranked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rppgbench.analysis.build_report import build_report
from rppgbench.core.content_roots import PLUGINS
from rppgbench.core.method import Method, ensemble, method
from rppgbench.core.protocol import Condition
from rppgbench.core.registry import Registry, clear_registry
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.summary import summarise
from rppgbench.execution.job_dependencies import JobDependencies
from rppgbench.execution.plan_manifest import method_origin
from rppgbench.report.inputs import ProtocolInfo, ReportInputs, Scores
from rppgbench.report.sections.comparison import comparison_sections
from rppgbench.report.summary_text import best_row
from rppgbench.report.tables.latex import to_latex
from rppgbench.report.tables.scores import group_table, method_table
from rppgbench.report.tables.text_formats import to_markdown

from ..factories import stores as made_store
from ..factories.pages import Run, window_frame

TERMS = "weights for research only"
ORIGINS = {
    "origins": {
        "pos": {"trained_on": ["made_up"], "licence": TERMS, "versions": {"theirs": "0.1.1"}},
        "chrom": {"trained_on": ["elsewhere"], "licence": "", "versions": {}},
        "green": {"trained_on": [], "licence": "", "versions": {}},
    }
}
SUBJECTS = tuple(f"s{k:02d}" for k in range(8))


def scores(leaked: str) -> Scores:
    windows = window_frame(Run(SUBJECTS, methods=("green", "chrom", "pos"), windows=4), "r")
    windows["leaked"] = ["seen" if m == leaked else "" for m in windows["method"]]
    summary = summarise(windows, resamples=0)
    groups = {"fold": summarise(windows, by=("method", "fold"), resamples=0)}
    return Scores(name="r", windows=windows, summary=summary, groups=groups)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, pd.DataFrame]:
    """The page and the table of a run whose best method has seen the recordings before."""
    folder = tmp_path_factory.mktemp("leaked")
    store = made_store.write(folder / "results", made_store.estimates(), more=ORIGINS)
    page = build_report(store, folder / "report.html").page.read_text()
    return page, pd.read_csv(folder / "table.csv", keep_default_na=False)


def test_the_best_row_is_leaked_in_the_table_and_the_next_is_called_best(
    table: tuple[str, pd.DataFrame],
) -> None:
    page, rows = table
    first = rows[rows["evaluator"] == "li2023"].sort_values("mae").iloc[0]
    assert (first["method"], first["leaked"]) == ("pos", "made_up")
    assert set(rows[rows["method"] != "pos"]["leaked"]) == {""}
    assert '<tr class="leaked">' in page
    assert "POS has weights that were learned on made_up: leaked." in page
    assert "CHROM, with a mean absolute error of" in page
    assert "Left out, for its weights were learned on what is tested: POS on made_up." in page


def test_the_page_says_whose_code_weights_and_terms(table: tuple[str, pd.DataFrame]) -> None:
    page, _ = table
    assert TERMS in page
    assert "theirs 0.1.1" in page
    assert "elsewhere" in page


def test_a_leaked_row_bears_no_mark_in_any_table_and_is_in_no_comparison() -> None:
    one = scores("pos")
    for made in (method_table(one), group_table(one, "fold")):
        kinds = {row.cells[0].text: row.kind for row in made.rows}
        assert kinds == {"pos": "leaked", "chrom": "", "green": ""}
        marks = {row.cells[0].text: {cell.mark for cell in row.cells} for row in made.rows}
        assert marks["pos"] == {""}
        assert "best" in marks["chrom"]
    assert "pos (leaked)" in to_markdown(method_table(one))
    assert r"{\scriptsize (leaked)} & " in to_latex(method_table(one))
    page = ReportInputs(
        title="t",
        command="c",
        protocol=ProtocolInfo(name="p", digest="d", title="t", about="", source="", expected=None),
        scores=(one,),
    )
    best = best_row(one, page)
    assert best is not None
    assert best["method"] == "chrom"
    (section,) = comparison_sections(one)
    assert {cell.text for t in section.tables for row in t.rows for cell in row.cells[:2]} == {
        "green",
        "chrom",
    }


def test_without_a_leak_nothing_changes() -> None:
    (section,) = comparison_sections(scores(""))
    assert not any("Left out" in text for text in section.paragraphs)
    assert {row.kind for row in method_table(scores("")).rows} == {""}


def declared(version: str) -> Method:
    @method(
        "Theirs", "10.1/x", trained_on=("ubfc",), licence=TERMS, versions=lambda: {"them": version}
    )
    def theirs(trace: Waveform) -> Waveform:
        """Green (T,)."""
        return Waveform(trace.samples[:, 1], trace.fs)

    return theirs


def test_others_versions_enter_the_digest_and_the_manifest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told(one: Method) -> str:
        known = Registry({"theirs": one}, {})
        monkeypatch.setattr("rppgbench.execution.job_dependencies.load_methods", lambda: known)
        condition = Condition(name="none", kind="none", params={})
        at: dict[str, Any] = {
            "dataset": "simulated",
            "fold": "",
            "seed": 0,
            "region": "",
            "condition": condition,
        }
        return JobDependencies(device="cpu").setting("theirs", {}, **at)

    old, new = declared("1.0"), declared("1.1")
    assert told(old) == told(declared("1.0"))
    assert told(old) != told(new)
    assert told(old) != told(replace(old, versions=None))
    assert method_origin(old) == {
        "trained_on": ["ubfc"],
        "licence": TERMS,
        "versions": {"them": "1.0"},
    }


def test_an_ensemble_was_trained_on_the_data_sets_of_its_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "seen.py").write_text(
        '"""Theirs."""\n'
        "from rppgbench.core.method import method\n"
        "from rppgbench.core.waveform import Waveform\n\n"
        '@method("Seen", "10.1/x", trained_on=("pure",))\n'
        "def seen(trace: Waveform) -> Waveform:\n"
        '    """Green (T,)."""\n'
        "    return Waveform(trace.samples[:, 1], trace.fs)\n"
    )
    monkeypatch.setenv(PLUGINS, str(tmp_path))
    clear_registry()
    try:
        mean = ensemble("Mean", "10.1/x", "mean", ("pos", "seen"))
        assert method_origin(mean)["trained_on"] == ["pure"]
    finally:
        clear_registry()
