"""A training shared by two processes learns what one learns."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rppgbench.neural.distributed import synchronised
from rppgbench.neural.safetensors_io import read_arrays
from rppgbench.system.errors import BenchError

LEARN = """
import json, os, sys
from pathlib import Path
import numpy as np
import torch
from torch import nn
from rppgbench.system.errors import BenchError
from rppgbench.core.method import Training
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe
from rppgbench.neural.network_weights import to_arrays

torch.set_num_threads(1)
folder, devices, rank, epochs, size = sys.argv[1], *map(int, sys.argv[2:])


def network():
    return nn.Sequential(
        nn.Conv1d(3, 6, 5, padding=2), nn.BatchNorm1d(6), nn.ELU(), nn.Conv1d(6, 1, 3, padding=1)
    )


class Rivals(nn.Module):
    '''Two networks in turn; the loss compares all samples with each other, and draws at random.'''

    def __init__(self):
        super().__init__()
        self.networks = nn.ModuleList(network() for _ in range(2))
        self.scale = nn.Parameter(torch.ones(()))  # used by the learner itself

    def forward(self, batch, epoch):
        x = batch["x"]
        shift = int(torch.randint(1, 9, ()))
        out = self.networks[epoch % 2](torch.cat([x, x.roll(shift, 2)]))[:, 0]
        own, other = out.chunk(2)
        peer = self.networks[1 - epoch % 2].eval()
        with torch.no_grad():
            label = peer(x)[:, 0]
        peer.train()
        apart = -(own[:, None] - own[None]).square().mean(dim=2).add(0.1).log().mean()
        noise = torch.nn.functional.gumbel_softmax(own, tau=1.0)
        terms = {
            "same": (own - other).square().mean(),
            "apart": apart,
            "peer": (self.scale * own - label).square().mean(),
            "noise": (noise * batch["y"]).sum(dim=1).mean(),
        }
        return {"loss": sum(terms.values()), **terms}


def read(starts, rng):
    x = rng.standard_normal((size, 3, 16)).astype(np.float32)
    return {"x": x, "y": x[:, 0] - 2 * x[:, 1]}


batches = BatchSource(lambda rng: [[(number, 0)] for number in range(3)], read)


said = []
training = Training(
    seed=3, device="cpu", folder=Path(folder), log=said.append, devices=devices, rank=rank
)
try:
    recipe = Recipe(epochs=epochs, lr=0.01, precision="64-true")
    learner, history = train(Rivals, batches, recipe, training)
except BenchError as error:
    print(json.dumps({"fault": str(error)}), flush=True)
    os._exit(0)
with torch.no_grad():  # afterwards a network is a network again: one clip, no collectives
    pulse = learner.networks[0](torch.ones(1, 3, 16, dtype=torch.float64)).tolist()
weights = {name: value.tolist() for name, value in to_arrays(learner).items()}
result = {"history": history, "pulse": pulse, "weights": weights, "said": len(said)}
print(json.dumps(result), flush=True)
os._exit(0)  # as the process of a training ends: Gloo's threads may outlive the interpreter
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def learned(folder: Path, devices: int, epochs: int = 4, size: int = 5) -> list[dict[str, Any]]:
    """What each process says of a training in this folder."""
    port = str(free_port())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LEARN, folder, *map(str, (devices, rank, epochs, size))],
            env=os.environ | {"LOCAL_RANK": str(rank), "MASTER_PORT": port},
            stdout=subprocess.PIPE,
        )
        for rank in range(devices)
    ]
    lines = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * devices
    return [json.loads(text.splitlines()[-1]) for text in lines]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return learned(tmp_path_factory.mktemp("alone"), 1)[0]


def agree(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Up to rounding, in double precision so that nothing else hides behind it."""
    for mine, others in zip(first["history"], second["history"], strict=True):
        assert mine.keys() == others.keys()
        for name, value in mine.items():
            assert others[name] == pytest.approx(value, rel=1e-6, abs=1e-8)
    for name, weight in first["weights"].items():
        np.testing.assert_allclose(second["weights"][name], weight, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(second["pulse"], first["pulse"], rtol=1e-6, atol=1e-8)


def test_two_devices_learn_the_weights_of_one_and_rank_0_writes(
    alone: dict[str, Any], tmp_path: Path
) -> None:
    # Five samples, so that the devices have two and three of them; a contrast over all pairs, a
    # batch norm, random draws, a peer without gradients, a network without a turn.
    first, second = learned(tmp_path, 2)
    agree(alone, first)
    assert second["weights"] == first["weights"]
    assert (first["said"], second["said"]) == (4, 0)
    state, facts = read_arrays(tmp_path / "train.safetensors")
    assert facts["history"] == first["history"]
    np.testing.assert_array_equal(state["model.scale"], first["weights"]["scale"])


@pytest.mark.learning
def test_two_devices_continue_the_training_of_one(alone: dict[str, Any], tmp_path: Path) -> None:
    learned(tmp_path, 1, epochs=4)
    for file in ("train.safetensors", "train.jsonl"):
        (tmp_path / file).unlink()  # back to the third epoch, which `before` keeps
    first, _ = learned(tmp_path, 2)
    agree(alone, first)
    assert first["said"] == 2  # it goes on, and the fourth epoch


def test_a_batch_too_small_to_be_shared_is_one_line() -> None:
    learner = nn.Sequential(nn.Linear(3, 1))
    text = "--devices 4: a batch of 2 samples is too small to be shared by so many; take fewer"
    with synchronised(learner, 0, 4), pytest.raises(BenchError, match=text):
        learner(torch.ones(2, 3))
    assert learner(torch.ones(2, 3)).shape == (2, 1)
