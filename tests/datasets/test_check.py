"""A data check names every fault in one line and goes on with the others."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.registry import find_toml
from rppgbench.core.waveform import Array
from rppgbench.datasets.check import DataCheck, check_data
from rppgbench.datasets.protocol_fit import protocol_need
from rppgbench.datasets.recording_check import MOST_GAP_S as GAP_TOO
from rppgbench.datasets.recording_check import SHORTEST_S as SHORTEST_TOO
from rppgbench.datasets.recording_check import Finding, check_recording
from rppgbench.datasets.splits import Fold, assign_by_lists, assign_by_parts, read_split
from rppgbench.extraction.even_grid import MAX_GAP_S, MIN_SEGMENT_S
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import decode_counts

from ..factories import trees
from ..factories.datasets import dataset

FPS, FRAMES = 30, 300
GOOD = "data/p2/v1/source1"  # the recording that each case damages


@pytest.fixture
def vipl(tmp_path: Path) -> Path:
    """Four recordings of VIPL-HR of which one is 10 s long."""
    trees.vipl_hr(tmp_path)
    folder = tmp_path / GOOD
    trees.clip(folder / "video.avi", frames=FRAMES, fps=FPS)
    trees.column(folder / "time.txt", [round(k * 1000 / FPS) for k in range(FRAMES)])
    trees.column(folder / "gt_HR.csv", [70] * 10, "HR")
    trees.column(folder / "gt_SpO2.csv", [98] * 10, "SpO2")
    trees.column(folder / "wave.csv", [k % 9 for k in range(600)], "Wave")
    return tmp_path


@pytest.fixture(autouse=True)
def _short_trees(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trees of this module are shorter than a run needs, so that they are made soon."""
    if "too_short" not in request.node.name:
        monkeypatch.setattr("rppgbench.datasets.recording_check.SHORTEST_S", 0.2)


def check(root: Path, name: str = "vipl_hr") -> DataCheck:
    return check_data(dataset(name), root)


def of(result: DataCheck, name: str = "p2/v1/source1") -> list[Finding]:
    return [finding for finding in result.findings if finding.recording == name]


@pytest.mark.parametrize("name", trees.WRITERS)
def test_a_complete_tree_has_only_a_finding_on_its_size(name: str, tmp_path: Path) -> None:
    trees.WRITERS[name](tmp_path)
    before = dict(decode_counts)
    result = check(tmp_path, name)
    assert result.fit
    assert result.usable == result.counts["recordings"][0] > 1
    whole = dataset(name).expected["recordings"]
    assert f"(the whole set has {whole})" in result.verdict
    if name not in {"mmpd", "scamps"}:  # an array in a file has no place to seek to
        assert dict(decode_counts) == before
    assert json.loads(json.dumps(result.to_dict()))["fit"] is True


def test_a_clean_recording_has_no_findings(vipl: Path) -> None:
    assert of(check(vipl)) == []


