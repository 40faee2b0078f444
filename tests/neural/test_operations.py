"""Counted operations against formulas, and a training that counts gives the same weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.core.method import Training
from rppgbench.core.registry import load_methods
from rppgbench.neural.method_operations import (
    NO_STEP,
    operations_per_minute,
    training_operations,
)
from rppgbench.neural.network_weights import to_arrays
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.operations import (
    count_operations,
    count_step,
    counted_steps,
)
from rppgbench.neural.synthetic_inputs import synthetic_examples
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe

from ..factories.batches import make_batches


def forward(layer: nn.Module, *shape: int) -> int:
    return count_operations(lambda: layer(torch.zeros(shape)))


def test_layers_count_two_for_each_multiplication_with_its_addition() -> None:
    assert forward(nn.Linear(6, 8), 5, 6) == 2 * 5 * 6 * 8
    assert forward(nn.Conv1d(3, 7, 5), 2, 3, 20) == 2 * 2 * 7 * 16 * (3 * 5)
    assert forward(nn.Conv1d(4, 8, 5, groups=2), 2, 4, 20) == 2 * 2 * 8 * 16 * (2 * 5)
    assert forward(nn.Conv2d(3, 4, 3, stride=2, padding=1), 1, 3, 8, 8) == 2 * 4 * 16 * (3 * 9)
    assert forward(nn.Conv3d(3, 4, (3, 1, 1)), 1, 3, 10, 6, 6) == 2 * 4 * (8 * 36) * (3 * 3)


def test_attention_counts_its_two_products() -> None:
    query = torch.zeros(2, 4, 30, 16)  # batch, heads, time, width
    counted = count_operations(lambda: functional.scaled_dot_product_attention(query, query, query))
    assert counted == 2 * (2 * 2 * 4 * 30 * 30 * 16)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(4, 8, 5),
        nn.Conv1d(4, 8, 5, groups=2),
        nn.Conv1d(4, 4, 5, groups=4),
        nn.ConvTranspose1d(4, 8, 5, stride=2),
        nn.ConvTranspose1d(4, 8, 5, groups=4),
        nn.LSTM(20, 6),
        nn.LSTM(20, 6, num_layers=2, bidirectional=True),
    ],
)
def test_backward_counts_twice_what_forward_counts(layer: nn.Module) -> None:
    """Gradients of input and weights: each has as many products as the forward pass."""
    x = torch.ones(2, 4, 20, requires_grad=True)

    def both() -> None:
        output = layer(x)
        (output[0] if isinstance(output, tuple) else output).sum().backward()

    assert count_operations(both) == 3 * count_operations(lambda: layer(x)) > 0


def test_recurrent_layers_count_the_products_of_every_step() -> None:
    one_layer = 2 * (7 * 2) * 4 * 5 * (3 + 5)
    assert forward(nn.LSTM(3, 5), 7, 2, 3) == one_layer
    with torch.no_grad():
        assert forward(nn.LSTM(3, 5, bidirectional=True), 7, 2, 3) == 2 * one_layer


def test_recurrent_layers_on_a_gpu_count_what_they_count_on_a_cpu() -> None:
    """The kernel of a GPU with shapes alone, against the products of the same layer on a CPU."""
    gru = nn.GRU(3, 5)
    x, state = torch.empty(7, 2, 3, device="meta"), torch.empty(1, 2, 5, device="meta")
    weights = [weight.to("meta") for weight in gru.parameters()]
    layer: Any = (x, weights, 4, None, state, None, 3, 5, 0, 1, False, 0.0, False, False, [], None)
    on_gpu = count_operations(lambda: torch.ops.aten._cudnn_rnn(*layer))
    assert on_gpu == forward(gru, 7, 2, 3) == 2 * (7 * 2) * 3 * 5 * (3 + 5)


def test_a_layer_of_attention_counts_the_same_with_and_without_gradients() -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.zeros(2, 6, 8)
    projections, products = 2 * (2 * 6) * 8 * (24 + 8), 2 * (2 * 2 * 2 * 6 * 6 * 4)
    with torch.no_grad():
        assert count_operations(lambda: layer(x, x, x)) == projections + products
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    "work",
    [
        lambda x: torch.relu(x) * x + x.exp(),
        nn.BatchNorm1d(8),
        lambda x: functional.avg_pool1d(x, 4),
        lambda x: functional.interpolate(x, size=60),
        torch.fft.rfft,
        lambda x: x.cumsum(-1),
    ],
)
def test_what_is_no_product_is_not_counted(work: Any) -> None:
    assert count_operations(lambda: work(torch.ones(2, 8, 30))) == 0


def test_a_step_counts_forward_and_backward() -> None:
    """The first layer has no gradient of its input, so it is counted twice and not three times."""

    class TwoLayers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
            return {"loss": self.second(self.first(batch["x"])).square().mean()}

    counted = count_step(TwoLayers(), {"x": torch.ones(16, 6)}, torch.device("cpu"))
    assert counted == 2 * (2 * 16 * 6 * 8) + 3 * (2 * 16 * 8 * 3)


def test_a_network_counts_the_products_of_its_convolutions() -> None:
    """PhysNet is made of convolutions; hooks give the size of each, by another way."""
    network = PhysNet(1, width=8).eval()
    products = 0

    def add(layer: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal products
        assert isinstance(layer, nn.Conv3d)
        products += out.numel() * layer.in_channels * int(np.prod(layer.kernel_size))

    hooks = [m.register_forward_hook(add) for m in network.modules() if isinstance(m, nn.Conv3d)]
    video = torch.zeros(1, 3, 32, 32, 32)
    network(video)
    for hook in hooks:
        hook.remove()
    assert len(hooks) > 5
    assert count_operations(lambda: network(video)) == 2 * products


NOOBHEART_FLOP = 2 * 32 * (4 * 4 * 4 * (3 * 8) + 2 * 2 * 2 * (4 * 8) + 2)
"""32 frames; 3, 4, 2 and 1 channels; pictures of 8 pixels become 4 and 2, and then their mean."""


class Noisy(nn.Module):
    """Batch norm, dropout and random numbers: what a count must leave as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3))
        self.out = nn.Linear(8, 1)

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        noise = 0.01 * torch.randn(len(batch["x"]))
        error = self.out(self.body(batch["x"]))[:, 0] + noise - batch["y"]
        return {"loss": error.square().mean()}


