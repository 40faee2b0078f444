"""What methods share that learn from the contact sensor."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from rppgbench.errors import BenchError
from rppgbench.method import Example, Model
from rppgbench.neural.clips import Clips, Cut, Stretch, stretches
from rppgbench.neural.collapse import collapse_facts
from rppgbench.neural.inference import outputs
from rppgbench.neural.training import outcome

JUDGED = 24
"""About how many clips of the training set say whether the training collapsed."""


def labelled(
    examples: Sequence[Example], fs: float, shortest_s: float, where: str, *, rate: bool = False
) -> list[Stretch]:
    """The stretches of recordings that the sensor gave a pulse for, or, with `rate`, a heart rate.

    A pulse says the heart rate too. BenchError, naming `where`, if there is none.
    """
    found = [
        part
        for part in stretches(examples, fs, shortest_s, where)
        if part.pulse is not None or (rate and part.rate_bpm is not None)
    ]
    if not found:
        kind = "heart rate" if rate else "pulse"
        raise BenchError(f"{where}: no recording has a {kind} to learn from")
    return found


def judged(
    network: nn.Module,
    history: list[dict[str, float]],
    clips: Clips,
    fs: float,
    read: Callable[[Cut], Tensor],
    pulse_of: Callable[[Tensor], Tensor] = lambda out: out,
    **facts: Any,
) -> Model:
    """The model of a training, with the verdict whether its outputs are alike or no pulses.

    `read` makes a clip of the training set a batch of one; `pulse_of` makes the network's outputs
    (N, ...) pulses (N, T).
    """
    everywhere = clips.all(clips.length)
    some = everywhere[:: max(1, len(everywhere) // JUDGED)]
    pulses = pulse_of(outputs(network, (read(cut) for cut in some)))
    return outcome(network, {"train": history}, collapse=collapse_facts(pulses, fs), **facts)
