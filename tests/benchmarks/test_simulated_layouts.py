"""What is simulated into a data set's files comes back out of them.

The round trip tests files, so most trees hold plain grey frames in place of faces: the grey level
is the number of the frame. One tree has rendered faces.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import VITAL_SIGNS, GroundTruth, Recording
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.check import check_data
from rppgbench.datasets.layout import is_simulated
from rppgbench.datasets.splits import assign_by_folds, assign_by_lists, assign_by_parts, read_split
from rppgbench.simulation import SimulatedRecording, SimulationPlan
from rppgbench.simulation.scene import Scene
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import open_video

from ..factories.datasets import dataset, simulated_recordings, write_tree
from ..factories.records import video_source

SPLITS = Path(__file__).parents[2] / "protocols" / "splits"
PLAN = SimulationPlan(subjects=2, seconds=3.0, seed=5)


def joined(session: SimulatedRecording) -> str:
    return f"{session.subject}_{session.session}"


def dashed(session: SimulatedRecording) -> str:
    return f"{session.subject}-{session.session}"


def slashed(session: SimulatedRecording) -> str:
    return f"{session.subject}/{session.session}"


def by_day(session: SimulatedRecording) -> str:
    day, title = session.session.split("/")
    return f"{day}/{session.subject}/{title}"


def of_three_patches(session: SimulatedRecording) -> tuple[str, ...]:
    return tuple(f"{session.subject}_{patch}" for patch in ("forehead", "leftcheek", "rightcheek"))


def by_patch(session: SimulatedRecording) -> tuple[str, ...]:
    return tuple(f"{session.subject}/{patch}" for patch in ("Forehead", "Cheek1", "Cheek2"))


NAMED: dict[str, Callable[[SimulatedRecording], str | tuple[str, ...]]] = {
    "bias_eval_rppg": of_three_patches,
    "bp4d_plus": joined,
    "cohface": slashed,
    "disfa": lambda session: session.subject,
    "ecg_fitness": lambda session: f"{session.subject}/{session.session}/c920-1",
    "ibvp": joined,
    "ladh": by_day,
    "lgi_ppgi": joined,
    "mcd_rppg": slashed,
    "mahnob_hci": slashed,
    "mmpd": lambda session: f"{session.subject}_{session.session.split('/')[0]}",
    "mmse_hr": joined,
    "mr_nirp_car": joined,
    "obf": joined,
    "physdrive": joined,
    "pure": dashed,
    "rlap": slashed,
    "rppg_10": by_patch,
    "scamps": lambda session: session.subject,
    "sums": slashed,
    "ubfc_phys": joined,
    "v4v": joined,
    "vicar_ppg_2": dashed,
    "vipl_hr": slashed,
    "vipl_hr_v2": slashed,
    "vital_videos": joined,
}
"""The reader's name of a simulated session, or its names, by the layout."""


def names_of(name: str, session: SimulatedRecording) -> tuple[str, ...]:
    named = NAMED[name](session)
    return (named,) if isinstance(named, str) else named


RATES_HZ = {
    "bp4d_plus": 1000.0,
    "mcd_rppg": 100.0,
    "cohface": 256.0,
    "ibvp": 30.0,
    "ladh": 20.0,
    "lgi_ppgi": 60.0,
    "mmpd": 30.0,
    "mmse_hr": 1000.0,
    "mr_nirp_car": 55.0,
    "obf": 256.0,
    "physdrive": 30.0,
    "pure": 60.0,
    "rlap": 20.0,
    "scamps": 30.0,
    "sums": 20.0,
    "ubfc_phys": 64.0,
    "v4v": 1000.0,
    "vicar_ppg_2": 60.0,
    "vipl_hr": 60.0,
    "vital_videos": 60.0,
}
"""At which rate each set has its pulse."""

RATE_ERROR_BPM = {
    "bp4d_plus": 1e-4,
    "ladh": 0.5,
    "lgi_ppgi": 0.5,
    "mmse_hr": 1e-4,
    "physdrive": 5e-5,
    "pure": 0.5,
    "sums": 0.5,
    "v4v": 1e-3,
    "vipl_hr": 0.5,
    "vital_videos": 0.5,
}
"""How exactly each set writes heart rates, where it has them: half of the last digit."""

ENDS_S = {"ecg_fitness": (-6, 4 - 1 / 125), "mahnob_hci": (-30, 8 - 1 / 256), "rppg_10": (0, 2.999)}
"""From when to when the electrocardiogram lasts, where a set has one."""

