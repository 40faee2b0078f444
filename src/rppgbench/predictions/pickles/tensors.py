"""Builders of PyTorch's tensors in pickles, as numpy arrays and without PyTorch.

A tensor is a view of a storage: offset, sizes and strides, counted in elements. A storage lies in
a pickle as the bytes that `torch.save` writes, in one of two forms. The older one is five pickles
(magic number, version, facts of the machine, the storage as a persistent id, its key) and then the
elements. The newer one is a ZIP archive with `data.pkl` and one stored file for each storage, as
files of `torch.save` are today.
"""

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.predictions.pickles.arrays import ARRAY_BUILDERS
from rppgbench.predictions.pickles.machine import Budget, Builder, Global, run_pickle
from rppgbench.predictions.pickles.plain import PLAIN_BUILDERS

MAGIC = 0x1950A86A20F9469CFC6C
"""Of PyTorch's older form."""
ZIP_MAGIC = b"PK\x03\x04"
MOST_AXES = 8
MOST_MEMBERS = 100_000
EXPANDED_WEIGHT = 64

_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


@dataclass(frozen=True, eq=False)
class Storage:
    """The elements of a storage in a row: (N,)."""

    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class _Reference:
    """A storage that a persistent id names: the type of its elements, its key, its length."""

    code: str
    key: str
    count: int


def _reference(persistent_id: Any, budget: Budget) -> _Reference:
    """The storage of ("storage", type, key, device, elements[, None])."""
    match persistent_id:
        case ("storage", Global("torch", name), str(key), str(), int(count), *rest) if (
            name in _STORAGES and count >= 0 and all(value is None for value in rest)
        ):
            return _Reference(_STORAGES[name], key, count)
    raise budget.fault("a tensor with a storage of an unknown form")


def _elements(code: str, raw: bytes, count: int, budget: Budget) -> Storage:
    """The elements of a storage; bfloat16 is the upper half of float32."""
    brain = code == "bfloat16"
    dtype = np.dtype("<u2" if brain else code)
    if len(raw) != count * dtype.itemsize:
        raise budget.fault(f"a tensor of {count:,} elements with {len(raw):,} bytes")
    budget.spend_bytes(len(raw) * (3 if brain else 1))
    values = np.frombuffer(raw, dtype)
    if brain:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return Storage(values)


def _load_from_bytes(arguments: tuple[Any, ...], budget: Budget) -> Storage:
    match arguments:
        case (bytes(data) | bytearray(data),):
            pass
        case _:
            raise budget.fault("a tensor without the bytes of its storage")
    stored = read_zip(bytes(data), budget) if data[:4] == ZIP_MAGIC else _read_older(data, budget)
    if not isinstance(stored, Storage):
        raise budget.fault("a tensor whose storage is something else")
    return stored


def _read_older(data: bytes | bytearray, budget: Budget) -> Storage:
    """A storage in the older form."""
    stream = io.BytesIO(data)
    magic, _version, machine = (run_pickle(stream, {}, budget) for _ in range(3))
    if magic != MAGIC or not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise budget.fault("a tensor in an unknown form")
    reference = run_pickle(
        stream, STORAGE_NAMES, budget, lambda persistent_id: _reference(persistent_id, budget)
    )
    keys = run_pickle(stream, {}, budget)
    if not isinstance(reference, _Reference) or keys != [reference.key]:
        raise budget.fault("a tensor whose storage is something else")
    (count,) = struct.unpack("<q", stream.read(8).ljust(8, b"\0"))
    if count != reference.count:
        raise budget.fault(f"a tensor of {reference.count:,} elements that claims {count:,}")
    return _elements(reference.code, stream.read(), count, budget)


def read_zip(data: bytes, budget: Budget) -> Any:
    """The value in an archive that `torch.save` wrote.

    Args:
        data: the bytes of the archive.
        budget: counts the bytes of storages.

    Returns:
        What `data.pkl` of the archive holds.

    Raises:
        BenchError: the archive is damaged, compressed, or holds something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _stored_members(archive, budget)
            main = [name for name in members if name.endswith("/data.pkl")]
            if len(main) != 1:
                raise budget.fault("an archive that torch.save did not write")
            root = main[0].removesuffix("data.pkl")
            order = members.get(f"{root}byteorder")
            if order is not None and archive.read(order) != b"little":
                raise budget.fault("tensors of a big-endian machine")
            loaded: dict[str, Storage] = {}

            def load(persistent_id: Any) -> Storage:
                wanted = _reference(persistent_id, budget)
                if wanted.key not in loaded:
                    raw = archive.read(f"{root}data/{wanted.key}")
                    loaded[wanted.key] = _elements(wanted.code, raw, wanted.count, budget)
                return loaded[wanted.key]

            stream = io.BytesIO(archive.read(members[main[0]]))
            return run_pickle(stream, BUILDERS, budget, load)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise budget.fault(f"a damaged archive of tensors ({error})") from error


def _stored_members(archive: zipfile.ZipFile, budget: Budget) -> dict[str, zipfile.ZipInfo]:
    """The files in an archive by name; a compressed one could claim any size."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise budget.fault(f"an archive of {len(members):,} files")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise budget.fault("an archive of tensors that is compressed")
    return {member.filename: member for member in members}


def _rebuild_tensor(arguments: tuple[Any, ...], budget: Budget) -> NDArray[Any]:
    """A copy of the view of a storage.

    A view with more values than its storage has strides of 0. Its bytes count `EXPANDED_WEIGHT`
    times, so that a few kilobytes cannot become as many samples as the limit for bytes allows.
    """
    match arguments:
        case (Storage() as storage, int(offset), tuple(sizes), tuple(strides), *_):
            pass
        case _:
            raise budget.fault("a tensor in an unknown form")
    numbers = (offset, *sizes, *strides)
    if len(sizes) != len(strides) or len(sizes) > MOST_AXES:
        raise budget.fault("a tensor of an impossible shape")
    if not all(type(number) is int and 0 <= number < 2**48 for number in numbers):
        raise budget.fault("a tensor of an impossible shape")
    count = math.prod(sizes)
    last = offset + sum((size - 1) * step for size, step in zip(sizes, strides, strict=True))
    if count and last >= len(storage.values):
        raise budget.fault("a tensor that reaches beyond its storage")
    itemsize = storage.values.dtype.itemsize
    weight = EXPANDED_WEIGHT if count > len(storage.values) else 1
    budget.spend_bytes(weight * count * itemsize)
    if not count:
        return np.empty(sizes, storage.values.dtype)
    view = np.lib.stride_tricks.as_strided(
        storage.values[offset:], sizes, [step * itemsize for step in strides], writeable=False
    )
    return view.copy()


def _parameter(arguments: tuple[Any, ...], budget: Budget) -> NDArray[Any]:
    match arguments:
        case (np.ndarray() as tensor, *_):
            return tensor
    raise budget.fault("a parameter without a tensor")


def _size(arguments: tuple[Any, ...], budget: Budget) -> tuple[Any, ...]:
    match arguments:
        case (tuple(sizes),):
            return sizes
    raise budget.fault("a torch.Size in an unknown form")


STORAGE_NAMES: Mapping[str, Builder | None] = {f"torch.{name}": None for name in _STORAGES}

BUILDERS: Mapping[str, Builder | None] = {
    **PLAIN_BUILDERS,
    **ARRAY_BUILDERS,
    **STORAGE_NAMES,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.storage._load_from_bytes": _load_from_bytes,
    "torch.Size": _size,
}
"""Everything that a pickle may name."""
