"""Paired tests and ranks on the page of a run."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare, wilcoxon

from rppgbench.analysis.build_report import build_report
from rppgbench.report.inputs import Scores, Section
from rppgbench.report.sections.comparison import comparison_sections
from rppgbench.report.tables.table import Table

from ..factories import stores as made_store
from ..factories.pages import Run, summary_frame, window_frame

SUBJECTS = tuple(f"s{k:02d}" for k in range(12))
METHODS = ("green", "chrom", "pos", "constant")


def scores(methods: tuple[str, ...] = METHODS, subjects: tuple[str, ...] = SUBJECTS) -> Scores:
    windows = window_frame(Run(subjects, methods=methods, windows=6), "default_rule")
    return Scores(name="default_rule", windows=windows, summary=summary_frame(windows))


def errors(one: Scores) -> pd.DataFrame:
    """Mean absolute error, recordings down and methods across."""
    windows = one.windows.assign(size=one.windows["error_bpm"].abs())
    return windows.pivot_table(index="recording", columns="method", values="size", aggfunc="mean")


def table(section: Section, key: str) -> Table:
    return next(t for t in section.tables if t.key == key)


def test_pairs_are_wilcoxon_s_with_holm_s_correction() -> None:
    one = scores()
    (section,) = comparison_sections(one, baselines={"constant"})
    held = errors(one)
    raw = {}
    for row in table(section, "pairs").rows:
        first, second, n, difference, p = (cell.value for cell in row.cells[:5])
        differences = held[first] - held[second]
        assert n == len(held) == 24
        assert difference == pytest.approx(differences.mean(), abs=1e-9)
        assert p == pytest.approx(wilcoxon(differences, zero_method="zsplit").pvalue, rel=1e-9)
        assert isinstance(p, float)
        raw[first, second] = p, row.cells[5].value, row.cells[6].text
    assert len(raw) == 6
    worst = 0.0
    for rank, (p, corrected, verdict) in enumerate(sorted(raw.values(), key=lambda v: v[0])):
        worst = max(worst, min(1.0, (6 - rank) * p))
        assert corrected == pytest.approx(worst, rel=1e-9)
        assert ("is better" in verdict) == (worst < 0.05)
    assert "pos is better" in raw["green", "pos"][2]


def test_ranks_are_friedman_s_and_the_diagram_shows_them() -> None:
    one = scores()
    (section,) = comparison_sections(one)
    held = errors(one)
    mean_rank = held.rank(axis=1).mean()
    rows = {str(r.cells[0].value): r for r in table(section, "ranks-recordings").rows}
    assert set(rows) == set(METHODS)
    for name, row in rows.items():
        assert row.cells[1].value == pytest.approx(mean_rank[name], abs=1e-9)
    p = float(friedmanchisquare(*(held[name] for name in METHODS)).pvalue)
    assert p < 0.05
    assert any("the methods differ" in text for text in section.paragraphs)
    (drawing,) = section.drawings
    # Demsar 2006, table 5: q of 0.05 for four methods is 2.569
    limit = 2.569 * math.sqrt(4 * 5 / (6 * len(held)))
    assert f"CD = {limit:.2f}" in drawing.svg
    assert all(f"{name} {mean_rank[name]:.2f}" in drawing.alt for name in METHODS)


def test_two_methods_have_a_pair_and_no_ranks_and_one_has_nothing() -> None:
    (section,) = comparison_sections(scores(("pos", "chrom")))
    assert [t.key for t in section.tables] == ["pairs"]
    assert section.drawings == ()
    assert comparison_sections(scores(("pos",))) == ()


def test_only_what_differs_in_nothing_but_the_method_is_compared() -> None:
    windows = scores().windows
    both = pd.concat([windows, windows.assign(region="toolbox_box", error_bpm=99.0)])
    by = ("method", "region")
    one = Scores(name="default_rule", windows=both, summary=summary_frame(both, by), by=by)
    (section,) = comparison_sections(one)
    assert any("on the region skin" in text for text in section.paragraphs)
    means = [row.cells[2].value for row in table(section, "ranks-recordings").rows]
    assert max(float(m) for m in means if m is not None) < 50


def test_from_three_data_sets_on_they_are_ranked_too() -> None:
    windows = scores().windows
    sets = windows["subject"].map(lambda s: f"set{int(s[1:]) % 3}")
    one = Scores(
        name="default_rule", windows=windows.assign(dataset=sets), summary=scores().summary
    )
    (section,) = comparison_sections(one)
    assert "ranks-data-sets" in {t.key for t in section.tables}
    assert "3 data sets" in table(section, "ranks-data-sets").caption


def test_a_run_s_page_has_the_section_groups_and_a_seed_figure(tmp_path: Path) -> None:
    estimates = made_store.estimates()

    other = [replace(e, seed=1, job=f"{e.job}-1") for e in made_store.estimates(("pos",), seed=9)]
    store = made_store.write(tmp_path / "results", [*estimates, *other])
    page = build_report(store, tmp_path / "report.html").page.read_text()
    assert "Which methods differ" in page
    assert "Mean absolute error of each seed" in page
    assert "by subject under li2023" in page
    assert np.isfinite(pd.read_csv(tmp_path / "table.csv")["mae"]).all()
