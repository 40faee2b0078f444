"""The whole way, from the command to the page, on simulated people."""

import html
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rppgbench.cli import main
from rppgbench.core.content_roots import checkout_root
from rppgbench.core.estimate import Estimate
from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets, toml_files
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution import runner
from rppgbench.execution.planner import make_plan
from rppgbench.execution.provenance import provenance
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.runner import run as run_plan
from rppgbench.simulation import SimulationPlan
from rppgbench.store.store import Store
from rppgbench.system.errors import MachineError
from rppgbench.video import stream

from ..factories.datasets import write_tree

PEOPLE, SECONDS = 3, 11.0


@pytest.fixture(scope="module", autouse=True)
def _one_commit() -> Iterator[None]:
    """The checkout as it is at first: a commit or an edit meanwhile is no other run's code."""
    at_first = provenance(checkout_root())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "provenance", lambda root: at_first)
        yield


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated people, made once for this file."""
    folder = tmp_path_factory.mktemp("people")
    write_tree(
        "simulated",
        folder,
        SimulationPlan(subjects=PEOPLE, seconds=SECONDS, seed=0, difficulty="easy"),
    )
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of features for this file: decoding is what takes the time."""
    return tmp_path_factory.mktemp("cache")


def run(tree: Path, cache: Path, out: Path, *more: str) -> int:
    arguments = ["run", "--protocol", "quickstart", "--data", f"simulated={tree}"]
    given = [*arguments, "--cache", str(cache), "--out", str(out), *more]
    return main([*given, *([] if "--methods" in more else ["--methods", "pos,constant"])])


def waveforms(out: Path) -> dict[str, Estimate]:
    return {e.job: e for e in Store(out).estimates()}


def same(one: dict[str, Estimate], other: dict[str, Estimate]) -> None:
    assert one.keys() == other.keys()
    for job, estimate in one.items():
        ours, theirs = estimate.waveform, other[job].waveform
        assert ours is not None
        assert theirs is not None
        np.testing.assert_array_equal(ours.samples, theirs.samples)
        assert (ours.fs, ours.start_s) == (theirs.fs, theirs.start_s)


