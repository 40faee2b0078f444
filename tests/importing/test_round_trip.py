"""Own waveforms, exported and imported again, have the scores that they had."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.factories import stores
from tests.factories.evaluators import NAMES

from rppgbench.api.results import Results, load_results
from rppgbench.core.waveform import Array, Signal
from rppgbench.importing.import_run import import_predictions
from rppgbench.importing.options import ImportOptions
from rppgbench.predictions.writing import SUFFIXES
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

MEASURES = ["mae", "rmse", "me", "r", "snr_db", "coverage", "window_coverage", "n_windows"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Stored waveforms with gaps, noise and a late start."""
    made = stores.estimates(("pos",))
    gap = made[0].waveform
    assert gap is not None
    samples = gap.samples.copy()
    samples[300:420] = np.nan
    made[0] = replace(made[0], waveform=replace(gap, samples=samples))
    folder = tmp_path_factory.mktemp("own")
    stores.write(folder, made)
    return load_results(folder)


def import_again(source: Path, folder: Path, **options: Any) -> Results:
    chosen = ImportOptions(source=source, method="again", out=folder / "out", **options)
    import_predictions(chosen, folder / "cache", lambda line: None)
    return load_results(folder / "out")


def assert_same_scores(imported: Results, own: Results, evaluators: Sequence[str]) -> None:
    for name in evaluators:
        again, before = scores(imported, name), own_scores(own, name)
        pd.testing.assert_frame_equal(again, before, rtol=1e-9, atol=1e-9)


@cache
def own_scores(own: Results, evaluator: str) -> pd.DataFrame:
    return scores(own, evaluator)


def scores(results: Results, evaluator: str) -> pd.DataFrame:
    table = results.scores(evaluator, by=["recording"], resamples=0)
    return table[[name for name in MEASURES if name in table]].astype(float)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_keeps_the_scores_under_every_rule(
    own: Results, suffix: str, tmp_path: Path
) -> None:
    source = own.export(tmp_path / f"waves{suffix}", method="pos")
    imported = import_again(
        source,
        tmp_path,
        reference=own.folder,
        fs=30.0 if suffix == ".npy" else None,
        format="json" if suffix == ".json" else "",
    )
    assert_same_scores(imported, own, NAMES)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".npz", ".mat", ".h5"])
def test_exported_references_are_references(own: Results, suffix: str, tmp_path: Path) -> None:
    source = own.export(tmp_path / "waves.parquet", method="pos")
    truth = own.export_references(tmp_path / f"truth{suffix}")
    imported = import_again(source, tmp_path, reference=truth)
    assert_same_scores(imported, own, ("li2023", "toolbox_2023", "pyvhr"))


def with_confidence(folder: Path, samples: int) -> Results:
    """Stored estimates of two people with a confidence for every n-th sample."""
    estimates = stores.estimates(("pos",))[:2]
    for number, estimate in enumerate(estimates):
        assert estimate.waveform is not None
        times_s = estimate.waveform.times_s()[::samples]
        values = np.abs(np.sin(times_s + number))
        estimates[number] = replace(estimate, confidence=Signal(values, times_s))
    stores.write(folder, estimates)
    return load_results(folder)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".npz", ".mat", ".h5"])
def test_every_format_keeps_the_confidence_of_each_sample(suffix: str, tmp_path: Path) -> None:
    before = with_confidence(tmp_path / "own", 1)
    source = before.export(tmp_path / f"waves{suffix}", method="pos")
    chosen = "json" if suffix == ".json" else ""
    again = import_again(source, tmp_path, reference=before.folder, format=chosen)
    windows, expected = (r.windows("li2023")["confidence"] for r in (again, before))
    assert expected.notna().any()
    np.testing.assert_allclose(windows, expected, atol=1e-8)


def test_a_results_folder_keeps_the_confidence_of_windows(tmp_path: Path) -> None:
    before = with_confidence(tmp_path / "own", 90)
    again = import_again(before.folder, tmp_path)
    windows, expected = (r.windows("li2023")["confidence"] for r in (again, before))
    assert expected.notna().any()
    np.testing.assert_allclose(windows, expected, atol=1e-8)


