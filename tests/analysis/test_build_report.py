"""From a store to a page: regions side by side, and what a method costs."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rppgbench.analysis.build_report import build_report
from rppgbench.analysis.report_scores import describe_evaluator
from rppgbench.cli import main
from rppgbench.core.content_roots import PLUGINS
from rppgbench.evaluation.evaluator import read_evaluator

from ..factories import stores as made_store
from ..factories.evaluators import FOLDER, NAMES, evaluator


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods on two regions; the first call of each took 100 s, the others 2 s or 4 s."""
    folder = tmp_path_factory.mktemp("results")
    estimates = made_store.estimates(("pos", "green"), tuple(made_store.REGIONS))
    cost = {"pos": 2.0, "green": 4.0}
    seen: set[str] = set()
    timed = []
    for one in estimates:
        timed.append(replace(one, seconds=cost[one.method] if one.method in seen else 100.0))
        seen.add(one.method)
    store = made_store.write(folder / "made", timed)
    return build_report(store, folder / "report.html").page


def test_methods_are_compared_on_the_first_region_and_all_regions_have_a_table(page: Path) -> None:
    text = page.read_text()
    assert "compared on the face region skin" in text
    assert "MAE by region under li2023" in text
    first = re.search(r'id="scores-li2023".*?</tbody>', text, re.DOTALL)
    assert first is not None
    assert len(re.findall('<th scope="row"', first[0])) == 2
    table = pd.read_csv(page.with_name("table.csv"))
    rows = table[table["evaluator"] == "li2023"]
    assert len(rows) == 4
    assert set(rows["region"]) == set(made_store.REGIONS)
    assert rows[["mae_low", "mae_high"]].notna().all(axis=None)
    rates = pd.read_csv(page.with_name("heart_rates.csv"))
    assert len(rates) == 2 * 2 * len(made_store.SUBJECTS)


def test_the_page_says_what_a_reading_under_each_evaluator_is(page: Path) -> None:
    text = html.unescape(page.read_text(encoding="utf-8"))
    for name in ("li2023", "toolbox_2023"):
        after = text[text.index(f"<h3>{name}") :]
        assert evaluator(name).meaning.replace("_", " ") in after[: after.index("<table")]


def test_every_evaluator_is_described_by_its_meaning_first() -> None:
    for name in NAMES:
        rule = evaluator(name)
        assert describe_evaluator(rule).startswith(rule.meaning.replace("_", " "))


def test_what_a_first_call_loads_is_no_cost_of_the_method(page: Path) -> None:
    """2 s for 40 s of video is 3 s a minute, whatever the first recording took."""
    match = re.search(r"Seconds of computing for a minute of video: ([^\"<]*)\.", page.read_text())
    assert match is not None
    assert {"POS 3", "GREEN 6"} <= set(match[1].split(", "))


def test_pairs_of_methods_are_not_called_floors(page: Path) -> None:
    pairs = re.search(r'id="pairs.*?</table>', page.read_text(), re.DOTALL)
    assert pairs is not None
    assert '<span class="tag">' not in pairs[0]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of four recordings under a protocol that has twelve."""
    folder = tmp_path_factory.mktemp("short") / "made"
    protocol = made_store.manifest({}, ["skin"])["protocol"] | {"recordings": 12}
    made_store.write(folder, made_store.estimates(("pos", "green")), more={"protocol": protocol})
    return folder


def test_the_margin_of_groups_is_that_of_the_evaluator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluator of one's own declares 2.5 bpm; the shipped one has the default, 5 bpm."""
    people = tuple(f"p{number}" for number in range(10))
    monkeypatch.setattr(made_store, "SUBJECTS", people)
    estimates = [
        replace(estimate, scenario="walking" if estimate.subject in people[:5] else "rest")
        for estimate in made_store.estimates(("pos",))
    ]
    store = made_store.write(tmp_path / "made", estimates)
    own = tmp_path / "protocols" / "evaluators" / "own.toml"
    own.parent.mkdir(parents=True)
    monkeypatch.setenv(PLUGINS, str(tmp_path))
    shipped = (FOLDER / "li2023.toml").read_text()
    own.write_text(f"group_margin_bpm = 2.5\n{shipped}")
    assert read_evaluator(own).digest == evaluator("li2023").digest
    for name, margin in (("li2023", "5"), ("own", "2.5")):
        page = build_report(store, tmp_path / "report.html", evaluators=[name]).page
        text = html.unescape(page.read_text(encoding="utf-8"))
        section = text[text.index('id="group-gaps"') :]
        assert f"lies below {margin} bpm" in section[: section.index("</section>")]


def test_the_protocol_s_n_stands_in_the_terminal_and_in_the_table(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(short), "--out", str(tmp_path / "page.html")]) == 0
    *_, n, page = capsys.readouterr().out.splitlines()
    assert (
        n == "n: 4 recordings of 4 subjects; the protocol has 12: n differs (scored under li2023)"
    )
    assert page == str(tmp_path / "page.html")
    table = pd.read_csv(tmp_path / "table.csv")
    assert set(table["n_expected"]) == {12}
    assert set(table["n_present"]) == set(table["n_recordings"]) == {4}
    assert set(table["coverage"]) == {1.0}  # of those that are here


def test_a_page_names_the_command_that_makes_it_and_what_its_first_evaluator_is(
    short: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.html"
    assert main(["report", str(short), "--evaluator", "toolbox_2023", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    match = re.search(r'<pre class="command"><code>(.*?)</code>', text, re.DOTALL)
    assert match is not None
    assert match[1] == f"bench report {short} --evaluator toolbox_2023 --out {out}"
    assert "bench run --protocol made_up" in text  # the run's own, among its provenance
    assert "the default evaluator" not in text
    assert "Read by toolbox_2023, asked for in place of the default li2023." in text
    assert main(["report", str(short), "--evaluator", "li2023", "--out", str(out)]) == 0
    assert "Read by li2023, the default evaluator." in out.read_text(encoding="utf-8")


def test_the_note_on_heart_rates_names_the_file_that_was_written(tmp_path: Path) -> None:
    first, *others = made_store.estimates(("pos",))
    assert first.waveform is not None
    later = replace(first, waveform=replace(first.waveform, start_s=1000.0))  # beyond the labels
    store = made_store.write(tmp_path / "made", [later, *others])
    for evaluators, name in (
        ((), "heart_rates.csv"),
        (("toolbox_2023",), "heart_rates-toolbox_2023.csv"),
    ):
        report = build_report(store, tmp_path / "report.html", evaluators=evaluators)
        assert report.notes[1].startswith(f"{name} has a rate wherever a window has one")
        assert (tmp_path / name).is_file()
