"""Every data set is read from its owners' layout: names, times, labels by hand."""

import json
import shutil
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import MissingFolds, Recording
from rppgbench.core.registry import toml_files
from rppgbench.core.waveform import Array
from rppgbench.datasets.official_folds import OWN_FILES, official_folds, standing_splits
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.evaluation.reference import reference_kind
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.video.stream import decode_counts, open_video

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import video_source

FRAMES = trees.FRAMES


@pytest.fixture(scope="module")
def tree_roots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """One tree a data set, written once."""
    base = tmp_path_factory.mktemp("trees")
    roots = {}
    for name, write in trees.WRITERS.items():
        roots[name] = base / name
        roots[name].mkdir()
        write(roots[name])
    yield roots
    shutil.rmtree(base)


FITNESS = (("02/04", 1), ("02/05", 1), ("02/05", 2), ("11/01", 1))
NAMES = {
    "bias_eval_rppg": [
        *("India/video17_forehead", "India/video22_forehead", "India/video22_leftcheek"),
        *("Sierra_Leone/video2_forehead", "Sierra_Leone/video10_forehead"),
        "Sierra_Leone/video10_leftcheek",
    ],
    "bp4d_plus": ["F001_T1", "F001_T10", "M002_T8"],
    "cohface": ["2/0", "2/3", "10/0", "10/3"],
    "disfa": ["SN001", "SN002"],
    "ecg_fitness": [f"{c}/c920-{k}" for c, k in FITNESS],
    "ibvp": ["p02_a", "p02_d", "p08_b"],
    "ladh": ["12_05/caip/v01", "12_05/liutj/v02", "12_06/caip/v05"],
    "lgi_ppgi": ["alex_gym", "cpi_talk"],
    "mcd_rppg": ["1020/before/FullHDwebcam", "1020/after/IriunWebcam", "9998/after/USBVideo"],
    "mahnob_hci": ["P1/2", "P1/4", "P9/1042"],
    "mmpd": ["p2_1", "p10_0"],
    "mmse_hr": ["F013_T1", "F005_T10"],
    "mr_nirp_car": [
        "subject2_garage_still_940",
        "subject10_driving_large_motion_975",
        "subject16_garage_still_940",
    ],
    "obf": ["001_1", "001_2", "057_2"],
    "physdrive": ["AFH1_A2", "BFH2_C1", "AMH1_BT"],
    "pure": ["01-01", "01-02", "10-01"],
    "rlap": ["p001/R1", "p005/T3", "p007/R2", "p029/E1"],
    "rppg_10": ["Subject_4/Forehead", "Subject_12/Forehead", "Subject_12/Cheek1"],
    "scamps": ["P000010", "P000002"],
    "sums": ["060200/v01", "060200/v04", "060209/v02"],
    "ubfc_phys": ["s3_T1", "s3_T2", "s10_T1"],
    "ubfc_rppg": ["subject1", "subject10", "subject11"],
    "ubfc_rppg_1": ["5-gt", "10-gt", "after-exercise"],
    "v4v": ["F001_T1", "M002_T8", "F003_T10"],
    "vicar_ppg_2": ["01-base", "01-mov", "10-wrk"],
    "vipl_hr": ["p2/v1/source1", "p2/v1-2/source2", "p2/v8/source2", "p10/v1/source1"],
    "vital_videos": [f"{guid}_{k}" for guid in reversed(trees.VITAL_GUIDS) for k in (1, 2)],
    "vipl_hr_v2": ["401/video1", "1/video1", "1/video2", "12/video1", "12/video2"],
}
SUBJECTS = {
    "bias_eval_rppg": [
        *["India/video17"] * 3,
        *("Sierra_Leone/video2", *["Sierra_Leone/video10"] * 2),
    ],
    "bp4d_plus": ["F001", "F001", "M002"],
    "cohface": ["2", "2", "10", "10"],
    "disfa": ["SN001", "SN002"],
    "ecg_fitness": [clip[:2] for clip, _ in FITNESS],
    "ibvp": ["p02", "p02", "p08"],
    "ladh": ["caip", "liutj", "caip"],
    "lgi_ppgi": ["alex", "cpi"],
    "mcd_rppg": ["1020", "1020", "9998"],
    "mahnob_hci": ["P1", "P1", "P9"],
    "mmpd": ["p2", "p10"],
    "mmse_hr": ["F013", "F005"],
    "mr_nirp_car": ["subject2", "subject10", "subject2"],
    "obf": ["001", "001", "057"],
    "physdrive": ["AFH1", "BFH2", "AMH1"],
    "pure": ["01", "01", "10"],
    "rlap": ["p001", "p005", "p007", "p029"],
    "rppg_10": ["Subject_4", "Subject_12", "Subject_12"],
    "scamps": ["P000010", "P000002"],
    "sums": ["060200", "060200", "060209"],
    "ubfc_phys": ["s3", "s3", "s10"],
    "ubfc_rppg": ["subject1", "subject10", "subject11"],
    "ubfc_rppg_1": ["5-gt", "10-gt", "after-exercise"],
    "v4v": ["F001", "M002", "F003"],
    "vicar_ppg_2": ["01", "01", "10"],
    "vipl_hr": ["p2", "p2", "p2", "p10"],
    "vital_videos": [guid for guid in reversed(trees.VITAL_GUIDS) for _ in (1, 2)],
    "vipl_hr_v2": ["401", "1", "1", "12", "12"],
}