SIGNS = {
    "bp4d_plus": {"respiration", "respiration_rate"},
    "cohface": {"respiration"},
    "ecg_fitness": {"oxygen_saturation"},
    "ladh": {"respiration", "oxygen_saturation"},
    "mahnob_hci": {"respiration"},
    "physdrive": {"respiration", "oxygen_saturation"},
    "pure": {"oxygen_saturation"},
    "scamps": {"respiration"},
    "sums": {"respiration", "oxygen_saturation"},
    "v4v": {"respiration_rate"},
    "vipl_hr": {"oxygen_saturation"},
    "vital_videos": {"oxygen_saturation"},
}
"""Which vital signs a set has beside the pulse."""


def level(index: int) -> int:
    return 40 + 7 * (index % 25)


def grey(scene: Scene, *_: object) -> Iterator[NDArray[np.uint8]]:
    for index in range(len(scene.times_s)):
        yield np.full((scene.height, scene.width, 3), level(index), np.uint8)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rppgbench.simulation.rendering.render", grey)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", NAMED)
def test_simulated_recordings_are_read_back(name: str, tmp_path: Path) -> None:
    recordings = write_tree(name, tmp_path, PLAN)
    sessions = simulated_recordings(name, PLAN)
    assert is_simulated(tmp_path)
    assert all(recording.simulated for recording in recordings.values())
    assert sorted(recordings) == sorted(n for session in sessions for n in names_of(name, session))
    assert len({recording.subject for recording in recordings.values()}) == 2
    for session in sessions:
        for recording in (recordings[read] for read in names_of(name, session)):
            assert recording.subject == session.subject
            frames_come_back(recording, session)
            labels_come_back(name, recording, session)
    checked = check_data(dataset(name), tmp_path)
    assert checked.fit
    assert checked.simulated
    assert checked.verdict.endswith("[SIMULATED]")
    lines = [f for f in checked.findings if f.severity != "note"]
    assert all("time.txt is missing" in f.text for f in lines)
    assert bool(lines) == any(of_the_phone(name, session) for session in sessions)


def of_the_phone(name: str, session: SimulatedRecording) -> bool:
    """Whether it is VIPL-HR's phone, whose frames have no times but the duration of the labels."""
    return name == "vipl_hr" and session.session.endswith("source2")


def frames_come_back(recording: Recording, session: SimulatedRecording) -> None:
    with open_video(video_source(recording)) as reader:
        seen = [(frame.time_s, float(frame.rgb.mean())) for frame in reader]
        assert reader.info.warnings == ()
    times_s = session.scene.times_s - session.scene.times_s[0]
    np.testing.assert_allclose([time - seen[0][0] for time, _ in seen], times_s, atol=1.1e-3)
    levels = [level(index) for index in range(len(times_s))]
    np.testing.assert_allclose([grey for _, grey in seen], levels, atol=3)


def labels_come_back(name: str, recording: Recording, session: SimulatedRecording) -> None:
    truth = recording.ground_truth()
    assert [w for w in truth.warnings if not w.startswith("time.txt is missing")] == []
    if name == "disfa":
        assert (truth.pulse, truth.heart_rate) == (None, None)
        return
    if name in {"vipl_hr_v2", "bias_eval_rppg"}:  # one rate a video
        assert truth.heart_rate is not None
        mean = session.heart_rate_at(session.scene.times_s).mean()
        np.testing.assert_allclose(truth.heart_rate.values, mean, atol=0.006)
    if name == "bias_eval_rppg":
        assert truth.pulse is None
        return
    if name in ENDS_S:
        beats_come_back(name, truth, session)
        signs_come_back(name, truth, session)
        return
    assert truth.pulse is not None
    if name == "vipl_hr_v2":
        seen = session.pulse_at(truth.pulse.times_s)
        assert np.corrcoef(truth.pulse.values, seen)[0, 1] > 0.999
        return
    # The times of iBVP are whole milliseconds, those of VicarPPG-2 have a thousandth of one.
    rounding = {"ibvp": 1e-3, "vicar_ppg_2": 1e-4, "mr_nirp_car": 0.03}.get(name, 1e-6)
    rate_hz = 100.0 if session.subject == "AMH1" else RATES_HZ[name]  # PhysDrive's sample driver
    assert truth.pulse.fs == pytest.approx(rate_hz, rel=rounding)
    pressure = name in {"bp4d_plus", "v4v", "mmse_hr"}
    sensor = session.blood_pressure_at if pressure else session.pulse_at
    # The unit is the device's own, so the shape is what must come back, to its last digit.
    assert np.corrcoef(truth.pulse.values, sensor(truth.pulse.times_s))[0, 1] > 0.999
    assert (truth.heart_rate is not None) == (name in RATE_ERROR_BPM)
    if truth.heart_rate is not None:
        times_s = truth.heart_rate.times_s
        expected = session.heart_rate_at(np.floor(times_s + 1e-9) if name == "v4v" else times_s)
        error = RATE_ERROR_BPM[name] + 1e-9
        np.testing.assert_allclose(truth.heart_rate.values, expected, atol=error, rtol=0)
    signs_come_back(name, truth, session)


