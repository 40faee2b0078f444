"""Presets, epochs and sweeps of a command, beside the parameters of a protocol."""

from pathlib import Path

import pytest

from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import load_methods, toml_files
from rppgbench.execution.method_parameters import (
    declared_parameters,
    with_epochs,
    with_preset,
    with_sweeps,
)
from rppgbench.execution.run_options import RunOptions
from rppgbench.system.errors import BenchError

pytestmark = pytest.mark.torch

NETWORK = "efficientphys"


@pytest.fixture
def protocol() -> Protocol:
    """A protocol that gives a network a preset and a number of epochs of its own."""
    shipped = read_protocol(toml_files("protocols")["quickstart"])
    params = {NETWORK: {"preset": "smoke", "epochs": 5}, "pos": {"window_s": 2.0}}
    return shipped.model_copy(update={"params": params})


def parameters(protocol: Protocol, name: str) -> dict[str, object]:
    """All parameters of a method under a protocol."""
    return load_methods().available[name].parameters(declared_parameters(protocol, name))


def test_a_preset_of_the_command_counts_more_than_a_value_of_the_protocol(
    protocol: Protocol,
) -> None:
    toy = with_preset(protocol, [NETWORK, "pos"], "toy", "--preset")
    assert parameters(toy, NETWORK)["epochs"] == 1
    assert parameters(toy, "pos")["window_s"] == 2.0
    kept = with_preset(protocol, [NETWORK], "toy", "--preset", {NETWORK: {"epochs": 5}})
    assert parameters(kept, NETWORK)["epochs"] == 5


def test_a_preset_of_the_command_counts_for_a_variant_as_for_its_method(
    protocol: Protocol,
) -> None:
    variant = f"{NETWORK} width=6"
    toy = parameters(with_preset(protocol, [variant], "toy", "--preset"), variant)
    assert (toy["epochs"], toy["width"]) == (1, 6)
    kept = with_preset(protocol, [variant], "toy", "--preset", {NETWORK: {"epochs": 5}})
    assert parameters(kept, variant)["epochs"] == 5
    of_variant = protocol.model_copy(update={"params": {variant: {"epochs": 5}}})
    toy = parameters(with_preset(of_variant, [variant], "toy", "--preset"), variant)
    assert (toy["epochs"], toy["width"]) == (1, 6)


def test_epochs_of_the_command_count_in_each_stage_that_is_not_left_out(
    protocol: Protocol,
) -> None:
    params = {"contrast_phys_plus": {"finetune_epochs": 0}}
    staged = with_epochs(
        protocol.model_copy(update={"params": params}), ["contrast_phys_plus", NETWORK, "pos"], 3
    )
    values = parameters(staged, "contrast_phys_plus")
    assert (values["pretrain_epochs"], values["finetune_epochs"]) == (3, 0)
    assert parameters(staged, NETWORK)["epochs"] == 3
    assert "pos" not in staged.params


def test_a_sweep_replaces_its_method_by_every_combination(
    protocol: Protocol, tmp_path: Path
) -> None:
    values_of_pos: dict[str, tuple[bool | int | float | str, ...]] = {
        "window_s": (1.0, 3.0),
        "left_out": ("last", "none"),
    }
    sweep = {"pos": values_of_pos}
    with pytest.raises(BenchError, match="add it with --methods"):
        with_sweeps(["green"], RunOptions(cache=tmp_path, sweeps=sweep))
    names = with_sweeps(["green", "pos"], RunOptions(cache=tmp_path, sweeps=sweep))
    assert names[0] == "green"
    assert len(set(names)) == 5
    values = parameters(protocol, "pos window_s=3.0 left_out=last")
    assert (values["window_s"], values["left_out"]) == (3.0, "last")
    assert parameters(protocol, "pos left_out=last")["window_s"] == 2.0  # the protocol's
