"""Labels that may not be passed on leave no column, and digests are of what is scored."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from rppgbench.core.mean_colours import MeanColours
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.store.references import reference_digest, without_references
from rppgbench.store.store import Store

from ..factories.records import make_recording_info

WAVE = Signal(np.array([1.0, 2.0, 1.0]), np.array([0.0, 0.1, 0.2]))
TRUTH = GroundTruth(
    pulse=WAVE,
    heart_rate=WAVE,
    beats_s=np.array([0.1, 0.2]),
    respiration=WAVE,
    respiration_rate=WAVE,
    oxygen_saturation=WAVE,
)


def test_no_label_of_a_withheld_recording_is_passed_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin({"protocol": {"name": "p", "digest": "d"}}, ["a"])
    colours = MeanColours(region="skin", segments=(Waveform(np.ones((9, 3), np.float32), 30.0),))
    info = make_recording_info("r", dataset="d", subject="s", ground_truth=TRUTH, colours=colours)
    store.add_observed([info])
    (part,) = (tmp_path / "recordings").iterdir()
    (given,) = pq.read_table(part).to_pylist()
    sent = without_references(part, lambda *_: True)
    (row,) = pq.read_table(io.BytesIO(sent)).to_pylist()
    numbers = [name for name, cell in given.items() if isinstance(cell, list) and cell]
    assert len(numbers) == 13
    assert [name for name in numbers if row[name] is not None] == []
    assert row["colour_region"] is None
    assert without_references(part, lambda *_: False) == part.read_bytes()


def test_a_reader_that_learns_another_sign_keeps_the_digest() -> None:
    bare = GroundTruth(pulse=WAVE, heart_rate=WAVE)
    assert reference_digest(TRUTH) == reference_digest(bare)
    assert reference_digest(replace(bare, heart_rate=None)) != reference_digest(bare)
