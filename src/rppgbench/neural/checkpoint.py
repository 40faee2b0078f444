"""What a training leaves after each epoch, to go on from."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rppgbench.core.method import Training
from rppgbench.neural.network_weights import load_arrays, to_array
from rppgbench.neural.safetensors_io import read_arrays, write_arrays
from rppgbench.system.atomic_files import move_into_place, write_file
from rppgbench.system.errors import BenchError


class Checkpoint:
    """The states after the last two epochs of one stage and its log, in the training's folder.

    `STAGE.safetensors` is the last and `STAGE.before.safetensors` the one before, each with its
    checksum: a training goes on from the last that is whole. `recipe` is what it has to agree in.
    """

    def __init__(self, training: Training, stage: str, recipe: Mapping[str, Any]) -> None:
        self.file = training.folder / f"{stage}.safetensors"
        self.before = training.folder / f"{stage}.before.safetensors"
        self.log = training.folder / f"{stage}.jsonl"
        self.stage = stage
        self.say = training.log
        self.recipe = {**recipe, "seed": training.seed, "stage": stage}

    def write(self, learner: nn.Module, optimiser: Any, history: list[dict[str, float]]) -> None:
        """Keep the state and the mean of every loss term in every epoch so far."""
        arrays = {f"model.{name}": to_array(value) for name, value in learner.state_dict().items()}
        for index, entries in optimiser.state_dict()["state"].items():
            for name, value in entries.items():
                arrays[f"optimiser.{index}.{name}"] = to_array(torch.as_tensor(value))
        if self.file.is_file():
            move_into_place(self.file, self.before)
        write_arrays(self.file, arrays, {"recipe": self.recipe, "history": history})
        write_file(self.log, "".join(json.dumps(line) + "\n" for line in history))

    def resume(self, learner: nn.Module, optimiser: Any) -> list[dict[str, float]]:
        """Load the last epoch, if there is one of this very recipe; give its history back.

        A damaged one is named and deleted, and the epoch before it counts.
        """
        for file in (self.file, self.before):
            if not file.is_file():
                continue
            try:
                arrays, facts = read_arrays(file)
            except BenchError as error:
                self.say(f"{error} (deleted: going back to the epoch before)")
                file.unlink()
                continue
            return self._loaded(arrays, facts, learner, optimiser)
        return []

    def _difference(self, recipe: Any) -> str:
        """In which settings a kept state was of another recipe."""
        held = recipe if isinstance(recipe, dict) else {}
        names = [k for k in sorted({*held, *self.recipe}) if held.get(k) != self.recipe.get(k)]
        told = [f"{name} {held.get(name)}, now {self.recipe.get(name)}" for name in names]
        return f"of another recipe ({'; '.join(told) or 'other weights'})"

    def _loaded(
        self,
        arrays: Mapping[str, Any],
        facts: Mapping[str, Any],
        learner: nn.Module,
        optimiser: Any,
    ) -> list[dict[str, float]]:
        saved = {k.removeprefix("model."): v for k, v in arrays.items() if k.startswith("model.")}
        own = {name: tuple(value.shape) for name, value in learner.state_dict().items()}
        same = own == {name: value.shape for name, value in saved.items()}
        if facts.get("recipe") != self.recipe or not same:
            self.say(f"{self.file.name}: {self._difference(facts.get('recipe'))}; starting anew")
            return []
        load_arrays(learner, saved)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in arrays.items():
            if name.startswith("optimiser."):
                _, index, entry = name.split(".")
                state.setdefault(int(index), {})[entry] = torch.from_numpy(value)
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
        history: list[dict[str, float]] = facts["history"]
        self.say(f"{self.stage}: going on after epoch {len(history)}")
        return history
