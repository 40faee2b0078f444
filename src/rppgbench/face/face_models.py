"""Load the two face models, verify their checksums and run them with LiteRT."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import BenchError

MODELS = {
    "face_detection_short_range.tflite": (
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
    ),
    "face_landmark.tflite": "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}
"""Model file -> sha256; `models/README.md` states the source of each model."""


def read_model(file: str) -> bytes:
    """Read a model of the package; BenchError if the file is missing or has another checksum."""
    path = resources.files("rppgbench.face") / "models" / file
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise BenchError(f"{path}: cannot be read ({fault}); install rppgbench again.") from fault
    if hashlib.sha256(content).hexdigest() != MODELS[file]:
        raise BenchError(f"{path}: not the model that was shipped; install rppgbench again.")
    return content


@contextmanager
def _without_litert_log() -> Iterator[None]:
    """Suppress LiteRT's line "INFO: Created TensorFlow Lite XNNPACK delegate" on standard error.

    Python cannot configure LiteRT's C++ logger, so the file descriptor is redirected for the
    milliseconds in which the interpreter is created.
    """
    try:
        saved = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as null_device:  # noqa: PTH123 (a device, not a path)
            os.dup2(null_device.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


class Network:
    """Runs a model on one image and returns its outputs by name.

    The same image gives the same bits on one machine. Each thread needs an object of its own.
    """

    def __init__(self, file: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        content = read_model(file)
        with _without_litert_log():
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [
            (entry["name"], entry["index"]) for entry in self._interpreter.get_output_details()
        ]

    def __call__(self, image: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run on `image` (S, S, 3); the outputs are copies without the batch axis."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs}
