"""One browser for all tests of pages, and every kind of page."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rppgbench.cli import DONE, main
from rppgbench.report.inputs import ReportInputs
from rppgbench.report.page import write_report

from ..factories import leaderboards
from ..factories import stores as made_store
from ..factories.bearing_sections import bearing_sections
from ..factories.evaluators import evaluator
from ..factories.imported_sources import write_waves
from ..factories.pages import make_page
from ..factories.paper_results import store as made_results
from .driving import start

RULES = ("toolbox_2023", "pyvhr", "li2023")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots stay: the folder that SCREENSHOTS names, else a temporary one."""
    named = os.environ.get("SCREENSHOTS")
    if not named:
        return tmp_path_factory.mktemp("screenshots")
    Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named).resolve()


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Any]:
    driver = start(tmp_path_factory.mktemp("profile"), downloads)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def inputs() -> ReportInputs:
    return make_page()


@pytest.fixture(scope="session")
def report(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(inputs, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="session")
def sections(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with the sections on what its numbers can bear."""
    page = replace(inputs, sections=bearing_sections(inputs))
    return write_report(page, tmp_path_factory.mktemp("sections") / "report.html")


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of the commands: decomposition, paper table, index of tables, joint report."""
    folder = tmp_path_factory.mktemp("pages")
    results = folder / "results"
    made_store.write(results, made_store.estimates(("pos", "green"), tuple(made_store.REGIONS)))
    kinds = ("decomposition", "paper", "joint")
    by_name = {kind: folder / f"{kind}.html" for kind in kinds}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        few = {name: evaluator(name) for name in RULES}
        patch.setattr("rppgbench.analysis.decomposition.load_evaluators", lambda: few)
        page = str(by_name["decomposition"])
        assert main(["decompose", str(results), "--out", page]) == DONE
        methods = {"two_sr": 3.0, "co_rectification": 0.0}
        stored = made_results(folder / "mine", "vipl5fold", methods=methods)
        table = ["table", "li2023_figure5", "--stored", "--results", str(stored)]
        assert main([*table, "--out", str(by_name["paper"])]) == DONE
        imports = [_imported(folder, name, off) for name, off in (("near", 1.0), ("far", 9.0))]
        assert main(["report", *map(str, imports), "--out", str(by_name["joint"])]) == DONE
    return by_name


def _imported(folder: Path, method: str, off_bpm: float) -> Path:
    """A results folder of predictions that are off by some bpm."""
    true_bpm = {"a": 66.0, "b": 84.0, "c": 72.0}
    predicted = {name: rate + off_bpm for name, rate in true_bpm.items()}
    source = write_waves(folder / f"{method}.csv", predicted, reference_bpm=true_bpm)
    out = folder / method
    assert main(["import", str(source), "--method", method, "--out", str(out)]) == DONE
    return out


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaderboard: 75 bundles of one version of a protocol and 25 of another."""
    folder = tmp_path_factory.mktemp("leaderboard")
    files, records = leaderboards.write_many(folder / "bundles", 100)
    words = [str(word) for record in records for word in ("--rederived", record)]
    out = folder / "site"
    command = ["leaderboard", *map(str, files), *words, "--min-subjects", "4", "--out", str(out)]
    assert main(command) == DONE
    return out


@pytest.fixture(scope="session")
def files(report: Path, sections: Path, pages: dict[str, Path], site: Path) -> dict[str, Path]:
    """A page of every kind."""
    (table,) = site.glob("made_up-01234567-*.html")
    atlas = site.parent / "atlas.html"
    assert main(["atlas", "--out", str(atlas)]) == DONE
    return {
        "report": report,
        "sections": sections,
        **pages,
        "atlas": atlas,
        "leaderboard": site / "index.html",
        "leaderboard-table": table,
        "leaderboard-results": site / "results.html",
    }
