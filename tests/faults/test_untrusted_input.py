"""Other people's files: none runs code, leaves its folder, or writes into a page or terminal."""

import csv
import json
import os
import pickle
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.papers.declaration import read_table
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

from ..factories import stores as made_store
from ..factories.faces import save_video, swaying
from .runs import bench

pytestmark = pytest.mark.faults

NASTY = (
    "<script>alert(1)<",  # a folder, as a name holds no slash
    "<img src=x onerror=alert(2)>.mp4",
    "$(touch owned);`touch owned`.mp4",
    "up\\..\\..\\x.mp4",
    "=cmd|' calc'!A1.mp4",
    "two\nlines.mp4",
    "\x1b[2J\x1b[31mred.mp4",
    "{{ 7*7 }}{% raw %}.mp4",
    "name with \"quotes\" & 'more'.mp4",
    "\u202etxt.4pm.mp4",
)


class Seen(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video of a face."""
    file = tmp_path_factory.mktemp("clip") / "face.mp4"
    save_video(file, list(swaying(75)))
    return file


def test_names_of_videos_do_nothing_but_name_them(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in" / "videos", tmp_path / "out"
    for name in NASTY:
        place = folder / name
        if name.endswith("<"):
            place = place / "script>.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith(("=", "two", "\x1b")):
            place.write_text("not a video")  # its name is in what is said of failures
        else:
            shutil.copyfile(clip, place)
    shutil.copyfile(clip, folder / "plain.mp4")
    rows = [["video", "heart_rate_bpm", "subject"], ["plain.mp4", "70", "<b>ann</b>"]]
    rows += [["../../secret.mp4", "70", ""], ["/etc/passwd", "70", "../../x"]]
    with (folder / "heart_rates.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    before = {p for p in tmp_path.rglob("*") if out not in p.parents}
    arguments = [
        "run",
        "--protocol",
        "videos",
        "--methods",
        "pos",
        "--cache",
        str(tmp_path / "cache"),
    ]
    assert main([*arguments, "--data", f"video_folder={folder}", "--out", str(out)]) == 3
    captured = capsys.readouterr()
    names = {e.recording for e in Store(out).estimates()}
    assert len(names) == len(NASTY) + 1
    # Nothing is written anywhere else, and nothing is run.
    after = {p for p in tmp_path.rglob("*") if not {out, tmp_path / "cache"} & {p, *p.parents}}
    assert after == before
    assert not list(tmp_path.rglob("owned"))
    assert not Path("owned").exists()
    # The terminal gets no command, and one line a failure.
    assert "\x1b" not in captured.err + captured.out
    failed = [line for line in captured.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == len(names)  # three hold no video, in the others no face stays
    # The page has the tags of the suite alone.
    page = Seen((out / "report.html").read_text(encoding="utf-8"))
    plain = Seen(_page_of_plain_names(tmp_path, clip))
    assert page.tags.count("script") == plain.tags.count("script")
    assert page.tags.count("img") == plain.tags.count("img")
    assert page.handlers == []
    assert "<img src=x onerror=alert(2)>.mp4" in page.text
    assert "{{ 7*7 }}" in page.text
    with (out / "heart_rates.csv").open(newline="", encoding="utf-8") as file:
        assert {row["recording"] for row in csv.DictReader(file)} == names


def _page_of_plain_names(tmp_path: Path, clip: Path) -> str:
    folder = tmp_path / "plain"
    folder.mkdir()
    for k in range(2):
        shutil.copyfile(clip, folder / f"{k}.mp4")
    (folder / "2.mp4").write_text("not a video")
    arguments = [
        "run",
        "--protocol",
        "videos",
        "--methods",
        "pos",
        "--cache",
        str(tmp_path / "cache"),
    ]
    out = tmp_path / "plain-out"
    assert main([*arguments, "--data", f"video_folder={folder}", "--out", str(out)]) == 3
    return (out / "report.html").read_text(encoding="utf-8")


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, (f"touch '{self.mark}'",))


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.safetensors", "weights"])
@pytest.mark.parametrize("form", ["pickle", "torch", "model folder"])
def test_weights_that_would_run_code_are_refused(
    clip: Path, tmp_path: Path, name: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch")
    mark, weights = tmp_path / "ran", tmp_path / name
    if form == "pickle":
        weights.write_bytes(pickle.dumps({"a": Evil(mark)}))
    elif form == "torch":
        torch.save({"a": torch.zeros(2), "b": Evil(mark)}, weights)
    else:
        weights.mkdir()
        (weights / "model.json").write_text("{}")
        (weights / "model.safetensors").write_bytes(pickle.dumps(Evil(mark)))
    arguments = ["predict", str(clip), "--method", "contrast_phys", "--weights", str(weights)]
    assert main([*arguments, "--cache", str(tmp_path / "cache")]) == 2
    output = capsys.readouterr().err
    assert output.startswith(f"bench: {weights}: ")
    assert output.count("\n") == 1
    assert not mark.exists()
    with pytest.raises(AttributeError, match="nothing"):  # the mark is made by what is refused
        pickle.loads(pickle.dumps({"a": Evil(mark)}))["a"].nothing  # noqa: B018
    assert mark.exists()


@pytest.mark.parametrize("word", ["../protocols/quickstart", "/etc/passwd", "..", "a/b", "\0"])
def test_names_on_the_command_line_are_no_paths(
    tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = made_store.write(tmp_path / "out", made_store.estimates(methods=["pos"]))
    for words in (
        ["run", "--protocol", word],
        ["run", "--protocol", "quickstart", "--methods", word],
        ["run", "--protocol", "cross", "--train", word],
        ["report", str(store.folder), "--evaluator", word],
        ["table", word],
        ["data", "show", word],
        ["simulate", word, "--out", str(tmp_path / "new")],
    ):
        assert main(words) == 2
        output = capsys.readouterr().err
        assert output.startswith(("bench: ", f"bench {words[0]}"))
        assert "no " in output
        assert output.count("\n") == 1
        assert "root:" not in output


PROTOCOL = """
title = "x"
about = "x"
source = "x"
pretrain = []
train = []
test = ["{test}"]
split = "{split}"
without_known_bad = false
recordings = 0
methods = ["{method}"]
regions = ["skin"]
seeds = [0]
conditions = []
train_on = "clean"
evaluators = ["{evaluator}"]
[params]
[simulation]
subjects = 1
seconds = 8.0
difficulty = "easy"
seed = 0
"""
FINE = {"test": "simulated", "split": "whole", "method": "pos", "evaluator": "li2023"}


@pytest.mark.parametrize("key", sorted(FINE))
def test_names_in_a_protocol_are_no_paths(tmp_path: Path, key: str) -> None:
    plugins, tree = tmp_path / "plugins", tmp_path / "tree"
    (plugins / "protocols").mkdir(parents=True)
    (tree / "01").mkdir(parents=True)
    for name in ("video.mp4", "labels.csv", "scenario.json"):
        (tree / "01" / name).write_text("{}")
    for word in ("../../../../etc/passwd", "/etc/passwd", ""):
        text = PROTOCOL.format(**(FINE | {key: word}))
        (plugins / "protocols" / "mine.toml").write_text(text)
        arguments = [
            "run",
            "--protocol",
            "mine",
            "--plugins",
            str(plugins),
            "--out",
            f"{tmp_path}/o",
        ]
        data = ["--data", f"simulated={tree}", "--cache", f"{tmp_path}/cache"]
        code, _, errors = bench(*arguments, *data)
        assert code == 2, errors
        assert errors.startswith("bench: ")
        assert errors.count("\n") == 1
        assert "root:" not in errors
        assert not (tmp_path / "o" / "manifest.json").exists()  # nothing was begun


@pytest.mark.parametrize("values", ["../../../etc/passwd", "/etc/passwd", "..", "a/../b.csv"])
def test_a_paper_s_table_reads_no_file_elsewhere(tmp_path: Path, values: str) -> None:
    from rppgbench.core.registry import find_toml

    shipped = find_toml("reports", "report", "li2023_table1", "here").read_text(encoding="utf-8")
    assert 'values = "printed_values.csv"' in shipped
    file = tmp_path / "mine.toml"
    file.write_text(shipped.replace('"printed_values.csv"', json.dumps(values)), encoding="utf-8")
    with pytest.raises(BenchError, match="no plain file name"):
        read_table(file)


def test_plugins_of_any_name_hide_no_other(tmp_path: Path) -> None:
    """Broken ones, with names that mean something to Python, to a shell or to a page."""
    (tmp_path / "methods" / "deep").mkdir(parents=True)
    names = ("a.b.py", "..py", "import os.py", "x;y.py", "os.py", "<b>.py", "é.py", "__init__.py")
    for name in (*names, "deep/__init__.py"):
        (tmp_path / "methods" / name).write_text("raise RuntimeError('loaded')\n")
    code, out, errors = bench("list", "methods", "--json", "--plugins", tmp_path)
    assert code == 0, errors
    code, plain, _ = bench("list", "methods", "--json")
    assert code == 0
    shown, known = json.dumps(json.loads(out)), json.loads(plain)
    assert "pos" in json.dumps(known)
    assert "loaded" in shown
    code, out, errors = bench("check", "pos", "--plugins", tmp_path)
    assert code == 0, errors  # the shipped ones run as before


def test_a_manifest_of_others_leads_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A results folder may come from anybody."""
    out = tmp_path / "out"
    made_store.write(out, made_store.estimates(methods=["pos"]))
    sound = json.loads((out / "manifest.json").read_text())

    def with_(**protocol: object) -> None:
        facts = sound | {"protocol": sound["protocol"] | protocol}
        (out / "manifest.json").write_text(json.dumps(facts))

    for name in ("../../../etc/passwd", "/etc/passwd", "li2023/../li2023"):
        with_(evaluators=[name])
        assert main(["report", str(out)]) == 2
        assert "no evaluator" in capsys.readouterr().err
    with_(title="<script>alert(1)</script>", about="<img src=x onerror=alert(1)>")
    assert main(["report", str(out)]) == 0
    page = Seen((out / "report.html").read_text(encoding="utf-8"))
    assert page.handlers == []
    assert "img" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_arrays_of_objects_in_a_cache_are_not_unpickled(clip: Path, tmp_path: Path) -> None:
    cache, mark = tmp_path / "cache", tmp_path / "ran"
    arguments = ["predict", str(clip), "--method", "pos", "--cache", str(cache)]
    main(arguments)
    (file,) = cache.glob("features/*/*/base/rgb.npy")
    np.save(file, np.array([Evil(mark)], dtype=object), allow_pickle=True)
    with pytest.warns(UserWarning, match=r"deleted, extracted again"):
        main(arguments)
    assert not mark.exists()
