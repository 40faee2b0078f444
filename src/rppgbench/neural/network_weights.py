"""The weights of a network as arrays, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.system.errors import BenchError


def to_array(value: Tensor) -> NDArray[Any]:
    """A tensor of any device as an array; on a CPU the two share their memory."""
    out: NDArray[Any] = value.detach().cpu().numpy()
    return out


def to_arrays(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The weights and buffers of a network by name."""
    return {name: to_array(value).copy() for name, value in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put weights into a network; BenchError names the first that does not fit."""
    own = network.state_dict()
    for name in [*own, *arrays]:
        if name not in arrays or name not in own:
            lack = "lack" if name not in arrays else "have the unknown"
            raise BenchError(f"the weights {lack} {name!r}: they are of another network")
        if tuple(own[name].shape) != tuple(arrays[name].shape):
            raise BenchError(
                f"the weights' {name!r} is {arrays[name].shape}, not {tuple(own[name].shape)}: "
                "they are of another width or input; set the parameters that they were trained with"
            )
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()})
