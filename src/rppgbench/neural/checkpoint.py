"""The checkpoints from which a training that was stopped continues."""

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
    """The checkpoints of the last two epochs of one stage, and its log, in the training's folder.

    A stage that chooses among its epochs keeps the weights of the best in `STAGE.best.safetensors`.
    `STAGE.safetensors` is the last and `STAGE.before.safetensors` the one before, each with its
    checksum: a training continues from the last file that is whole.
    """

    def __init__(self, training: Training, stage: str, recipe: Mapping[str, Any]) -> None:
        """Name the files of a stage; nothing is read.

        Args:
            training: seed, folder and log.
            stage: name of the stage.
            recipe: settings that a checkpoint must have for a training to continue from it.
        """
        self.file = training.folder / f"{stage}.safetensors"
        self.before = training.folder / f"{stage}.before.safetensors"
        self.best = training.folder / f"{stage}.best.safetensors"
        self.log = training.folder / f"{stage}.jsonl"
        self.stage = stage
        self.write_line = training.log
        self.recipe = {**recipe, "seed": training.seed, "stage": stage}

    def write(self, learner: nn.Module, optimiser: Any, history: list[dict[str, float]]) -> None:
        """Write learner, optimiser and history; the last checkpoint becomes the one before.

        Args:
            learner: the module whose weights and buffers are written.
            optimiser: the optimiser whose state is written.
            history: the mean of every loss term in each epoch.
        """
        arrays = {f"model.{name}": to_array(value) for name, value in learner.state_dict().items()}
        for index, entries in optimiser.state_dict()["state"].items():
            for name, value in entries.items():
                arrays[f"optimiser.{index}.{name}"] = to_array(torch.as_tensor(value))
        if self.file.is_file():
            move_into_place(self.file, self.before)
        write_arrays(self.file, arrays, {"recipe": self.recipe, "history": history})
        write_file(self.log, "".join(json.dumps(line) + "\n" for line in history))

    def write_best(self, learner: nn.Module) -> None:
        """Write the weights of the epoch with the least score so far."""
        arrays = {name: to_array(value) for name, value in learner.state_dict().items()}
        write_arrays(self.best, arrays, {})

    def load_best(self, learner: nn.Module) -> None:
        """Load the weights of the epoch with the least score.

        Raises:
            BenchError: the file is missing or damaged.
        """
        load_arrays(learner, read_arrays(self.best)[0])

    def resume(self, learner: nn.Module, optimiser: Any) -> list[dict[str, float]]:
        """Load the last checkpoint that is whole and of the same recipe.

        A damaged file is logged and deleted; then the checkpoint before is loaded.

        Args:
            learner: takes the weights.
            optimiser: takes the state.

        Returns:
            The history of the checkpoint; empty without a checkpoint.
        """
        for file in (self.file, self.before):
            if not file.is_file():
                continue
            try:
                arrays, metadata = read_arrays(file)
            except BenchError as error:
                self.write_line(f"{error} (deleted: going back to the epoch before)")
                file.unlink()
                continue
            return self._load(arrays, metadata, learner, optimiser)
        return []

    def _difference(self, recipe: Any) -> str:
        """The settings in which a checkpoint's recipe differs from this one."""
        stored = recipe if isinstance(recipe, dict) else {}
        names = [k for k in sorted({*stored, *self.recipe}) if stored.get(k) != self.recipe.get(k)]
        changes = [f"{name} {stored.get(name)}, now {self.recipe.get(name)}" for name in names]
        return f"of another recipe ({'; '.join(changes) or 'other weights'})"

    def _load(
        self,
        arrays: Mapping[str, Any],
        metadata: Mapping[str, Any],
        learner: nn.Module,
        optimiser: Any,
    ) -> list[dict[str, float]]:
        saved = {k.removeprefix("model."): v for k, v in arrays.items() if k.startswith("model.")}
        shapes = {name: tuple(value.shape) for name, value in learner.state_dict().items()}
        same = shapes == {name: value.shape for name, value in saved.items()}
        if metadata.get("recipe") != self.recipe or not same:
            self.write_line(
                f"{self.file.name}: {self._difference(metadata.get('recipe'))}; starting again"
            )
            return []
        load_arrays(learner, saved)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in arrays.items():
            if name.startswith("optimiser."):
                _, index, entry = name.split(".")
                state.setdefault(int(index), {})[entry] = torch.from_numpy(value)
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
        history: list[dict[str, float]] = metadata["history"]
        self.write_line(f"{self.stage}: continuing after epoch {len(history)}")
        return history
