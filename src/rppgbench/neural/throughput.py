"""How fast a method learns on a device, measured on synthetic input."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rppgbench.core.method import Example, Method, Training
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.extraction.crops import crop_rule

FS = 30.0
EPOCHS = 2  # the first warms up
SHAPES = {
    "mstmap": (63, 6),
    "stmap": (25, 3),
    "stmap_moments": (28, 3),
    "trace": (3,),
    "second_moments": (3, 3),
}


def synthetic_examples(
    method: Method, size: int, *, recordings: int = 4, seconds: float = 11.0
) -> list[Example]:
    """Make recordings of noise around a grey face, with a pulse: only their shapes matter.

    Args:
        method: the method whose input is made.
        size: height and width of the pictures of methods whose input is clips, in pixels.
        recordings: number of recordings, each of a person.
        seconds: duration of a recording.

    Returns:
        Examples with a pulse where the method needs labels.
    """
    rng = np.random.default_rng(0)
    frames = round(seconds * FS)
    times = np.arange(frames) / FS
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
                recording=name, subject=name, inputs=(Waveform(samples, FS),), ground_truth=truth
            )
        )
    return examples


def learning_speed(
    method: Method, params: Mapping[str, Any], device: str, *, precision: str = "auto"
) -> list[dict[str, Any]]:
    """Measure the speed of each training stage.

    Two epochs of each stage run on recordings that are a second longer than a clip, with pictures
    of the crop rule's size; the second epoch counts. No model is kept.

    Args:
        method: a method that learns.
        params: all parameters of the method.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", "32-true" or "bf16-mixed".

    Returns:
        For each stage what `prefetch.StepTimer` measures, with the names of method and stage.

    Raises:
        ValueError: the method does not learn.
    """
    if method.fit is None:
        raise ValueError(f"{method.name} does not learn")
    epochs = {name: min(EPOCHS, n) for name, n in params.items() if name.endswith("epochs")}
    values = {**params, **epochs, "precision": precision}
    size = crop_rule(str(params["crop"])).size if method.input == "clip" else 0
    examples = synthetic_examples(method, size, seconds=float(params["clip_s"]) + 1)
    with TemporaryDirectory() as folder:
        method.fit(examples, Training(seed=0, device=device, folder=Path(folder)), **values)
        return [
            {"method": method.name, "stage": file.stem.removesuffix("_speed"), **measurements}
            for file in sorted(Path(folder).glob("*_speed.json"))
            for measurements in [json.loads(file.read_text(encoding="utf-8"))]
        ]
