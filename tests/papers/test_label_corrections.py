"""Labels that a training corrected, as the papers' figures show them."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.core.method import Model
from rppgbench.core.model_files import write_model
from rppgbench.papers.label_corrections import LABEL, PEER, load_corrections
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures.corrections import correction_figure

from ..factories import stores as made_store

FS = 25.6
OFF_BPM = {"ann": 20.0, "bob": 5.0, "cem": 0.0, "dee": 40.0}
"""By how much the label of each is wrong, on purpose."""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> StoredResults:
    """Two models: of one the label is off by a known rate and the peer right; one kept nothing."""
    folder = tmp_path_factory.mktemp("corrected")
    fits = [
        {"digest": "f" * 16, "method": "net", "fold": "1", "seed": 0},
        {"digest": "e" * 16, "method": "net", "fold": "2", "seed": 0},
        {"digest": "d" * 16, "method": "net", "fold": "3", "seed": 0},  # no model: it never ended
    ]
    store = made_store.write(folder, made_store.estimates(), more={"fits": fits})
    clip_s = np.arange(256) / FS
    rows, labels, peers = [], [], []
    for number, (name, off) in enumerate([*OFF_BPM.items(), ("eve", 9.0)]):
        start_s = 2.5 * number
        middle = made_store.rate_bpm(name, np.array([start_s + 5]))[0] if name != "eve" else 60.0
        labels.append(np.sin(2 * np.pi * (middle + off) / 60 * clip_s))
        peers.append(made_store.pulse(name, start_s + clip_s) if name != "eve" else np.sin(clip_s))
        rows.append({"recording": f"made_up/{name}-1", "start_s": start_s})
    arrays = {"corrected.pseudo": np.stack(labels), "corrected.peer": np.stack(peers)}
    facts = {"corrected": rows, "corrected_fs": FS}
    write_model(folder / "models" / ("f" * 16), Model(arrays, facts))
    write_model(folder / "models" / ("e" * 16), Model({"w": np.zeros(2)}, {"corrected": []}))
    return load_stored(store)


def test_labels_and_what_corrects_them_are_read_against_the_sensor(held: StoredResults) -> None:
    corrections = load_corrections(held, "net")
    assert corrections is not None
    windows = corrections.scores("li2023").windows
    assert len(windows) == 2 * len(OFF_BPM)  # eve has no truth: nothing is stored of her
    errors = windows.assign(error=windows["estimate_bpm"] - windows["reference_bpm"])
    for name, off in OFF_BPM.items():
        own = errors[errors["recording"].str.startswith(f"{name}-1 at ")].set_index("method")
        assert own.loc[LABEL, "error"] == pytest.approx(off, abs=0.6)
        assert own.loc[PEER, "error"] == pytest.approx(0, abs=0.6)


def test_clips_are_shown_from_the_least_to_the_greatest_error(held: StoredResults) -> None:
    corrections = load_corrections(held, "net")
    assert corrections is not None
    shown = corrections.spread_clips(corrections.scores("li2023").windows)
    assert [label.subject for label, _, _ in shown] == ["cem", "bob", "ann", "dee"]
    drawing = correction_figure(shown, key="c", marks=DataMarks(simulated=True))
    assert drawing is not None
    assert "SIMULATED DATA" in drawing.svg
    data = pd.read_csv(io.StringIO(drawing.data.text))
    for _, clip in data.groupby("clip"):
        assert np.corrcoef(clip[PEER], clip["sensor"])[0, 1] > 0.99
    cem = data[data["clip"] == "cem-1 at 5 s"]
    assert cem["time_s"].iloc[0] == 5.0
    assert len(cem) == 256


def test_models_that_corrected_nothing_give_no_figure(held: StoredResults, tmp_path: Path) -> None:
    assert load_corrections(held, "pos") is None
    assert correction_figure([], key="c") is None
    store = made_store.write(tmp_path, made_store.estimates())
    assert load_corrections(load_stored(store), "net") is None
