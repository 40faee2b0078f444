"""The data sets of a run: only those that its methods need are looked for."""

from pathlib import Path

import pytest

from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.run_setup import find_roots, plan_run
from rppgbench.system.errors import BenchError

from ..factories import trees

pytestmark = pytest.mark.torch

NAME = "repss3_track1"


@pytest.fixture
def protocol() -> Protocol:
    """Two methods, of which one is pre-trained on a data set of its own."""
    table = {
        "pretrain": {"contrast_phys_plus": ["disfa"]},
        "methods": ["pos", "contrast_phys_plus"],
    }
    return read_protocol(toml_files("protocols")[NAME]).model_copy(update=table)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunOptions:
    """Roots of all data sets but that of the pre-training."""
    monkeypatch.chdir(tmp_path)
    trees.vipl_hr_v2(tmp_path / "vipl_hr_v2")
    trees.clip(tmp_path / "video_folder" / "a.mp4")
    roots = {name: tmp_path / name for name in ("vipl_hr_v2", "video_folder")}
    return RunOptions(cache=tmp_path / "cache", data=roots, methods=("pos",))


def test_a_run_needs_no_pretraining_set_of_methods_that_are_not_run(
    protocol: Protocol, options: RunOptions
) -> None:
    plan = plan_run(protocol, NAME, options, print)
    assert set(plan.roots) == {*protocol.train, *protocol.test}
    assert plan.protocol.digest == protocol.digest  # a later run adds the other method
    with pytest.raises(BenchError, match="disfa"):
        find_roots(protocol, ["pos", "contrast_phys_plus"], options, "test", print)
