"""Builders of the plain values that older pickles make by name."""

from typing import Any

from rppgbench.predictions.pickles.machine import Budget, Builder, checked_key


def _bytes_of_text(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    """Bytes, which protocol 2 writes as the text of their Latin-1 characters."""
    match arguments:
        case (str(text), "latin1" | "latin-1"):
            return text.encode("latin-1")
    raise budget.fault("a pickle that wants to encode a text")


def _bytes(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    match arguments:
        case ():
            return b""
        case (bytes(data) | bytearray(data),):
            return bytes(data)
    raise budget.fault("a pickle that makes bytes of another value")


def _set(arguments: tuple[Any, ...], budget: Budget) -> set[Any]:
    match arguments:
        case (list(values),):
            return {checked_key(value) for value in values}
    raise budget.fault("a pickle with a set in an unknown form")


def _ordered_dict(arguments: tuple[Any, ...], budget: Budget) -> dict[Any, Any]:
    if arguments:
        raise budget.fault("a pickle with an OrderedDict in the form of Python 2")
    return {}


_BUILTINS: dict[str, Builder] = {
    "bytes": _bytes,
    "bytearray": _bytes,
    "set": _set,
    "frozenset": _set,
}

PLAIN_BUILDERS: dict[str, Builder | None] = {
    "_codecs.encode": _bytes_of_text,
    "collections.OrderedDict": _ordered_dict,
    **{f"builtins.{name}": builder for name, builder in _BUILTINS.items()},
    **{f"__builtin__.{name}": builder for name, builder in _BUILTINS.items()},
}