@pytest.mark.parametrize("name", NAMES)
def test_recordings_are_listed_in_natural_order_without_decoding(
    name: str, tree_roots: dict[str, Path]
) -> None:
    before = dict(decode_counts)
    recordings = list(dataset(name).recordings(tree_roots[name]))
    assert [recording.name for recording in recordings] == NAMES[name]
    assert [recording.subject for recording in recordings] == SUBJECTS[name]
    assert dict(decode_counts) == before
    assert not any(recording.simulated for recording in recordings)
    assert all(recording.dataset == name for recording in recordings)
    for recording in recordings:
        for file in recording.files:
            assert file.is_file() or (name, recording.name) == ("vipl_hr_v2", "401/video1")


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_comes_with_its_time(name: str, tree_roots: dict[str, Path]) -> None:
    for recording in dataset(name).recordings(tree_roots[name]):
        with open_video(video_source(recording)) as reader:
            times_s = [frame.time_s for frame in reader]
        assert len(times_s) == {"mmpd": 10, "rppg_10": 90}.get(name, FRAMES)


def test_a_protocol_of_a_whole_set_states_how_many_recordings_are_tested() -> None:
    """Without those that are known to be bad, where a protocol leaves them out."""
    good = {"ecg_fitness": 200, "mr_nirp_car": 189, "pure": 58, "ubfc_rppg": 38}
    wrong = {}
    for name, file in toml_files("protocols").items():
        protocol = read_protocol(file)
        if protocol.split != "whole" or not protocol.recordings:
            continue
        expected = sum(
            good[test] if protocol.without_known_bad else dataset(test).expected["recordings"]
            for test in protocol.test
        )
        if protocol.recordings != expected:
            wrong[name] = (protocol.recordings, expected)
    assert wrong == {}


def test_each_evaluator_of_a_protocol_has_a_reference_in_its_test_sets(
    tree_roots: dict[str, Path],
) -> None:
    """An evaluator that reads the pulse alone has nothing to compare with on a set of beats."""
    files = toml_files("protocols/evaluators")
    evaluators = {name: read_evaluator(file) for name, file in files.items()}
    truths = {}
    for name in sorted({*tree_roots} - {"disfa"}):  # which has no labels, and no protocol
        recordings = [r for r in dataset(name).recordings(tree_roots[name]) if not r.known_bad]
        truths[name] = recordings[-1].ground_truth()
    tested = [
        (protocol, test, name)
        for protocol in map(read_protocol, toml_files("protocols").values())
        for test in protocol.test
        for name in protocol.evaluators
        if test in truths
    ]
    lacking = [
        f"{protocol.title}: {name} on {test}"
        for protocol, test, name in tested
        if not reference_kind(evaluators[name], truths[test])
    ]
    assert {test for _, test, _ in tested} > {"ecg_fitness", "mahnob_hci", "pure", "rppg_10"}
    assert lacking == []


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_states_its_source_licence_and_bad_recordings(name: str) -> None:
    result = dataset(name)
    assert result.url.startswith("http")
    assert len(result.title) > 4
    assert min(len(result.cite), len(result.licence)) > 8
    assert set(result.expected) >= {"subjects", "recordings"}
    assert "\n" not in result.cite + result.licence + result.url
    module = sys.modules[f"rppgbench_content.benchmarks.{name}"]
    about = " ".join((module.__doc__ or "").split())
    assert "Layout" in about
    assert "Sources: " in about
    # Either a list of the bad ones, each with who excludes it, or the word that there is none.
    known_bad = getattr(module, "KNOWN_BAD", {})
    assert all(len(reason) > 20 for reason in known_bad.values())
    assert bool(known_bad) != ("list of bad" in about or "o bad recordings" in about)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_root_names_the_layout_and_the_source(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        list(dataset(name).recordings(tmp_path))
    line = str(caught.value)
    assert line.startswith(f"{tmp_path}: no recordings of ")
    assert dataset(name).url in line
    assert "\n" not in line


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_root_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="gone: does not exist"):
        list(dataset(name).recordings(tmp_path / "gone"))


