"""A run on Dask workers gives the bytes of a run on this machine, whoever is killed meanwhile."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rppgbench.cli import main
from rppgbench.core.model_files import ARRAYS
from rppgbench.core.registry import find_toml
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.execution.dask_executor import DaskExecutor
from rppgbench.execution.dask_worker import (
    WorkerContract,
    environment_digest,
    from_text,
    run_recording_task,
    run_training_task,
    to_text,
)
from rppgbench.execution.plan_records import UNTOUCHED, Fit
from rppgbench.execution.recording_task import RecordingTask, find_recording
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_process import train_in_subprocess
from rppgbench.execution.training_task import TrainingTask
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.simulation import SimulationPlan
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError, MachineError

from ..factories.datasets import write_tree
from ..factories.tasks import make_job, make_recording_task

PEOPLE, SECONDS = 5, 11.0
METHODS = "pos,taught"
FEWER = {"regions": '["skin"]', "evaluators": '["li2023"]', "recordings": str(PEOPLE)}
"""What is asked of a copy of the quickstart, so that the work and not the page takes the time."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five simulated people: more than workers, so that one is killed in the middle."""
    folder = tmp_path_factory.mktemp("people")
    write_tree(
        "simulated",
        folder,
        SimulationPlan(subjects=PEOPLE, seconds=SECONDS, seed=3, difficulty="easy"),
    )
    return folder


TAUGHT = '''"""A method that needs a card to learn, and keeps on which worker it did."""

import os

import numpy as np

from rppgbench.core.method import Model, method
from rppgbench.core.waveform import Waveform


def fit(examples, training):
    colours = np.concatenate([part.samples for one in examples for part in one.inputs])
    return Model({"mean": colours.mean(axis=0)}, {"who": os.environ.get("WHO", "")})


@method("Taught", "none: a test's", fit=fit, gpu=1.0)
def taught(trace, model):
    return Waveform(-trace.samples @ model.arrays["mean"], trace.fs, trace.start_s)
'''


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the protocol and the method of this file."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "methods").mkdir()
    (folder / "methods" / "taught.py").write_text(TAUGHT)
    (folder / "protocols").mkdir()
    text = find_toml("protocols", "protocol", "quickstart", "here").read_text()
    for key, value in FEWER.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    (folder / "protocols" / "five_people.toml").write_text(text)
    return folder


