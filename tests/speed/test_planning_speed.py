"""A plan of 100,000 jobs and its comparison with the store: time and memory a job stay the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.speed

DATASET = '''"""Recordings without a file, as many as are asked for."""

import os

from rppgbench.system.errors import RecordingError
from rppgbench.core.recording import Dataset, Recording


def nothing():
    raise RecordingError("nothing was recorded")


def recordings(root):
    for number in range(int(os.environ["MANY"])):
        subject = f"s{number % 107}"
        yield Recording(
            dataset="many", name=f"r{number}", subject=subject,
            video=nothing, ground_truth=nothing, files=(),
        )


def folds(root):
    return {str(fold): tuple(f"s{k}" for k in range(fold, 107, 5)) for fold in range(5)}


many = Dataset(
    name="many", title="Many", cite="", licence="", url="", expected={},
    recordings=recordings, folds=folds,
)
'''

MEASURE = """
import json, os, re, sys, time
from pathlib import Path
import numpy as np
from rppgbench.core.registry import add_plugins, find_toml, load_methods
from rppgbench.execution.estimate_writer import EstimateWriter
from rppgbench.execution.plan_manifest import plan_manifest
from rppgbench.execution.plan_records import UNTOUCHED
from rppgbench.execution.planner import make_plan
from rppgbench.core.protocol import read_protocol
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store
from rppgbench.core.waveform import Waveform
from rppgbench.execution.recording_task import TaskResult, RecordingTask
from rppgbench.extraction.extractor import BASE_FEATURES
from rppgbench.execution.run_options import RunOptions

def peak_mb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

folder = Path(sys.argv[1])
add_plugins(folder)
methods = ["green", "ica", "chrom", "pos", "two_sr", "pbv", "lgi", "omit"]
regions = ["skin", "toolbox_box", "forehead", "cheek_left_upper", "cheek_right_upper"]
protocol = read_protocol(find_toml("protocols", "protocol", "vipl5fold", "here"))
change = {"train": ["many"], "test": ["many"], "methods": methods, "regions": regions}
protocol = protocol.model_copy(update=change)
load_methods()
before_mb, began = peak_mb(), time.process_time()
plan = make_plan(protocol, "p", {"many": folder}, methods=methods, seeds=[0], location="here")
planned_s, planned_mb = time.process_time() - began, peak_mb() - before_mb
store = Store(folder / os.environ["MANY"])
store.begin(plan_manifest(plan), [job.digest for job in plan.jobs])
by_recording = {}
for job in plan.jobs:
    by_recording.setdefault(job.recording, []).append(job)
wave = np.random.default_rng(0).normal(size=900)
with EstimateWriter(store) as ledger:
    for name, jobs in by_recording.items():
        task = RecordingTask(
            dataset="many", root=folder, recording=name, conditions=(UNTOUCHED,),
            request=BASE_FEATURES, jobs=(), params=(), options=RunOptions(cache=folder),
            models=folder,
        )
        made = [
            Estimate(
                job=j.digest, dataset="many", recording=name, subject="s", scenario="",
                method=j.method, fold=j.fold, seed=j.seed, condition=j.condition,
                region=j.region, waveform=Waveform(wave, 30.0), coverage=1.0,
            )
            for j in jobs
        ]
        ledger.keep(TaskResult(task=task, estimates=tuple(made)))
before_mb, began = peak_mb(), time.process_time()
done = store.done()
todo = [job for job in plan.jobs if job.digest not in done]
compared_s, compared_mb = time.process_time() - began, peak_mb() - before_mb
assert not todo and len(done) == len(plan.jobs)
print(json.dumps({
    "jobs": len(plan.jobs), "planned_s": planned_s, "planned_mb": planned_mb,
    "compared_s": compared_s, "compared_mb": compared_mb,
    "parts": len(list((store.folder / "estimates").iterdir())),
}))
"""


def measured(folder: Path, recordings: int) -> dict[str, float]:
    """Seconds of processor time and MB of a plan of 40 jobs a recording, in its own process."""
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"MANY": str(recordings), "OMP_NUM_THREADS": "1"},
    )
    answer: dict[str, float] = json.loads(process.stdout)
    return answer


@pytest.mark.skipif(sys.platform != "linux", reason="needs peak memory in kilobytes")
def test_time_and_memory_a_job_do_not_grow_with_their_number(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "many.py").write_text(DATASET)
    few, many = measured(tmp_path, 250), measured(tmp_path, 2500)
    print(few, many)
    assert (few["jobs"], many["jobs"]) == (10_000, 100_000)
    for what in ("planned_s", "compared_s"):
        assert many[what] / many["jobs"] < 2 * few[what] / few["jobs"]
    # A job and its digest are about 300 bytes; none of the store's waveforms (720 MB) is held.
    assert many["planned_mb"] + many["compared_mb"] < 100
    assert many["parts"] < 200
