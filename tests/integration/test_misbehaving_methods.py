"""Whole runs with methods and readers that misbehave: what is said, and that the others go on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.core.content_roots import PLUGINS
from rppgbench.core.estimate import Estimate
from rppgbench.core.registry import clear_registry, find_toml
from rppgbench.simulation import SimulationPlan
from rppgbench.store.store import Store

from ..factories.datasets import write_tree

SECONDS = 6.0
HEAD = '''"""Misbehaves."""
import ctypes, os, sys
import numpy as np
from rppgbench.core.method import Model, method
from rppgbench.core.waveform import Waveform
'''
PULSE = "Waveform(-trace.samples[:, 1], trace.fs, trace.start_s)"
METHODS = {
    "fine": f"return {PULSE}",
    "crashes": "if trace.samples[:, 1].mean() < float(os.environ['CRASH_BELOW']):\n"
    f"        ctypes.string_at(0)\n    return {PULSE}",
    "ends": f"os._exit(0); return {PULSE}",
    "exits": "sys.exit(0)",
    "two_d": "return Waveform(trace.samples, trace.fs, trace.start_s)",
    "bug": "raise ValueError('a bug and no short trace')",
    "silent": "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})",
    "no_exception": "raise GeneratorExit('x')",
    "obeyed": "raise RuntimeError('a \\x1b[2J b' + 'x' * 10**6)",
    "lacks": f"import lazydep; return {PULSE}",
    "moves": f"os.chdir('/'); np.seterr(all='raise'); return {PULSE}",
}
LEARNS = '''
def fit(examples, training):
    if "BREAKS" in os.environ and "simulated/01" not in {e.recording for e in examples}:
        raise RuntimeError("fit broke")
    return Model({"a": np.zeros(1)})

@method("Learns", "a test", fit=fit)
def learns(trace, model):
    """(T,)"""
    return Waveform(-trace.samples[:, 1], trace.fs, trace.start_s)
'''
READER = '''"""Recordings whose names say what their labels are."""
from functools import partial
import numpy as np
from rppgbench.core.recording import Dataset, Recording, GroundTruth, VideoSource
from rppgbench.core.waveform import Signal

T = np.arange(0, 6, 1 / 60)
P = np.sin(2 * np.pi * 1.2 * T)

def truth(name):
    if name == "raises":
        raise KeyError("a bug")
    if name == "memory":
        raise MemoryError("8 TB")
    if name == "exits":
        raise SystemExit(0)
    given = {
        "none": None,
        "twod": GroundTruth(pulse=Signal(np.stack([P, P], 1), T)),
        "nantime": GroundTruth(pulse=Signal(P, np.where(T > 3, np.nan, T))),
    }
    return given.get(name, GroundTruth(pulse=Signal(P, T)))

def recordings(root):
    for file in sorted(root.glob("*.mp4")):
        yield Recording(dataset="labels_of_names", name=file.stem, subject=file.stem,
                        video=partial(VideoSource, file),
                        ground_truth=partial(truth, file.stem), files=(file,))

labels_of_names = Dataset(
    name="labels_of_names", title="t", cite="c", licence="l", url="u", expected={},
    recordings=recordings,
)
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated people, methods, a reader and protocols, in one folder with one cache."""
    folder = tmp_path_factory.mktemp("misbehaving")
    write_tree(
        "simulated",
        folder / "people",
        SimulationPlan(subjects=3, seconds=SECONDS, seed=0, difficulty="easy"),
    )
    for name in ("methods", "benchmarks", "protocols", "named"):
        (folder / name).mkdir()
    for name, body in METHODS.items():
        text = f'{HEAD}@method("X", "a test")\ndef {name}(trace):\n    """(T,)"""\n    {body}\n'
        (folder / "methods" / f"{name}.py").write_text(text)
    (folder / "methods" / "learns.py").write_text(HEAD + LEARNS)
    (folder / "benchmarks" / "labels_of_names.py").write_text(READER)
    text = find_toml("protocols", "protocol", "quickstart", "here").read_text()
    changes = {"regions": '["skin"]', "evaluators": '["physbench"]', "recordings": "3"}
    whole = {"train": "[]", "pretrain": "[]", "split": '"whole"'}
    for name, more in {
        "in_folds": {},
        "one_fold": whole,
        "by_names": whole | {"test": '["labels_of_names"]'},
    }.items():
        lines = []
        for line in text.splitlines():
            key = line.partition(" = ")[0]
            lines.append(f"{key} = {(changes | more)[key]}" if key in changes | more else line)
        (folder / "protocols" / f"{name}.toml").write_text("\n".join(lines))
    return folder


