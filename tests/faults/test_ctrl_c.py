"""Ctrl-C stops a run at once, says what is done, and the same command goes on.

The promise is 5 s. What is asserted does not depend on the machine: of two equal runs one is
stopped, and it has ended while the other is still at the same piece of work. The seconds that it
took are printed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.store.store import Store
from rppgbench.system.hashing import digest

from ..factories import stores as made_store
from ..factories.records import make_recording_info
from .conftest import Undisturbed, run_words
from .runs import LONG_S, all_whole, begin, bench, finish, kill_all, until, waveforms, workers
from .training import Learned, learn_words

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc"),
]

Run = subprocess.Popen[str]


def stopped(run: Run, where: str, *, terminal: bool = False) -> str:
    """What a run says that gets Ctrl-C now; a terminal sends it to all its processes."""
    theirs = workers(run.pid)
    began = time.monotonic()
    if terminal:
        os.killpg(run.pid, signal.SIGINT)
    else:
        run.send_signal(signal.SIGINT)
    code, _, errors = finish(run)
    print(f"\nCtrl-C during {where}: ended after {time.monotonic() - began:.2f} s")
    assert code == 130
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("bench: stopped: ")
    assert last.endswith("; the same command goes on from there")
    assert errors.count("bench: ") == 1
    deadline = time.monotonic() + LONG_S
    while set(theirs) & set(workers(1)) or any(Path(f"/proc/{p}").exists() for p in theirs):
        assert time.monotonic() < deadline, "workers outlive the run"
        time.sleep(0.02)
    return last


def beside(
    arguments: Callable[[str], tuple[str | Path, ...]], at: Callable[[str], bool]
) -> list[Run]:
    """Two equal runs, `words` of "one" and "other", both at a certain piece of work.

    The first to get there is frozen until the second does, lest it has ended by then.
    """
    runs = [begin(*arguments(name)) for name in ("one", "other")]
    for name, run in zip(("one", "other"), runs, strict=True):
        assert until(lambda name=name: at(name), run), "it ended before"  # type: ignore[misc]
        os.killpg(run.pid, signal.SIGSTOP)
    for run in runs:
        os.killpg(run.pid, signal.SIGCONT)
    return runs


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "parent alone"])
def test_during_extraction_by_workers(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, terminal: bool
) -> None:
    def words(name: str) -> tuple[str | Path, ...]:
        return run_words(tree, tmp_path / f"{name}-cache", tmp_path / name)

    def extracting(name: str) -> bool:
        return any((tmp_path / f"{name}-cache").glob("features/*/.*/base/rgb.npy"))

    first, second = beside(words, extracting)
    last = stopped(first, "extraction by two workers", terminal=terminal)
    assert second.poll() is None
    kill_all(second)
    planned = len(undisturbed.waves)
    assert f" of {planned} estimates are stored in {tmp_path / 'one'}" in last
    assert int(last.split()[2]) == len(Store(tmp_path / "one").done()) < planned
    all_whole(tmp_path / "one-cache", tmp_path / "one", swept=False)
    code, _, errors = bench(*words("one"))
    assert code == 0, errors
    assert waveforms(tmp_path / "one") == undisturbed.waves
    all_whole(tmp_path / "one-cache", tmp_path / "one")


def test_during_extraction_in_one_process(tree: Path, tmp_path: Path) -> None:
    def words(name: str) -> tuple[str | Path, ...]:
        cache, out = tmp_path / f"{name}-cache", tmp_path / name
        return run_words(tree, cache, out, "--jobs", "1")

    def extracting(name: str) -> bool:
        return any((tmp_path / f"{name}-cache").glob("features/*/.*/base/rgb.npy"))

    first, second = beside(words, extracting)
    stopped(first, "extraction in one process")
    assert second.poll() is None
    kill_all(second)
    all_whole(tmp_path / "one-cache", tmp_path / "one")


def test_during_a_training(tree: Path, trained: Learned, tmp_path: Path) -> None:
    """It goes on from its last epoch, which the log of a training shows."""

    def words(name: str) -> tuple[str | Path, ...]:
        return learn_words(tree, trained.cache, tmp_path / name)

    def epochs(name: str) -> int:
        logs = list((tmp_path / name).glob("models/*-training/train.jsonl"))
        return max((len(log.read_text().splitlines()) for log in logs), default=0)

    first, second = beside(words, lambda name: epochs(name) >= 3)
    stopped(first, "a training")
    assert second.poll() is None
    kill_all(second)
    learned = epochs("one")
    code, _, errors = bench(*words("one"))
    assert code == 0, errors
    assert learned >= 3
    assert waveforms(tmp_path / "one") == trained.waves
    all_whole(trained.cache, tmp_path / "one")


def test_while_people_are_rendered(tmp_path: Path) -> None:
    def words(name: str) -> tuple[str | Path, ...]:
        cache, out = tmp_path / f"{name}-cache", tmp_path / name
        run = ("run", "--protocol", "quickstart", "--methods", "pos", "--subjects", "4")
        return (*run, "--seconds", "60", "--cache", cache, "--out", out)

    def rendering(name: str) -> bool:
        return any((tmp_path / f"{name}-cache").glob("simulated/.*/*/.*.mp4"))

    first, second = beside(words, rendering)
    last = stopped(first, "the rendering of simulated people", terminal=True)
    assert second.poll() is None
    kill_all(second)
    assert "what is done stays" in last
    assert not list((tmp_path / "one-cache").glob("simulated/*"))


def test_while_the_page_is_made(tmp_path: Path) -> None:
    """A page is there whole or not at all, and is made from what is stored."""
    many = [
        replace(e, job=digest([e.job, k]), recording=f"{e.subject}-{k}")
        for e in made_store.estimates()
        for k in range(60)
    ]
    store = Store(tmp_path / "out")
    facts = made_store.manifest({e.method: {} for e in many}, ["skin"]) | {"expected": 240}
    store.begin(facts, [e.job for e in many])
    store.add(many)
    store.add_observed(
        [
            make_recording_info(
                f"{subject}-{k}",
                dataset="made_up",
                subject=subject,
                scenario="rest",
                simulated=True,
                ground_truth=made_store.truth(subject),
            )
            for subject in made_store.SUBJECTS
            for k in range(60)
        ]
    )
    arguments = ("report", str(tmp_path / "out"))
    run = begin(*arguments)
    assert until(lambda: "libscipy" in _maps(run.pid) or "scipy" in _maps(run.pid), run)
    stopped(run, "the making of a page")
    assert not (tmp_path / "out" / "report.html").exists()
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert "</html>" in (tmp_path / "out" / "report.html").read_text()[-20:]


def _maps(process: int) -> str:
    """The libraries that a process has loaded."""
    try:
        return Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return ""