@pytest.fixture(scope="module")
def results(tree: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    out = tmp_path_factory.mktemp("run") / "results"
    before = sum(stream.decode_counts.values())
    assert run(tree, cache, out) == 0
    assert sum(stream.decode_counts.values()) - before == PEOPLE  # one decoding pass a video
    return out


def test_a_run_leaves_what_it_promises(results: Path) -> None:
    names = {p.name for p in results.iterdir()}
    assert {"report.html", "table.csv", "manifest.json", "estimates"} <= names
    manifest = json.loads((results / "manifest.json").read_text())
    assert manifest["protocol"]["name"] == "quickstart"
    assert manifest["expected"] == PEOPLE
    regions = read_protocol(toml_files("protocols")["quickstart"]).regions
    assert len(waveforms(results)) == 2 * PEOPLE * len(regions)
    page = (results / "report.html").read_text()
    assert "SIMULATED" in page


def test_the_simulated_pulse_is_found_and_the_floor_is_not_reached(results: Path) -> None:
    import pandas as pd

    rows = pd.read_csv(results / "table.csv").to_dict("records")
    table = {(row["evaluator"], row["method"]): row for row in rows}
    assert float(table["li2023", "pos"]["mae"]) < 2
    assert float(table["li2023", "constant"]["mae"]) > 8
    assert float(table["li2023", "pos"]["coverage"]) == 1


def test_a_second_run_decodes_no_video_and_changes_nothing(
    tree: Path, cache: Path, results: Path, tmp_path: Path
) -> None:
    before, held = dict(stream.decode_counts), waveforms(results)
    parts = sorted((results / "estimates").iterdir())
    assert run(tree, cache, results) == 0
    assert sorted((results / "estimates").iterdir()) == parts
    assert run(tree, cache, tmp_path / "other") == 0  # another folder: estimates anew, no video
    assert dict(stream.decode_counts) == before
    same(waveforms(tmp_path / "other"), held)


def test_processes_give_the_same_to_the_bit(
    tree: Path, cache: Path, results: Path, tmp_path: Path
) -> None:
    assert run(tree, cache, tmp_path / "two", "--jobs", "2") == 0
    same(waveforms(tmp_path / "two"), waveforms(results))


def numbers(out: Path) -> dict[str, str]:
    """Tables, and the page without what tells times, dates and the command."""
    files = {name: (out / name).read_text() for name in ("table.csv", "heart_rates.csv")}
    page = (out / "report.html").read_text()
    parts = dict(re.findall(r'<section id="([^"]+)"(.*?)</section>', page, flags=re.DOTALL))
    assert {"scores", "figures", "waveforms", "comparisons"} <= parts.keys()
    del parts["provenance"], parts["lower-error"]  # with dates and computing times
    timed = re.compile(r'<figure[^>]*id="timing.*?</figure>', flags=re.DOTALL)
    assert timed.search(parts["figures"])
    return files | parts | {"figures": timed.sub("", parts["figures"])}


def test_the_same_run_gives_the_same_bytes(
    tree: Path, cache: Path, results: Path, tmp_path: Path
) -> None:
    """Over jobs, order of the methods, a run that was resumed and one that was made in halves."""
    expected = numbers(results)
    assert run(tree, cache, tmp_path / "two", "--jobs", "2", "--methods", "constant,pos") == 0
    assert numbers(tmp_path / "two") == expected
    shutil.copytree(results, tmp_path / "resumed")
    for kind in ("estimates", "recordings"):
        for part in sorted((tmp_path / "resumed" / kind).iterdir())[1:]:
            part.unlink()
    store = Store(tmp_path / "resumed")
    (told,) = store.provenances().values()
    store.begin(store.manifest, list(store.planned()), {**told, "began": "later"})
    kept = [one for one in store.estimates() if one.recording != store.estimates()[0].recording]
    for part in (tmp_path / "resumed" / "estimates").iterdir():
        part.unlink()
    store.add(kept[::-1])
    assert store.missing() > 0
    assert run(tree, cache, tmp_path / "resumed") == 0
    assert numbers(tmp_path / "resumed") == expected
    for methods in ("pos", "pos,constant"):
        assert run(tree, cache, tmp_path / "halves", "--methods", methods) == 0
    assert numbers(tmp_path / "halves") == expected


def test_a_dry_run_into_a_new_folder_says_what_a_run_would_do(
    tree: Path, cache: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    regions = len(read_protocol(toml_files("protocols")["quickstart"]).regions)
    estimates = 2 * PEOPLE * regions
    assert run(tree, cache, tmp_path / "new", "--dry-run") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"quickstart: {estimates} estimates of 2 methods over {PEOPLE} ")
    assert not Store(tmp_path / "new").begun
    assert run(tree, cache, results, "--dry-run") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("quickstart: 0 estimates")
    assert first.endswith(f"{estimates} are stored")


class Backwards(Catalog):
    """A listing whose file system lists everything the other way round."""

    def recordings(self, dataset: str, root: Path) -> Sequence[Recording]:
        return super().recordings(dataset, root)[::-1]


def test_a_plan_does_not_depend_on_the_order_of_methods_and_files(tree: Path) -> None:
    """Nor does what a model learns from: its digest is the same, so its weights have to be."""
    protocol = read_protocol(toml_files("protocols")["quickstart"])
    first, second = (
        make_plan(
            protocol,
            "quickstart",
            {"simulated": tree},
            methods=methods,
            seeds=[0],
            location="here",
            listing=listing,
        )
        for methods, listing in (
            (["pos", "constant"], Catalog()),
            (["constant", "pos"], Backwards()),
        )
    )
    assert [fit.train for fit in first.fits] == [fit.train for fit in second.fits]
    assert all(len(fit.train) > 1 for fit in first.fits)
    assert list(first.methods) == list(second.methods)
    assert {job.digest for job in first.jobs} == {job.digest for job in second.jobs}


def test_a_run_that_makes_nothing_keeps_what_made_the_results(
    tree: Path, cache: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(results, tmp_path / "again")
    monkeypatch.setattr(runner, "provenance", lambda root: {"packages": {"numpy": "9.9.9"}})
    assert run(tree, cache, tmp_path / "again", "--jobs", "2") == 0
    for name in ("manifest.json", "plan.json", "table.csv", "report.html"):
        assert (tmp_path / "again" / name).read_bytes() == (results / name).read_bytes()
    (file,) = (tmp_path / "again" / "provenance").iterdir()
    assert file.read_bytes() == (results / "provenance" / file.name).read_bytes()


def test_only_what_is_missing_is_done(
    tree: Path, cache: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(results, tmp_path / "results")
    lost = sorted((tmp_path / "results/estimates").iterdir())[0]
    lost.unlink()
    capsys.readouterr()
    assert run(tree, cache, tmp_path / "results") == 0
    assert "were stored already" in capsys.readouterr().out
    same(waveforms(tmp_path / "results"), waveforms(results))


def test_another_evaluator_needs_no_video(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "again.html"
    assert main(["report", str(results), "--evaluator", "sinc", "--out", str(page)]) == 0
    assert "sinc" in page.read_text()
    assert capsys.readouterr().out.splitlines()[-1] == str(page)


@pytest.fixture
def broken_tree(tree: Path, tmp_path: Path) -> Path:
    """The same people, one video cut and one a text file."""
    copy = tmp_path / "broken"
    shutil.copytree(tree, copy)
    first, second = sorted(copy.glob("*/video.mp4"))[:2]
    first.write_bytes(first.read_bytes()[:200])
    second.write_text("not a video\n")
    return copy


def test_broken_videos_are_named_and_the_rest_goes_on(
    broken_tree: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    assert run(broken_tree, cache, out, "--methods", "pos") == 3
    output = capsys.readouterr().err
    assert output.count("failed: simulated/") == 2
    estimates = list(Store(out).estimates())
    assert {(e.recording, bool(e.waveform)) for e in estimates} == {
        ("01", False),
        ("02", False),
        ("03", True),
    }
    assert all("video.mp4" in e.reason for e in estimates if e.waveform is None)
    page = (out / "report.html").read_text()
    assert "not a video" in page or "video.mp4" in page


def test_a_video_that_vanished_since_the_plan_has_no_row_and_the_rest_goes_on(
    tree: Path, cache: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    protocol = read_protocol(toml_files("protocols")["quickstart"])
    roots = {"simulated": copy}
    plan = make_plan(protocol, "quickstart", roots, methods=["pos"], seeds=[0], location="test")
    gone = copy / "02" / "video.mp4"
    gone.unlink()
    store = Store(tmp_path / "results")
    with pytest.raises(MachineError, match="simulated/02: its files changed since the plan"):
        run_plan(plan, store, RunOptions(cache=cache, quiet=True))
    assert {(e.recording, e.reason) for e in store.estimates()} == {("01", ""), ("03", "")}


def test_broken_labels_are_named_and_the_rest_goes_on(
    tree: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    labels = copy / "02" / "labels.csv"
    labels.write_text("time_s,pulse,heart_rate_bpm\n0.0,1.0,sixty\n")
    out = tmp_path / "results"
    assert run(copy, cache, out, "--methods", "pos") == 3
    output = capsys.readouterr().err
    assert output.count("failed: simulated/") == 1
    assert f"{labels}: line 2: '0.0,1.0,sixty' is not a number" in output
    assert len({e.recording for e in Store(out).estimates()}) == PEOPLE
    assert "sixty" in (out / "report.html").read_text()


NO_EFFECT = [
    (["ubfc_intra", "--simulate", "--data", "ubfc_rppg=x"], "--data: has no effect beside"),
    (["ubfc_intra", "--subjects", "3"], "--subjects: has no effect without --simulate"),
    (["ubfc_intra", "--seconds", "9"], "--seconds: has no effect without --simulate"),
    (["ubfc_intra", "--difficulty", "easy"], "--difficulty: has no effect without"),
    (["quickstart", "--data", "simulated=x", "--subjects", "3"], "--subjects: has no effect"),
    (["ubfc_intra", "--data", "pure=x"], "--data: pure has no effect"),
    (
        ["ubfc_intra", "--data", "ubfc_rppg=x", "--data", "ubfc_rppg=y"],
        "--data: ubfc_rppg is given twice",
    ),
    (["quickstart", "--methods", "constant", "--preset", "smoke"], "--preset: has no effect"),
    (["quickstart", "--methods", "pos,constant", "--every-epoch"], "--every-epoch: has no effect"),
    (["quickstart", "--methods", "pos", "--devices", "2"], "--devices: has no effect"),
    (
        ["quickstart", "--executor", "dask", "--scheduler", "tcp://x:1", "--jobs", "2"],
        "--jobs: has no effect",
    ),
]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--protocol", "quickstart", "--seconds", "-3"],
        ["run", "--protocol", "quickstart", "--seconds", "0"],
        ["run", "--protocol", "quickstart", "--seconds", "nan"],
        ["run", "--protocol", "quickstart", "--seconds", "1e9"],
        ["run", "--protocol", "quickstart", "--subjects", "0"],
        ["run", "--protocol", "quickstart", "--seed", "-1"],
        ["run", "--protocol", "quickstart", "--methods", "pos,"],
        ["run", "--protocol", "quickstart", "--methods", "pos,pos"],
        ["run", "--protocol", "quickstart", "--out", ""],
        ["run", "--protocol", "quickstart", "--cache", "~nobody-of-this-name/x"],
        ["simulate", "pure", "--out", "x", "--seconds", "0"],
        ["table", "--all", "--simulate", "--seconds", "inf"],
    ],
)
def test_values_that_no_run_can_have_are_refused_by_name(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert f"argument {arguments[-2]}" in capsys.readouterr().err


def test_labels_off_the_clock_of_the_frames_are_told_in_terminal_and_page(
    tree: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By 3 %: a warning. In milliseconds: a reason, and no score."""
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    for name, factor in (("01", 1.03), ("02", 1000.0)):
        labels = copy / name / "labels.csv"
        head, *rows = labels.read_text().splitlines()
        scaled = [f"{float(t) * factor:.5f},{rest}" for t, rest in (r.split(",", 1) for r in rows)]
        labels.write_text("\n".join([head, *scaled]))
    out = tmp_path / "results"
    assert run(copy, cache, out, "--methods", "pos") == 3
    output = capsys.readouterr().err.splitlines()
    page = html.unescape((out / "report.html").read_text())
    (warning,) = [line for line in output if line.startswith("warning: simulated/01: pulse: ")]
    assert "clock ratio 1.0" in warning
    assert warning.removeprefix("warning: ") in page
    (failed,) = [line for line in output if line.startswith("failed: simulated/")]
    assert failed.startswith("failed: simulated/02: labels: pulse: labels last 11,")
    assert "look like milliseconds" in failed
    assert failed.split("02: ")[1] in page
    assert main(["data", "check", "simulated", str(copy)]) != 0
    checked = capsys.readouterr()
    for line in (warning.split("01: ")[1], failed.split("labels: ", 1)[1]):
        assert line in checked.out + checked.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--protocol", "quickstrt"], "did you mean 'quickstart'"),
        (["run", "--protocol", "quickstart", "--methods", "poss"], "did you mean 'pos'"),
        (["run", "--protocol", "quickstart", "--data", "simulatd=x"], "did you mean 'simulated'"),
        (["run", "--protocol", "ubfc_intra"], "RPPGBENCH_DATA_UBFC_RPPG is not set"),
        (["run", "--protocol", "ubfc_intra"], "--simulate"),
        (["run", "--protocol", "ubfc_intra", "--train", "pure"], "its split"),
        (["predict", "none.mp4"], "none.mp4"),
        (["predict", "none.mp4", "--method", "poss"], "did you mean 'pos'"),
        (["predict", "none.mp4", "--region", "nose"], "no region 'nose'"),
        (["report", "nowhere"], "no results here"),
        (["data", "show", "ubfc"], "did you mean 'ubfc"),
        (["data", "check", "pure", "nowhere"], "no such folder"),
        pytest.param(
            ["predict", "none.mp4", "--method", "contrast_phys", "--region", "skin"],
            "--region: has",
            marks=pytest.mark.torch,
        ),
        (
            ["compare-methods", "green=pos", "--trace", "t.csv", "--cache", "c"],
            "--cache: has no effect",
        ),
        (["compare-methods", "green=pos", "--video", "v", "--region", "nose"], "no region 'nose'"),
        (["speed", "--only", "scoring", "--seconds", "9"], "--seconds: has no effect"),
        (["speed", "--only", "extraction", "--preset", "smoke"], "--preset: has no effect"),
        (["speed", "--only", "extraction", "--video", "v", "--seconds", "9"], "beside --video"),
        (["table", "li2023_table1", "--subjects", "3"], "--subjects: has no effect without"),
        (["table", "li2023_table1", "--stored", "--data", "pure=x"], "--data: has no effect"),
        *((["run", "--protocol", *arguments], says) for arguments, says in NO_EFFECT),
    ],
)
def test_a_fault_of_the_user_s_is_one_line(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    output = capsys.readouterr().err
    assert says in output
    assert output.count("\n") == 1
    assert "Traceback" not in output


def test_a_folder_with_another_protocol_s_results_is_refused(
    tree: Path, cache: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--protocol", "simulated_intra", "--methods", "pos", "--cache", str(cache)]
    assert main([*command, "--data", f"simulated={tree}", "--out", str(results)]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "holds results of protocol 'quickstart' with other settings: " in line
    assert "recordings is 12 there and 24 here" in line


def test_another_seed_adds_to_what_is_stored_and_takes_nothing_away(
    tree: Path, cache: Path, results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    shutil.copytree(results, out)
    assert run(tree, cache, out, "--seed", "5") == 0
    stored = Store(out).done()
    assert Store(results).done() < stored
    assert run(tree, cache, out) == 0
    assert Store(out).done() == stored
    same(waveforms(results), waveforms(out))


def test_several_values_of_a_parameter_are_rows_and_a_figure(
    tree: Path, cache: Path, results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    shutil.copytree(results, out)
    sweep = ["--methods", "pos,constant", "--param", "pos.window_s=1.0,1.6"]
    assert run(tree, cache, out, *sweep) == 0
    estimates = Store(out).estimates()
    by_method = {
        method: {e.recording: e.waveform for e in estimates if e.method == method}
        for method in {e.method for e in estimates}
    }
    assert by_method.keys() == {"constant", "pos window_s=1.0", "pos window_s=1.6"}
    default = {e.recording: e.waveform for e in Store(results).estimates(method="pos")}
    for recording, waveform in default.items():
        assert waveform is not None
        same_value, other_value = (by_method[f"pos window_s={v}"][recording] for v in (1.6, 1.0))
        assert same_value is not None
        assert other_value is not None
        np.testing.assert_array_equal(same_value.samples, waveform.samples)
        assert not np.array_equal(other_value.samples, waveform.samples)
    page = (out / "report.html").read_text()
    assert '<figure id="parameter-pos-window_s">' in page
    rows = pd.read_csv(out / "table.csv")
    assert {"pos window_s=1.0", "pos window_s=1.6"} < set(rows["method"])
    assert run(tree, cache, out, "--methods", "pos,constant") == 0
    assert {e.method for e in Store(out).estimates()} == {"pos", "constant"}


def test_a_folder_that_cannot_be_written_is_one_line(
    tree: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert run(tree, cache, file / "results") == 2
    assert str(file) in capsys.readouterr().err


def test_roots_come_from_option_variable_and_file_in_this_order(
    tree: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rppgbench.datasets.roots import data_root

    monkeypatch.chdir(tmp_path)
    dataset = load_datasets().available["pure"]
    places = [tmp_path / name for name in ("option", "variable", "file")]
    for place in places:
        place.mkdir()
    (tmp_path / "bench.toml").write_text(f'[data]\npure = "{places[2]}"\n')
    assert data_root(dataset, {}) == places[2]
    monkeypatch.setenv("RPPGBENCH_DATA_PURE", str(places[1]))
    assert data_root(dataset, {}) == places[1]
    assert data_root(dataset, {"pure": places[0]}) == places[0]


def test_settings_say_when_they_are_used_and_when_they_have_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
    settings = tmp_path / "bench.toml"
    settings.write_text('[data]\npure = "~/mine"\npur = "x"\n')
    monkeypatch.setenv("RPPGBENCH_DATA_UBFC", "x")
    monkeypatch.setenv("RPPGBENCH_DATA_obf", "x")
    arguments = ["run", "--protocol", "pure_intra", "--methods", "pos"]
    assert main(arguments) == 2
    output = capsys.readouterr().err
    assert f"note: pure is {tmp_path / 'mine'}, by [data] of ./bench.toml" in output
    assert f"{tmp_path / 'mine'}: no recordings" in output  # there it was looked for
    assert "warning: has no effect: [data] of ./bench.toml: no data set 'pur'; did you" in output
    assert "warning: has no effect: RPPGBENCH_DATA_UBFC: no data set 'ubfc'" in output
    assert "has no effect: RPPGBENCH_DATA_obf: write the name in capitals" in output
    monkeypatch.setenv("RPPGBENCH_DATA_PURE", "~/theirs")
    assert main(arguments) == 2
    assert f"note: pure is {tmp_path / 'theirs'}, by RPPGBENCH_DATA_PURE" in capsys.readouterr().err
    monkeypatch.delenv("RPPGBENCH_DATA_PURE")
    settings.write_text('[dat]\npure = "~/mine"\n')
    assert main(arguments) == 2
    assert "bench.toml: no key 'dat'; did you mean 'data'?" in capsys.readouterr().err


def test_a_home_folder_is_meant_by_a_tilde_wherever_a_path_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rppgbench.cli.commands import parser
    from rppgbench.datasets.roots import cache_folder

    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = ["run", "--protocol", "p", "--out", "~/o", "--plugins", "~/p", "--data", "a=~/d"]
    args = parser().parse_args([*arguments, "--cache", "~/c", "--keep-videos", "~/k"])
    given = [args.out, *args.plugins, args.data[0][1], args.cache, args.keep_videos]
    assert given == [tmp_path / name for name in "opdck"]
    args = parser().parse_args(["predict", "~/v", "--weights", "~/w", "--plot", "~/p"])
    assert [*args.videos, args.weights, args.plot] == [tmp_path / name for name in "vwp"]
    monkeypatch.setenv("RPPGBENCH_CACHE", "~/e")
    assert cache_folder() == tmp_path / "e"


def test_the_contact_of_a_killed_run_is_not_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / ".lock").write_text("999999")
    with Store(folder).locked():
        assert (folder / ".lock").read_text() == str(os.getpid())
