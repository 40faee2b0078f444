"""kill -9 at random moments: the next run ends with the results of an undisturbed one.

The short form kills four times; `pytest -m faults --long` kills ten times. Whom and when is drawn
from a printed seed and printed.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from .conftest import Undisturbed, run_words
from .runs import alive, all_whole, begin, bench, finish, kill_all, until, waveforms, workers
from .training import Learned, learn_words

SEED = 20231002
TURNS = ("worker", "parent and workers", "training", "parent alone")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc"),
]


def test_a_killed_run_goes_on_to_the_same_results(
    tree: Path,
    undisturbed: Undisturbed,
    trained: Learned,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    kills = 10 if request.config.getoption("--long") else 4
    draw = random.Random(SEED)
    print(
        f"\nseed {SEED}; undisturbed, a run takes {undisturbed.seconds:.1f} s "
        f"and a training {trained.seconds:.1f} s"
    )
    for number in range(kills):
        turn = TURNS[number % len(TURNS)]
        cache, out = tmp_path / f"cache{number}", tmp_path / f"results{number}"
        if turn == "training":
            cache, arguments = trained.cache, learn_words(tree, trained.cache, out)
            lasts_s, expected = trained.seconds, trained.waves
        else:
            arguments = run_words(tree, cache, out)
            lasts_s, expected = undisturbed.seconds, undisturbed.waves
        moment_s = draw.uniform(0.1, 0.9) * lasts_s
        run = begin(*arguments)
        deadline = time.monotonic() + moment_s
        while time.monotonic() < deadline and run.poll() is None:
            time.sleep(0.01)
        theirs = workers(run.pid)
        still = "at work" if run.poll() is None else "already done"
        print(
            f"kill {number + 1}: {turn} after {moment_s:.2f} s, {len(theirs)} workers, {still}",
            flush=True,
        )
        if turn == "worker" and theirs:
            os.kill(draw.choice(theirs), signal.SIGKILL)
            code, _, errors = finish(run)  # the lost work is done again by the same run
            assert code == 0, errors
        elif turn == "parent alone":
            run.kill()
            run.communicate()
            gone_by = time.monotonic() + 60
            while any(map(alive, theirs)):
                assert time.monotonic() < gone_by, "workers outlive the parent that was killed"
                time.sleep(0.05)
        else:
            kill_all(run)
        all_whole(cache, out, swept=False)
        code, _, errors = bench(*arguments)
        assert code == 0, errors
        assert waveforms(out) == expected
        all_whole(cache, out)


def test_a_kill_before_the_first_file_leaves_a_folder_that_can_be_used(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """The folder is made some steps before its manifest is there."""
    out = tmp_path / "out"
    arguments = run_words(tree, undisturbed.cache, out)
    run = begin(*arguments)
    assert until((out / "estimates").is_dir, run)
    kill_all(run)
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves


def test_a_kill_while_people_are_rendered_leaves_no_half_made_set(tmp_path: Path) -> None:
    """A simulated set is there whole or not at all, and what is left of it goes."""
    cache, out = tmp_path / "cache", tmp_path / "out"
    people = ("--methods", "pos", "--subjects", "3", "--seconds", "11")
    arguments = ("run", "--protocol", "quickstart", *people, "--cache", cache, "--out", out)
    run = begin(*arguments)
    assert until(lambda: any(cache.glob("simulated/.*/*/*.mp4")), run)
    kill_all(run)
    assert not list(cache.glob("simulated/[!.]*"))
    assert list(cache.glob("simulated/.*"))
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    (made,) = cache.glob("simulated/[!.]*")
    assert len(list(made.glob("*/video.mp4"))) == 3
    all_whole(cache, out)
