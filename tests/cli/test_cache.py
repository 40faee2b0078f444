"""bench cache: what there is, what goes, and what a running command keeps."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.core.registry import find_toml
from rppgbench.execution.cache_contents import list_entries

from ..factories.caches import put

pytest.importorskip("fcntl")

WAITS = '''"""A data set whose labels are not read by a run before a file is gone."""

import os
import time
from pathlib import Path

from rppgbench.core.recording import Dataset, Recording, VideoSource
from rppgbench.system.errors import RecordingError


def wait():
    while Path(os.environ["WAIT"]).exists() and Path("out/manifest.json").exists():
        time.sleep(0.05)
    raise RecordingError("no labels")


def recordings(root):
    yield Recording(
        dataset="waits", name="r", subject="s", ground_truth=wait, files=(),
        video=lambda: VideoSource(root / "no.mp4"),
    )


waits = Dataset(
    name="waits", title="Waits", cite="", licence="", url="", expected={}, recordings=recordings
)
'''


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Entries of two data sets."""
    folder = tmp_path / "cache"
    put(folder, "features", "aa10000000000000", "waits", size=2**21, days=40)
    put(folder, "features", "bb20000000000000", "pure", size=2**20, days=2)
    return folder


def test_show_prints_a_table_or_json(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "show", "--cache", str(cache)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"data set +kind +entries +size +days since last use +in use", table[0])
    assert re.fullmatch(r"pure +features +1 +1 MiB +2\.0 to 2\.0 +no", table[1])
    assert re.fullmatch(r"waits +features +1 +2 MiB +40\.0 to 40\.0 +no", table[2])
    assert re.fullmatch(rf"{re.escape(str(cache))}: 3 MiB; .+ are free", table[-1])
    assert main(["cache", "show", "--cache", str(cache), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    sizes = {tuple(group["datasets"]): group["size"] for group in shown["groups"][:2]}
    assert sizes == {("pure",): 2**20, ("waits",): 2**21}


def test_prune_says_what_goes_and_a_dry_run_deletes_nothing(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cache", "prune", "--cache", str(cache), "--older-than", "30", "--to-size", "1MiB"]
    assert main([*words, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "would be deleted: waits, features: 1, 2 MiB"
    assert lines[1] == f"{cache}: 1 entries remain, 1 MiB"
    assert main([*words, "--dry-run", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [entry["datasets"] for entry in answer["deleted"]] == [["waits"]]
    assert len(list_entries(cache)) == 2
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("deleted: waits, features: 1, 2 MiB\n")
    assert [entry.datasets for entry in list_entries(cache)] == [("pure",)]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("deleted: nothing\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what is to go: --older-than DAYS, --to-size SIZE or --dataset SET"),
        (["--dataset", "pur"], "no data set 'pur'; did you mean 'pure'"),
        (["--to-size", "1GB", "--cache", "nowhere"], "nowhere: no cache here"),
    ],
)
def test_mistakes_are_one_line(
    cache: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["cache", "prune", "--cache", str(cache), *words]) == 2
    line = capsys.readouterr().err
    assert message in line
    assert line.count("\n") == 1
    assert len(list_entries(cache)) == 2


@pytest.mark.parametrize(("option", "value"), [("--to-size", "many"), ("--older-than", "-1")])
def test_values_that_are_no_size_or_age_are_refused(option: str, value: str) -> None:
    with pytest.raises(SystemExit):
        main(["cache", "prune", f"{option}={value}"])


def test_a_running_command_keeps_its_data_set_until_it_ends(cache: Path, tmp_path: Path) -> None:
    plugins, wait = tmp_path / "plugins", tmp_path / "wait"
    for kind in ("benchmarks", "protocols"):
        (plugins / kind).mkdir(parents=True)
    (plugins / "benchmarks" / "waits.py").write_text(WAITS)
    text = find_toml("protocols", "protocol", "videos", "here").read_text()
    text = text.replace('test = ["video_folder"]', 'test = ["waits"]')
    (plugins / "protocols" / "waiting.toml").write_text(text)
    wait.touch()
    words = ["run", "--protocol", "waiting", "--methods", "pos", "--plugins", str(plugins)]
    words += ["--data", f"waits={tmp_path}", "--cache", str(cache), "--out", "out"]
    main_words = "import sys; from rppgbench.cli import main; sys.exit(main())"
    environment = os.environ | {"WAIT": str(wait)}
    command = [sys.executable, "-c", main_words, *words]
    run = subprocess.Popen(command, env=environment, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not (tmp_path / "out" / "manifest.json").exists():
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    prune = ["cache", "prune", "--cache", str(cache), "--older-than", "0"]
    assert main(prune) == 0
    assert [entry.datasets for entry in list_entries(cache)] == [("waits",)]
    wait.unlink()
    run.wait(120)
    assert main(prune) == 0
    assert list_entries(cache) == []