def test_ubfc_rppg_1_accepts_every_name_of_its_videos(tmp_path: Path) -> None:
    for name, video in (("5-gt", "vid.avi"), ("7-gt", "vid-007.avi"), ("12-gt", "vid-12.avi")):
        trees.clip(tmp_path / "DATASET_1" / name / video)
        lines = [f"{16 * k},{(126, 127, 1, 2)[k * 4 // 50]},98,{k % 9}" for k in range(50)]
        trees.column(tmp_path / "DATASET_1" / name / "gtdump.xmp", lines)
    recordings = listed("ubfc_rppg_1", tmp_path)
    assert [f.video().path.name for f in recordings.values()] == [
        "vid.avi",
        "vid-007.avi",
        "vid-12.avi",
    ]
    assert [bool(f.known_bad) for f in recordings.values()] == [False, True, True]
    truth = recordings["5-gt"].ground_truth()
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(np.unique(truth.heart_rate.values), [126, 127, 129, 130])
    assert len(truth.warnings) == 1
    trees.clip(tmp_path / "DATASET_1" / "5-gt" / "vid-5.avi")
    with pytest.raises(RecordingError, match=r"holds vid-5\.avi and vid\.avi; keep the one"):
        listed("ubfc_rppg_1", tmp_path)["5-gt"].video()


@pytest.mark.parametrize("nested", [True, False])
def test_pure_has_nanosecond_times_in_both_layouts(tmp_path: Path, nested: bool) -> None:
    trees.pure(tmp_path, nested=nested)
    recordings = listed("pure", tmp_path)
    recording = recordings["01-02"]
    assert recording.scenario == "talking"
    source = recording.video()
    assert source.times_s is not None
    np.testing.assert_allclose(source.times_s, np.arange(FRAMES) * 0.033, atol=1e-9)
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    np.testing.assert_allclose(truth.pulse.times_s, -0.05 + np.arange(50) * 0.016, atol=1e-9)
    np.testing.assert_array_equal(truth.pulse.values, 10 + np.arange(50) % 7)
    assert set(truth.heart_rate.values) == {71.0}
    assert truth.oxygen_saturation is not None
    assert set(truth.oxygen_saturation.values) == {98.0}
    assert truth.warnings == ()


def test_pure_has_no_saturation_where_the_oximeter_has_none(tmp_path: Path) -> None:
    def spoil(k: int, value: dict[str, object]) -> None:
        value["o2saturation"] = 127 if k < 40 else 97
        value["searching"] = k == 45

    truth = pure_with(tmp_path, spoil).ground_truth()
    assert truth.oxygen_saturation is not None
    expected = [97.0 if k >= 40 and k != 45 else np.nan for k in range(50)]
    np.testing.assert_array_equal(truth.oxygen_saturation.values, expected)
    assert "saturation" not in "".join(truth.warnings)


def pure_with(root: Path, change: Callable[[int, dict[str, object]], None]) -> Recording:
    """Session 01-01 with every value of the oximeter changed."""
    trees.pure(root)
    file = root / "01-01" / "01-01.json"
    content = json.loads(file.read_text())
    for k, row in enumerate(content["/FullPackage"]):
        change(k, row["Value"])
    file.write_text(json.dumps(content))
    return listed("pure", root)["01-01"]


def test_samples_of_pure_with_a_probe_error_are_left_out(tmp_path: Path) -> None:
    """Each sign alone: the device's word; no rate and no wave; half a second of no wave."""

    def spoil(k: int, value: dict[str, object]) -> None:
        if k < 5:
            value["probeError"] = True
        if 10 <= k < 12:
            value.update(pulseRate=127, waveform=0)
        if k == 15:
            value["waveform"] = 0  # the lowest level of a pulse is none
        if k == 16:
            value["pulseRate"] = 127  # a rate that a heart can have
        if k == 17:
            value["searching"] = True
        if k >= 18:
            value["waveform"] = 0

    truth = pure_with(tmp_path, spoil).ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    left = [5, 6, 7, 8, 9, *range(12, 18)]
    np.testing.assert_allclose(truth.pulse.times_s, -0.05 + 0.016 * np.array(left), atol=1e-9)
    np.testing.assert_array_equal(truth.heart_rate.times_s, truth.pulse.times_s)
    np.testing.assert_array_equal(truth.heart_rate.values, [71] * 9 + [127, np.nan])
    assert truth.warnings[:2] == (
        "01-01.json: 39 of 50 samples are no pulse (probe error, or a waveform of 0): left out",
        "01-01.json: 1 of 11 heart rates are not numbers: no truth there",
    )


def test_pure_without_any_sound_sample_is_refused(tmp_path: Path) -> None:
    recording = pure_with(tmp_path, lambda _, value: value.update(probeError=True))
    with pytest.raises(RecordingError, match="holds 0 usable pulse samples"):
        recording.ground_truth()


@pytest.mark.parametrize("light", [np.array([b"lamp"]), np.bytes_(b"lamp"), "lamp"])
def test_cohface_reads_its_attribute_in_every_form(tmp_path: Path, light: object) -> None:
    import h5py

    trees.cohface(tmp_path)
    for session, warned in (("0", False), ("3", True)):
        with h5py.File(tmp_path / "2" / session / "data.hdf5", "a") as content:
            content.attrs["illumination"] = light
        warnings = listed("cohface", tmp_path)[f"2/{session}"].ground_truth().warnings
        assert bool(warnings) == warned
    assert warnings == ("data.hdf5: says the light is 'lamp', where 'natural' is expected",)


