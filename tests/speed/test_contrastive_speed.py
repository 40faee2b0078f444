"""All pairs of a contrastive loss at once against a double loop."""

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from rppgbench.neural.losses.contrastive import contrast

pytestmark = pytest.mark.speed

SAMPLES, BINS = 20, 17


def double_loop(spectra: Tensor) -> Tensor:
    """The public form: a mean squared error for each of the pairs of 20 and 20 samples."""
    near, far = [], []
    for i in range(SAMPLES):
        for j in range(SAMPLES):
            if i != j:
                near.append(torch.nn.functional.mse_loss(spectra[0, i], spectra[0, j]))
                near.append(torch.nn.functional.mse_loss(spectra[1, i], spectra[1, j]))
            far.append(torch.nn.functional.mse_loss(spectra[0, i], spectra[1, j]))
    return torch.stack(near).mean() - torch.stack(far).mean()


def at_once(spectra: Tensor) -> Tensor:
    terms = contrast(spectra)
    return terms["attract"] + terms["repel"]


def step(loss: Callable[[Tensor], Tensor], spectra: Tensor) -> tuple[Tensor, Tensor, float]:
    """Value and gradient, and the processor time of forward and backward, in seconds."""
    leaf = spectra.clone().requires_grad_()
    began = time.process_time()
    value = loss(leaf)
    value.backward()  # type: ignore[no-untyped-call]
    took = time.process_time() - began
    assert leaf.grad is not None
    return value.detach(), leaf.grad, took


def test_fifteen_times_faster_than_a_double_loop_for_the_same_values() -> None:
    spectra = torch.rand(2, SAMPLES, BINS, generator=torch.Generator().manual_seed(0)).double()
    spectra = spectra / spectra.sum(dim=2, keepdim=True)
    slow, quick = [], []
    for _ in range(5):
        value, gradient, took = step(double_loop, spectra)
        slow.append(took)
        for _ in range(10):
            fast_value, fast_gradient, took = step(at_once, spectra)
            quick.append(took)
    torch.testing.assert_close(fast_value, value, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(fast_gradient, gradient, rtol=1e-8, atol=1e-14)
    ratio = np.median(slow) / np.median(quick)
    assert ratio >= 15, f"only {ratio:.1f} times faster"
