"""Made-up input of methods that learn, for measurements of their cost: only its size matters."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.method import Example, Method
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.extraction.crops import crop_rule

FS = 30.0
MINUTE_S = 60.0
SHAPES = {
    "mstmap": (63, 6),
    "stmap": (25, 3),
    "stmap_moments": (28, 3),
    "trace": (3,),
    "trace_background": (2, 3),
    "second_moments": (3, 3),
}


def synthetic_examples(
    method: Method, size: int, *, recordings: int = 4, seconds: float = 11.0, fs: float = FS
) -> list[Example]:
    """Make recordings of noise around a grey face, with a pulse: only their shapes matter.

    Args:
        method: the method whose input is made.
        size: height and width of the pictures of methods whose input is clips, in pixels.
        recordings: number of recordings, each of a person.
        seconds: duration of a recording.
        fs: frames a second.

    Returns:
        Examples with a pulse where the method needs labels.
    """
    rng = np.random.default_rng(0)
    frames = round(seconds * fs)
    times = np.arange(frames) / fs
    examples = []
    for number in range(recordings):
        pulse = np.sin(2 * np.pi * (1.0 + 0.1 * number) * times)
        shape = SHAPES.get(method.input, (size, size, 3))
        grey = 120 - pulse.reshape(-1, *[1] * len(shape))
        samples: Any = grey + rng.standard_normal((frames, *shape), dtype=np.float32)
        if method.input == "clip":
            samples = samples.round().astype(np.uint8)
        truth = GroundTruth(pulse=Signal(pulse, times)) if method.needs_labels else None
        name = f"{number:02d}"
        examples.append(
            Example(
                recording=name, subject=name, inputs=(Waveform(samples, fs),), ground_truth=truth
            )
        )
    return examples


def synthetic_minute(method: Method, params: Mapping[str, Any]) -> Waveform:
    """A minute of input of a method that learns, at the rate of its network: only its size matters.

    Args:
        method: the method.
        params: all of its parameters.
    """
    fs = float(params["fs"])
    if method.input == "clip":
        side = crop_rule(str(params["crop"])).size
        shape = (round(MINUTE_S * fs), side, side, 3)
        return Waveform(np.random.default_rng(0).integers(0, 256, shape, np.uint8), fs)
    (example,) = synthetic_examples(method, 0, recordings=1, seconds=MINUTE_S, fs=fs)
    return example.inputs[0]
