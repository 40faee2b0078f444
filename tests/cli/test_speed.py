"""Which methods bench speed measures."""

import argparse

import pytest

from rppgbench.cli.speed import _chosen_methods
from rppgbench.core.registry import load_methods
from rppgbench.execution.method_groups import expand_groups
from rppgbench.system.errors import BenchError


def chosen(*methods: str) -> list[str]:
    arguments = argparse.Namespace(methods=methods or None)
    return [method.name for method in _chosen_methods(arguments)]


def test_a_group_stands_for_its_methods_that_are_installed() -> None:
    assert set(chosen()) == set(chosen("all")) == set(load_methods().available)
    assert chosen("constant", "learned") == ["constant", *expand_groups(["learned"])]
    with pytest.raises(BenchError, match="--methods: no method 'leraned'"):
        chosen("leraned")
