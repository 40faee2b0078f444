"""The methods that `bench speed` measures."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rppgbench.cli.terminal import tell

if TYPE_CHECKING:
    from rppgbench.core.method import Method


def chosen_methods(args: argparse.Namespace) -> "list[Method]":
    """The methods of `--methods`, by default all that are installed."""
    from rppgbench.core.registry import load_methods
    from rppgbench.execution.method_groups import expand_groups

    available = load_methods().available
    named = args.methods or list(available)
    names = [name for name in expand_groups(named) if name in named or name in available]
    return [load_methods().get("method", name, "--methods") for name in names]


def learning_methods(args: argparse.Namespace) -> "Iterator[tuple[Method, dict[str, Any]]]":
    """Each method that learns and has the preset, with its parameters."""
    methods = [m for m in chosen_methods(args) if m.fit and not m.baseline]
    if not methods:
        tell("methods that learn: not measured; pip install 'rppgbench[neural]'")
    for method in methods:
        preset = {} if args.preset == "paper" else {"preset": args.preset}
        if preset.items() <= {("preset", name) for name in method.presets}:
            yield method, method.parameters(preset)
