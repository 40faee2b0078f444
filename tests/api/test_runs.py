"""A run from Python is the run of the command line."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import rppgbench as rb
from rppgbench.execution import run_options


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of simulated people and features for all runs here."""
    return tmp_path_factory.mktemp("cache")


def run_small(out: Path, cache: Path, **options: Any) -> rb.Results:
    """Run two methods on three simulated people, 11 s each."""
    return rb.run(
        "quickstart",
        methods=["pos", "green"],
        out=out,
        cache=cache,
        subjects=3,
        seconds=11.0,
        **options,
    )


def test_a_run_is_stored_scored_and_read(tmp_path: Path, cache: Path) -> None:
    results = run_small(tmp_path / "results", cache, executor="local")
    assert set(results.estimates["method"]) == {"pos", "green"}
    assert results.recordings["recording"].nunique() == 3
    assert {"mae", "mae_low"} <= set(results.scores())
    assert (tmp_path / "results" / "report.html").is_file()
    parts = sorted(file.name for file in (tmp_path / "results" / "estimates").iterdir())
    again = run_small(tmp_path / "results", cache)
    assert again.estimates["job"].tolist() == results.estimates["job"].tolist()
    after = sorted(file.name for file in (tmp_path / "results" / "estimates").iterdir())
    assert after == parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"job": 2}, "no option 'job'; did you mean 'jobs'"),
        ({"scheduler": "tcp://here:1"}, "--scheduler: goes with --executor dask"),
        ({"executor": "slurm"}, "no executor 'slurm'"),
        ({"every_epoch": True}, "--every-epoch: has no effect where no method learns"),
        ({"data": {"pure": "x"}}, "--data: pure has no effect"),
    ],
)
def test_an_option_without_effect_is_one_line(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(rb.BenchError, match=message):
        rb.run("quickstart", methods=["pos"], out=tmp_path, cache=tmp_path, **options)


EXECUTOR = """
from rppgbench.execution.local_executor import check_options, network_device
from rppgbench.execution.local_executor import LocalExecutor

class Counting(LocalExecutor):
    done = 0

    def recordings(self, tasks):
        for result in super().recordings(tasks):
            Counting.done += 1
            yield result

def open_executor(options):
    return Counting(1, options.device)
"""


def test_an_executor_is_one_file(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counting_executor.py").write_text(EXECUTOR)
    package = import_module("rppgbench.execution")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    assert run_options.executor_names() == ["counting", "dask", "local"]
    run_small(tmp_path / "results", cache, executor="counting")
    assert import_module("rppgbench.execution.counting_executor").Counting.done == 3
