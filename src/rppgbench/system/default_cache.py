"""The folder of the cache where no option names one."""

import os
from pathlib import Path

CACHE = "RPPGBENCH_CACHE"


def default_cache() -> Path:
    """RPPGBENCH_CACHE, or `rppgbench` in XDG_CACHE_HOME, or in ~/.cache."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rppgbench"
