"""Files and folders that may not be read are named in one line, and the others go on.

Root may read everything, so what is tested is done as the user nobody where the tests run as root.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.datasets.check import check_data
from rppgbench.system.errors import BenchError

from ..factories import trees
from ..factories.datasets import dataset

NOBODY = 65534


def video_folder(root: Path) -> None:
    for name in ("a.mp4", "day 1/b.mp4", "day 1/c.mp4"):
        trees.clip(root / name)
    trees.column(root / "heart_rates.csv", ["a.mp4,71"], "video,heart_rate_bpm")


PICTURES = {".bmp", ".jpg", ".pgm", ".png"}
WRITERS: dict[str, Callable[[Path], None]] = {**trees.WRITERS, "video_folder": video_folder}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's rights, if any, for a while."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(me)


@contextmanager
def closed(place: Path) -> Iterator[None]:
    """Take away every permission of a file or folder for a while."""
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        with as_nobody():
            yield
    finally:
        place.chmod(mode)


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Path]]:
    """A tree a data set, in a place that everybody may enter: pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        for name, write in WRITERS.items():
            write(Path(place, name))
            # What is loaded late is loaded now: nobody may not read Python's own folders either.
            main(["data", "check", name, str(Path(place, name))])
        main(["run", "--protocol", "vipl5fold", "--data", f"vipl_hr={place}/vipl_hr", "--dry-run"])
        yield {name: Path(place, name) for name in WRITERS}


@pytest.mark.parametrize("name", WRITERS)
def test_a_root_without_permission_is_one_line(
    name: str, made: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with closed(made[name]):
        assert main(["data", "check", name, str(made[name])]) == 2
    out, captured = capsys.readouterr()
    assert out == ""
    assert captured.count("\n") == 1
    assert f"{made[name]}: may not be read; give yourself" in captured


def test_a_root_in_a_folder_without_permission_is_one_line(
    made: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = made["vipl_hr"] / "data"
    arguments = ["run", "--protocol", "vipl5fold", "--data", f"vipl_hr={root}"]
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as cache:
        Path(out).chmod(0o777)
        Path(cache).chmod(0o777)
        with closed(made["vipl_hr"]):
            assert main(["data", "check", "vipl_hr", str(root)]) == 2
            assert main([*arguments, "--out", out, "--cache", cache]) == 2
    check, run = capsys.readouterr().err.splitlines()
    assert str(root) in check
    assert f"--data vipl_hr=PATH says {root}: may not be read" in run


@pytest.mark.parametrize("name", WRITERS)
def test_every_folder_without_permission_is_named(name: str, made: dict[str, Path]) -> None:
    """Nobody knows what such a folder holds, so the listing ends there, or the recordings fail."""
    whole = check_data(dataset(name), made[name])
    folders = [folder for folder in sorted(made[name].rglob("*")) if folder.is_dir()]
    for folder in folders:
        with closed(folder):
            try:
                result = check_data(dataset(name), made[name])
            except BenchError as error:
                line = str(error)
                assert line.startswith(f"{folder}"), folder
                assert "may not be read" in line, folder
                assert "\n" not in line
                continue
        if result == whole:
            continue  # nothing of it is used, such as a second camera
        assert result.counts == whole.counts, folder
        new = [finding for finding in result.findings if finding not in whole.findings]
        assert any(str(folder) in finding.file + finding.text for finding in new), folder


@pytest.mark.parametrize("name", WRITERS)
def test_every_file_without_permission_is_named(name: str, made: dict[str, Path]) -> None:
    root = made[name]
    recordings = list(dataset(name).recordings(root))
    whole = check_data(dataset(name), root)
    for file in {file for recording in recordings for file in recording.files if file.is_file()}:
        own = [recording for recording in recordings if file in recording.files]
        with closed(file):
            if name == "video_folder" and file.suffix == ".csv":
                with pytest.raises(BenchError, match=r"heart_rates\.csv: may not be read"):
                    check_data(dataset(name), root)
                continue
            result = check_data(dataset(name), root)
        assert result.counts == whole.counts, file
        if file.suffix in PICTURES and result.findings == whole.findings:
            continue  # of a recording in pictures three are looked at
        lines = set(result.findings) - set(whole.findings)
        assert {line.recording for line in lines} <= {recording.name for recording in own}
        place = str(file.parent if file.suffix in PICTURES else file)
        assert any(place in line.file + line.text for line in lines), file


@pytest.mark.parametrize(
    ("option", "place"),
    [("--out", "closed/results"), ("--cache", "closed"), ("--keep-videos", "closed/videos")],
)
def test_an_output_folder_without_permission_is_told_before_anything_is_simulated(
    made: dict[str, Path], capsys: pytest.CaptureFixture[str], option: str, place: str
) -> None:
    with tempfile.TemporaryDirectory() as parent:
        for name in ("closed", "open"):
            Path(parent, name).mkdir()
        Path(parent, "open").chmod(0o777)
        Path(parent, "closed").chmod(0o555)
        Path(parent).chmod(0o755)
        places = {"--out": "open/results", "--cache": "open/cache"} | {option: place}
        words = [word for name, path in places.items() for word in (name, f"{parent}/{path}")]
        with as_nobody():
            assert main(["run", "--protocol", "ubfc_crf", "--simulate", *words]) == 2
        line = capsys.readouterr().err
        message = f"{parent}/{place}: cannot be written: Permission denied; give another {option}"
        assert line == f"bench: {message}\n"
        assert not list(Path(parent, "open").iterdir())
