"""Groups of methods: what each stands for, and what a run leaves out of one."""

from pathlib import Path

import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import find_toml, load_methods
from rppgbench.execution.method_groups import METHOD_GROUPS, expand_groups
from rppgbench.execution.run_choice import choose_methods, choose_run
from rppgbench.execution.run_options import RunOptions
from rppgbench.system.errors import BenchError


def chosen(protocol: str, *methods: str) -> tuple[list[str], list[str]]:
    declared = read_protocol(find_toml("protocols", "protocol", protocol, "test"))
    return choose_methods(
        declared, RunOptions(methods=methods, cache=Path("no-cache")), "--methods"
    )


@pytest.mark.torch
def test_all_are_all_methods_of_the_list_and_the_groups_are_apart() -> None:
    registry = load_methods()
    assert set(expand_groups(["all"])) == {*registry.available, *registry.unavailable}
    classical, learned = (set(expand_groups([name])) for name in ("classical", "learned"))
    assert {"pos", "chrom", "two_sr"} <= classical
    assert {"physnet", "contrast_phys", "bigsmall"} <= learned
    assert not classical & learned
    assert not (classical | learned) & {"constant", "hfut_ensemble"}
    assert not any(name.startswith(("pyvhr_", "open_rppg_")) for name in classical)


def test_no_method_has_the_name_of_a_group() -> None:
    registry = load_methods()
    assert not METHOD_GROUPS.keys() & {*registry.available, *registry.unavailable}


def test_names_beside_a_group_keep_their_order_and_stand_once() -> None:
    names = expand_groups(["constant", "pos", "classical"])
    assert names[:2] == ["constant", "pos"]
    assert names.count("pos") == 1
    assert names[2:] == sorted(names[2:])


def test_a_run_of_all_leaves_out_what_is_not_installed_in_one_line_for_each_reason() -> None:
    methods, lines = chosen("simulated_intra", "all")
    unavailable = load_methods().unavailable
    assert set(methods) == set(load_methods().available)
    assert len(lines) == len({fault.reason for fault in unavailable.values()})
    for name in unavailable:
        assert any(name in line.split(" left out: ")[0] for line in lines)


@pytest.mark.torch
def test_a_run_of_all_leaves_out_methods_that_cannot_get_their_input() -> None:
    methods, lines = chosen("traces", "all")
    assert "pos" in methods
    assert "contrast_phys" not in methods
    assert any("contrast_phys needs pictures" in line for line in lines)
    declared = read_protocol(find_toml("protocols", "protocol", "traces", "test"))
    options = RunOptions(methods=("all", "contrast_phys"), cache=Path("no-cache"))
    with pytest.raises(BenchError, match="contrast_phys needs pictures"):
        choose_run(declared, "traces", options)
