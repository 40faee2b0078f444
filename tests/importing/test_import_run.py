"""Imports from files to results folders, by the command and by the interface."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.factories.imported_sources import write_rates, write_ubfc, write_waves

from rppgbench.api.results import load_results
from rppgbench.cli import main
from rppgbench.importing.import_run import import_predictions
from rppgbench.importing.options import ImportOptions

TEST_SUBJECTS = {"subject38": 66.0, "subject39": 78.0, "subject40": 90.0}


def run_import(*words: object) -> int:
    return main(["import", *map(str, words)])


@pytest.fixture(scope="module")
def ubfc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three subjects of the test side of ubfc_intra and one of the training side."""
    root = tmp_path_factory.mktemp("ubfc")
    return write_ubfc(root, {**TEST_SUBJECTS, "subject1": 72.0})


def leftovers(out: Path) -> list[tuple[str, str]]:
    with (out / "leftovers.csv").open(encoding="utf-8") as stream:
        return [(row["side"], row["name"]) for row in csv.DictReader(stream)]


def test_a_source_with_references_needs_no_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(
        tmp_path / "net.csv", {"a": 66.0, "b": 90.0}, reference_bpm={"a": 63.0, "b": 90.0}
    )
    assert run_import(source, "--method", "net", "--out", tmp_path / "out") == 0
    results = load_results(tmp_path / "out")
    assert results.scores("li2023")["mae"].round(2).tolist() == [1.5]
    said = capsys.readouterr()
    assert "imported, not run here: net: 2 predictions of 2 recordings" in said.out
    imports = results.manifest["imports"]["net"]
    assert imports["source"] == "net.csv"
    assert len(imports["sha256"]) == 64


def test_a_source_without_references_is_not_said_to_have_them(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0})
    assert run_import(source, "--method", "net", "--out", tmp_path / "out") == 0
    assert load_results(tmp_path / "out").manifest["imports"]["net"]["references"] == "none"


def test_every_file_of_the_results_says_where_they_come_from(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0}, reference_bpm={"a": 63.0})
    assert run_import(source, "--method", "net", "--out", tmp_path / "out") == 0
    sha256 = load_results(tmp_path / "out").manifest["imports"]["net"]["sha256"]
    mark = f"IMPORTED, NOT RUN HERE: net.csv, sha256 {sha256[:12]}, format table"
    for name in ("table.csv", "heart_rates.csv"):
        frame = pd.read_csv(tmp_path / "out" / name)
        assert frame["imported"].str.startswith(mark).all()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h1>Imported: net</h1>" in page
    assert f"net from net.csv, sha256 {sha256[:12]}" in page
    assert sha256 in page


