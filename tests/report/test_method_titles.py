"""Pages name methods by title."""

from dataclasses import replace

from rppgbench.core.estimate import EstimateKey
from rppgbench.report.inputs import ReportInputs
from rppgbench.report.method_titles import titled_inputs, unique_titles
from rppgbench.report.page import report_html

from ..factories.pages import Run, make_page

TITLES = {"pos": "POS", "two_sr": "2SR", "constant": "Constant"}


def titled() -> ReportInputs:
    run = Run(["s1", "s2"], methods=tuple(TITLES), evaluators=("one",), windows=2)
    return replace(make_page(run), titles=TITLES)


def test_a_page_has_no_name_where_there_is_a_title() -> None:
    text = report_html(replace(titled(), skipped=()))
    for name, title in TITLES.items():
        assert f">{title}<" in text
        assert f">{name}<" not in text
    assert "waveforms-" in text  # estimates are still found by their names


def test_everything_that_names_a_method_follows() -> None:
    inputs = titled()
    page = titled_inputs(inputs)
    assert page.baselines == {"Constant"}
    assert set(page.scores[0].windows["method"]) == set(TITLES.values())
    assert {entry.method for entry in page.skipped} == {"2SR", ""}
    assert page.timings is not None
    assert set(page.timings.methods) == set(TITLES.values())
    key = EstimateKey(
        dataset="made_up",
        recording="s1-rest",
        method="2SR",
        fold="fold0",
        seed=0,
        condition="none",
        region="skin",
    )
    found = page.estimate(key)
    assert found is not None
    assert found.method == "two_sr"
    assert set(inputs.scores[0].windows["method"]) == set(TITLES)  # the inputs stay as they are


def test_equal_titles_are_told_apart() -> None:
    names = unique_titles(["pos", "pyvhr_pos", "own"], {"pos": "POS", "pyvhr_pos": "POS"})
    assert len(set(names.values())) == 3