@contextmanager
def started(*arguments: str, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this Python that is gone afterwards."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=file,
            stderr=file,
            env=os.environ | ONE_THREAD | variables,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(true: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> Any:
    """The first true value, while a process lives that is at it."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        result = true()
        if result:
            return result
        if process.poll() is not None:
            pytest.fail(f"it ended: {log.read_text()}")
        time.sleep(0.05)
    return pytest.fail(f"nothing in 240 s: {log.read_text()}")


def address_in(file: Path) -> str:
    """The scheduler's address, once it has written the whole file."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return ""


def run_words(tree: Path, plugins: Path, cache: Path, out: Path, *more: str) -> list[str]:
    return [
        *("-c", "import sys; from rppgbench.cli import main; sys.exit(main())"),
        *("run", "--protocol", "five_people", "--methods", METHODS, "--plugins", str(plugins)),
        *("--data", f"simulated={tree}", "--cache", str(cache), "--out", str(out), *more),
    ]


def content(out: Path) -> dict[str, tuple[Any, ...]]:
    """Every estimate with its bytes, by job."""
    return {
        e.job: (
            *(e.recording, e.method, e.fold, e.region, e.reason, e.coverage),
            None if e.waveform is None else e.waveform.samples.tobytes(),
            None if e.waveform is None else (e.waveform.fs, e.waveform.start_s),
        )
        for e in Store(out).estimates()
    }


def models(out: Path) -> dict[str, bytes]:
    return {
        file.parent.name: file.read_bytes() for file in sorted((out / "models").glob(f"*/{ARRAYS}"))
    }


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_workers_of_which_one_is_killed_give_the_bytes_of_this_machine(
    tree: Path, plugins: Path, tmp_path: Path
) -> None:
    from distributed import Client

    logs = {
        name: tmp_path / f"{name}.log" for name in ("scheduler", "first", "second", "third", "run")
    }
    scheduler_file = tmp_path / "scheduler.json"
    by_file = ("--scheduler-file", str(scheduler_file))
    dask = ("-m", "distributed.cli.dask_scheduler", *by_file)
    quiet = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
    worker = ("-m", "distributed.cli.dask_worker", *by_file, *quiet)
    variables = {name: {"WHO": name, "RPPGBENCH_PLUGINS": str(plugins)} for name in logs}
    # One keeps its features where its own environment says, not where the command does.
    variables["second"]["RPPGBENCH_CACHE"] = str(tmp_path / "cache of second")
    card = ("--resources", "GPU=1")
    with (
        started(*dask, "--port", "0", "--no-dashboard", log=logs["scheduler"]) as scheduler,
        started(*worker, "--name", "first", log=logs["first"], **variables["first"]) as first,
        started(*worker, "--name", "second", *card, log=logs["second"], **variables["second"]),
        started(*worker, "--name", "third", log=logs["third"], **variables["third"]),
    ):
        address = until(lambda: address_in(scheduler_file), scheduler, logs["scheduler"])
        more = ("--executor", "dask", "--scheduler", address)
        arguments = run_words(tree, plugins, tmp_path / "cache", tmp_path / "dask", *more)
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=60)
            names = {w["name"]: a for a, w in client.scheduler_info()["workers"].items()}
            with started(*arguments, log=logs["run"]) as run:

                def at_work() -> bool:
                    features = list((tmp_path / "cache of second").glob("features/*/*"))
                    return bool(client.processing()[names["first"]]) and bool(features)

                until(at_work, run, logs["run"])
                os.kill(first.pid, signal.SIGKILL)
                assert run.poll() is None
                assert run.wait(600) == 0, logs["run"].read_text()
            assert names["first"] not in client.scheduler_info()["workers"]
    arguments = run_words(tree, plugins, tmp_path / "cache of local", tmp_path / "local")
    local = [sys.executable, *arguments]
    subprocess.run(local, check=True, capture_output=True, env=os.environ | ONE_THREAD)
    assert content(tmp_path / "dask") == content(tmp_path / "local")
    assert Store(tmp_path / "dask").missing() == 0
    assert models(tmp_path / "dask") == models(tmp_path / "local")
    for name in ("table.csv", "heart_rates.csv"):
        assert (tmp_path / "dask" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    assert len(models(tmp_path / "dask")) >= 2
    told_by = [
        json.loads(file.read_text())["who"]
        for file in (tmp_path / "dask" / "models").glob("*/model.json")
    ]
    assert set(told_by) == {"second"}  # the one that has a card


SLEEPS = '''"""A method that takes its time."""

import time

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform


@method("Sleeps", "none: a test's")
def sleeps(trace):
    time.sleep(600)
    return Waveform(-trace.samples[:, 1], trace.fs, trace.start_s)
'''


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_scheduler_that_is_killed_ends_the_run_in_one_line(
    tree: Path, plugins: Path, tmp_path: Path
) -> None:
    (plugins / "methods" / "sleeps.py").write_text(SLEEPS)
    scheduler_file, log = tmp_path / "scheduler.json", tmp_path / "log"
    dask = (
        "-m",
        "distributed.cli.dask_scheduler",
        "--scheduler-file",
        str(scheduler_file),
        "--port",
        "0",
    )
    worker = (
        "-m",
        "distributed.cli.dask_worker",
        "--scheduler-file",
        str(scheduler_file),
        "--no-nanny",
    )
    with (
        started(*dask, "--no-dashboard", log=log) as scheduler,
        started(*worker, "--no-dashboard", log=log, RPPGBENCH_PLUGINS=str(plugins)) as _,
    ):
        address = until(lambda: address_in(scheduler_file), scheduler, log)
        more = ("--methods", "sleeps", "--executor", "dask", "--scheduler", address)
        arguments = run_words(tree, plugins, tmp_path / "cache", tmp_path / "out", *more)
        with started(*arguments, log=tmp_path / "run") as run:
            until(
                lambda: list((tmp_path / "cache").glob("features/*/*/base")), run, tmp_path / "run"
            )
            scheduler.kill()
            assert run.wait(300) == 2
    last = (tmp_path / "run").read_text().splitlines()[-1]
    assert last.startswith(f"bench: --scheduler {address}: the Dask scheduler is gone")
    assert "Traceback" not in (tmp_path / "run").read_text()


def test_what_dask_raises_without_its_scheduler_is_the_machine_s() -> None:
    from distributed.client import FutureCancelledError

    cluster = DaskExecutor.__new__(DaskExecutor)
    cluster._address = "tcp://head:8786"
    for error in (FutureCancelledError("key", "lost"), OSError("comm closed"), TimeoutError()):
        with pytest.raises(MachineError, match="tcp://head:8786: the Dask scheduler is gone"):
            _raise_with(cluster, error)


def _raise_with(cluster: DaskExecutor, error: Exception) -> None:
    with cluster._scheduler_errors():
        raise error


@dataclass(frozen=True)
class Place:
    """A recording, as a plan on another machine names it."""

    tree: Path
    cache: Path

    def task(self, root: Path) -> RecordingTask:
        match = find_recording("simulated", self.tree, "01")
        job = make_job("simulated", "01", "pos")
        params = (("pos", load_params("pos")),)
        return make_recording_task(
            "simulated",
            "01",
            root,
            jobs=(job,),
            params=params,
            options=RunOptions(cache=self.cache),
            fingerprint=fingerprint([match]),
        )


def load_params(name: str) -> dict[str, Any]:
    from rppgbench.core.registry import load_methods

    return load_methods().available[name].parameters({})


@pytest.fixture
def place(tree: Path, tmp_path: Path) -> Place:
    return Place(tree, tmp_path / "cache")


def errand() -> WorkerContract:
    return WorkerContract(environment_digest())


def test_a_node_looks_data_and_cache_up_in_its_own_environment(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPPGBENCH_DATA_SIMULATED", str(place.tree))
    monkeypatch.setenv("RPPGBENCH_CACHE", str(tmp_path / "own"))
    outcome = run_recording_task(to_text(place.task(Path("/not/on/this/node"))), errand())
    assert not outcome.faults
    assert [e.reason for e in outcome.estimates] == [""]
    assert (tmp_path / "own" / "features").is_dir()
    assert not place.cache.exists()


def test_a_node_that_would_give_other_numbers_says_so(place: Place) -> None:
    task = place.task(place.tree)
    with pytest.raises(BenchError, match="other code or other packages"):
        run_recording_task(to_text(task), WorkerContract("0" * 16))
    with pytest.raises(BenchError, match="holds another simulated/01 than the plan"):
        run_recording_task(to_text(replace(task, fingerprint="0" * 16)), errand())


def test_work_is_plain_text_and_comes_back_as_it_was(place: Place) -> None:
    task = place.task(place.tree)
    text = to_text(task)
    assert from_text(RecordingTask, text) == task
    assert isinstance(json.loads(text), dict)
    assert len(text) < 4000


def lesson(place: Place, models: Path, method: str = "constant", devices: int = 1) -> TrainingTask:
    names = ("01", "02")
    prints = [fingerprint([find_recording("simulated", place.tree, n)]) for n in names]
    train = tuple(("simulated", name) for name in names)
    return TrainingTask(
        fit=Fit(
            digest="f" * 16,
            method=method,
            fold="1",
            seed=0,
            region="skin",
            condition="none",
            train=train,
            pretrain=(),
        ),
        params=load_params(method),
        roots={"simulated": place.tree},
        condition=UNTOUCHED,
        request=FeatureRequest(),
        options=RunOptions(cache=place.cache, devices=devices),
        models=models,
        fingerprints=tuple(prints),
    )


def test_a_model_is_learned_in_a_process_of_its_own(place: Place, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    asked = lesson(place, tmp_path / "results" / "models")
    assert from_text(TrainingTask, to_text(asked)) == asked
    assert run_training_task(to_text(asked), errand(), print, lambda: True) is None
    facts = json.loads((asked.models / asked.fit.digest / "model.json").read_text())
    assert facts["learned_from"] == 2


def test_a_training_that_nobody_wants_any_more_ends(place: Place, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    asked = lesson(place, tmp_path / "results" / "models")
    fault = run_training_task(to_text(asked), errand(), print, lambda: False)
    assert fault is not None
    assert fault.kind == "machine"
    assert "the training of constant in fold 1 was killed (SIGKILL)" in fault.reason


def test_a_lesson_for_two_devices_is_two_processes_of_which_one_writes(
    place: Place, tmp_path: Path
) -> None:
    asked = lesson(place, tmp_path / "results" / "models", devices=2)
    lines: list[str] = []
    assert train_in_subprocess(asked, lines.append) is None
    (folder,) = (folder for folder in asked.models.iterdir() if not folder.name.startswith("."))
    assert folder.name == asked.fit.digest
    nobody = replace(asked, fit=replace(asked.fit, digest="e" * 16, train=()), fingerprints=())
    fault = train_in_subprocess(nobody, lines.append)
    assert fault is not None
    assert fault.kind == "recording"
    assert "nothing to learn from" in fault.reason


def test_results_that_the_node_does_not_see_are_one_line(place: Place, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"results folder .* is not there"):
        run_training_task(
            to_text(lesson(place, tmp_path / "nowhere" / "models")), errand(), print, lambda: True
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--executor", "dask"], "give --scheduler"),
        (["--scheduler", "tcp://127.0.0.1:1"], "goes with --executor dask"),
    ],
)
def test_half_of_the_two_options_is_one_line(
    arguments: list[str],
    says: str,
    tree: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "results"
    given = ["run", "--protocol", "quickstart", "--data", f"simulated={tree}", "--out", str(out)]
    assert main([*given, "--cache", str(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err
