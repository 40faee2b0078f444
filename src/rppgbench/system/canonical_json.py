"""JSON that has exactly one form: the same facts give the same bytes."""

import json
from typing import Any


def canonical_json(content: Any) -> bytes:
    r"""Facts as JSON text in ASCII, keys sorted, with a line end.

    >>> canonical_json({"b": 1, "a": "é"})
    b'{\n "a": "\\u00e9",\n "b": 1\n}\n'
    """
    return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def read_canonical_json(data: bytes) -> Any:
    """Facts of `canonical_json`.

    Args:
        data: The bytes.

    Raises:
        ValueError: The bytes are not the one form of what they say.

    >>> read_canonical_json(b'{"a": 1}')
    Traceback (most recent call last):
    ValueError: written in another form
    """
    content = json.loads(data)
    if canonical_json(content) != data:
        raise ValueError("written in another form")
    return content