def draw(number: int, rng: np.random.Generator) -> dict[str, Any]:
    x = rng.standard_normal((16, 6)).astype(np.float32)
    return {"x": x, "y": x[:, 0]}


def fit(folder: Path) -> dict[str, Any]:
    training = Training(seed=0, device="cpu", folder=folder)
    learner, _ = train(Noisy, make_batches(4, draw), Recipe(epochs=3, lr=0.02), training)
    return to_arrays(learner)


def test_a_training_that_counts_has_the_weights_of_one_that_does_not(tmp_path: Path) -> None:
    plain = fit(tmp_path / "plain")
    with counted_steps():
        counted = fit(tmp_path / "counted")
    assert all(np.array_equal(plain[name], counted[name]) for name in plain)
    step = 2 * (2 * 16 * 6 * 8) + 3 * (2 * 16 * 8)
    assert training_operations(tmp_path / "counted") == {
        "flop": 12 * step,
        "stages": {"train": {"flop_per_step": step, "steps": 12}},
    }
    assert training_operations(tmp_path / "plain") == {"not_counted": NO_STEP}


def test_a_stage_that_was_counted_is_not_counted_again(tmp_path: Path) -> None:
    file = tmp_path / "train_operations.json"
    file.write_text(json.dumps({"flop_per_step": 7}))
    with counted_steps():
        fit(tmp_path)
    assert training_operations(tmp_path)["flop"] == 7 * 12


def test_a_count_that_fails_loses_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> int:
        raise RuntimeError("no rule for this operation\nand more")

    monkeypatch.setattr("rppgbench.neural.operations.count_step", fail)
    with counted_steps():
        counted = fit(tmp_path / "failed")
    assert all(np.isfinite(value).all() for value in counted.values())
    assert training_operations(tmp_path / "failed") == {
        "not_counted": "train: RuntimeError: no rule for this operation"
    }


def test_operations_of_a_minute_are_those_of_all_windows(tmp_path: Path) -> None:
    """Windows of 32 frames begin with every 30th of 1,800 frames, and with the 1,769th."""
    method = load_methods().available["noobheart"]
    params = method.parameters({"preset": "toy"})
    examples = synthetic_examples(method, 8, recordings=2, seconds=4.0)
    assert method.fit is not None
    model = method.fit(examples, Training(seed=0, device="cpu", folder=tmp_path), **params)
    assert operations_per_minute(method, model, params) == 60 * NOOBHEART_FLOP


def test_noobheart_has_the_operations_of_its_three_convolutions() -> None:
    from methods.noobheart.network import SmallNetwork

    network = SmallNetwork(4, frames=32).eval()
    assert sum(p.numel() for p in network.parameters()) == 361
    pictures = torch.zeros(1, 32, 3, 8, 8)
    assert count_operations(lambda: network(pictures)) == NOOBHEART_FLOP