def test_cohface_warns_that_its_mkv_repeats_frames(tmp_path: Path) -> None:
    trees.cohface(tmp_path)
    folder = tmp_path / "2" / "0"
    (folder / "data.avi").rename(folder / "data.mkv")
    recording = listed("cohface", tmp_path)["2/0"]
    assert recording.video().path.name == "data.mkv"
    assert recording.ground_truth().warnings == (
        "data.avi is missing: data.mkv shows every second frame twice",
    )


def test_pure_sorts_images_by_their_time_not_as_text(tmp_path: Path) -> None:
    trees.pure(tmp_path)
    inner = tmp_path / "01-01" / "01-01"
    trees.pictures(inner, ["Image999.png"])  # fewer digits: earlier, though later as text
    assert video_source(listed("pure", tmp_path)["01-01"]).images[0].name == "Image999.png"


def test_vipl_hr_takes_times_from_the_file_and_scores_by_gt_hr(tree_roots: dict[str, Path]) -> None:
    recordings = listed("vipl_hr", tree_roots["vipl_hr"])
    phone = recordings["p2/v1-2/source2"]
    assert (phone.scenario, phone.source) == ("stable", "phone")
    assert recordings["p2/v8/source2"].scenario == "phone_stable"
    recording = recordings["p2/v1/source1"]
    source = recording.video()
    assert source.times_s is not None
    np.testing.assert_allclose(source.times_s * 1000, trees.VIPL_MS)
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(40) / 60)
    np.testing.assert_array_equal(truth.heart_rate.values, [67, 66])
    np.testing.assert_array_equal(truth.heart_rate.times_s, [0, 1])


def test_vipl_hr_without_time_txt_follows_the_rule_and_says_so(tmp_path: Path) -> None:
    trees.vipl_hr(tmp_path)
    folder = tmp_path / "data/p2/v1/source1"
    (folder / "time.txt").unlink()
    recording = listed("vipl_hr", tmp_path)["p2/v1/source1"]
    times_s = recording.video().times_s
    assert times_s is not None
    np.testing.assert_allclose(times_s, np.linspace(0, 40 / 60, FRAMES))
    assert (
        "20 frames spread evenly over 0.6667 s of wave.csv" in recording.ground_truth().warnings[0]
    )
    (folder / "wave.csv").unlink()
    recording = listed("vipl_hr", tmp_path)["p2/v1/source1"]
    source = recording.video()
    assert source.times_s is not None
    np.testing.assert_allclose(source.times_s, np.linspace(0, 2, FRAMES))
    truth = recording.ground_truth()
    assert truth.pulse is None
    assert any("time.txt is missing: 20 frames spread evenly over 2 s" in w for w in truth.warnings)
    assert any("wave.csv is missing" in w for w in truth.warnings)
    (folder / "gt_HR.csv").unlink()
    with pytest.raises(RecordingError, match=r"gt_HR\.csv: does not exist"):
        recording.ground_truth()


def test_the_phone_of_vipl_hr_has_no_times_of_its_own(tree_roots: dict[str, Path]) -> None:
    """Nor is a time.txt looked for; v4 is bright and v5 dark, as in the paper's table 3."""
    recording = listed("vipl_hr", tree_roots["vipl_hr"])["p2/v8/source2"]
    names = ["video.avi", "gt_HR.csv", "wave.csv", "gt_SpO2.csv"]
    assert [file.name for file in recording.files] == names
    times_s = recording.video().times_s
    assert times_s is not None
    np.testing.assert_allclose(times_s, np.linspace(0, 2, FRAMES))
    module = sys.modules["rppgbench_content.benchmarks.vipl_hr"]
    assert (module.SCENARIOS[4], module.SCENARIOS[5]) == ("bright", "dark")
    assert module.LIGHT == {4: "bright", 5: "dark"}


def test_the_container_times_of_vipl_hr_are_not_used(tmp_path: Path) -> None:
    """Its rate is 25 whatever the camera's was: that is no warning, and no time."""
    trees.vipl_hr(tmp_path)
    trees.clip(tmp_path / "data/p2/v1/source1/video.avi", fps=20)
    source = video_source(listed("vipl_hr", tmp_path)["p2/v1/source1"])
    for clock, warned in ((False, False), (True, True)):
        with open_video(replace(source, container_clock=clock)) as reader:
            times_s = [frame.time_s for frame in reader]
            assert bool(reader.info.warnings) == warned
        np.testing.assert_allclose(np.array(times_s) * 1000, trees.VIPL_MS)
    assert not source.container_clock


def test_vipl_hr_folds_are_the_sets_own(tree_roots: dict[str, Path], tmp_path: Path) -> None:
    folds = dataset("vipl_hr").folds
    assert folds is not None
    assert folds(tree_roots["vipl_hr"]) == {"fold1": ("p10",), "fold2": ("p2",)}
    with pytest.raises(MissingFolds, match=r"no fold1\.mat to fold5\.mat"):
        folds(tmp_path)


