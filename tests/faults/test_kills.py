"""kill -9 at random moments: the next run ends with the results of an undisturbed one.

The short form kills three times; `pytest -m faults --long` kills ten times. The moments are drawn
from a printed seed and printed themselves.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rppgbench.content import load_datasets
from rppgbench.simulation import SimulationPlan
from rppgbench.store import Store

SEED = 20231002
METHODS = "pos,chrom,two_sr,constant"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four simulated people."""
    folder = tmp_path_factory.mktemp("people")
    make = load_datasets().found["simulated"].simulate
    assert make is not None
    make(folder, SimulationPlan(4, 8.0, 1, "easy"))
    return folder


def start(tree: Path, cache: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-c", "import sys; from rppgbench.cli import main; sys.exit(main())"),
        *("run", "--protocol", "quickstart", "--methods", METHODS, "--jobs", "2"),
        *("--data", f"simulated={tree}", "--cache", str(cache), "--out", str(out)),
    ]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def waveforms(out: Path) -> dict[str, tuple[bytes, float, float]]:
    found = {}
    for e in Store(out).estimates():
        assert e.waveform is not None
        samples = np.ascontiguousarray(e.waveform.samples).tobytes()
        found[e.job] = (samples, e.waveform.fs, e.waveform.start_s)
    return found


def workers(parent: int) -> list[int]:
    """The processes under `parent`, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


@pytest.mark.faults
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc")
def test_a_killed_run_goes_on_to_the_same_results(
    tree: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = 10 if request.config.getoption("--long") else 3
    draw = random.Random(SEED)
    began = time.monotonic()
    assert start(tree, tmp_path / "quiet-cache", tmp_path / "quiet").wait(600) == 0
    lasts_s = time.monotonic() - began
    wanted = waveforms(tmp_path / "quiet")
    print(f"seed {SEED}; an undisturbed run lasts {lasts_s:.1f} s")
    for number in range(kills):
        cache, out = tmp_path / f"cache{number}", tmp_path / f"results{number}"
        run = start(tree, cache, out)
        moment_s = draw.uniform(0.1, 0.9) * lasts_s
        whom = "worker" if number % 3 == 0 else "parent"
        deadline = time.monotonic() + moment_s
        while time.monotonic() < deadline and run.poll() is None:
            time.sleep(0.02)
        under = workers(run.pid)
        print(f"kill {number + 1}: {whom} after {moment_s:.2f} s, {len(under)} workers at work")
        if whom == "worker" and under:
            os.kill(draw.choice(under), signal.SIGKILL)
            assert run.wait(600) == 0  # the lost work is done again
        else:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait(60)
            assert start(tree, cache, out).wait(600) == 0
        assert waveforms(out) == wanted
        assert Store(out).missing() == 0
