"""Models on disk: what was written comes back, and a damaged one is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.method import Model
from rppgbench.core.model_files import ARRAYS, FACTS, read_model, write_model
from rppgbench.system.errors import MachineError

FACTS_OF = {"bpm": 71.25, "history": [{"loss": float("nan")}], "epochs": {2: "two", 10: "ten"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of five numbers."""
    write_model(tmp_path / "model", Model({"a": np.arange(5.0)}, FACTS_OF))
    return tmp_path / "model"


def test_what_was_written_comes_back(folder: Path) -> None:
    model = read_model(folder)
    np.testing.assert_array_equal(model.arrays["a"], np.arange(5.0))
    assert model.metadata["bpm"] == 71.25
    assert np.isnan(model.metadata["history"][0]["loss"])
    assert model.metadata["epochs"] == {"2": "two", "10": "ten"}  # JSON has no other keys


@pytest.mark.parametrize("name", [ARRAYS, FACTS])
def test_every_flipped_bit_is_named(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        (folder / name).write_bytes(damaged)
        with pytest.raises(MachineError, match="delete the folder to learn it again"):
            read_model(folder)


def test_facts_without_a_checksum_are_not_trusted(folder: Path) -> None:
    facts = json.loads((folder / FACTS).read_text())
    del facts["sha256"]
    (folder / FACTS).write_text(json.dumps(facts))
    with pytest.raises(MachineError, match="does not agree with its checksum"):
        read_model(folder)