def test_one_fold_file_of_vipl_hr_is_no_missing_folder(tmp_path: Path) -> None:
    """A copy that lost files is damaged: no published list takes the place of its folds."""
    trees.vipl_hr(tmp_path)
    (tmp_path / "fold/fold2.mat").unlink()
    with pytest.raises(BenchError, match=r"fold1\.mat alone") as fault:
        official_folds(dataset("vipl_hr"), tmp_path, "here")
    assert not isinstance(fault.value, MissingFolds)


def test_the_published_folds_of_vipl_hr_stand_for_missing_files(tmp_path: Path) -> None:
    folds = official_folds(dataset("vipl_hr"), tmp_path, "here")
    assert folds.source == "vipl-5fold-rhythmmamba"
    assert folds.subjects["fold1"][:3] == ("p7", "p10", "p12")
    assert "which is not proven" in folds.notes[0]


def test_folds_of_vipl_hr_s_files_are_compared_with_the_published_ones(tmp_path: Path) -> None:
    from scipy.io import savemat

    (split,) = standing_splits("vipl_hr")
    (tmp_path / "fold").mkdir()
    for fold in split.folds:
        numbers = [int(subject[1:]) for subject in reversed(fold.test)]
        savemat(tmp_path / f"fold/{fold.name}.mat", {fold.name: np.array([numbers])})
    same = official_folds(dataset("vipl_hr"), tmp_path, "here")
    assert same.source == OWN_FILES
    assert "they agree with the list vipl-5fold-rhythmmamba for all 107 subjects" in same.notes[0]
    first = [int(subject[1:]) for subject in split.folds[0].test]
    savemat(tmp_path / "fold/fold1.mat", {"fold1": np.array([first[1:]])})
    other = official_folds(dataset("vipl_hr"), tmp_path, "here")
    assert other.source == OWN_FILES
    assert "for 1 subject, such as p7 (no fold in the files, fold1 in the list)" in other.notes[0]


