"""A folder of videos: labels and videos find each other by name, and what is left over is told."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rppgbench.cli import main
from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import find_toml, load_datasets
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.execution.planner import make_plan
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.video.suffixes import VIDEO_SUFFIXES

HEAD = "video,heart_rate_bpm,subject"


@pytest.fixture(scope="module")
def module() -> Any:
    load_datasets()
    return sys.modules["rppgbench_content.benchmarks.video_folder"]


def lay(root: Path, labels: str | None, *videos: str, newline: str = "\n") -> Path:
    """A folder of files that hold "x", with labels or without."""
    for name in videos:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    if labels is not None:
        (root / "heart_rates.csv").write_bytes(labels.replace("\n", newline).encode())
    return root


def recordings(root: Path) -> dict[str, Recording]:
    recordings = load_datasets().available["video_folder"].recordings(root)
    return {recording.name: recording for recording in recordings}


def told(root: Path) -> list[str]:
    tell = load_datasets().available["video_folder"].leftovers
    assert tell is not None
    return list(tell(root))


def rate(recording: Recording) -> float | None:
    truth = recording.ground_truth()
    return None if truth.heart_rate is None else float(truth.heart_rate.values[0])


@pytest.mark.parametrize(
    "labels",
    [
        f"{HEAD}\nanna.mp4,53.5,7\n",
        "video,subject,heart_rate_bpm\nanna.mp4,7,53.5\n",
        "subject;heart_rate_bpm;video\n7;53,5;anna.mp4\n",
        "Heart_Rate_BPM\tVideo\tsubject\n53.5\tanna.mp4\t7\n",
        '"video","heart_rate_bpm","subject"\n"anna.mp4","53.5","7"\n',
        "video, heart_rate_bpm, subject\n./anna.mp4, 53.5, 7\n",
        "\ufeffvideo,heart_rate_bpm,subject,\nanna.mp4,53.5,7,\n",
    ],
    ids=repr,
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_labels_are_read_by_the_names_of_their_columns(
    tmp_path: Path, labels: str, newline: str
) -> None:
    root = lay(tmp_path, labels, "anna.mp4", newline=newline)
    (anna,) = recordings(root).values()
    assert (rate(anna), anna.subject) == (53.5, "7")
    assert [line for line in told(root) if "columns" not in line] == []


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("anna.mp4,53,a\nbob.mp4,54,b\n", "line 1 must name the columns video and heart_rate_bpm"),
        ("anna.mp4;53\n", "line 1 must name the columns"),
        ("video,rate\nanna.mp4,53\n", "line 1 must name the columns"),
        ("video,heart_rate_bpm,Video\nanna.mp4,53,x\n", "names video twice"),
        (f"{HEAD}\nanna.mp4,53,a\nanna.mp4,54,a\n", "line 3 names 'anna.mp4', as a line above"),
        (f"{HEAD}\nanna.mp4,53,a\n./anna.mp4,54,a\n", "line 3 names 'anna.mp4', as a line above"),
        (f"{HEAD}\nzoe.mp4,53,a\nzoe.mp4,54,a\n", "line 3 names 'zoe.mp4', as a line above"),
        (f"{HEAD}\n,53,a\n", "line 2 names no video"),
        (f"{HEAD}\nanna.mp4,53,5,a\n", "line 2 has 4 cells, the header has 3"),
        (f"{HEAD}\nanna.mp4,fast,a\n", "line 2: 'fast' is not a number"),
        ("video;heart_rate_bpm,subject\nanna.mp4;53,a\n", "can be read as 2 columns by"),
        ("", "is empty"),
    ],
    ids=repr,
)
def test_labels_that_could_mean_something_else_are_refused_in_one_line(
    tmp_path: Path, labels: str, message: str
) -> None:
    root = lay(tmp_path, labels, "anna.mp4")
    with pytest.raises(RecordingError) as caught:
        recordings(root)
    line = str(caught.value)
    assert line.startswith(f"{root / 'heart_rates.csv'}: ")
    assert message in line
    assert "\n" not in line


def test_what_labels_and_videos_lack_of_each_other_is_told(tmp_path: Path) -> None:
    labels = f"{HEAD}\nanna.mp4,53,a\nbob.mp4,53,b\nzoe.mp4,53,z\nday\\eve.mp4,61,e\n"
    videos = ("anna.mp4", "bob.MP4", "carl.m4v", "day/eve.mp4", 'it\'s "dora", 2.3gp')
    root = lay(tmp_path, labels, *videos)
    result = recordings(root)
    assert set(result) == set(videos)
    assert [rate(result[name]) for name in videos] == [53, None, None, 61, None]
    assert told(root) == [
        "heart_rates.csv names 'bob.mp4', which is not there; did you mean 'bob.MP4'?",
        "heart_rates.csv names 'zoe.mp4', which is not there",
        "3 of 5 videos have no line in heart_rates.csv: 'bob.MP4', 'carl.m4v', "
        "'it\\'s \"dora\", 2.3gp'",
    ]


def test_both_of_two_names_that_differ_in_case_are_read(tmp_path: Path) -> None:
    root = lay(tmp_path, f"{HEAD}\nA.mp4,53,\na.mp4,61,\n", "a.mp4", "A.mp4")
    assert {name: rate(r) for name, r in recordings(root).items()} == {"a.mp4": 61, "A.mp4": 53}


def test_implausible_rates_are_reported_and_are_no_ground_truth(tmp_path: Path) -> None:
    root = lay(tmp_path, f"{HEAD}\na.mp4,0.88,\nb.mp4,1.2,\nc.mp4,,\n", "a.mp4", "b.mp4", "c.mp4")
    a, b, c = recordings(root).values()
    assert [rate(recording) for recording in (a, b, c)] == [None] * 3
    assert a.ground_truth().warnings == (
        "heart_rates.csv: 0.88 bpm is outside 30 to 240 bpm: no truth",
    )
    assert c.ground_truth().warnings == ()
    (line,) = told(root)
    assert line.startswith(
        "heart_rates.csv: 2 of 2 heart rates are outside 30 to 240 bpm: no truth"
    )
    assert "are they in Hz? multiply by 60" in line


def test_files_and_columns_that_are_not_read_are_reported(tmp_path: Path) -> None:
    labels = "video,heart_rate_bpm,age\na.mp4,53,40\n"
    root = lay(tmp_path / "in", labels, "a.mp4", "a.csv", "notes.txt", "sub/heart_rates.csv")
    lay(tmp_path / "other", None, "b.mp4")
    (root / "linked").symlink_to(tmp_path / "other")
    assert told(root) == [
        "heart_rates.csv: columns that are not read: 'age'",
        "not read: 'a.csv': the labels of all videos belong in heart_rates.csv",
        "not read: 'sub/heart_rates.csv': the labels belong in heart_rates.csv at the top of the "
        "folder",
        "not read: 'notes.txt': no videos by their names",
        "not read: 'linked': links to folders are not followed",
    ]


def test_a_changed_line_of_the_labels_concerns_its_video_alone(tmp_path: Path) -> None:
    """Columns that are not read and the order of the lines concern none."""
    root = lay(tmp_path, f"{HEAD}\na.mp4,60,1\nb.mp4,70,2\n", "a.mp4", "b.mp4", "c.mp4")

    def changed_by(labels: str) -> set[str]:
        before = {name: fingerprint([one]) for name, one in recordings(root).items()}
        lay(root, labels)
        return {n for n, one in recordings(root).items() if fingerprint([one]) != before[n]}

    assert changed_by("video,note,heart_rate_bpm,subject\nb.mp4,x,70.0,2\na.mp4,y,60,1\n") == set()
    assert changed_by(f"{HEAD}\na.mp4,60,1\nb.mp4,71,2\n") == {"b.mp4"}
    assert changed_by(f"{HEAD}\na.mp4,60,2\nb.mp4,71,2\n") == {"a.mp4"}
    assert changed_by(f"{HEAD}\na.mp4,60,2\nb.mp4,71,2\nc.mp4,80,c.mp4\n") == {"c.mp4"}
    assert changed_by(f"{HEAD}\na.mp4,,2\nb.mp4,71,2\n") == {"a.mp4", "c.mp4"}


def test_a_folder_without_labels_is_complete(tmp_path: Path) -> None:
    root = lay(tmp_path, None, "a.mp4", "b.webm")
    assert told(root) == []
    assert [rate(recording) for recording in recordings(root).values()] == [None, None]


def test_every_container_is_listed_by_its_name(tmp_path: Path) -> None:
    names = [f"clip{suffix}" for suffix in VIDEO_SUFFIXES]
    root = lay(tmp_path, None, *names, "CLIP.AVI")
    assert set(recordings(root)) == {*names, "CLIP.AVI"}
    assert {".m4v", ".3gp", ".mpg", ".mpeg", ".ts", ".mts", ".webm", ".wmv", ".flv", ".mov"} < (
        VIDEO_SUFFIXES
    )
    known: set[str] = set()
    for name in av.formats_available:
        for mode in ("r", "w"):
            try:
                known |= av.ContainerFormat(name, mode).extensions
            except ValueError:
                continue
    # These two are other names of formats that FFmpeg finds by their content.
    assert {suffix[1:] for suffix in VIDEO_SUFFIXES} - known == {"divx", "rmvb"}


def test_a_run_and_a_check_report_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = lay(tmp_path, f"{HEAD}\nanna.mp4,53,a\nbob.mp4,53,b\n", "anna.mp4", "bob.MP4")
    main(["data", "check", "video_folder", str(root)])
    output = capsys.readouterr().out
    protocol = read_protocol(find_toml("protocols", "protocol", "videos", "test"))
    plan = make_plan(
        protocol, "videos", {"video_folder": root}, methods=["pos"], seeds=[0], location="test"
    )
    lines = told(root)
    assert len(lines) == 2
    for line in lines:
        assert f"warning: video_folder: {line}" in output
        assert f"video_folder: {line}" in plan.notes


def test_labels_that_are_no_regular_file_are_refused_without_waiting(tmp_path: Path) -> None:
    root = lay(tmp_path, None, "anna.mp4")
    os.mkfifo(root / "heart_rates.csv")
    with pytest.raises(RecordingError, match=r"heart_rates\.csv: is a pipe, not a file"):
        recordings(root)
    (root / "heart_rates.csv").unlink()
    (root / "heart_rates.csv").mkdir()
    with pytest.raises(BenchError, match="cannot be read"):
        recordings(root)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(
    rows=st.lists(
        st.tuples(CELLS, st.sampled_from(["53", "53,5", "53.5", "", "nan", "0.9", "x"]), CELLS),
        max_size=4,
    ),
    head=st.permutations(["video", "heart_rate_bpm", "subject"]),
    separator=st.sampled_from([",", ";", "\t"]),
    quoted=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_any_labels_are_read_as_written_or_refused(
    module: Any,
    tmp_path_factory: pytest.TempPathFactory,
    rows: Sequence[tuple[str, str, str]],
    head: list[str],
    separator: str,
    quoted: bool,
) -> None:
    root = tmp_path_factory.getbasetemp() / "any videos"
    root.mkdir(exist_ok=True)
    places = [("video", "heart_rate_bpm", "subject").index(name) for name in head]

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quoted else text

    lines = [separator.join(head), *(separator.join(cell(r[p]) for p in places) for r in rows)]
    (root / "heart_rates.csv").write_text("\n".join(lines), encoding="utf-8", newline="")
    videos = {name: root / name for name, _, _ in rows}
    message, collected = "", []
    try:
        collected = module._lines(module._sheet(root), videos)
    except RecordingError as error:
        message = str(error)
    assert "\n" not in message.replace(repr("\n"), "")
    if message or not quoted:
        return
    kept = [row for row in rows if "".join(row).strip()]
    for (name, bpm, _), line in zip(kept, collected, strict=True):
        written = "" if "\r" in name else line.video
        assert written in {name, name.strip(), ""}
        value = float(bpm.replace(",", ".")) if bpm not in {"", "nan"} else np.nan
        np.testing.assert_equal(line.rate_bpm, value)