def half(file: Path) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw[: len(raw) // 2])


def write(text: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(text)


def repeat_times(file: Path) -> None:
    times = [round(k * 1000 / FPS) for k in range(FRAMES)]
    times[100] = times[99]
    times[200] = times[198]
    trees.column(file, times)


CASES: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("video.avi", write("not a video, only named so"), "error", "not a video"),
    ("video.avi", lambda f: f.write_bytes(b""), "error", "the file is empty (0 bytes)"),
    ("video.avi", half, "error", "is cut off after 148 of 300 frames"),
    ("video.avi", Path.unlink, "error", "no such video"),
    ("gt_HR.csv", Path.unlink, "error", "does not exist; copy it"),
    ("gt_HR.csv", write(""), "error", "is empty; copy"),
    ("gt_HR.csv", write("HR\n70\nseventy\n"), "error", "line 3: 'seventy' is not a number"),
    ("gt_HR.csv", write("HR\n" + "0\n" * 10), "warning", "10 of 10 heart rates are 0"),
    ("gt_HR.csv", write("HR\n" + "70\n" * 9 + "0\n"), "warning", "1 of 10 heart rates are 0"),
    ("gt_HR.csv", write("HR\n" + "70\n" * 9 + "NaN\n"), "warning", "1 of 10 heart rates are not n"),
    ("gt_HR.csv", write("HR\n" + "70\n" * 9 + "250\n"), "warning", "1 of 10 heart rates are outsi"),
    ("gt_HR.csv", write("HR\n" + "70\n" * 5), "warning", "labels last 5.0 s, frames 10.0 s"),
    ("wave.csv", write("Wave\n" + "1\n2\n" * 294), "warning", "clock ratio 0.980"),
    ("wave.csv", write("Wave\n" + "1\nNaN\n" * 300), "warning", "300 of 600 pulse samples are not"),
    ("wave.csv", Path.unlink, "warning", "wave.csv is missing"),
    ("time.txt", Path.unlink, "warning", "time.txt is missing: 300 frames spread evenly over 10"),
    ("time.txt", repeat_times, "warning", "1 of 300 frame times repeat the one before"),
    ("time.txt", repeat_times, "warning", "1 of 300 frame times go backward"),
    (
        "time.txt",
        write("\n".join(map(str, range(0, 8250, 33)))),
        "error",
        "but 250 times are",
    ),
]


@pytest.mark.parametrize(
    ("file", "damage", "severity", "message"), CASES, ids=[c[3] for c in CASES]
)
def test_a_fault_is_one_line_and_the_others_go_on(
    vipl: Path, file: str, damage: Callable[[Path], object], severity: str, message: str
) -> None:
    damage(vipl / GOOD / file)
    result = check(vipl)
    hits = [finding for finding in of(result) if message in finding.text]
    assert [finding.severity for finding in hits] == [severity]
    assert all("\n" not in finding.text for finding in result.findings)
    assert result.fit == (severity == "warning")
    assert result.usable == (4 if severity == "warning" else 3)
    assert of(result, "p10/v1/source1") == []
    for name in ("p2/v1-2/source2", "p2/v8/source2"):
        (line,) = of(result, name)
        assert line.text.startswith("time.txt is missing: 20 frames spread evenly over 2 s")


DIALECTS = {
    "byte-order mark": b"\xef\xbb\xbfHR\n" + b"70\n" * 10,
    "CRLF": b"HR\r\n" + b"70\r\n" * 10,
    "mixed line ends": b"HR\r\n" + b"70\n70\r\n" * 5,
    "no header": b"70\n" * 10,
    "comma decimals": b"HR\n" + b"70,0\n" * 10,
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_of_label_files_is_no_fault(vipl: Path, dialect: str) -> None:
    (vipl / GOOD / "gt_HR.csv").write_bytes(DIALECTS[dialect])
    assert of(check(vipl)) == []
    (recording,) = (r for r in dataset("vipl_hr").recordings(vipl) if r.name == "p2/v1/source1")
    rates = recording.ground_truth().heart_rate
    assert rates is not None
    np.testing.assert_array_equal(rates.values, [70.0] * 10)


def test_a_fault_of_a_known_bad_recording_is_a_warning(vipl: Path) -> None:
    recording = next(r for r in dataset("vipl_hr").recordings(vipl) if r.name == "p2/v1/source1")
    (vipl / GOOD / "video.avi").unlink()
    (finding,) = check_recording(replace(recording, known_bad="frames missing: RhythmNet"))
    assert finding.severity == "warning"
    assert "(known: frames missing: RhythmNet)" in finding.text


def test_a_container_that_runs_off_its_labels_is_named(tmp_path: Path) -> None:
    trees.ubfc_phys(tmp_path)
    trees.clip(tmp_path / "s3/vid_s3_T2.avi", frames=350, fps=35)
    trees.column(tmp_path / "s3/bvp_s3_T2.csv", [k % 7 for k in range(620)])
    (finding,) = of(check(tmp_path, "ubfc_phys"), "s3_T2")
    assert finding.severity == "warning"
    assert "labels last 9.7 s, frames 10.0 s: clock ratio 0.969" in finding.text


def test_a_video_that_vanished_after_the_listing_is_named(vipl: Path) -> None:
    recordings = list(dataset("vipl_hr").recordings(vipl))
    (vipl / GOOD / "video.avi").unlink()
    shown_dataset = replace(dataset("vipl_hr"), recordings=lambda root: recordings)
    result = check_data(shown_dataset, vipl)
    assert result.usable == 3
    assert [f.severity for f in of(result)] == ["error"]


def test_empty_pictures_are_counted(tmp_path: Path) -> None:
    trees.pure(tmp_path)
    for stamp in trees.PURE_STAMPS[3:5]:
        (tmp_path / "01-01/01-01" / f"Image{stamp}.png").write_bytes(b"")
    (finding,) = of(check(tmp_path, "pure"), "01-01")
    assert finding.text == "2 of 21 files are empty"


def test_a_subject_in_two_folds_is_found(vipl: Path) -> None:
    from scipy.io import savemat

    savemat(vipl / "fold/fold2.mat", {"fold2": np.array([[2, 10]])})
    texts = [finding.text for finding in check(vipl).findings]
    assert any("subject p10 is in fold fold1 and in fold fold2" in text for text in texts)


def test_a_lost_fold_file_is_found(vipl: Path) -> None:
    (vipl / "fold/fold2.mat").unlink()
    trees.column(vipl / "fold/readme.txt", ["x"])
    texts = [finding.text for finding in check(vipl).findings]
    assert any("fold1.mat alone, where fold1.mat to fold5.mat belong" in text for text in texts)


def test_the_check_compares_the_sets_folds_with_the_published_ones(vipl: Path) -> None:
    (finding,) = [f for f in check(vipl).findings if "vipl-5fold-rhythmmamba" in f.text]
    assert finding.severity == "note"
    assert "folds of the set's own files; they differ from the list" in finding.text
    shutil.rmtree(vipl / "fold")
    (finding,) = [f for f in check(vipl).findings if "vipl-5fold-rhythmmamba" in f.text]
    assert finding.severity == "warning"
    assert "the set's own fold files are absent" in finding.text


def test_an_empty_root_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no recordings of 'VIPL-HR \(version 1\)' here"):
        check(tmp_path)


def test_the_verdict_names_the_protocols(vipl: Path) -> None:
    folds = [
        Fold(name="1", train=("p10",), validation=(), test=("p2",)),
        Fold(name="2", train=("p2",), validation=(), test=("p10",)),
    ]
    needs = {
        "five_folds": protocol_need(partial(assign_by_lists, folds=folds), trains=True),
        "by_parts": protocol_need(assign_by_parts),
        "others": protocol_need(
            partial(
                assign_by_lists, folds=[Fold(name="1", train=("p9",), validation=(), test=("p2",))]
            ),
            trains=True,
        ),
    }
    (vipl / "data/p10/v1/source1/video.avi").unlink()
    result = check_data(dataset("vipl_hr"), vipl, protocols=needs)
    assert result.protocols == {
        "five_folds": "nothing to test in fold 2",
        "by_parts": "no usable recording is on the test side",
        "others": "nothing to learn from in fold 1",
    }
    assert result.verdict.startswith("vipl_hr: not fit: 3 of 4 recordings usable")
    trees.clip(vipl / "data/p10/v1/source1/video.avi", fps=FPS)
    result = check_data(dataset("vipl_hr"), vipl, protocols=needs)
    assert result.protocols["five_folds"] == ""
    assert "; fit for five_folds; not fit for by_parts (" in result.verdict


def test_several_at_once_find_the_same_in_the_same_order(vipl: Path) -> None:
    (vipl / GOOD / "gt_HR.csv").unlink()
    reports: list[tuple[int, int]] = []
    one = check_data(dataset("vipl_hr"), vipl, progress=lambda d, t: reports.append((d, t)))
    four = check_data(dataset("vipl_hr"), vipl, jobs=4)
    assert one == four
    assert reports == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_partial_test_set_is_reported_with_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of the twelve whom `ubfc_intra` tests, by its split's lists."""
    split = find_toml("protocols/splits", "split", "ubfc-38-49", "a test")
    tested = read_split(split).folds[0].test
    assert len(tested) == 12
    for name in tested[:2]:
        trees.clip(tmp_path / "DATASET_2" / name / "vid.avi", frames=FRAMES, fps=FPS)
        times = np.arange(FRAMES) / FPS
        rows = [np.sin(7 * times), np.full(len(times), 70.0), times]
        np.savetxt(tmp_path / "DATASET_2" / name / "ground_truth.txt", rows)
    main(["data", "check", "ubfc_rppg", str(tmp_path)])
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert "; fit for ubfc_intra: 2 of its 12 test subjects are here" in verdict


def test_the_check_and_the_run_need_the_same_length() -> None:
    assert (SHORTEST_TOO, GAP_TOO) == (MIN_SEGMENT_S, MAX_GAP_S)


@pytest.mark.parametrize(
    ("frames", "times", "message"),
    [
        (72, None, "is too short: its frames span 2.4 s, and 3 s are needed"),
        (120, None, ""),
        (120, lambda t: t, ""),
        (120, lambda t: t[::-1], "its frame times go on for at most 0.0 s"),
        (120, lambda t: np.where(t < 2, t, np.nan), "frames span 2.0 s, and 3 s are needed"),
        (120, lambda t: t + 10 * np.floor(t), "its frame times go on for at most 1.0 s"),
    ],
)
def test_what_a_run_finds_too_short_is_an_error(
    frames: int, times: Callable[[Array], Array] | None, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.mp4"
    trees.clip(file, frames=frames, fps=30.0)
    times_s = None if times is None else times(np.arange(frames) / 30)
    recording = Recording(
        dataset="set",
        name="01",
        subject="01",
        video=lambda: VideoSource(file, times_s=times_s),
        ground_truth=GroundTruth,
        files=(file,),
    )
    errors = [finding.text for finding in check_recording(recording) if finding.severity == "error"]
    assert len(errors) == bool(message)
    assert all(message in text for text in errors)
