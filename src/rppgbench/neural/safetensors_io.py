"""Weights and checkpoints on disk as safetensors; nothing is unpickled."""

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


def write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]
) -> None:
    """Write arrays and metadata as one safetensors file, whole or not at all.

    The header holds the metadata as JSON and a checksum of metadata and arrays.

    Args:
        path: the file; its folder is made.
        arrays: arrays by name.
        metadata: values that JSON can hold.
    """
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = {name: np.asarray(value, order="C") for name, value in arrays.items()}
    text = json.dumps(metadata, sort_keys=True)
    with atomic_file(path) as partial:
        save_file(contiguous, partial, metadata={FACTS: text, SHA256: _sha256(text, contiguous)})


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays and metadata of a safetensors file.

    A file of other software has no checksum of ours and is not checked.

    Raises:
        BenchError: no safetensors file, or a damaged one.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:  # numpy has no bfloat16
            header = file.metadata() or {}
            text = header.get(FACTS, "{}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = json.loads(text)
    except (SafetensorError, ValueError, OSError) as error:
        raise BenchError(f"{path}: not a whole safetensors file ({error}); train again") from error
    arrays = {name: _array(name, tensor, path) for name, tensor in tensors.items()}
    if header.get(SHA256, sha256 := _sha256(text, arrays)) != sha256:
        raise BenchError(f"{path}: damaged, it does not agree with its checksum; train again")
    return arrays, metadata


def _sha256(metadata: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Checksum of the metadata as text, then of every array's name, type, shape and bytes."""
    checksum = hashlib.sha256(metadata.encode())
    for name, array in sorted(arrays.items()):
        checksum.update(f"{name} {array.dtype.str} {array.shape}".encode())
        checksum.update(np.ascontiguousarray(array).data)
    return checksum.hexdigest()


def read_weights(path: Path) -> Model:
    """Read a model from `.safetensors`, or a plain state dictionary from `.pt` or `.pth`.

    Of a PyTorch file only tensors are read, never objects: `torch.load(weights_only=True)`.

    Raises:
        BenchError: the file is missing or has other content.
    """
    if not path.is_file():
        raise BenchError(f"{path}: no such file of weights")
    if path.suffix in {".pt", ".pth"}:
        return Model(_state_dictionary(path), {"source": path.name})
    arrays, metadata = read_arrays(path)
    return Model(arrays, metadata)


def _state_dictionary(path: Path) -> dict[str, NDArray[Any]]:
    import torch

    try:
        with warnings.catch_warnings():  # about the pickle's protocol
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises exceptions of any kind
        # The first sentence alone: the next one advises to load objects, which can run any program.
        reason = (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0]
        raise BenchError(
            f"{path}: holds more than weights, or is broken: {reason}; save the state_dict alone, "
            "or copy the file again"
        ) from error
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
    """A dense tensor as an array; bfloat16, which numpy lacks, as float32 of the same value."""
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        kind = "quantized" if tensor.is_quantized else str(tensor.layout).removeprefix("torch.")
        kind = "without values (meta)" if tensor.is_meta else kind
        raise BenchError(f"{path}: {name!r} is {kind}; save dense tensors")
    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.is_floating_point() and (plain.dtype is torch.bfloat16 or plain.element_size() == 1):
        plain = plain.float()
    return np.array(plain.numpy())  # a copy: the file may be replaced
