"""A training of seconds: a network of a few weights, by the suite's own training loop."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from .runs import Waves, bench, waveforms

EPOCHS = 40

TINY = f'''"""A network of a few weights, for the tests of faults."""

from typing import Any

from rppgbench.core.method import Model, method
from rppgbench.core.waveform import Waveform


def fit(examples, training, **params):
    from .network import learned

    return learned(examples, training, params)


@method("Tiny", "this suite's tests", "clip", fit=fit, needs_labels=True)
def tiny(
    clip: Waveform,
    model: Model,
    *,
    crop: str = "contrast_phys_32",
    epochs: int = {EPOCHS},
) -> Waveform:
    """The weighted mean of the picture's columns over time."""
    from .network import pulse

    return pulse(clip, model)
'''

NETWORK = '''"""One layer, trained by `learn` on pieces of the pulse."""

import numpy as np
import torch
from torch import nn

from rppgbench.neural.trained_model import to_model
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe
from rppgbench.neural.network_weights import load_arrays
from rppgbench.core.waveform import Waveform


class Columns(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(96, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, batch, epoch):
        said = self.network(batch["columns"])[..., 0]
        wanted = batch["pulse"]
        said = said - said.mean(-1, keepdim=True)
        wanted = wanted - wanted.mean(-1, keepdim=True)
        both = said.norm(dim=-1) * wanted.norm(dim=-1)
        return {"loss": (1 - (said * wanted).sum(-1) / both.clamp_min(1e-6)).mean()}


def columns(clip):
    """(T, 96): the three colours of 32 columns."""
    pictures = np.asarray(clip.samples, np.float32)
    return pictures.mean(axis=1).reshape(len(pictures), -1) / 255


def learned(examples, training, params):
    parts = []
    for example in examples:
        for clip in example.inputs:
            times = clip.start_s + np.arange(len(clip.samples)) / clip.fs
            wave = example.ground_truth.pulse
            pulse = np.interp(times, wave.times_s, wave.values).astype(np.float32)
            parts.append((columns(clip), pulse))

    def read(starts, rng):
        inputs, pulses = parts[rng.integers(len(parts))]
        at = rng.integers(0, len(pulses) - 60, 8)
        return {
            "columns": np.stack([inputs[a : a + 60] for a in at]),
            "pulse": np.stack([pulses[a : a + 60] for a in at]),
        }

    batches = BatchSource(lambda rng: [[(number, 0)] for number in range(12)], read)
    recipe = Recipe(epochs=params["epochs"], lr=1e-2, precision="32-true")
    learner, history = train(Columns, batches, recipe, training)
    return to_model(learner.network, {"train": history})


def pulse(clip, model):
    network = Columns().network
    load_arrays(network, model.arrays)
    with torch.no_grad():
        said = network(torch.from_numpy(columns(clip)))[:, 0].numpy()
    return Waveform(said.astype(np.float64), clip.fs, clip.start_s)
'''


@dataclass(frozen=True)
class Learned:
    """An undisturbed training: its cache, its waveforms, and how long it took."""

    cache: Path
    waves: Waves
    seconds: float


def plugins(tree: Path) -> Path:
    """The folder of content with the tiny method, beside the people."""
    folder = tree.parent / "plugins"
    method = folder / "methods" / "tiny"
    if not method.is_dir():
        method.mkdir(parents=True)
        (method / "__init__.py").write_text(TINY)
        (method / "network.py").write_text(NETWORK)
    return folder


def learn_words(tree: Path, cache: Path, out: Path) -> tuple[str | Path, ...]:
    """The training that is disturbed: three folds, on the processor."""
    return (
        *("run", "--protocol", "quickstart", "--methods", "tiny", "--plugins", plugins(tree)),
        *("--device", "cpu", "--data", f"simulated={tree}", "--cache", cache, "--out", out),
    )


def learned_undisturbed(tree: Path, known: Path, base: Path) -> Learned:
    """Learn twice; at the second time all features are in the cache: what is left is learning.

    `known` is a cache with the people's tracks, which the first training adds its clips to.
    """
    cache = base / "cache"
    shutil.copytree(known, cache)
    code, _, errors = bench(*learn_words(tree, cache, base / "first"))
    assert code == 0, errors
    began = time.monotonic()
    code, _, errors = bench(*learn_words(tree, cache, base / "out"))
    assert code == 0, errors
    took = time.monotonic() - began
    waves = waveforms(base / "out")
    assert waves == waveforms(base / "first")
    return Learned(cache, waves, took)
