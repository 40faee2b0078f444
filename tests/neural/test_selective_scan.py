"""The selective scan and the mixers that are made of it."""

import sys
import types
from typing import Any

import pytest
import torch
from torch import Tensor

from rppgbench.neural import selective_scan as module
from rppgbench.neural.networks.state_space import StateSpaceMixer
from rppgbench.neural.selective_scan import choose_scan, selective_scan
from rppgbench.system.errors import BenchError

LENGTHS = [1, 2, 5, 9, 10, 23]
"""One sample, one chunk, whole chunks, and a last chunk that is not full."""


def one_by_one(x: Tensor, step: Tensor, rate: Tensor, inward: Tensor, outward: Tensor) -> Tensor:
    """The recurrence sample by sample, as the paper states it."""
    state = x.new_zeros(x.shape[0], *rate.shape)
    outputs = []
    for t in range(x.shape[1]):
        decay = torch.exp(step[:, t, :, None] * rate)
        state = decay * state + (step[:, t] * x[:, t])[..., None] * inward[:, t, None]
        outputs.append((state * outward[:, t, None]).sum(-1))
    return torch.stack(outputs, dim=1)


def sequences(length: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    g = torch.Generator().manual_seed(length)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=dtype)

    made = (
        draw(2, length, 3), draw(2, length, 3).exp(), -draw(3, 4).exp(),
        draw(2, length, 4), draw(2, length, 4),
    )  # fmt: skip
    return tuple(values.requires_grad_() for values in made)


@pytest.mark.parametrize("length", LENGTHS)
def test_chunks_give_what_the_recurrence_gives(length: int) -> None:
    inputs = sequences(length)
    torch.testing.assert_close(selective_scan(*inputs), one_by_one(*inputs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [1, 5, 10])
def test_gradients_are_those_of_finite_differences(length: int) -> None:
    assert torch.autograd.gradcheck(selective_scan, sequences(length))


def test_a_limit_of_memory_changes_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = []
    for most in (module.MAX_STATES, 1):
        monkeypatch.setattr(module, "MAX_STATES", most)
        inputs = sequences(23)
        selective_scan(*inputs).square().sum().backward()  # type: ignore[no-untyped-call]
        gradients.append([values.grad for values in inputs])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)


def test_a_long_sequence_with_strong_decay_neither_overflows_nor_vanishes() -> None:
    x, step, rate, inward, outward = sequences(400, torch.float32)
    inputs = (x, step * 20, rate * 20, inward, outward)
    expected = one_by_one(*(values.double() for values in inputs))
    torch.testing.assert_close(selective_scan(*inputs).double(), expected, rtol=1e-4, atol=1e-3)


def test_half_precision_is_scanned_in_float32() -> None:
    inputs = sequences(10, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scanned = selective_scan(*(values.bfloat16() for values in inputs))
    assert scanned.dtype is torch.float32
    rounded = one_by_one(*(values.bfloat16().float() for values in inputs))
    torch.testing.assert_close(scanned, rounded, rtol=1e-5, atol=1e-5)


def test_the_kernel_gets_its_own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the kernel, with the layout that `mamba_ssm` documents. CUDA is not used."""

    def kernel(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        assert u.is_contiguous()
        rows = [values.transpose(1, 2) for values in (u, delta, b, c)]
        return one_by_one(rows[0], rows[1], a, rows[2], rows[3]).transpose(1, 2)

    name = "mamba_ssm.ops.selective_scan_interface"
    stand_in: Any = types.ModuleType(name)
    stand_in.selective_scan_fn = kernel
    monkeypatch.setitem(sys.modules, "mamba_ssm", types.ModuleType("mamba_ssm"))
    monkeypatch.setitem(sys.modules, "mamba_ssm.ops", types.ModuleType("mamba_ssm.ops"))
    monkeypatch.setitem(sys.modules, name, stand_in)
    scan = choose_scan("mamba_ssm")
    inputs = sequences(10)
    with pytest.raises(BenchError, match=r"needs --device cuda; choose scan=plain"):
        scan(*inputs)
    monkeypatch.setattr(torch.Tensor, "is_cuda", property(lambda values: True))
    torch.testing.assert_close(scan(*inputs), one_by_one(*inputs))


def test_an_unknown_scan_and_a_missing_package_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BenchError, match=r"no scan 'fast'"):
        choose_scan("fast")
    monkeypatch.setitem(sys.modules, "mamba_ssm", None)
    with pytest.raises(BenchError, match=r"install mamba-ssm .* or choose scan=plain"):
        choose_scan("mamba_ssm")


def mixer(*, two_way: bool) -> StateSpaceMixer:
    torch.manual_seed(0)
    return StateSpaceMixer(5, 3, two_way=two_way).double()


def test_a_mixer_in_one_direction_sees_no_later_sample() -> None:
    network, x = mixer(two_way=False), torch.rand(2, 12, 5, dtype=torch.float64)
    changed = x.clone()
    changed[:, 7:] += 1
    before, after = network(x), network(changed)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7], after[:, 7])


def test_a_mixer_of_both_directions_with_equal_weights_has_no_direction() -> None:
    network, x = mixer(two_way=True), torch.rand(2, 12, 5, dtype=torch.float64)
    assert network.backward_scan is not None
    assert not torch.allclose(network(x.flip(1)), network(x).flip(1))
    network.backward_scan.load_state_dict(network.forward_scan.state_dict())
    torch.testing.assert_close(network(x.flip(1)), network(x).flip(1))


def test_first_steps_are_between_a_thousandth_and_a_tenth() -> None:
    scan = StateSpaceMixer(64, 3).forward_scan
    first = torch.nn.functional.softplus(scan.to_step.bias.detach())
    assert 1e-3 <= float(first.min()) < 2e-3
    assert 5e-2 < float(first.max()) <= 0.1 + 1e-6
    torch.testing.assert_close(scan.log_rate[0].detach().exp(), torch.tensor([1.0, 2, 3]))