@pytest.mark.parametrize(
    "value", [np.zeros((3, 4)), np.array([[1.5, 2]]), np.array(["p1"])], ids=["2d", "half", "text"]
)
def test_a_vipl_hr_fold_of_another_shape_is_refused(
    tmp_path: Path, value: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> None:
    from scipy.io import savemat

    trees.vipl_hr(tmp_path)
    savemat(tmp_path / "fold/fold2.mat", {"fold2": value})
    folds = dataset("vipl_hr").folds
    assert folds is not None
    with pytest.raises(BenchError, match=r"fold2\.mat: variable 'fold2' is .* of shape .*"):
        folds(tmp_path)


@pytest.mark.parametrize("value", [np.array([[2]]), np.array([[2]]).T, np.array([2.0])])
def test_a_vipl_hr_fold_may_be_a_row_or_a_column(
    tmp_path: Path, value: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> None:
    from scipy.io import savemat

    trees.vipl_hr(tmp_path)
    savemat(tmp_path / "fold/fold2.mat", {"fold2": value})
    folds = dataset("vipl_hr").folds
    assert folds is not None
    assert folds(tmp_path)["fold2"] == ("p2",)


def test_vipl_hr_names_its_known_bad_recordings() -> None:
    import sys

    dataset("vipl_hr")
    bad = sys.modules["rppgbench_content.benchmarks.vipl_hr"].KNOWN_BAD
    assert len([why for why in bad.values() if "RS-rPPG" in why]) == 67
    assert {"p32/v7/source3", "p45/v1/source2", "p19/v2/source2"} <= set(bad)


@pytest.mark.real
def test_the_wave_gives_the_frame_times_of_the_phone_of_vipl_hr(tmp_path: Path, real: Path) -> None:
    """On the genuine example with its time.txt: to 20 ms; gt_HR.csv would be off by 1.3 s."""
    folder = tmp_path / "data/p1/v1/source2"
    native = np.loadtxt(real / "vipl-example" / "time.txt") / 1000
    trees.clip(folder / "video.avi", frames=len(native))
    for file in ("wave.csv", "gt_HR.csv"):
        shutil.copy(real / "vipl-example" / file, folder / file)
    for missing, worst_s in ((None, 0.02), ("wave.csv", 1.3)):
        if missing:
            (folder / missing).unlink()
        times_s = listed("vipl_hr", tmp_path)["p1/v1/source2"].video().times_s
        assert times_s is not None
        off_s = np.abs(times_s - native).max()
        assert worst_s / 2 < off_s < worst_s


@pytest.mark.real
def test_the_genuine_vipl_hr_example_reads_right(tmp_path: Path, real: Path) -> None:
    folder = tmp_path / "data/p1/v1/source1"
    trees.clip(folder / "video.avi")
    for file in ("time.txt", "wave.csv", "gt_HR.csv"):
        shutil.copy(real / "vipl-example" / file, folder / file)
    recording = listed("vipl_hr", tmp_path)["p1/v1/source1"]
    times_s = recording.video().times_s
    truth = recording.ground_truth()
    assert times_s is not None
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    assert (len(times_s) - 1) / (times_s[-1] - times_s[0]) == pytest.approx(29.80, abs=0.005)
    assert truth.pulse.fs == pytest.approx(60.0)
    assert truth.heart_rate.values.mean() == pytest.approx(63.1, abs=0.05)
    assert truth.pulse.duration_s == pytest.approx(times_s[-1], rel=0.01)
    assert truth.warnings == ()


def test_vipl_hr_v2_has_one_rate_a_video_and_videos_without_labels(
    tree_roots: dict[str, Path],
) -> None:
    recordings = listed("vipl_hr_v2", tree_roots["vipl_hr_v2"])
    assert recordings["1/video2"].part == "train"
    for name, bpm in (("1/video1", 70.5), ("1/video2", 81.0), ("12/video1", 64.0)):
        truth = recordings[name].ground_truth()
        assert truth.pulse is None
        assert truth.heart_rate is not None
        assert set(truth.heart_rate.values) == {bpm}
        times_s = recordings[name].video().times_s
        assert times_s is not None
        np.testing.assert_allclose(times_s, np.arange(FRAMES) / 25)
        assert truth.heart_rate.times_s[-1] >= times_s[-1]
    truth = recordings["401/video1"].ground_truth()
    assert (truth.pulse, truth.heart_rate) == (None, None)
    assert truth.warnings == ("no gt.csv: a video without labels",)


def test_vipl_hr_v2_takes_a_pulse_that_lies_beside_its_video(tmp_path: Path) -> None:
    trees.vipl_hr_v2(tmp_path)
    before = listed("vipl_hr_v2", tmp_path)["1/video1"]
    rows = [f"{k / 50:.2f},{k * k}" for k in range(2 * FRAMES)]
    trees.column(tmp_path / "train/1/video1_bvp.csv", rows, "time_s,bvp")
    recordings = listed("vipl_hr_v2", tmp_path)
    truth = recordings["1/video1"].ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(2 * FRAMES) / 50)
    np.testing.assert_array_equal(truth.pulse.values, np.arange(2 * FRAMES) ** 2.0)
    assert truth.heart_rate is not None
    assert set(truth.heart_rate.values) == {70.5}
    assert truth.warnings == ()
    assert len(recordings["1/video1"].files) == len(before.files) + 1
    assert recordings["1/video2"].ground_truth().pulse is None


def test_vipl_hr_v2_warns_of_a_rate_that_the_container_does_not_have(tmp_path: Path) -> None:
    trees.vipl_hr_v2(tmp_path)
    trees.column(tmp_path / "train/1/gt.csv", [",video1,video2", "HR,70,70", "FPS,24.5,25"])
    recordings = listed("vipl_hr_v2", tmp_path)
    (line,) = recordings["1/video1"].ground_truth().warnings
    assert "clock ratio 1.020" in line
    assert recordings["1/video2"].ground_truth().warnings == ()


def test_v4v_reads_a_rate_a_frame_in_all_three_parts(tree_roots: dict[str, Path]) -> None:
    recordings = listed("v4v", tree_roots["v4v"])
    parts = {name: recording.part for name, recording in recordings.items()}
    assert parts == {"F001_T1": "train", "M002_T8": "validation", "F003_T10": "test"}
    for recording in recordings.values():
        truth = recording.ground_truth()
        assert truth.heart_rate is not None
        assert truth.pulse is not None
        np.testing.assert_array_equal(truth.heart_rate.values, trees.V4V_RATE)
        np.testing.assert_allclose(truth.heart_rate.times_s, np.arange(FRAMES) / 25)
        np.testing.assert_allclose(truth.pulse.times_s, np.arange(800) / 1000)
        assert truth.pulse.values[3] == 83.5
        assert truth.warnings == ()


def test_v4v_without_its_line_says_which(tmp_path: Path) -> None:
    trees.v4v(tmp_path)
    file = tmp_path / "Phase 2_ Testing set/test_set_gt_release.txt"
    trees.column(file, ["F003_T1.mkv, HR, 70, 71", "F003_T10.mkv, RR, 15, 15"])
    with pytest.raises(RecordingError, match="has no line 'F003_T10, HR, "):
        listed("v4v", tmp_path)["F003_T10"].ground_truth()


def test_v4v_with_a_video_in_two_parts_is_refused(tmp_path: Path) -> None:
    trees.v4v(tmp_path)
    trees.clip(tmp_path / "Phase 2_ Testing set/Videos/Test/test/F001_T1.mkv")
    with pytest.raises(BenchError, match="is in part 'test' and in part 'train'"):
        list(dataset("v4v").recordings(tmp_path))


def test_mmse_hr_reads_both_subtrees_at_25_and_1000_hz(tree_roots: dict[str, Path]) -> None:
    for recording in listed("mmse_hr", tree_roots["mmse_hr"]).values():
        times_s = recording.video().times_s
        assert times_s is not None
        np.testing.assert_allclose(times_s, np.arange(FRAMES) / 25)
        assert [image.stem for image in video_source(recording).images] == list(
            map(str, range(FRAMES))
        )
        truth = recording.ground_truth()
        assert truth.pulse is not None
        assert truth.heart_rate is not None
        assert truth.pulse.fs == pytest.approx(1000)
        assert set(truth.heart_rate.values) == {75.25}
        assert truth.warnings == ()


def test_disfa_has_no_ground_truth_and_one_camera(tree_roots: dict[str, Path]) -> None:
    recordings = listed("disfa", tree_roots["disfa"])
    assert {recording.source for recording in recordings.values()} == {"left"}
    truth = recordings["SN001"].ground_truth()
    assert (truth.pulse, truth.heart_rate, truth.warnings) == (None, None, ())


def test_obf_takes_the_times_of_its_pulse(tree_roots: dict[str, Path]) -> None:
    recordings = listed("obf", tree_roots["obf"])
    assert recordings["001_2"].scenario == "after_exercise"
    assert "RS-rPPG" in recordings["057_2"].known_bad
    assert not recordings["001_1"].known_bad
    truth = recordings["001_1"].ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(40) / 50)
    np.testing.assert_array_equal(truth.pulse.values, np.arange(40) % 9)


