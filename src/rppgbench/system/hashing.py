"""Digests of settings: short names for everything that can change a result."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Sixteen hex digits of any JSON value, whatever the order of its keys.

    >>> digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    True
    """
    text = _ENCODER.encode(value)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code_digest(*places: Path) -> str:
    """Digest of source files, and of all files of folders, by content and name.

    What lies beside the code counts as well (portraits, tables of numbers); compiled and hidden
    files do not.
    """
    state = hashlib.sha256()
    for place in places:
        for file in _sources(place) if place.is_dir() else [place]:
            state.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return state.hexdigest()[:16]


def _sources(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not any(p.startswith(".") or p == "__pycache__" for p in file.relative_to(folder).parts)
    )
