"""The page on controls: its numbers are those of the published results."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from ..factories.scripts import load_script

DOCS = Path(__file__).parents[2] / "docs" / "measurements"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script(DOCS / "controls.py")


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "controls.md").read_text(encoding="utf-8").replace("−", "-")


def test_the_table_of_bias_eval_is_that_of_the_published_rows(
    script: ModuleType, page: str
) -> None:
    rows = script.bias_eval()
    assert len(rows) == 88
    lines = set(page.splitlines())
    for name, mae, skill, low, high, shuffled in script.skill_rows(rows):
        cells = [name, f"{mae:.2f}", f"{skill:.2f}", f"{low:.2f} to {high:.2f}", f"{shuffled:.2f}"]
        assert f"| {' | '.join(cells)} |" in lines
        assert high < 0  # worse than one rate for everybody
    reference = rows["Masimo"].to_numpy()
    constant = np.abs(script.median_of_the_rest(reference) - reference).mean()
    assert f"{constant:.2f} bpm" in page
    assert constant == pytest.approx(4.2226, abs=1e-4)


def test_the_published_rows_repeat_in_two_blocks(script: ModuleType, page: str) -> None:
    counts = script.repeats(script.bias_eval())
    assert counts == {"Masimo BKF DP": 62, "Sph Chrom POS": 63, "all": 86}
    assert "only 62 rows differ in reference, BKF and DeepPhys, and 63 in the other three" in page
    distinct = script.bias_eval().drop_duplicates(["group", "Masimo", "BKF", "DP"])
    first = next(iter(script.skill_rows(distinct)))
    assert f"{first[2]:.2f} ({first[3]:.2f} to {first[4]:.2f})" in page
    triples = script.bias_eval().groupby(["group", "Sph", "Chrom", "POS"])["Masimo"].nunique()
    assert triples.max() == 5


@pytest.mark.real
def test_the_table_of_pyvhr_is_that_of_its_published_results(
    script: ModuleType, page: str, real: Path
) -> None:
    folder = real / "pyvhr-results"
    summary = pd.read_csv(folder / "summary.csv")
    series = pd.read_csv(folder / "series.csv.gz")
    lengths = series[series["kind"] == "gt"].groupby(["file", "row"]).size()
    summary["row"] = summary.groupby("file").cumcount()
    keys = list(zip(summary["file"], summary["row"], strict=True))
    assert [lengths[key] for key in keys] == summary["n_gt"].tolist()  # rows and series fit
    rows = list(script.pyvhr_rows(folder))
    lines = page[page.index("## Published results of pyVHR") :].splitlines()
    assert len(rows) == 35
    for _, method, *_, skill in rows:
        text = f"{skill[0]:.2f} ({skill[1]:.2f} to {skill[2]:.2f})"
        shown = text if skill[1] > 0 else f"**{text}**"
        line = next(x for x in lines if x.startswith(f"| {method.replace('_', '-')} |"))
        assert f" {shown} |" in line
    assert sum(skill[1] <= 0 for *_, skill in rows) == 20
    assert sum(skill[2] < 0 for *_, skill in rows) == 9