def test_cohface_knows_light_and_part(tree_roots: dict[str, Path]) -> None:
    recordings = listed("cohface", tree_roots["cohface"])
    assert recordings["2/0"].light == "lamp"
    assert recordings["10/3"].light == "natural"
    assert recordings["2/0"].part == "train"
    assert recordings["10/3"].part == "test"
    truth = recordings["10/3"].ground_truth()
    assert truth.pulse is not None
    assert truth.pulse.fs == pytest.approx(256)
    assert truth.warnings == ()


def test_ubfc_phys_keeps_the_first_sample_at_64_hz(tree_roots: dict[str, Path]) -> None:
    recordings = listed("ubfc_phys", tree_roots["ubfc_phys"])
    truth = recordings["s10_T1"].ground_truth()
    assert truth.pulse is not None
    assert len(truth.pulse.values) == 37
    assert truth.pulse.values[0] == 0.25
    assert truth.pulse.fs == pytest.approx(64)
    assert "rPPG-Toolbox" in recordings["s3_T1"].known_bad
    assert not recordings["s3_T2"].known_bad


def test_lgi_ppgi_counts_the_pulse_back_from_the_last_frame(tree_roots: dict[str, Path]) -> None:
    recording = listed("lgi_ppgi", tree_roots["lgi_ppgi"])["cpi_talk"]
    times_s = recording.video().times_s
    assert times_s is not None
    np.testing.assert_allclose(times_s, (40 * np.arange(FRAMES) + 3) / 1000)
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    assert truth.pulse.times_s[-1] == pytest.approx(0.763)
    assert truth.pulse.times_s[0] == pytest.approx(0.763 - 48 / 60)
    np.testing.assert_array_equal(truth.pulse.values, np.arange(49))
    assert set(truth.heart_rate.values) == {72.0}


def test_mmpd_reads_situation_frames_and_pulse_from_one_file(tree_roots: dict[str, Path]) -> None:
    recordings = listed("mmpd", tree_roots["mmpd"])
    assert {r.scenario for r in recordings.values()} == {"walking"}
    assert (recordings["p2_1"].skin_tone, recordings["p10_0"].skin_tone) == ("VI", "III")
    assert recordings["p2_1"].light == "led-low"
    with open_video(video_source(recordings["p2_1"])) as reader:
        levels = [(round(frame.time_s * 30), int(frame.rgb[0, 0, 0])) for frame in reader]
    assert levels == [(k, round(k / 20 * 255)) for k in range(10)]
    truth = recordings["p2_1"].ground_truth()
    assert truth.pulse is not None
    np.testing.assert_array_equal(truth.pulse.values, np.arange(10))
    assert truth.pulse.fs == pytest.approx(30)


def mmpd_with(root: Path, **changed: object) -> Recording:
    """One file of MMPD with other variables."""
    from scipy.io import loadmat, savemat

    trees.mmpd(root)
    file = root / "subject10" / "p10_0.mat"
    content = {k: v for k, v in loadmat(file).items() if not k.startswith("__")}
    savemat(file, {**content, **changed})
    return listed("mmpd", root)["p10_0"]


def mmpd_73_with(root: Path, video: Array) -> Recording:
    """One file of MMPD of version 7.3 with another video."""
    import h5py

    trees.mmpd(root)
    with h5py.File(root / "subject10" / "p10_0.mat", "w", userblock_size=512) as file:
        file.create_dataset("video", data=video.transpose(), chunks=(1, 4, 4, len(video)))
    return listed("mmpd", root)["p10_0"]


MMPD_FORMS = {"5": lambda root, video: mmpd_with(root, video=video), "7.3": mmpd_73_with}

RAMP = np.linspace(0, 1, 10)[:, None, None, None] * np.ones((10, 8, 8, 3))