def signs_come_back(name: str, truth: GroundTruth, session: SimulatedRecording) -> None:
    given = {sign for sign in VITAL_SIGNS if getattr(truth, sign) is not None}
    assert given == SIGNS.get(name, set())
    if truth.respiration is not None:
        times_s = truth.respiration.times_s
        held = 1 / 32 if name == "cohface" else 0.0  # each value repeats for 8 samples at 256 Hz
        seen = session.respiration_at(times_s - held / 2)
        assert np.corrcoef(truth.respiration.values, seen)[0, 1] > 0.999
    if truth.respiration_rate is not None:
        seen = session.respiration_rate_at(truth.respiration_rate.times_s)
        np.testing.assert_allclose(truth.respiration_rate.values, seen, atol=1e-3)
    if truth.oxygen_saturation is not None:
        seen = session.oxygen_saturation_at(truth.oxygen_saturation.times_s)
        np.testing.assert_allclose(truth.oxygen_saturation.values, seen, atol=0.5 + 1e-9)


def beats_come_back(name: str, truth: GroundTruth, session: SimulatedRecording) -> None:
    """The beats of an electrocardiogram, and the heart rate between them."""
    assert truth.pulse is None
    assert truth.beats_s is not None
    assert truth.heart_rate is not None
    cycles = session.body.cycles(truth.beats_s + 0.2)
    # The energy of a beat lies some milliseconds before its R peak, the more at fewer samples.
    error = {"ecg_fitness": 0.02, "mahnob_hci": 0.01}.get(name, 0.005)
    np.testing.assert_allclose(cycles, np.rint(cycles), atol=error)
    assert set(np.diff(np.rint(cycles))) == {1}
    middle_s, rates = truth.heart_rate.times_s[1:-1], truth.heart_rate.values
    now = session.body.heart_rate_now(middle_s + 0.2)
    np.testing.assert_allclose(rates[1:-1], now, atol=0.7)
    assert (rates[0], rates[-1]) == (rates[1], rates[-2])
    np.testing.assert_allclose(truth.heart_rate.times_s[[0, -1]], ENDS_S[name], atol=1e-9)


@pytest.mark.usefixtures("plain")
def test_vipl_hr_has_uneven_times_folds_repeats_and_no_infrared(tmp_path: Path) -> None:
    plan = SimulationPlan(subjects=5, seconds=2.0, seed=5)
    recordings = write_tree("vipl_hr", tmp_path, plan)
    assert list(tmp_path.rglob("source4/video.avi"))
    assert not any("source4" in name for name in recordings)
    assert any(name.split("/")[1] == "v1-2" for name in recordings)
    assert {recording.scenario for recording in recordings.values()} >= {
        *("stable", "motion", "dark", "long_distance", "after_exercise", "phone_motion")
    }
    for recording in recordings.values():
        times_s = recording.video().times_s
        assert times_s is not None
        uneven = len(set(np.diff(np.round(times_s * 1000)))) > 2
        assert uneven == (recording.source != "phone")
    folds = dataset("vipl_hr").folds
    assert folds is not None
    sides = assign_by_folds(list(recordings.values()), folds(tmp_path), "test")
    assert [side.fold for side in sides] == ["fold1", "fold2", "fold3", "fold4", "fold5"]
    assert all(side.test and side.train for side in sides)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", ["mmpd", "cohface", "vipl_hr", "pure", "bp4d_plus"])
def test_the_same_seed_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    digests = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_tree(name, tmp_path / folder, SimulationPlan(subjects=1, seconds=1.0, seed=seed))
        files = sorted(f for f in (tmp_path / folder).rglob("*") if f.is_file())
        digests.append(
            {f.relative_to(tmp_path / folder): hashlib.sha256(f.read_bytes()) for f in files}
        )
    a, b, c = ({f: d.hexdigest() for f, d in one.items()} for one in digests)
    assert a == b
    assert a != c