@pytest.fixture(autouse=True)
def _with_plugins(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(PLUGINS, str(place))
    clear_registry()
    yield
    clear_registry()


def run(place: Path, out: Path, methods: str, *more: str, protocol: str = "one_fold") -> int:
    arguments = [
        "run",
        "--protocol",
        protocol,
        "--methods",
        methods,
        "--cache",
        str(place / "cache"),
    ]
    data = [] if protocol == "by_names" else ["--data", f"simulated={place / 'people'}"]
    return main([*arguments, *data, "--out", str(out), *more])


def rows(out: Path) -> dict[tuple[str, str], Estimate]:
    return {(e.method, e.recording): e for e in Store(out).estimates()}


def test_each_method_that_misbehaves_is_named_and_the_others_go_on(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, here, errors = tmp_path / "out", Path.cwd(), np.geterr()
    assert run(place, out, "moves,ends,exits,two_d,bug,fine") == 3
    assert (Path.cwd(), np.geterr()) == (here, errors)
    result = rows(out)
    for name in ("01", "02", "03"):
        assert result["fine", name].waveform is not None
        assert result["moves", name].waveform is not None
        bug = f"internal error in bug on simulated/{name}: ValueError: a bug and no short trace"
        assert result["bug", name].reason == bug
        for method in ("exits", "ends"):
            assert f"{method} on simulated/{name}: RuntimeError: it called sys.exit(0)" in (
                result[method, name].reason
            )
        assert "two_d returned samples of shape" in result["two_d", name].reason
    assert "a bug and no short trace" in (out / "errors.log").read_text()
    output = capsys.readouterr().err
    assert output.count("failed: simulated/") == 3
    assert output.count("a bug and no short trace") == output.count("two_d returned") == 3


def test_what_a_method_raises_is_one_short_line_whatever_it_is(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(place, out, "silent,no_exception,obeyed,fine") == 3
    result = rows(out)
    for name in ("01", "02", "03"):
        assert result["fine", name].waveform is not None
        assert "ZeroDivisionError" in result["silent", name].reason
        assert "RuntimeError: it raised GeneratorExit: x" in result["no_exception", name].reason
        assert len(result["obeyed", name].reason) < 1100
    assert "x" * 10**6 in (out / "errors.log").read_text()
    assert max(map(len, capsys.readouterr().err.splitlines())) < 4000


@pytest.mark.parametrize("method", ["bug", "silent", "no_exception", "obeyed"])
def test_predict_tells_of_a_method_that_raises(
    method: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = str(next((place / "people").rglob("*.mp4")))
    assert main(["predict", video, "--method", method, "--cache", str(place / "cache")]) == 3
    captured = capsys.readouterr()
    assert f"internal error in {method} on {video}" in captured.out
    assert "Traceback" not in captured.err
    assert "\x1b" not in captured.out + captured.err


def test_a_crash_costs_the_method_s_row_alone(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(place, tmp_path / "one", "fine,chrom") == 0
    undisturbed = rows(tmp_path / "one")
    levels = {}
    for (method, name), estimate in undisturbed.items():
        if method == "fine":
            assert estimate.waveform is not None
            levels[name] = float(-estimate.waveform.samples.mean())
    darkest = min(levels, key=lambda name: levels[name])
    monkeypatch.setenv("CRASH_BELOW", str(np.mean(sorted(levels.values())[:2])))
    assert run(place, tmp_path / "two", "fine,crashes,chrom", "--jobs", "2") == 3
    result = rows(tmp_path / "two")
    assert len(result) == 9
    for key, estimate in undisturbed.items():
        ours, theirs = result[key].waveform, estimate.waveform
        assert ours is not None
        assert theirs is not None
        np.testing.assert_array_equal(ours.samples, theirs.samples)
    reasons = {name: e.reason for (method, name), e in result.items() if method == "crashes"}
    crash = f"crashes on simulated/{darkest} ended its process (SIGSEGV)"
    assert reasons == dict.fromkeys(levels, "") | {darkest: crash}


def test_a_missing_package_leaves_no_row_and_the_next_run_makes_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(place, out, "lacks,fine") == 2
    output = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bench: ")]
    assert len(output) == 1
    assert "lacks on simulated/01: No module named 'lazydep'; pip install lazydep" in output[0]
    assert "2 more like it; 3 estimates are not made" in output[0]
    assert {method for method, _ in rows(out)} == {"fine"}
    (tmp_path / "lazydep.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert run(place, out, "lacks,fine") == 0
    assert len(rows(out)) == 6


def test_a_fit_that_raises_costs_its_fold_and_can_be_tried_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("BREAKS", "1")
    assert run(place, out, "learns,constant", protocol="in_folds") == 3
    failed = {key: e.reason for key, e in rows(out).items() if e.waveform is None}
    assert len(rows(out)) == 6
    assert len(failed) == 1
    (reason,) = failed.values()
    assert "internal error in the training of learns in fold" in reason
    assert "RuntimeError: fit broke" in reason
    assert "in fit" in (out / "errors.log").read_text()
    monkeypatch.delenv("BREAKS")
    assert run(place, out, "learns,constant", protocol="in_folds") == 3  # what is stored stays
    assert run(place, out, "learns,constant", "--retry-failed", protocol="in_folds") == 0
    assert all(e.waveform is not None for e in rows(out).values())


def test_labels_of_a_reader_with_a_bug_are_named_and_the_others_are_scored(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("fine", "raises", "exits", "none", "twod", "nantime"):
        shutil.copy(place / "people" / "01" / "video.mp4", folder / f"{name}.mp4")
    more = ("--data", f"labels_of_names={folder}")
    assert run(place, tmp_path / "out", "fine", *more, protocol="by_names") == 3
    output = {
        line.partition("labels_of_names/")[2].partition(":")[0]: line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("failed: ")
    }
    assert output.keys() == {"raises", "exits", "none", "twod", "nantime"}
    assert (
        "labels: internal error in the labels of labels_of_names/raises: KeyError: 'a bug'"
        in (output["raises"])
    )
    assert "it called sys.exit(0)" in output["exits"]
    assert "the reader returned None, not a GroundTruth" in output["none"]
    assert "values of pulse of shape" in output["twod"]
    assert "times of pulse that are not numbers" in output["nantime"]
    assert all(e.waveform is not None for e in rows(tmp_path / "out").values())
    shutil.copytree(folder, tmp_path / "again")
    shutil.copy(place / "people" / "01" / "video.mp4", tmp_path / "again" / "memory.mp4")
    more = ("--data", f"labels_of_names={tmp_path / 'again'}")
    assert run(place, tmp_path / "out", "fine", *more, protocol="by_names") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "the labels of labels_of_names/memory: not enough memory" in line
    assert len(rows(tmp_path / "out")) == 6


def test_videos_too_short_for_the_evaluator_are_told_and_are_no_success(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pulse of 6 s has no window of 9 s: there is no heart rate, and the reason is told."""
    file = place / "protocols" / "one_fold.toml"
    text = file.read_text().replace("physbench", "li2023")
    (place / "protocols" / "longer.toml").write_text(text)
    arguments = [
        "run",
        "--protocol",
        "longer",
        "--methods",
        "fine",
        "--cache",
        str(place / "cache"),
    ]
    out = tmp_path / "out"
    assert main([*arguments, "--data", f"simulated={place / 'people'}", "--out", str(out)]) == 3
    output = capsys.readouterr().err
    assert output.count("are too short; the evaluator's window takes at least 9") == 3
    table = (out / "heart_rates.csv").read_text().splitlines()
    assert table[0].endswith(",reason")
    assert all("are too short" in line for line in table[1:])
