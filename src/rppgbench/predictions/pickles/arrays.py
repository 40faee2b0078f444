"""Builders of numpy's arrays, types and scalars in pickles.

numpy 2 renamed `numpy.core` to `numpy._core`; pickles hold either name.
"""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.predictions.pickles.machine import Budget, Builder, Global

_TYPES = re.compile(r"f[248]|[iu][1248]|b1|O8?|[SU]\d{1,5}")
"""Types of elements: numbers, truth values, texts and objects. No records, dates or complex."""
_ARRAY = Global("numpy", "ndarray")
OBJECT_BYTES = 8
MOST_AXES = 8


class DtypeDraft:
    """A type of elements without its byte order yet."""

    def __init__(self, code: str) -> None:
        self.memo_keys: list[int] = []
        self._code = code

    def finished(self, state: Any, budget: Budget) -> np.dtype[Any]:
        """The type with the byte order of its state: (version, order, subtype, names, fields, ...).

        Args:
            state: the state in the pickle.
            budget: names the file.
        """
        match state:
            case (3 | 4, "<" | ">" | "|" | "=" as order, None, None, None, *rest) if not any(
                isinstance(value, dict) and value for value in rest
            ):
                return np.dtype(self._code).newbyteorder(order)
        raise budget.fault("a pickle with an array of records")


class ArrayDraft:
    """An array without shape and values yet."""

    def __init__(self) -> None:
        self.memo_keys: list[int] = []

    def finished(self, state: Any, budget: Budget) -> NDArray[Any]:
        """The array of its state: (version, shape, type, in Fortran's order, bytes or list).

        Args:
            state: the state in the pickle.
            budget: counts the bytes.
        """
        match state:
            case (int(), tuple(shape), np.dtype() as dtype, bool(fortran), data):
                pass
            case _:
                raise budget.fault("a pickle with an array in an unknown form")
        count = _count(shape, budget)
        if dtype.kind == "O":
            if not isinstance(data, list) or len(data) != count:
                raise budget.fault("a pickle with an array of objects of another length")
            budget.spend_bytes(count * OBJECT_BYTES)
            flat = np.empty(count, dtype=object)
            for index, value in enumerate(data):
                flat[index] = value
            return flat.reshape(shape)  # objects stand in C's order, whatever the flag says
        raw = data.encode("latin-1") if isinstance(data, str) else data
        return _from_bytes(raw, dtype, shape, "F" if fortran else "C", budget)


def _count(shape: tuple[Any, ...], budget: Budget) -> int:
    """The number of elements of a shape."""
    if len(shape) > MOST_AXES or not all(type(size) is int and size >= 0 for size in shape):
        raise budget.fault("a pickle with an array of an impossible shape")
    return math.prod(shape)


def _from_bytes(
    raw: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any, budget: Budget
) -> NDArray[Any]:
    if dtype.kind == "O" or not isinstance(raw, bytes | bytearray):
        raise budget.fault("a pickle with an array whose values are no bytes")
    claimed = _count(shape, budget) * dtype.itemsize
    budget.spend_bytes(claimed)
    if claimed != len(raw) or not claimed:
        if not claimed and not raw:
            return np.empty(shape, dtype)
        raise budget.fault(f"a pickle with an array of {claimed:,} bytes that holds {len(raw):,}")
    return np.frombuffer(raw, dtype).reshape(shape, order=order)


def _dtype(arguments: tuple[Any, ...], budget: Budget) -> DtypeDraft:
    match arguments:
        case (str(code), *_) if _TYPES.fullmatch(code):
            return DtypeDraft(code)
        case (code, *_):
            raise budget.fault(f"a pickle with an array of type {str(code)[:40]!r}")
    raise budget.fault("a pickle with an array without a type")


def _reconstruct(arguments: tuple[Any, ...], budget: Budget) -> ArrayDraft:
    match arguments:
        case (Global() as kind, *_) if kind == _ARRAY:
            return ArrayDraft()
    raise budget.fault("a pickle with a kind of array other than numpy.ndarray")


def _frombuffer(arguments: tuple[Any, ...], budget: Budget) -> NDArray[Any]:
    match arguments:
        case (raw, np.dtype() as dtype, tuple(shape), "C" | "F" as order, *axes) if axes in (
            [],
            [None],
        ):
            return _from_bytes(raw, dtype, shape, order, budget)
        case (raw, np.dtype() as dtype, tuple(shape), "K", tuple(axes)) if sorted(axes) == list(
            range(len(shape))
        ):
            return _from_bytes(raw, dtype, shape, "C", budget).transpose(axes)
    raise budget.fault("a pickle with an array in an unknown form")


def _scalar(arguments: tuple[Any, ...], budget: Budget) -> Any:
    """A number or text of numpy's, as Python's own."""
    match arguments:
        case (np.dtype() as dtype, bytes() | str() as data):
            raw = data.encode("latin-1") if isinstance(data, str) else data
            return _from_bytes(raw, dtype, (1,), "C", budget)[0].item()
    raise budget.fault("a pickle with a number in an unknown form")


_OF_CORE: dict[str, Builder] = {
    "multiarray._reconstruct": _reconstruct,
    "multiarray.scalar": _scalar,
    "numeric._frombuffer": _frombuffer,
}

ARRAY_BUILDERS: dict[str, Builder | None] = {
    "numpy.dtype": _dtype,
    "numpy.ndarray": None,
    **{f"numpy.core.{name}": builder for name, builder in _OF_CORE.items()},
    **{f"numpy._core.{name}": builder for name, builder in _OF_CORE.items()},
}