def test_one_rate_of_a_recording_has_its_confidence_in_every_window(tmp_path: Path) -> None:
    before = with_confidence(tmp_path / "own", 1)
    names = before.recordings["recording"]
    lines = [f"{name},72,0.{number + 3}" for number, name in enumerate(names)]
    source = tmp_path / "rates.csv"
    source.write_text("\n".join(["recording,heart_rate_bpm,confidence", *lines]) + "\n")
    again = import_again(source, tmp_path, reference=before.folder)
    of_recording = again.windows("li2023").groupby("recording")["confidence"]
    assert of_recording.nunique(dropna=False).eq(1).all()
    assert sorted(of_recording.first()) == [0.3, 0.4, 0.5, 0.6]


def test_a_results_folder_is_a_source_itself(own: Results, tmp_path: Path) -> None:
    imported = import_again(own.folder, tmp_path)
    assert_same_scores(imported, own, NAMES)
    assert imported.manifest["imports"]["again"]["format"] == "rppgbench"
    assert imported.recordings["simulated"].all()


def test_beats_that_a_device_marked_are_references_of_an_imported_results_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats_s = np.arange(0.3, stores.SECONDS, 0.71)
    truth = stores.truth
    monkeypatch.setattr(stores, "truth", lambda subject: replace(truth(subject), beats_s=beats_s))
    own = stores.write(tmp_path / "own", stores.estimates(("pos",)))
    for number, reference in enumerate((None, own.folder)):
        import_again(own.folder, tmp_path / str(number), reference=reference)
        assert_beats(tmp_path / str(number) / "out", beats_s)
    results = load_results(own.folder)
    for suffix in (".json", ".npz", ".mat", ".h5"):
        truth_file = results.export_references(tmp_path / f"truth{suffix}")
        import_again(own.folder, tmp_path / suffix, reference=truth_file)
        assert_beats(tmp_path / suffix / "out", beats_s)
    for suffix in (".csv", ".parquet", ".npy"):
        with pytest.raises(BenchError, match=r"choose one of \.json, \.npz, \.mat, \.h5, or leave"):
            results.export_references(tmp_path / f"truth{suffix}")
    assert results.export_references(tmp_path / "truth.csv", beats=False).is_file()


def assert_beats(folder: Path, beats_s: Array) -> None:
    observed = Store(folder).observed()
    assert len(observed) == len(stores.SUBJECTS)
    for info in observed.values():
        np.testing.assert_array_equal(info.ground_truth.beats_s, beats_s)


def test_heart_rates_are_exported_as_such(tmp_path: Path) -> None:
    rates = Signal(np.array([70.0, 72.0]), np.array([5.0, 15.0]))
    made = [replace(e, waveform=None, heart_rate=rates) for e in stores.estimates(("pos",))]
    stores.write(tmp_path / "own", made)
    file = load_results(tmp_path / "own").export(tmp_path / "rates.csv", method="pos")
    table = pd.read_csv(file)
    assert table.columns.tolist() == ["recording", "time_s", "heart_rate_bpm"]
    assert table["heart_rate_bpm"].tolist() == [70.0, 72.0] * len(made)


@pytest.mark.parametrize(
    ("file", "fields", "told"),
    [
        ("a.xyz", {"method": "pos"}, "no format has this suffix"),
        ("a.csv", {"method": "net"}, "no signal to write"),
        ("a.csv", {"methods": "pos"}, "no field 'methods'"),
    ],
)
def test_exports_that_cannot_be_are_refused(
    own: Results, tmp_path: Path, file: str, fields: dict[str, str], told: str
) -> None:
    with pytest.raises(BenchError, match=told):
        own.export(tmp_path / file, **fields)
    assert not list(tmp_path.iterdir())


def test_several_estimates_of_a_recording_are_refused(tmp_path: Path) -> None:
    stores.write(tmp_path / "own", stores.estimates(("pos", "chrom")))
    with pytest.raises(BenchError, match="several estimates of 'ann-1'"):
        load_results(tmp_path / "own").export(tmp_path / "a.csv")
