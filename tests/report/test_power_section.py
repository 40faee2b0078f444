"""The section on the smallest difference that the people of a run can show."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rppgbench.analysis.build_report import score_results
from rppgbench.cli import main
from rppgbench.evaluation.power import people_needed
from rppgbench.report.inputs import Scores
from rppgbench.report.sections.power import power_sections

from ..factories import stores as made_store
from ..factories.pages import Run, make_scores


def scores(people: int, **changes: Any) -> Scores:
    run = Run([f"s{number}" for number in range(people)], methods=("pos", "chrom", "constant"))
    made = make_scores(run, "default_rule", expected=people)
    return Scores(name=made.name, windows=made.windows.assign(**changes), summary=made.summary)


def test_every_method_stands_beside_the_best() -> None:
    (section,) = power_sections(scores(12), baselines={"constant"})
    (table,) = section.tables
    assert [(row.cells[0].text, row.kind) for row in table.rows] == [
        ("chrom", ""),
        ("constant", "baseline"),
    ]
    _, difference, people, sd, detectable, needed = table.rows[0].cells
    assert people.text == "12"
    assert isinstance(sd.value, float)
    assert isinstance(detectable.value, float)
    assert needed.value == people_needed(1.0, sd.value)
    assert isinstance(difference.value, float)
    assert difference.value > 0  # the best has the lower error
    low, high = difference.interval.split(" to ")
    assert float(low.replace("−", "-")) < difference.value < float(high)
    assert "beside pos" in section.paragraphs[0]


def test_rates_of_respiration_have_their_unit() -> None:
    made = scores(12)
    made.windows.attrs["quantity"] = "respiration rate"
    (section,) = power_sections(made)
    columns = {column.key: column for column in section.tables[0].columns}
    assert columns["detectable"].unit == "breaths/min"
    assert columns["needed"].label == "People for 1 breaths/min"


def test_a_baseline_is_never_the_best() -> None:
    (section,) = power_sections(scores(12), baselines={"pos"})
    assert [row.cells[0].text for row in section.tables[0].rows] == ["pos", "constant"]
    pos, constant = (row.cells[1] for row in section.tables[0].rows)
    assert pos.value < 0 < constant.value  # type: ignore[operator]
    low, high = (float(text.replace("−", "-")) for text in pos.interval.split(" to "))
    assert low < pos.value < high  # type: ignore[operator]


@pytest.mark.parametrize(("people", "numbers"), [(4, False), (5, True)])
def test_few_people_have_a_reason_in_place_of_numbers(people: int, numbers: bool) -> None:
    (section,) = power_sections(scores(people), baselines={"constant"})
    assert bool(section.tables) is numbers
    reasons = [text for text in section.paragraphs if "5 are needed" in text]
    assert bool(reasons) is not numbers
    if reasons:
        assert reasons[0].startswith("No number for chrom, constant beside pos: 4 people have")


def test_without_a_pair_there_is_no_section() -> None:
    made = scores(6)
    one = Scores(
        name="r", windows=made.windows[made.windows["method"] == "pos"], summary=made.summary
    )
    nothing = Scores(name="r", windows=made.windows.iloc[:0], summary=made.summary)
    unscored = scores(6, reference_bpm=float("nan"))
    assert [power_sections(each) for each in (one, nothing, unscored)] == [(), (), ()]


def test_leaked_rows_are_left_out_and_named() -> None:
    made = scores(6)
    leaked = made.windows["method"].map({"pos": "PURE"}).fillna("")
    (section,) = power_sections(scores(6, leaked=leaked), baselines={"constant"})
    assert [row.cells[0].text for row in section.tables[0].rows] == ["constant"]
    assert "pos on PURE" in section.paragraphs[-1]


def test_the_page_has_the_numbers_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "rppgbench.report.sections.power.MIN_PEOPLE"
    monkeypatch.setattr(names, 2)  # the store has four people
    store = made_store.write(tmp_path / "made", made_store.estimates())
    page = score_results(store, tmp_path / "report.html")
    (section,) = [s for s in page.inputs.sections if s.key == "power"]
    assert main(["power", str(store.folder), "--json"]) == 0
    pairs = json.loads(capsys.readouterr().out)["pairs"]
    titles = page.inputs.titles
    by_names = {frozenset({titles[p["first"]], titles[p["second"]]}): p for p in pairs}
    (best,) = frozenset.intersection(*(k for k in by_names if titles["pos"] in k))
    rows = section.tables[0].rows
    assert len(rows) == 2
    for row in rows:
        pair = by_names[frozenset({best, row.cells[0].text})]
        sign = -1 if titles[pair["first"]] == best else 1
        values = [cell.value for cell in row.cells[1:]]
        assert values == [
            sign * pair["difference"],
            pair["people"],
            pair["sd"],
            pair["detectable"],
            pair["needed"],
        ]


@pytest.mark.parametrize(("pooling", "best"), [("windows", "long"), ("recordings", "even")])
def test_the_best_method_is_that_of_the_evaluators_mean(pooling: str, best: str) -> None:
    """One person with ten windows of 1 bpm, five with one of 5 bpm; beside 3 bpm everywhere."""
    people = ["p0"] * 10 + [f"p{k}" for k in range(1, 6)]
    frame = pd.DataFrame(
        {
            "dataset": "d",
            "subject": people * 2,
            "recording": people * 2,
            "method": ["long"] * 15 + ["even"] * 15,
            "fold": "",
            "seed": 0,
            "condition": "",
            "region": "",
            "start_s": [*range(10), *[0] * 5] * 2,
            "reference_bpm": 70.0,
            "estimate_bpm": 71.0,
            "error_bpm": [1.0] * 10 + [5.0] * 5 + [3.0] * 15,
            "missing": False,
        }
    )
    frame.attrs["pooling"] = pooling
    (section,) = power_sections(Scores(name="r", windows=frame, summary=frame))
    assert f"beside {best}," in section.paragraphs[0]
