"""The table of other toolboxes' features names nothing here that does not exist."""

import itertools
from pathlib import Path
from types import ModuleType

import pytest

from .factories.scripts import load_script

DOCS = Path(__file__).parent.parent / "docs"
KINDS = {"data set", "method", "protocol", "metric", "evaluation", "results", "running", "project"}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return load_script(DOCS / "generate.py")


@pytest.mark.torch
def test_every_name_in_our_column_exists(generate: ModuleType) -> None:
    rows = generate.read_peer_features()
    names = {token.strip() for row in rows for token in row["here"].split(";")} - {""}
    names = {name for name in names if not name.startswith("=")}
    assert len(names) > 60
    assert [name for name in sorted(names) if not generate.exists_here(name)] == []


@pytest.mark.parametrize(
    "name", ["bench fly", "bench run --fly", "bench", "metric fly", "fly", "pos window_s=x", ""]
)
def test_names_that_do_not_exist_are_seen(generate: ModuleType, name: str) -> None:
    assert not generate.exists_here(name)


def test_every_row_has_a_known_kind_and_rows_of_a_kind_stand_together(generate: ModuleType) -> None:
    kinds = [row["kind"] for row in generate.read_peer_features()]
    assert set(kinds) == KINDS
    changes = sum(first != second for first, second in itertools.pairwise(kinds))
    assert changes == len(KINDS) - 1


def test_the_page_shows_what_is_here_and_says_no_for_the_rest(generate: ModuleType) -> None:
    lines = generate.peer_features().splitlines()
    cells = {
        line.split(" | ")[0].strip("| "): line.split(" | ")[-1] for line in lines if "|" in line
    }
    assert cells["POS"] == "`pos` |"
    assert cells["ballistocardiography"] == "no |"
    assert cells["MAE, RMSE, MAPE, Pearson's r"] == "`mae`, `rmse`, `mape`, `r` |"
    assert cells["licence"] == "Apache-2.0 |"
