"""Every data set's reader refuses label text that could mean two things."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.registry import load_datasets
from rppgbench.core.waveform import Signal
from rppgbench.datasets.check import check_data
from rppgbench.datasets.label_text import read_rows
from rppgbench.datasets.recording_check import check_recording
from rppgbench.execution.recording_task import read_labels
from rppgbench.system.errors import BenchError

from ..factories import trees
from ..factories.tasks import make_recording_task

COLUMNS = [
    ("vipl_hr", "gt_HR.csv"),
    ("vipl_hr", "wave.csv"),
    ("vipl_hr", "time.txt"),
    ("mmse_hr", "BP_mmHg.txt"),
    ("mmse_hr", "Pulse Rate_BPM.txt"),
    ("ubfc_phys", "bvp_*.csv"),
    ("v4v", "F001-T1-BP.txt"),
]


def with_index(file: Path, header: str) -> None:
    """Save a label file again as pandas does: the number of the row before each row."""
    lines = [line for line in file.read_text().split() if line]
    if not lines[0].replace(".", "").isdigit():
        header, lines = f",{lines[0]}" if header else "", lines[1:]
    # Decimal points would tell that the comma separates: the labels are whole numbers here.
    rows = [f"{i},{line.split('.')[0]}" for i, line in enumerate(lines)]
    file.write_text("\n".join([*[header] * bool(header), *rows]) + "\n")


def written(name: str, root: Path) -> Callable[[], list[str]]:
    trees.WRITERS[name](root)

    def faults() -> list[str]:
        findings = check_data(load_datasets().available[name], root).findings
        errors = [finding for finding in findings if finding.severity == "error"]
        # The videos of these trees last less than a second.
        return [f"{e.file}: {e.text}" for e in errors if "is too short" not in e.text]

    assert faults() == []
    return faults


@pytest.mark.parametrize("header", [",x", "x", ""])
@pytest.mark.parametrize(("name", "pattern"), COLUMNS)
def test_one_column_saved_again_with_its_index_is_refused(
    name: str, pattern: str, header: str, tmp_path: Path
) -> None:
    faults = written(name, tmp_path)
    file = min(tmp_path.rglob(pattern))
    with_index(file, header)
    lines = [line for line in faults() if line.startswith(f"{file}: ")]
    assert lines
    assert "can be read as one number, 0." in lines[0]
    assert "or as two, 0 and " in lines[0]


def test_a_table_saved_again_with_its_index_is_refused(tmp_path: Path) -> None:
    faults = written("obf", tmp_path)
    file = tmp_path / "001_1" / "bvp.csv"
    head, *rows = file.read_text().split()
    file.write_text("\n".join([f",{head}", *(f"{i},{row}" for i, row in enumerate(rows))]))
    (line,) = faults()
    assert "has 3 numbers where 2 belong" in line
    file.write_text(
        "\n".join([",bvp", *(f"{i},{row.split(',')[1]}" for i, row in enumerate(rows))])
    )
    (line,) = faults()
    assert "it can be read as data or as an index" in line
    file.write_text("\n".join(["bvp,time_s", *(",".join(row.split(",")[::-1]) for row in rows)]))
    (line,) = faults()
    assert "names the time in column 2" in line


def test_ubfc_in_columns_is_refused_in_one_line(tmp_path: Path) -> None:
    faults = written("ubfc_rppg", tmp_path)
    file = next(iter(sorted(tmp_path.rglob("ground_truth.txt"))))
    rows = [line.split() for line in file.read_text().splitlines()]
    file.write_text("\n".join(" ".join(cells) for cells in zip(*rows, strict=True)))
    (line,) = faults()
    assert "rows of 3 numbers, where three equally long rows belong" in line
    assert "it seems transposed" in line


def test_vipl_v2_labels_name_each_video_once(tmp_path: Path) -> None:
    faults = written("vipl_hr_v2", tmp_path)
    file = tmp_path / "train" / "1" / "gt.csv"
    for text, said in (
        ("x;video1;video2\nHR;70,5;81\nFPS;25;25\n", None),
        ("x,video1,video1\nHR,70.5,81\nFPS,25,25\n", "more than once"),
        ("x,video1,video2\nHR,70,5,81\nFPS,25,25\n", "line 2 has 4 cells, the header has 3"),
        ("x,video2\nHR,81\nFPS,25\n", "nowhere"),
    ):
        file.write_text(text)
        fault_lines = faults()
        assert any(said in line for line in fault_lines) if said else not fault_lines


def test_a_cohface_recording_in_two_parts_is_refused(tmp_path: Path) -> None:
    written("cohface", tmp_path)
    folder = tmp_path / "protocols" / "all"
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        (folder / f"{part}.txt").write_text("2/0/data\n")
    with pytest.raises(BenchError, match=r"2/0 is in train\.txt and in test\.txt; keep it in one"):
        list(load_datasets().available["cohface"].recordings(tmp_path))


def test_v4v_rows_in_two_decimal_marks_are_refused(tmp_path: Path) -> None:
    faults = written("v4v", tmp_path)
    (file,) = tmp_path.rglob("F001_T1.txt")
    text = file.read_text()
    file.write_text(text.replace(", ", ";").replace("71", "71,5"))
    assert faults() == []
    file.write_text(text.replace(", ", ";").replace("71", "71,5").replace("70", "70.5", 1))
    assert any("is not a number" in line for line in faults())


@pytest.mark.parametrize("bpm", [1.2, 1e9, 0.0])
def test_rates_of_a_plugin_reader_are_bounded_in_run_training_and_check(
    tmp_path: Path, bpm: float
) -> None:
    """A plug-in's reader need not call `clean_labels`: the same bounds apply to its labels."""
    rates = Signal(np.array([72.0, bpm]), np.array([0.0, 1.0]))
    video = tmp_path / "a.mp4"
    trees.clip(video)
    recording = Recording(
        dataset="mine",
        name="a",
        subject="s",
        video=lambda: VideoSource(video),
        ground_truth=lambda: GroundTruth(heart_rate=rates),
        files=(video,),
    )
    task = make_recording_task("mine", "a", tmp_path)
    truth = read_labels(task, recording).value
    assert truth is not None
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.heart_rate.values, [72, np.nan])
    assert "no truth there" in truth.warnings[0]
    assert truth.warnings[0] in [finding.text for finding in check_recording(recording)]


@pytest.mark.real
def test_genuine_label_files_stay_read(real: Path) -> None:
    files = sorted((real / "ubfc-labels").rglob("ground_truth.txt"))
    assert files
    for file in files:
        rows = read_rows(file)
        assert len(rows) == 3
        assert len({len(row) for row in rows}) == 1
