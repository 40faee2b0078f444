"""Read TOML files; each fault is one line."""

import tomllib
from pathlib import Path
from typing import Any

from rppgbench.system.errors import BenchError


def read_toml(file: Path, *, head: bool = False) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        file: the file.
        head: whether only the values before the first [table] are read.

    Returns:
        The values by key.

    Raises:
        BenchError: the file cannot be read or is no TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text.partition("\n[")[0] if head else text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BenchError(f"{file}: not readable as TOML: {error}") from error
    except RecursionError as error:
        raise BenchError(f"{file}: not readable as TOML: nested too deeply") from error
