"""How fast a method learns on a device, on made-up input."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rppgbench.method import Example, Method, Training
from rppgbench.recording import Truth
from rppgbench.waveform import Signal, Waveform

FS = 30.0
SHAPES = {
    "mstmap": (63, 6),
    "stmap": (25, 3),
    "stmap_moments": (28, 3),
    "trace": (3,),
    "second_moments": (3, 3),
}


def made_up_examples(
    method: Method, size: int, *, recordings: int = 8, seconds: float = 30.0
) -> list[Example]:
    """Recordings of noise around a grey face, with a pulse: only their shapes matter.

    `size` is that of the pictures of methods that consume clips.
    """
    rng = np.random.default_rng(0)
    frames = round(seconds * FS)
    times = np.arange(frames) / FS
    examples = []
    for number in range(recordings):
        pulse = np.sin(2 * np.pi * (1.0 + 0.1 * number) * times)
        shape = SHAPES.get(method.consumes, (size, size, 3))
        grey = 120 - pulse.reshape(-1, *[1] * len(shape))
        samples: Any = grey + rng.standard_normal((frames, *shape), dtype=np.float32)
        if method.consumes == "clip":
            samples = samples.round().astype(np.uint8)
        truth = Truth(pulse=Signal(pulse, times)) if method.needs_labels else None
        name = f"{number:02d}"
        examples.append(Example(name, name, (Waveform(samples, FS),), truth))
    return examples


def learning_speed(
    method: Method, params: dict[str, Any], device: str, size: int
) -> list[dict[str, Any]]:
    """One row a stage: device, precision, steps, seconds_per_step, waited_share, peak_memory_mib.

    The last epoch of each stage counts, so two epochs are enough. `params` are all of the
    method's, with few epochs; nothing of what is learned is kept.
    """
    if method.fit is None:
        raise ValueError(f"{method.name} does not learn")
    with TemporaryDirectory() as folder:
        training = Training(0, device, Path(folder))
        method.fit(made_up_examples(method, size), training, **params)
        return [
            {"method": method.name, "stage": file.stem.removesuffix("_speed"), **facts}
            for file in sorted(Path(folder).glob("*_speed.json"))
            for facts in [json.loads(file.read_text(encoding="utf-8"))]
        ]
