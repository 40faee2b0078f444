"""The shortest training of a method, for a network whose cost is measured and not its error."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rppgbench.core.method import Method, Model, Training
from rppgbench.extraction.crops import crop_rule
from rppgbench.neural.method_operations import training_operations
from rppgbench.neural.operations import counted_steps
from rppgbench.neural.synthetic_inputs import synthetic_examples

LEAST_RECORDINGS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class BriefTraining:
    """A model after one epoch of each stage on synthetic recordings, and what a step costs.

    Attributes:
        model: the model; its weights mean nothing.
        flop_per_step: floating-point operations of a step, by stage.
        reason: why steps were not counted; else empty.
    """

    model: Model
    flop_per_step: Mapping[str, int]
    reason: str = ""

    @property
    def parameters(self) -> int:
        """The number of parameters of the network."""
        return int(self.model.metadata["n_parameters"])


def train_briefly(method: Method, params: Mapping[str, Any], device: str) -> BriefTraining:
    """Train one epoch of each stage, of as few steps as there are, with a whole batch in the first.

    Args:
        method: a method with a network.
        params: all parameters of the method.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ValueError: the method does not learn.
    """
    if method.fit is None:
        raise ValueError(f"{method.name} does not learn")
    once = {
        name: 1 for name, count in params.items() if name.endswith(("epochs", "passes")) and count
    }
    size = crop_rule(str(params["crop"])).size if method.input == "clip" else 0
    examples = synthetic_examples(
        method,
        size,
        recordings=max(LEAST_RECORDINGS, int(params["batch"])),
        seconds=float(params["clip_s"]) + 1,
    )
    with TemporaryDirectory() as folder:
        training = Training(seed=0, device=device, folder=Path(folder))
        with counted_steps():
            model = method.fit(examples, training, **{**params, **once})
        counted = training_operations(Path(folder))
    stages = counted.get("stages", {})
    return BriefTraining(
        model=model,
        flop_per_step={name: int(stage["flop_per_step"]) for name, stage in stages.items()},
        reason=str(counted.get("not_counted", "")),
    )
