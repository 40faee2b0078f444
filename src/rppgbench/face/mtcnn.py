"""MTCNN, an extra, for the crop rule that is defined by it."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import BenchError


def mtcnn() -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """The MTCNN of `mtcnn-runtime`: x0, y0, x1, y1 and score (N, 5) of the faces in a picture.

    Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
    Networks", IEEE SPL 2016, 10.1109/LSP.2016.2603342. BenchError where it is not installed.
    """
    try:
        network: Any = importlib.import_module("mtcnnruntime").MTCNN()
    except ImportError as fault:
        raise BenchError(
            "crop rule 'mtcnn15': needs MTCNN; "
            "pip install onnxruntime && pip install --no-deps mtcnn-runtime==1.0.0"
        ) from fault

    def boxes(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
        try:
            found = network.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[0]
        except ValueError:  # it stacks an empty list where its first stage finds nothing
            found = ()
        return np.asarray(found, np.float64).reshape(-1, 5)

    return boxes