SIDES = [
    *("cohface-28-12", "cohface-clean-28-12", "mmse-3fold", "mmse-contrast-phys-plus"),
    *("obf-10fold", "obf-rs4", "pure-6810", "pure-frac", "pure-hrcnn", "pure-mod5"),
    *(
        "bias-eval-countries",
        "bp4d-plus-bigsmall-3fold",
        "ecg-fitness-owners",
        "ibvp-ampnet",
        "mahnob-bob",
        "mr-nirp-car-gideon",
        "physdrive-cars-rppgbench",
        "rppg-10-mod5",
        "rlap-owners",
        "sums-owners",
        "ubfc-phys-gideon",
        "vicar-5fold-rppgbench",
        "vipl-rs4",
        "vipl-5fold-rhythmmamba",
    ),
    "vipl-v2-80-20-rppgbench",
]


def people(name: str, count: int) -> list[Recording]:
    """The recordings that a plan of that size makes, without making them."""
    plan = SimulationPlan(subjects=count, seconds=1.0)

    def never() -> Any:
        raise AssertionError("not to be read")

    return [
        Recording(
            dataset=name,
            name=read,
            subject=session.subject,
            video=never,
            ground_truth=never,
            files=(),
        )
        for session in simulated_recordings(name, plan)
        for read in names_of(name, session)
    ]


@pytest.mark.parametrize("split", SIDES)
def test_four_subjects_are_in_both_parts_of_every_split(split: str) -> None:
    read = read_split(SPLITS / f"{split}.toml")
    sides = assign_by_lists(people(read.dataset, 4), read.folds)
    able = [side for side in sides if side.train and side.test]
    assert able
    if len(sides) > 1:
        assert len(able) >= min(3, len(sides))


@pytest.mark.parametrize("split", ["ubfc-38-49", "ubfc-clean38"])
def test_four_subjects_of_ubfc_rppg_are_in_both_parts(split: str) -> None:
    dataset("ubfc_rppg")
    module: Any = sys.modules["rppgbench_content.benchmarks.ubfc_rppg"]
    (fold,) = read_split(SPLITS / f"{split}.toml").folds
    first = set(module.ORDER[:4])
    assert first & set(fold.train)
    assert first & set(fold.test)
    assert set(module.ORDER) >= {*fold.train, *fold.test}


@pytest.mark.parametrize(
    ("split", "count"),
    [("pure-mod5", 5), ("vipl-rs4", 5), ("mmse-3fold", 4), ("mmse-contrast-phys-plus", 5)],
)
def test_every_fold_has_a_test_subject_with_few_subjects(split: str, count: int) -> None:
    read = read_split(SPLITS / f"{split}.toml")
    sides = assign_by_lists(people(read.dataset, count), read.folds)
    assert all(side.train and side.test for side in sides)


@pytest.mark.usefixtures("plain")
def test_four_subjects_of_v4v_are_in_all_three_parts(tmp_path: Path) -> None:
    recordings = write_tree("v4v", tmp_path, SimulationPlan(subjects=4, seconds=1.0))
    (sides,) = assign_by_parts(list(recordings.values()))
    assert len(sides.train) == 4
    assert len(sides.validation) == len(sides.test) == 2


@pytest.mark.parametrize("name", NAMED)
def test_no_two_sessions_share_a_heart_rate_or_a_name(name: str) -> None:
    plan = SimulationPlan(subjects=4, seconds=4.0, seed=3)
    rates = {}
    for session in simulated_recordings(name, plan):
        key = (session.subject, session.session)
        assert key not in rates
        rates[key] = tuple(session.heart_rate_at(np.arange(4.0)))
    assert len(set(rates.values())) == len(rates)


def test_more_subjects_than_the_set_has_are_refused_in_one_line(tmp_path: Path) -> None:
    write = dataset("pure").simulate
    assert write is not None
    with pytest.raises(BenchError, match="pure: has 10 subjects, so 11 cannot be simulated"):
        write(tmp_path / "new", SimulationPlan(subjects=11, seconds=1.0))


def test_a_tree_with_rendered_faces_is_fit(tmp_path: Path) -> None:
    recordings = write_tree("disfa", tmp_path, SimulationPlan(subjects=1, seconds=1.0))
    with open_video(video_source(recordings["SN001"])) as reader:
        frames = [frame.rgb for frame in reader]
    assert len(frames) == 20
    assert frames[0].std() > 10  # a picture, not a plain
    assert check_data(dataset("disfa"), tmp_path).fit


UBFC_ROW = re.compile(rb"( {2}[ -]\d\.\d{7}e[+-]\d{2})+\r?")
"""A row of UBFC-rPPG's ground_truth.txt: MATLAB's `save -ascii`."""