@pytest.mark.parametrize(
    "video",
    [
        RAMP,
        RAMP.astype(np.float32),
        RAMP * 255,
        *((RAMP * 255).astype(kind) for kind in (np.uint8, np.uint16, np.int16, np.int64)),
        (RAMP * 65535).astype(np.uint16),
        RAMP * 1.04 - 0.02,
    ],
    ids=["0..1", "single", "0..255", "uint8", "uint16", "int16", "int64", "16 bits", "overshoot"],
)
@pytest.mark.parametrize("form", MMPD_FORMS)
def test_mmpd_reads_its_video_by_its_range(tmp_path: Path, video: Array, form: str) -> None:
    with open_video(video_source(MMPD_FORMS[form](tmp_path, video))) as reader:
        levels = [int(frame.rgb[0, 0, 0]) for frame in reader]
    np.testing.assert_allclose(levels, np.linspace(0, 255, 10), atol=5.2)
    assert (levels[0], levels[-1]) == (0, 255)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (RAMP * 4, "up to 4: 0 to 1 with overshoot, or a black video of 0 to 255"),
        ((RAMP * 1023).astype(np.uint16), "up to 1023: 10 to 15 bits, or a dark video of 16"),
        ((RAMP * 32767).astype(np.int16), "up to 3.277e+04: 10 to 15 bits, or a dark video"),
        (RAMP * 6 - 3, "-3 to 3: differences of frames, or shifted brightness"),
        (np.where(RAMP > 0.9, np.nan, RAMP), "values that are not numbers"),
        (RAMP.astype(complex), "is complex128, no numbers"),
    ],
    ids=["black", "10 bits", "int16", "differences", "nan", "complex"],
)
@pytest.mark.parametrize("form", MMPD_FORMS)
def test_mmpd_refuses_a_video_that_could_mean_two_things(
    tmp_path: Path, video: Array, message: str, form: str
) -> None:
    with (
        pytest.raises(RecordingError) as caught,
        open_video(video_source(MMPD_FORMS[form](tmp_path, video))) as reader,
    ):
        list(reader)
    assert message in str(caught.value)
    assert "p10_0.mat: video is " in str(caught.value)


def test_mmpd_reads_a_video_of_version_73_in_bounded_memory(tmp_path: Path) -> None:
    """38 MB of real numbers, of which a few parts and a block of bytes are in memory."""
    ramp = np.linspace(0, 1, 400, dtype=np.float32)[:, None, None, None]
    recording = mmpd_73_with(tmp_path, np.broadcast_to(ramp, (400, 80, 100, 3)))
    tracemalloc.start()
    try:
        with open_video(video_source(recording)) as reader:
            levels = [int(frame.rgb[40, 50, 1]) for frame in reader]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert levels == np.rint(ramp.ravel() * 255).tolist()
    assert peak < 14 * 2**20  # the bytes of all frames are 9.2 MB


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_mmpd_reads_labels_within_cells(tmp_path: Path, version: str) -> None:
    def cell(value: object) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
        out = np.empty((1, 1), dtype=object)
        out[0, 0] = value
        return out

    labels = {"motion": "Stationary", "light": "Nature", "exercise": "True"}
    numbers = {"skin_color": np.array([[5.0]]), "GT_ppg": np.arange(10.0)[None]}
    if version == "5":
        nested = {name: cell(cell(value)) for name, value in {**labels, **numbers}.items()}
        recording = mmpd_with(tmp_path, **nested)
    else:
        import h5py

        trees.mmpd(tmp_path)
        with h5py.File(tmp_path / "subject10" / "p10_0.mat", "w", userblock_size=512) as file:
            for name, value in {**labels, **numbers}.items():
                held = file.create_dataset(f"#refs#/{name}", data=as_hdf5(value))
                held.attrs["MATLAB_class"] = np.bytes_("char" if name in labels else "double")
                outer = file.create_dataset(name, (1, 1), dtype=h5py.ref_dtype)
                outer[0, 0] = held.ref
                outer.attrs["MATLAB_class"] = np.bytes_("cell")
            file["video"] = RAMP.transpose()
        recording = listed("mmpd", tmp_path)["p10_0"]
    assert (recording.scenario, recording.light, recording.skin_tone) == (
        *("after_exercise", "nature", "V"),
    )
    truth = recording.ground_truth()
    assert truth.pulse is not None
    np.testing.assert_array_equal(truth.pulse.values, np.arange(10))


def as_hdf5(value: object) -> Array:
    """As MATLAB keeps it in a file of version 7.3: letters as numbers, axes turned round."""
    if isinstance(value, str):
        return np.array([[ord(letter)] for letter in value], dtype=np.uint16)
    return np.asarray(value).T


def test_ubfc_phys_is_read_from_its_folder_data_too(
    tree_roots: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(tree_roots["ubfc_phys"], tmp_path / "UBFC-Phys" / "Data")
    assert list(listed("ubfc_phys", tmp_path)) == NAMES["ubfc_phys"]


def test_an_outer_folder_makes_no_difference(tree_roots: dict[str, Path], tmp_path: Path) -> None:
    outer = {"pure": "PURE", "vipl_hr": "VIPL-HR", "v4v": "V4V Dataset", "cohface": "cohface"}
    for name, folder in outer.items():
        shutil.copytree(tree_roots[name], tmp_path / name / folder)
        assert list(listed(name, tmp_path / name)) == NAMES[name]
