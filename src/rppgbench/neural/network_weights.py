"""The weights of a network as arrays: read and loaded."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.system.errors import BenchError


def to_array(value: Tensor) -> NDArray[Any]:
    """A tensor of any device as an array; on a CPU both share their memory."""
    array: NDArray[Any] = value.detach().cpu().numpy()
    return array


def to_arrays(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The weights and buffers of a network by name."""
    return {name: to_array(value).copy() for name, value in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Load weights into a network.

    Args:
        network: takes the weights.
        arrays: weights and buffers by name.

    Raises:
        BenchError: an array is missing, unknown or of another shape; the message names the first.
    """
    expected = network.state_dict()
    for name in [*expected, *arrays]:
        if name not in arrays or name not in expected:
            lack = "lack" if name not in arrays else "have the unknown"
            raise BenchError(f"the weights {lack} {name!r}: they are of another network")
        if tuple(expected[name].shape) != tuple(arrays[name].shape):
            raise BenchError(
                f"the weights' {name!r} is {arrays[name].shape}, "
                f"not {tuple(expected[name].shape)}: they are of another width or input; "
                "set the parameters that they were trained with"
            )
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()})
