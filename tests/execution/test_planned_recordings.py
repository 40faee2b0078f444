"""Sets that hold recordings of the same people are told before a run."""

import json
from pathlib import Path

import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import load_datasets, toml_files
from rppgbench.execution.planner import make_plan

from ..factories import trees


def notes(root: Path, learned: str, tested: str) -> list[str]:
    protocol = read_protocol(toml_files("protocols")["cross"])
    roots = {learned: root / learned, tested: root / tested}
    made = make_plan(
        protocol.model_copy(update={"train": [learned], "test": [tested]}),
        "cross",
        roots,
        methods=["pos"],
        seeds=[0],
        location="here",
    )
    return [note for note in made.notes if "same people" in note]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    for name in ("bp4d_plus", "mmse_hr", "pure"):
        trees.WRITERS[name](tmp_path / name)
    return tmp_path


def test_a_test_on_people_that_were_learned_from_is_told(sets: Path) -> None:
    assert notes(sets, "bp4d_plus", "mmse_hr") == [
        "mmse_hr and bp4d_plus hold recordings of the same people: what learns from bp4d_plus is "
        "not tested on unknown people in mmse_hr"
    ]
    assert len(notes(sets, "mmse_hr", "bp4d_plus")) == 1
    assert notes(sets, "pure", "mmse_hr") == []


def test_simulated_people_are_of_one_set(sets: Path) -> None:
    mark = json.dumps({"simulated": True})
    (sets / "bp4d_plus" / "SIMULATED.json").write_text(mark)
    assert notes(sets, "bp4d_plus", "mmse_hr") == []


def test_sets_name_each_other() -> None:
    available = load_datasets().available
    for name, declared in available.items():
        for other in declared.same_people:
            assert name in available[other].same_people