def test_labels_come_from_a_data_set_and_absent_recordings_count(
    ubfc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(tmp_path / "net.csv", {"38": 66.0, "39": 78.0, "1": 72.0})
    out = tmp_path / "out"
    data = f"ubfc_rppg={ubfc}"
    words = ["--method", "net", "--out", out, "--cache", tmp_path / "cache"]
    code = run_import(source, *words, "--protocol", "ubfc_intra", "--data", data)
    said = capsys.readouterr()
    assert code == 2
    assert "none of its recordings (38, 39, 1) is one of subject38" in said.err
    names = tmp_path / "names.csv"
    names.write_text("source,recording\n38,subject38\n39,subject39\n")
    code = run_import(source, *words, "--protocol", "ubfc_intra", "--data", data, "--names", names)
    said = capsys.readouterr()
    assert code == 3
    assert "failed: ubfc_rppg/subject40: no prediction in net.csv" in said.err
    assert "no prediction in net.csv" not in said.out  # it is told once
    assert leftovers(out) == [("source", "1"), ("recording", "ubfc_rppg/subject40")]
    table = load_results(out).scores("li2023", by=["method"])
    assert table["n_recordings"].tolist() == [3]
    assert table["coverage"].round(3).tolist() == [0.667]
    windows = load_results(out).windows("li2023")
    absent = windows[windows["recording"] == "subject40"]
    assert absent["missing"].all()
    assert set(windows["fold"]) == {"1"}
    assert (absent["error_bpm"].abs() > 80).all()
    assert windows[~windows["missing"]]["error_bpm"].abs().max() < 0.5


def test_a_rule_for_names_is_printed_and_stored(
    ubfc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(tmp_path / "net.csv", {"38": 66.0, "39": 78.0, "40": 90.0})
    out = tmp_path / "out"
    words = ["--method", "net", "--out", out, "--cache", tmp_path / "cache"]
    data = f"ubfc_rppg={ubfc}"
    assert run_import(source, *words, "--protocol", "ubfc_intra", "--data", data) == 0
    assert "by the numbers in the names; 38 is subject38" in capsys.readouterr().out
    record = load_results(out).manifest["imports"]["net"]
    assert record["names"].startswith("by the numbers in the names")
    assert record["references"] == "the labels of ubfc_rppg"


def test_rows_of_data_that_a_method_was_trained_on_are_marked(ubfc: Path, tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", dict(TEST_SUBJECTS))
    out = tmp_path / "out"
    words = ["--method", "net", "--out", out, "--cache", tmp_path / "cache"]
    words += ["--data", f"ubfc_rppg={ubfc}", "--trained-on", "ubfc_rppg,nobodys_set"]
    assert run_import(source, *words) == 0
    table = pd.read_csv(out / "table.csv")
    assert set(table["leaked"]) == {"ubfc_rppg"}
    notes = json.loads((out / "manifest.json").read_text())["notes"]
    assert any(note.startswith("--trained-on nobodys_set: no data set") for note in notes)


def test_labels_that_do_not_fit_the_frames_are_a_row_with_the_reason(tmp_path: Path) -> None:
    root = write_ubfc(tmp_path / "ubfc", {"subject38": 66.0})
    labels = root / "DATASET_2" / "subject38" / "ground_truth.txt"
    pulse, rate, times = labels.read_text().splitlines()
    late = " ".join(f"{float(value) + 1e9:.7e}" for value in times.split())
    stretched = " ".join(f"{1.3 * float(value):.7e}" for value in times.split())
    source = write_waves(tmp_path / "net.csv", {"subject38": 66.0})
    for number, line in enumerate((late, stretched)):
        labels.write_text("\n".join([pulse, rate, line]) + "\n")
        out = tmp_path / f"out{number}"
        words = ["--method", "net", "--out", out, "--cache", tmp_path / "cache"]
        code = run_import(source, *words, "--data", f"ubfc_rppg={root}")
        (row,) = load_results(out).recordings.to_dict("records")
        assert (code, row["pulse"]) == (3, None) or "labels" in str(row["warnings"]) or line is late
    assert code == 3
    assert row["reason"].startswith("labels: ")


def test_references_of_a_file_of_their_own(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", {"a_1": 66.0, "b_1": 90.0, "c_1": 80.0})
    truth = write_rates(tmp_path / "truth.csv", {"A1": 63.0, "B1": 90.0, "D1": 70.0})
    out = tmp_path / "out"
    assert run_import(source, "--method", "net", "--out", out, "--reference", truth) == 0
    table = load_results(out).scores("li2023", by=["method"])
    assert table["mae"].round(1).tolist() == [1.5]
    assert leftovers(out) == [("reference", "D1"), ("recording", "c_1")]


def test_heart_rates_without_waveforms_are_scored_and_noted(tmp_path: Path) -> None:
    source = write_rates(tmp_path / "net.csv", {"a": 66.0, "b": 90.0})
    truth = write_waves(tmp_path / "truth.csv", {"a": 63.0, "b": 90.0})
    out = tmp_path / "out"
    assert run_import(source, "--method", "net", "--out", out, "--reference", truth) == 0
    table = pd.read_csv(out / "table.csv")
    row = table[table["evaluator"] == "li2023"].iloc[0]
    assert row["mae"] == pytest.approx(1.5, abs=0.05)
    assert row["rule_note"].startswith("heart rates without a waveform")
    assert np.isnan(row["snr_db"])


def test_several_methods_of_a_source_keep_their_names_apart(tmp_path: Path) -> None:
    first = write_waves(tmp_path / "1.csv", {"a": 66.0}, reference_bpm={"a": 63.0}, method="POS")
    second = write_waves(tmp_path / "2.csv", {"a": 63.0}, reference_bpm={"a": 63.0}, method="Net 2")
    table = pd.concat([pd.read_csv(first), pd.read_csv(second)])
    source = tmp_path / "both.csv"
    table.to_csv(source, index=False)
    out = tmp_path / "out"
    assert run_import(source, "--method", "theirs", "--out", out) == 0
    scores = load_results(out).scores("li2023", by=["method"])
    found = dict(zip(scores["method"], scores["mae"].round(1), strict=True))
    assert found == {"theirs_POS": 3.0, "theirs_Net_2": 0.0}


def test_unusable_waveforms_are_rows_with_reasons_and_the_others_go_on(tmp_path: Path) -> None:
    source = write_waves(
        tmp_path / "net.csv", {"a": 66.0, "b": 90.0}, reference_bpm={"a": 66.0, "b": 90.0}
    )
    table = pd.read_csv(source)
    table.loc[table["recording"] == "b", "pulse"] = np.nan
    table.to_csv(source, index=False)
    out = tmp_path / "out"
    assert run_import(source, "--method", "net", "--out", out) == 3
    estimates = load_results(out).estimates.set_index("recording")
    assert estimates.loc["a", "reason"] == ""
    assert "no number among 600 values" in str(estimates.loc["b", "reason"])
    windows = load_results(out).windows("li2023")
    good, lost = (windows[windows["recording"] == name] for name in "ab")
    assert good["error_bpm"].abs().max() < 0.1
    assert lost["missing"].all()
    assert (lost["error_bpm"].abs() > 80).all()  # the farther edge of the band
    assert load_results(out).scores("li2023")["coverage"].tolist() == [0.5]


def test_an_unusable_reference_is_a_reason_and_its_prediction_is_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = {"a": 66.0, "b": 90.0}
    source = write_waves(tmp_path / "net.csv", rates, reference_bpm=rates)
    table = pd.read_csv(source)
    table.loc[table["recording"] == "b", "reference_pulse"] = np.inf
    table.to_csv(source, index=False)
    assert run_import(source, "--method", "net", "--out", tmp_path / "out") == 3
    results = load_results(tmp_path / "out")
    assert set(results.estimates["reason"]) == {""}
    reasons = results.recordings.set_index("recording")["reason"]
    assert reasons["a"] == ""
    assert str(reasons["b"]).startswith("reference: ")
    assert "reference_pulse has 600 infinite values" in reasons["b"]
    assert results.scores("li2023")["n_recordings"].tolist() == [1]
    assert "failed: imported/b: reference: " in capsys.readouterr().err


def test_a_single_recording_is_told_in_the_singular(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0, "c": 70.0})
    truth = write_rates(tmp_path / "truth.csv", {"a": 66.0})
    assert run_import(source, "--method", "net", "--out", tmp_path / "o", "--reference", truth) == 0
    assert "1 recording without a prediction or a reference: c" in capsys.readouterr().err
    source = write_waves(tmp_path / "one.csv", {"a": 66.0})
    assert run_import(source, "--method", "net", "--out", tmp_path / "p", "--reference", truth) == 0
    assert "1 prediction of 1 recording;" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--method", "pos"], "is a method of this suite"),
        (["--method", "a b"], "is no name"),
        (["--method", "=net"], "is no name"),
        (["--method", "net", "--protocol", "ubfc"], "no protocol 'ubfc'"),
        (["--method", "net", "--data", "ubfc=x"], "no data set 'ubfc'"),
        (["--method", "net", "--format", "cvs"], "no format of predictions 'cvs'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0})
    out = tmp_path / "out"
    assert run_import(source, *words, "--out", out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not out.exists()


def test_the_same_import_again_changes_nothing_and_another_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0}, reference_bpm={"a": 66.0})
    out = tmp_path / "out"

    def stored() -> dict[str, bytes]:
        files = (f for f in out.rglob("*") if f.suffix in {".parquet", ".json", ".csv"})
        return {f.name: f.read_bytes() for f in files}

    assert run_import(source, "--method", "net", "--out", out) == 0
    before = stored()
    assert run_import(source, "--method", "net", "--out", out) == 0
    assert stored() == before
    other = write_waves(tmp_path / "other.csv", {"a": 67.0}, reference_bpm={"a": 66.0})
    capsys.readouterr()
    assert run_import(other, "--method", "net", "--out", out) == 2
    assert "give another --out" in capsys.readouterr().err


def test_corrected_labels_are_references_of_the_same_import_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the recording whose file was changed alone; the line says how many."""
    ubfc = write_ubfc(tmp_path / "ubfc", {"subject38": 66.0, "subject39": 78.0})
    source = write_waves(tmp_path / "net.csv", {"subject38": 66.0, "subject39": 78.0})
    words = ["--method", "net", "--cache", tmp_path / "cache", "--data", f"ubfc_rppg={ubfc}"]

    def references() -> list[float]:
        assert run_import(source, *words, "--out", tmp_path / "out") == 0
        windows = load_results(tmp_path / "out").windows("li2023")
        by_recording = windows.groupby("recording")["reference_bpm"].mean().round()
        return [float(bpm) for bpm in by_recording]

    assert references() == [66.0, 78.0]
    (labels,) = ubfc.rglob("subject38/ground_truth.txt")
    _, rates, times_s = np.loadtxt(labels)
    np.savetxt(labels, [np.sin(2 * np.pi * 100 / 60 * times_s), rates, times_s])
    capsys.readouterr()
    assert references() == [100.0, 78.0]
    assert "note: not reused: 1 stored row: the labels" in capsys.readouterr().err
    assert references() == [100.0, 78.0]
    assert "not reused" not in capsys.readouterr().err


def test_names_that_point_elsewhere_stay_text(tmp_path: Path) -> None:
    name = "../../escape"
    source = write_waves(tmp_path / "net.csv", {name: 66.0}, reference_bpm={name: 66.0})
    out = tmp_path / "deep" / "out"
    before = set(tmp_path.rglob("*"))
    assert run_import(source, "--method", "net", "--out", out) == 0
    new = set(tmp_path.rglob("*")) - before
    assert all(p in {out.parent, out} or out in p.parents for p in new)
    assert load_results(out).estimates["recording"].tolist() == [name]


def test_simulated_recordings_are_marked_as_such(tmp_path: Path) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0}, reference_bpm={"a": 66.0})
    out = tmp_path / "out"
    assert run_import(source, "--method", "net", "--out", out, "--simulated") == 0
    assert pd.read_csv(out / "table.csv")["simulated"].all()


def test_rerun_check_says_in_one_line_that_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_waves(tmp_path / "net.csv", {"a": 66.0}, reference_bpm={"a": 66.0})
    out = tmp_path / "out"
    assert run_import(source, "--method", "net", "--out", out) == 0
    capsys.readouterr()
    assert main(["rerun-check", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "net: imported, not run here, so the results cannot be made again" in line


def test_decompose_and_compare_mark_what_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = []
    for number, rate in enumerate((66.0, 68.0)):
        source = write_waves(tmp_path / f"{number}.csv", {"a": rate}, reference_bpm={"a": 66.0})
        folders.append(str(tmp_path / f"out{number}"))
        assert run_import(source, "--method", "net", "--out", folders[-1]) == 0
    capsys.readouterr()
    assert main(["compare", *folders]) == 0
    said = capsys.readouterr().out
    assert "IMPORTED, NOT RUN HERE: net from 1.csv" in said
    assert "net: 0.0" in said
    assert main(["decompose", folders[1]]) == 0
    assert "IMPORTED, NOT RUN HERE: net from 1.csv" in capsys.readouterr().out
    shares = pd.read_csv(Path(folders[1]) / "decomposition_shares.csv")
    assert shares["imported"].str.startswith("IMPORTED, NOT RUN HERE: 1.csv").all()


@pytest.mark.real
def test_a_file_of_pyvhr_has_the_errors_that_pyvhr_published(real: Path, tmp_path: Path) -> None:
    options = ImportOptions(
        source=real / "pyvhr-h5" / "UBFC1_clustering.h5", method="theirs", out=tmp_path / "out"
    )
    import_predictions(options, tmp_path / "cache", lambda line: None)
    results = load_results(tmp_path / "out")
    scores = results.scores("pyvhr", by=["method", "recording"], resamples=0)
    summary = pd.read_csv(real / "pyvhr-results" / "summary.csv")
    published = summary[summary["file"] == "UBFC1_clustering"]
    assert len(published) == len(scores) == 40
    for row in published.to_dict("records"):
        same = scores["method"].eq(f"theirs_{row['method']}")
        same &= scores["recording"].str.endswith(row["video"])
        ours = scores[same].iloc[0]
        np.testing.assert_allclose(
            [ours["mae"], ours["rmse"], ours["r"]],
            [row["MAE"], row["RMSE"], row["PCC"]],
            rtol=0,
            atol=1e-9,
        )
