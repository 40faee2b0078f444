"""Run options have one name from the command line to the worker."""

from dataclasses import fields
from pathlib import Path

import pytest

from rppgbench.cli.commands import parser
from rppgbench.cli.options import run_options
from rppgbench.execution.run_options import RunOptions, refuse_unused
from rppgbench.system.errors import BenchError

WITHOUT_ARGUMENT = {"quiet", "command", "sweeps"}
"""Fields that only the Python interface or the program sets, and what `--param` gives too."""


def test_every_field_is_an_argument_of_bench_run(tmp_path: Path) -> None:
    args = parser().parse_args(["run", "--protocol", "quickstart", "--cache", str(tmp_path)])
    names = {field.name for field in fields(RunOptions)} - WITHOUT_ARGUMENT
    assert names <= vars(args).keys()
    args.command_line = "bench run"
    assert run_options(args) == RunOptions(cache=tmp_path, command="bench run")


def test_arguments_reach_the_options_under_their_own_names(tmp_path: Path) -> None:
    arguments = ["run", "--protocol", "quickstart", "--methods", "pos,chrom", "--seeds", "3,4"]
    arguments += ["--jobs", "2", "--every-epoch", "--folds", "fold1,fold2"]
    arguments += ["--param", "pos.window_s=2.5", "--param", "gideon2021.saliency=true"]
    args = parser().parse_args([*arguments, "--cache", str(tmp_path), "--data", f"pure={tmp_path}"])
    args.command_line = ""
    assert run_options(args) == RunOptions(
        cache=tmp_path,
        methods=("pos", "chrom"),
        seeds=(3, 4),
        folds=("fold1", "fold2"),
        params={"pos": {"window_s": 2.5}, "gideon2021": {"saliency": True}},
        jobs=2,
        every_epoch=True,
        data={"pure": tmp_path},
    )


def test_several_values_of_a_parameter_are_a_sweep(tmp_path: Path) -> None:
    arguments = ["run", "--protocol", "quickstart", "--cache", str(tmp_path)]
    arguments += ["--param", "pos.window_s=1.0,1.6", "--param", "pos.left_out=last"]
    args = parser().parse_args(arguments)
    args.command_line = ""
    options = run_options(args)
    assert options.sweeps == {"pos": {"window_s": (1.0, 1.6)}}
    assert options.params == {"pos": {"left_out": "last"}}


def test_a_parameter_with_two_values_is_refused(tmp_path: Path) -> None:
    arguments = ["run", "--protocol", "quickstart", "--cache", str(tmp_path)]
    args = parser().parse_args([*arguments, "--param", "pos.a=1", "--param", "pos.a=2"])
    args.command_line = ""
    with pytest.raises(BenchError, match=r"--param: pos\.a is given twice: 1 and 2"):
        run_options(args)


def test_an_option_at_its_default_is_not_refused(tmp_path: Path) -> None:
    refuse_unused(RunOptions(cache=tmp_path), ["data", "devices", "preset"], "here")
    options = RunOptions(cache=tmp_path, keep_videos=tmp_path)
    with pytest.raises(BenchError, match="--keep-videos: has no effect here; leave it out"):
        refuse_unused(options, ["data", "keep_videos"], "here")
