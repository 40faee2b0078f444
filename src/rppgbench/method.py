"""What is compared: an estimator of the pulse."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rppgbench.recording import Truth
from rppgbench.waveform import Array, Waveform

Consumes = Literal["trace", "second_moments", "mstmap", "stmap", "clip"]
"""What the machine hands to a method, as one `Waveform` on an even time grid without gaps:

trace           (T, 3)        mean RGB of the protocol's face region
second_moments  (T, 3, 3)     mean of v vT over the region's pixels v = (R, G, B), uncentred
mstmap          (T, 63, 6)    RGBYUV of the 63 combinations of six regions
stmap           (T, 25, 3)    RGB of a 5 x 5 grid of the aligned face
clip            (T, S, S, 3)  uint8 face crop by the rule in the method's parameter `crop`
"""


@dataclass(frozen=True, eq=False)
class Example:
    """A recording to learn from: its input, and its truth only where the method needs labels."""

    recording: str
    subject: str
    inputs: Sequence[Waveform]  # one a stretch without gaps
    truth: Truth | None


@dataclass(frozen=True)
class Model:
    """What a method learned: arrays and facts, stored as safetensors and JSON, never pickled."""

    arrays: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """How and where to learn: what the runner decides, not the method.

    `folder` is the method's own, for checkpoints that a killed training goes on from; `progress`
    takes a line of what is going on (epoch, loss, time left).
    """

    seed: int
    device: str  # "cpu", "cuda" or "mps"
    folder: Path
    progress: Callable[[str], None] = field(default=lambda line: None, repr=False)


@dataclass(frozen=True)
class Method:
    """An estimator, its declared parameters with defaults, and where it was published.

    `estimate(waveform, **params)` or, for those that learn, `estimate(waveform, model, **params)`
    gives the pulse as a `Waveform` (T',) on the same clock. `fit(examples, training, **params)`
    gives a `Model`; it is None for the methods that do not learn.
    """

    name: str
    title: str
    cite: str
    consumes: Consumes
    estimate: Callable[..., Waveform] = field(repr=False)
    params: Mapping[str, Any]
    fit: Callable[..., Model] | None = field(default=None, repr=False)
    needs_labels: bool = False


def method(
    title: str,
    cite: str,
    consumes: Consumes = "trace",
    fit: Callable[..., Model] | None = None,
    needs_labels: bool = False,
) -> Callable[[Callable[..., Waveform]], Method]:
    """Declare a method; its name is the function's, its parameters are the keyword-only ones."""

    def declare(estimate: Callable[..., Waveform]) -> Method:
        keyword = inspect.Parameter.KEYWORD_ONLY
        signature = inspect.signature(estimate).parameters.values()
        params = {p.name: p.default for p in signature if p.kind is keyword}
        return Method(estimate.__name__, title, cite, consumes, estimate, params, fit, needs_labels)

    return declare
