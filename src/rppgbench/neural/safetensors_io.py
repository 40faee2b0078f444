"""Weights and training states on disk, without any pickle."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.method import Model
from rppgbench.system.atomic_files import atomic_file
from rppgbench.system.errors import BenchError

FACTS, SHA256 = "facts", "sha256"  # the entries of the safetensors header: JSON, a checksum


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write arrays and facts as one safetensors file, whole or not at all.

    The facts stand as JSON in the header, so no second file can disagree with the first, and
    beside them a checksum of facts and arrays.
    """
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    tidy = {name: np.asarray(value, order="C") for name, value in arrays.items()}
    words = json.dumps(facts, sort_keys=True)
    with atomic_file(path) as partial:
        save_file(tidy, partial, metadata={FACTS: words, SHA256: _sha256(words, tidy)})


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and facts of a safetensors file; BenchError if it is none, or damaged.

    One of another's making, without a checksum of ours, is taken as it is.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:  # numpy has no bfloat16
            header = file.metadata() or {}
            words = header.get(FACTS, "{}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads(words)
    except (SafetensorError, ValueError, OSError) as error:
        raise BenchError(f"{path}: not a whole safetensors file ({error}); train again") from error
    arrays = {name: _array(name, tensor, path) for name, tensor in tensors.items()}
    if header.get(SHA256, sha256 := _sha256(words, arrays)) != sha256:
        raise BenchError(f"{path}: damaged, it does not agree with its checksum; train again")
    return arrays, facts


def _sha256(facts: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Of the facts as they are written, then of every array's name, type, shape and bytes."""
    checksum = hashlib.sha256(facts.encode())
    for name, array in sorted(arrays.items()):
        checksum.update(f"{name} {array.dtype.str} {array.shape}".encode())
        checksum.update(np.ascontiguousarray(array).data)
    return checksum.hexdigest()


def read_weights(path: Path) -> Model:
    """A model from `.safetensors`, or a plain state dictionary from `.pt` or `.pth`.

    Of a PyTorch file only tensors are read, never objects: `torch.load(weights_only=True)`.
    BenchError if the file is missing or holds anything else.
    """
    if not path.is_file():
        raise BenchError(f"{path}: no such file of weights")
    if path.suffix in {".pt", ".pth"}:
        return Model(_state_dictionary(path), {"source": path.name})
    arrays, facts = read_arrays(path)
    return Model(arrays, facts)


def _state_dictionary(path: Path) -> dict[str, NDArray[Any]]:
    import torch

    try:
        with warnings.catch_warnings():  # of the pickle's protocol: it is refused or it is not
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # of a damaged pickle: any
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BenchError(f"{path}: holds more than weights, or is broken: {reason}") from error
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise BenchError(f"{path}: not a plain dictionary of tensors; save the state_dict alone")
    unnamed = [name for name in state if not isinstance(name, str)]
    if unnamed:
        raise BenchError(
            f"{path}: its tensors are not named by text but by {unnamed[0]!r}; save the state_dict "
            "of the network"
        )
    return {name.removeprefix("module."): _array(name, v, path) for name, v in state.items()}


def _array(name: str, tensor: Any, path: Path) -> NDArray[Any]:
    """A dense tensor as an array: bfloat16, which numpy lacks, as the float32 of the same value."""
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        kind = "quantized" if tensor.is_quantized else str(tensor.layout).removeprefix("torch.")
        kind = "without values (meta)" if tensor.is_meta else kind
        raise BenchError(f"{path}: {name!r} is {kind}; save dense tensors")
    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.is_floating_point() and (plain.dtype is torch.bfloat16 or plain.element_size() == 1):
        plain = plain.float()
    return np.array(plain.numpy())  # a copy: the file may be replaced
