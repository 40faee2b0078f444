"""Load MTCNN, an optional dependency, for the crop rule that needs it."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import BenchError


def require_mtcnn() -> None:
    """Raise BenchError where MTCNN is not installed; nothing is imported."""
    packages = ("mtcnnruntime", "onnxruntime")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise BenchError(
            f"crop rule 'mtcnn15': needs MTCNN, and {', '.join(missing)} is not installed; "
            "pip install 'rppgbench[mtcnn]', or choose another crop"
        )


def load_mtcnn() -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """Load the MTCNN of `mtcnn-runtime`: frame (H, W, 3) to boxes (N, 5), x0, y0, x1, y1, score.

    Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
    Networks", IEEE SPL 2016, 10.1109/LSP.2016.2603342. BenchError if MTCNN is not installed.
    """
    require_mtcnn()
    network: Any = importlib.import_module("mtcnnruntime").MTCNN()

    def detect(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
        try:
            detections = network.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[0]
        except ValueError:  # the network stacks an empty list if its first stage finds nothing
            detections = ()
        return np.asarray(detections, np.float64).reshape(-1, 5)

    return detect
