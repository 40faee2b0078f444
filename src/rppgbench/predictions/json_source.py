"""JSON files of predictions, read with limits."""

from pathlib import Path
from typing import Any

from rppgbench.datasets.label_files import read_json
from rppgbench.system.errors import BenchError

MOST_DEEP = 32
BEGIN_BYTES = 64
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def begins_json(file: Path) -> bool:
    """Whether a file begins as JSON of lists or dictionaries does."""
    with file.open("rb") as stream:
        begin = stream.read(BEGIN_BYTES)
    return begin.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in {b"[", b"{"}


def read_json_source(file: Path) -> Any:
    """The value in a JSON file; the bare words NaN and Infinity are numbers.

    Raises:
        BenchError: not readable, not JSON, a key that stands twice, or nested too deep.
    """
    content = read_json(file)
    level: list[Any] = [content]
    for _ in range(MOST_DEEP):
        level = [
            part
            for item in level
            if isinstance(item, list | dict)
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, list | dict)
        ]
        if not level:
            return content
    raise BenchError(f"{file}: nested more than {MOST_DEEP} deep; it holds no predictions")
