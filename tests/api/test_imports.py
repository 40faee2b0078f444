"""Predictions in files, from Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.factories.imported_sources import write_rates, write_waves

import rppgbench as rb
from rppgbench.api import source_inputs
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.record import PredictionSource

TRUE_BPM = {"a": 66.0, "b": 84.0}
OFF_BPM = {"a": 69.0, "b": 85.0}


def test_the_results_are_those_of_the_command(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", OFF_BPM, reference_bpm=TRUE_BPM)
    results = rb.import_predictions(source, method="net", out=tmp_path / "out", page=False)
    assert results.scores("li2023", by=["method"])["mae"].round(1).tolist() == [2.0]
    assert not (tmp_path / "out" / "report.html").exists()


def test_score_takes_a_file_with_its_references(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", OFF_BPM, reference_bpm=TRUE_BPM)
    table = rb.score(source, evaluators=["li2023", "toolbox_2023"], resamples=0)
    assert table["mae"].round(1).tolist()[0] == 2.0
    sha256 = rb.import_predictions(source, method="net", out=tmp_path / "out", page=False).manifest[
        "imports"
    ]["net"]["sha256"]
    mark = f"IMPORTED, NOT RUN HERE: net.csv, sha256 {sha256[:12]}, format table"
    assert table["imported"].tolist() == [mark, mark]


def test_score_reads_a_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_waves(tmp_path / "net.csv", OFF_BPM, reference_bpm=TRUE_BPM)
    opened = []

    def count_opening(path: Path) -> PredictionSource:
        opened.append(path)
        return open_predictions(path)

    monkeypatch.setattr(source_inputs, "open_predictions", count_opening)
    rb.score(source, evaluators=["li2023", "toolbox_2023"], resamples=0)
    assert opened == [source]


def test_score_says_why_a_reference_cannot_be_used(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", OFF_BPM, reference_bpm=TRUE_BPM)
    table = pd.read_csv(source)
    table.loc[table["recording"] == "b", "reference_pulse"] = np.inf
    table.to_csv(source, index=False)
    for references in (None, source):
        with pytest.raises(rb.BenchError, match="reference_pulse has 600 infinite values"):
            rb.score(source, references, resamples=0)
    write_rates(tmp_path / "truth.csv", {"a": 66.0, "b": 1.2})
    with pytest.raises(rb.BenchError, match="in Hz, not in bpm"):
        rb.score(write_waves(tmp_path / "n.csv", OFF_BPM), tmp_path / "truth.csv", resamples=0)


def test_score_takes_rates_and_a_file_of_references(tmp_path: Path) -> None:
    source = write_rates(tmp_path / "net.csv", OFF_BPM)
    truth = write_waves(tmp_path / "truth.csv", TRUE_BPM)
    table = rb.score(source, truth, evaluators=["li2023", "toolbox_2023"], resamples=0)
    assert table["mae"].between(0.9, 2.6).all()


def test_score_without_references_is_one_line(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", OFF_BPM)
    with pytest.raises(rb.BenchError, match="holds no references"):
        rb.score(source)
    pulses = {"a": rb.Waveform(np.sin(np.arange(900.0) / 4), 30.0)}
    assert "imported" not in rb.score(pulses, pulses, resamples=0)
    with pytest.raises(rb.BenchError, match="have no references"):
        rb.score({"a": rb.Waveform(np.zeros(900), 30.0)})
