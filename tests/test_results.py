"""From a store to a page: regions side by side, and what a method costs."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rppgbench.results.scored import write_results

from . import made_store


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods on two regions; the first call of each took 100 s, the others 2 s or 4 s."""
    folder = tmp_path_factory.mktemp("results")
    made = made_store.estimates(("pos", "green"), tuple(made_store.REGIONS))
    cost = {"pos": 2.0, "green": 4.0}
    seen: set[str] = set()
    timed = []
    for one in made:
        timed.append(replace(one, seconds=cost[one.method] if one.method in seen else 100.0))
        seen.add(one.method)
    return write_results(made_store.write(folder / "made", timed), folder / "report.html")


def test_methods_are_compared_on_the_first_region_and_all_regions_have_a_table(page: Path) -> None:
    text = page.read_text()
    assert "compared on the face region skin" in text
    assert "MAE by region under li2023" in text
    first = re.search(r'id="scores-li2023".*?</tbody>', text, re.DOTALL)
    assert first is not None
    assert len(re.findall('<th scope="row"', first[0])) == 2
    table = pd.read_csv(page.with_name("table.csv"))
    own = table[table["evaluator"] == "li2023"]
    assert len(own) == 4
    assert set(own["region"]) == set(made_store.REGIONS)
    assert own[["mae_low", "mae_high"]].notna().all(axis=None)
    rates = pd.read_csv(page.with_name("heart_rates.csv"))
    assert len(rates) == 2 * 2 * len(made_store.SUBJECTS)


def test_what_a_first_call_loads_is_no_cost_of_the_method(page: Path) -> None:
    """2 s for 40 s of video is 3 s a minute, whatever the first recording took."""
    found = re.search(r"Seconds of computing for a minute of video: ([^\"<]*)\.", page.read_text())
    assert found is not None
    assert {"pos 3", "green 6"} <= set(found[1].split(", "))


def test_pairs_of_methods_are_not_called_floors(page: Path) -> None:
    pairs = re.search(r'id="pairs.*?</table>', page.read_text(), re.DOTALL)
    assert pairs is not None
    assert '<span class="tag">' not in pairs[0]
