"""What is stored is reused where nothing has changed, and what has changed is told."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rppgbench.cli import main
from rppgbench.core.content_roots import PLUGINS
from rppgbench.core.precision import effective_precision
from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import clear_registry, find_toml
from rppgbench.datasets.catalog import Catalog
from rppgbench.digests.code_digest import Sources
from rppgbench.execution.job_dependencies import JobDependencies, LearnedFrom
from rppgbench.execution.plan_records import UNTOUCHED, Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.reuse import explain_recomputation, write_dependencies
from rppgbench.simulation import SimulationPlan

from ..factories.datasets import write_tree

METHOD = '''"""Green times a gain of another file."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform

{imports}


@method("Mine", "10.1/x")
def {name}(trace: Waveform, *, k: float = 2.0) -> Waveform:
    """(T, 3) in, (T,) out."""
    return Waveform(-trace.samples[:, 1] * GAIN * k, trace.fs, trace.start_s)
'''
LOOSE = {
    "usesh": "from stalehelper_run import GAIN",
    "rel": "from ._common import GAIN",
    "other": "from rppgbench_content.methods.usesh import GAIN",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated people."""
    folder = tmp_path_factory.mktemp("people")
    write_tree(
        "simulated", folder, SimulationPlan(subjects=2, seconds=11.0, seed=0, difficulty="easy")
    )
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for this file."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three methods that lean on other files."""
    folder = tmp_path / "p"
    (folder / "methods").mkdir(parents=True)
    (tmp_path / "path").mkdir()
    for name, imports in LOOSE.items():
        text = METHOD.format(name=name, imports=imports)
        (folder / "methods" / f"{name}.py").write_text(text)
    (folder / "methods" / "_common.py").write_text("GAIN = 1.0\n")
    (tmp_path / "path" / "stalehelper_run.py").write_text("GAIN = 1.0\n")
    monkeypatch.syspath_prepend(tmp_path / "path")
    monkeypatch.setenv(PLUGINS, str(folder))
    clear_registry()
    yield folder
    monkeypatch.undo()
    clear_registry()


def planned(tree: Path, methods: list[str], device: str = "cpu", **params: Any) -> Plan:
    """A plan of the quickstart protocol with fresh eyes for files."""
    protocol = read_protocol(find_toml("protocols", "protocol", "quickstart", "here"))
    protocol = protocol.model_copy(update={"params": params, "regions": ["skin"]})
    roots = {"simulated": tree}
    return make_plan(
        protocol, "q", roots, methods=methods, seeds=[0], location="here", device=device
    )


def why(folder: Path, before: Plan, after: Plan) -> str:
    """What is told of a plan where all jobs of an earlier one are stored."""
    stored = [job.digest for job in before.jobs]
    write_dependencies(folder, before, [])
    return explain_recomputation(folder, after, stored)


def test_a_helper_that_was_edited_makes_its_methods_estimates_anew(
    plugins: Path, tree: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--protocol", "quickstart", "--methods", "green,usesh,rel,other"]
    places = ["--data", f"simulated={tree}", "--cache", str(cache), "--out", str(tmp_path / "out")]

    def run() -> tuple[str, str]:
        assert main([*arguments, *places]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    each = 2 * len(read_protocol(find_toml("protocols", "protocol", "quickstart", "")).regions)
    assert f"{4 * each} estimates made, 0 were stored already" in run()[0]
    out, err = run()
    assert f"0 estimates made, {4 * each} were stored already" in out
    assert "not reused" not in err
    (plugins / "methods" / "_common.py").write_text("GAIN = 1000.0\n")
    clear_registry()
    out, err = run()
    assert f"{each} estimates made, {3 * each} were stored already" in out
    assert (
        f"note: {each} stored estimates are not reused: changed since: "
        f"methods/_common.py ({each})\n" in err
    )
    (tmp_path / "path" / "stalehelper_run.py").write_text("GAIN = 1000.0\n")
    out, err = run()
    assert f"{2 * each} estimates made, {2 * each} were stored already" in out
    message = f"{2 * each} stored estimates are not reused: changed since: stalehelper_run.py"
    assert f"note: {message} ({2 * each})\n" in err


def test_a_repaired_video_of_the_same_size_is_looked_at_again(
    tree: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = Path(shutil.copytree(tree, tmp_path / "people"))
    video = sorted(people.glob("*/video.mp4"))[1]
    good = video.read_bytes()
    third = len(good) // 3
    assert third > 2 * 64 * 1024
    video.write_bytes(good[:third] + bytes(third) + good[2 * third :])
    arguments = ["run", "--protocol", "quickstart", "--methods", "green"]
    places = ["--data", f"simulated={people}", "--cache", str(cache), "--out", str(tmp_path / "o")]
    main([*arguments, *places])
    capsys.readouterr()
    video.write_bytes(good)
    assert main([*arguments, *places]) == 0
    captured = capsys.readouterr()
    regions = len(read_protocol(find_toml("protocols", "protocol", "quickstart", "")).regions)
    assert f"{regions} estimates made, {regions} were stored already" in captured.out
    message = f"{regions} stored estimates are not reused: changed since: files of the recordings"
    assert f"{message} ({regions})" in captured.err
    assert main([*arguments, *places]) == 0
    assert f"0 estimates made, {2 * regions} were stored already" in capsys.readouterr().out


def test_a_changed_parameter_is_told_by_its_name(tree: Path, tmp_path: Path) -> None:
    before = planned(tree, ["pos", "green"])
    after = planned(tree, ["pos", "green"], pos={"window_s": 2.0})
    assert why(tmp_path, before, after) == (
        "2 stored estimates are not reused: changed since: setting pos.window_s (2)"
    )
    assert why(tmp_path, before, before) == ""


def test_estimates_of_an_earlier_version_are_told_as_such(tree: Path, tmp_path: Path) -> None:
    plan = planned(tree, ["green"])
    text = explain_recomputation(tmp_path, plan, ["0" * 16, "1" * 16])
    assert text.startswith("2 stored estimates are not reused: an earlier version stored them")
    (tmp_path / "digests.json").write_text('{"jobs": 3}')
    assert explain_recomputation(tmp_path, plan, ["0" * 16]).startswith("1 stored")


def test_what_is_known_of_stored_estimates_stays_and_the_rest_goes(
    tree: Path, tmp_path: Path
) -> None:
    import json

    first, second = planned(tree, ["pos"]), planned(tree, ["green"])
    write_dependencies(tmp_path, first, [])
    write_dependencies(tmp_path, second, [first.jobs[0].digest])
    held = json.loads((tmp_path / "digests.json").read_text())
    assert set(held["jobs"]) == {first.jobs[0].digest, *(job.digest for job in second.jobs)}
    named = {facts["code"] for facts in held["settings"].values()}
    assert named < held["closures"].keys()


FROM = LearnedFrom(train="a", pretrain="", validation="", datasets=("simulated",))


def fit_digest(device: str, **params: Any) -> dict[str, Any]:
    """What a network's model is made of."""
    return JobDependencies(device=device).fit(
        "physnet", params, seed=0, region="", condition=UNTOUCHED, learned_from=FROM
    )


def test_device_and_precision_are_in_fits_and_in_what_networks_estimate(
    tree: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    assert fit_digest("cpu") != fit_digest("cuda", precision="32-true")
    assert fit_digest("cpu") != fit_digest("mps")
    assert fit_digest("cuda")["precision"] == "bf16-mixed"
    assert fit_digest("cpu")["precision"] == "32-true"
    assert fit_digest("cuda", precision="32-true")["precision"] == "32-true"
    assert effective_precision("16-mixed", "cpu") == "16-mixed"
    at: dict[str, Any] = {
        "dataset": "simulated",
        "fold": "",
        "seed": 0,
        "region": "",
        "condition": UNTOUCHED,
    }

    def setting(device: str, method: str) -> str:
        return JobDependencies(device=device).setting(method, {}, **at)

    assert setting("cpu", "physnet") != setting("cuda", "physnet")
    assert setting("cpu", "pos") == setting("cuda", "pos")
    assert setting("cpu", "constant") == setting("cuda", "constant")
    methods = ["pos", "constant"]
    assert planned(tree, methods).device == ""
    assert [j.digest for j in planned(tree, methods, "cuda").jobs] == [
        j.digest for j in planned(tree, methods).jobs
    ]


def test_the_reader_is_in_fits_and_jobs(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    before = planned(tree, ["constant", "pos"])
    other = Sources().closure("rppgbench.core.recording")
    monkeypatch.setattr("rppgbench.execution.job_dependencies.reader_code", lambda *_: other)
    after = planned(tree, ["constant", "pos"])
    assert not {job.digest for job in before.jobs} & {job.digest for job in after.jobs}
    assert not {fit.digest for fit in before.fits} & {fit.digest for fit in after.fits}


def test_files_are_read_once_for_several_plans(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("rppgbench.datasets.catalog.EVERY_S", -1.0)
    listing = Catalog(tmp_path, said.append)
    recordings = listing.recordings("simulated", tree)
    lines = listing.lines(recordings)
    assert said[-1] == "reading the files once: 2 of 2 recordings"
    assert Catalog(tmp_path).lines(recordings) == lines == Catalog().lines(recordings)
