"""Folds of VIPL-HR: the set's own files first, else the published lists; and chosen folds."""

import shutil
from pathlib import Path

import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import load_datasets, toml_files
from rppgbench.execution.plan_manifest import plan_manifest
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.system.errors import BenchError

from ..factories import trees


def plan(root: Path, *folds: str, protocol: str = "vipl5fold") -> Plan:
    return make_plan(
        read_protocol(toml_files("protocols")[protocol]),
        protocol,
        {"vipl_hr": root},
        methods=["pos"],
        seeds=[0],
        location="here",
        chosen_folds=folds,
    )


def folds_by_subject(made: Plan) -> dict[str, str]:
    return {job.recording.split("/")[0]: job.fold for job in made.jobs}


@pytest.fixture
def vipl(tmp_path: Path) -> Path:
    assert "vipl_hr" in load_datasets().available
    trees.vipl_hr(tmp_path)
    return tmp_path


def test_the_sets_own_fold_files_come_first(vipl: Path) -> None:
    own = plan(vipl)
    assert folds_by_subject(own) == {"p10": "fold1", "p2": "fold2"}
    assert plan_manifest(own)["folds_from"] == "own files"
    assert any("they differ from the list" in note for note in own.notes)


def test_without_fold_files_the_published_lists_are_used_and_named(vipl: Path) -> None:
    shutil.rmtree(vipl / "fold")
    published = plan(vipl)
    assert folds_by_subject(published) == {"p10": "fold1", "p2": "fold2"}
    assert plan_manifest(published)["folds_from"] == "vipl-5fold-rhythmmamba"
    assert any("fold files are absent" in note for note in published.notes)
    by_name = plan(vipl, protocol="vipl5fold_rhythmmamba")
    assert folds_by_subject(by_name) == folds_by_subject(published)
    assert plan_manifest(by_name)["folds_from"] == ""


def test_only_the_chosen_folds_are_planned(vipl: Path) -> None:
    one = plan(vipl, "fold2")
    assert folds_by_subject(one) == {"p2": "fold2"}
    assert plan_manifest(one)["folds"] == ["fold2"]
    assert plan_manifest(plan(vipl))["folds"] == ["fold1", "fold2"]
    assert one.expected == 3
    assert {job.digest for job in one.jobs} < {job.digest for job in plan(vipl).jobs}
    with pytest.raises(BenchError, match="--folds: no fold 'fold9'"):
        plan(vipl, "fold9")
