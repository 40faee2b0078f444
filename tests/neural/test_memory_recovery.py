"""Recovery from a lack of memory, under a limit of the address space."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from rppgbench.core.method import Training
from rppgbench.neural.safetensors_io import read_arrays

from ..factories.batches import make_batches


def training(folder: Path, **more: Any) -> Training:
    return Training(seed=0, device="cpu", folder=folder, **more)


class Wide(nn.Module):
    """A layer that needs about half a MiB a sample, forward and backward, and no batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 2**16), nn.Linear(2**16, 1)

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        error = self.last(self.first(batch["x"]).tanh())[:, 0] - batch["y"]
        return {"loss": error.square().mean()}


def draw(number: int, rng: np.random.Generator) -> dict[str, Any]:
    size = (16, 512)[number]  # the second step of an epoch is the one that does not fit
    x = rng.standard_normal((size, 6)).astype(np.float32)
    return {"x": x, "y": x[:, 0]}


wide_batches = make_batches(2, draw)


LIMITED = """
import resource, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe
from tests.neural.test_memory_recovery import Wide, training, wide_batches
from rppgbench.system.errors import BenchError
folder = Path(sys.argv[1])
lines = []
recipe = Recipe(epochs=2, lr=1e-6, one_cycle_steps=2)
train(Wide, wide_batches, recipe, training(folder / "roomy"))
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 250 * 2**20,) * 2)
train(Wide, wide_batches, recipe, training(folder / "tight", log=lines.append))
print(*lines, sep=chr(10))
try:
    recipe = Recipe(epochs=1, lr=1e-6, min_micro_batch=512)
    train(Wide, wide_batches, recipe, training(folder / "whole"))
except BenchError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_where_memory_is_short_micro_batches_have_the_same_gradients(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIMITED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}", "OMP_NUM_THREADS": "1"},
    )
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert lines[0] == "train: out of memory; from here every batch in 2 micro-batches"
    assert "no memory on cpu for a step of train with 512 samples" in lines[-1]
    assert "can't allocate memory" in lines[-1]
    whole, facts = read_arrays(tmp_path / "roomy" / "train.safetensors")
    cut, cut_facts = read_arrays(tmp_path / "tight" / "train.safetensors")
    # The mean of the shares' gradients is the whole batch's, but for rounding: AdamW keeps both
    # their mean and their square.
    for name, value in whole.items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(cut[name], value, atol=1e-4 * scale, rtol=0, err_msg=name)
    assert all("shares" not in terms for terms in facts["history"])
    assert all(terms["shares"] >= 2 for terms in cut_facts["history"])
    for first, second in zip(facts["history"], cut_facts["history"], strict=True):
        assert second["loss"] == pytest.approx(first["loss"], rel=1e-4)