def rows_of_ubfc(file: Path) -> list[bytes]:
    content = file.read_bytes()
    assert content.endswith(b"\n")
    rows = content.split(b"\n")[:-1]
    assert len(rows) == 3
    assert all(UBFC_ROW.fullmatch(row) for row in rows)
    return rows


@pytest.mark.real
def test_the_genuine_labels_of_ubfc_have_the_form_that_is_simulated(real: Path) -> None:
    files = [*real.glob("ubfc-labels/*/ground_truth.txt"), real / "ubfc-trace/ground_truth.txt"]
    assert len(files) == 7
    for file in files:
        rates = np.array(rows_of_ubfc(file)[1].split(), dtype=np.float64)
        assert (rates == np.rint(rates)).mean() > 0.97
        assert rates.max() <= 127


def test_the_page_of_facts_has_a_row_for_every_data_set() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "data_set_facts.md"
    facts, _, _ = page.read_text(encoding="utf-8").partition("\n## ")
    first_cells = [line.split("|")[1] for line in facts.splitlines() if line.startswith("| `")]
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == load_datasets().available.keys()


@pytest.mark.usefixtures("plain")
def test_simulated_files_have_the_form_of_the_originals(tmp_path: Path) -> None:
    """By other readers than ours; docs/reference/data_set_facts.md says how each form is known."""
    import h5py
    from scipy.io import loadmat

    plan = SimulationPlan(subjects=1, seconds=2.0, seed=5)
    for name in ("cohface", "mmpd", "pure", "ubfc_phys", "ubfc_rppg"):
        write_tree(name, tmp_path / name, plan)
    with h5py.File(next(tmp_path.glob("cohface/*/0/data.hdf5"))) as content:
        assert content.attrs["illumination"][0].decode() == "lamp"
        assert content.attrs["illumination"].shape == content.attrs["sample-rate-hz"].shape == (1,)
        held = content["respiration"][()].reshape(-1, 8)
        np.testing.assert_array_equal(held, held[:, :1].repeat(8, axis=1))
    protocols = {str(f.relative_to(tmp_path)) for f in tmp_path.glob("cohface/protocols/*/*.txt")}
    assert len(protocols) == 6  # one person is on one side
    mat = loadmat(next(tmp_path.glob("mmpd/subject*/p*_0.mat")))
    assert mat["video"].dtype.kind == "f"
    assert mat["video"].max() <= 1
    assert mat["GT_ppg"].shape == (1, len(mat["video"]))
    assert mat["exercise"][0] in {"True", "False"}
    package = json.loads(next(tmp_path.glob("pure/*/*.json")).read_text())["/FullPackage"]
    assert package[0].keys() == {"Timestamp", "Value", "FrameID"}
    assert package[0]["Value"].keys() >= {"probeError", "searching", "signalStrength"}
    assert next(tmp_path.glob("ubfc_phys/s*/info_s*.txt")).read_text()
    rates = rows_of_ubfc(next(tmp_path.glob("ubfc_rppg/DATASET_2/*/ground_truth.txt")))[1].split()
    assert {rate[-3:] for rate in rates} <= {b"+00", b"+01", b"+02"}
    assert all(float(rate) == round(float(rate)) <= 127 for rate in rates)


@pytest.mark.usefixtures("plain")
def test_set_1_of_ubfc_is_simulated_under_its_own_names(tmp_path: Path) -> None:
    recordings = write_tree(
        "ubfc_rppg_1", tmp_path, SimulationPlan(subjects=8, seconds=1.0, seed=5)
    )
    names = {recording.name: recording.video().path.name for recording in recordings.values()}
    plain = {f"{n}-gt": "vid.avi" for n in (5, 6, 8, 10, 11)}
    assert names == plain | {
        "7-gt": "vid-007.avi",
        "12-gt": "vid-12.avi",
        "after-exercise": "vid.avi",
    }
    first = (tmp_path / "DATASET_1/5-gt/gtdump.xmp").read_text().split("\n", maxsplit=1)[0]
    assert re.fullmatch(r"\d+,\d+,\d+,\d+", first)


@pytest.mark.usefixtures("plain")
def test_the_simulated_phone_of_vipl_hr_has_no_times(tmp_path: Path) -> None:
    write_tree("vipl_hr", tmp_path, SimulationPlan(subjects=3, seconds=2.0, seed=5))
    folders = [file.parent for file in tmp_path.glob("data/*/*/source*/video.avi")]
    assert {folder.name for folder in folders} == {f"source{n}" for n in (1, 2, 3, 4)}
    for folder in folders:
        assert (folder / "time.txt").is_file() == (folder.name != "source2")
        with av.open(str(folder / "video.avi")) as content:
            assert content.streams.video[0].average_rate == 25
