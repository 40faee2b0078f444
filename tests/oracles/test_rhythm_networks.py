"""Oracle `arch_forward_more`: RhythmMamba and RhythmFormer with public weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rppgbench.neural.network_weights import load_arrays
from rppgbench.neural.public_weights import to_own_names

from ..factories.methods import part
from .test_newer_architectures import CASES, assert_close, count, made_up, pictures


def cases(network: str) -> list[str]:
    return [case for case in CASES if case.startswith(network + "_")]


def load_public(network: nn.Module, case: str, module: Any) -> None:
    """Load the oracle's weights, under the names and in the form of the public code."""
    public = {
        name: made_up(case, entry, name, shape).numpy()
        for entry, name, shape in CASES[case]["state_dict_order"]
    }
    arrays = module.NETWORK.adapt_public(to_own_names(public, module.PUBLIC_NAMES))
    # The oracle's rule leaves the counts of batches out.
    counts = {k: v.numpy() for k, v in network.state_dict().items() if k.endswith("_tracked")}
    load_arrays(network.eval(), {**counts, **arrays})


def numbers(case: str, endings: tuple[str, ...]) -> int:
    """How many numbers the public weights with these endings of their names hold."""
    entries = CASES[case]["state_dict_order"]
    return sum(int(np.prod(shape)) for _, name, shape in entries if name.endswith(endings))


@pytest.mark.parametrize("case", cases("RhythmMamba"))
def test_rhythmmamba(case: str) -> None:
    module = part("rhythmmamba.network")
    network = module.RhythmNetwork()
    load_public(network, case, module)
    matrices = numbers(case, (".mlp.r", ".mlp.i"))
    diagonals = numbers(case, (".mlp.rb", ".mlp.ib"))  # as long as a diagonal
    assert count(network) == CASES[case]["n_parameters"] - matrices + diagonals
    clips = pictures(case)
    with torch.inference_mode():  # the public code loses the last of an odd number of samples
        assert_close(network(clips)[:, : clips.shape[1] // 2 * 2], case)


@pytest.mark.parametrize("case", cases("RhythmFormer"))
def test_rhythmformer(case: str) -> None:
    module = part("rhythmformer.network")
    network = module.RhythmNetwork()
    load_public(network, case, module)
    unused = numbers(case, ("qkv_linear.weight", "qkv_linear.bias"))
    assert unused > 0
    assert count(network) == CASES[case]["n_parameters"] - unused
    with torch.inference_mode():
        assert_close(network(pictures(case)), case)
