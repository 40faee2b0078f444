"""Caches with entries of all kinds, made of small files."""

import os
import time
from pathlib import Path

from rppgbench.system.cache_use import USED, mark_used

DAY_S = 86400.0


def put(
    cache: Path, group: str, name: str, *datasets: str, size: int = 100, days: float = 0.0
) -> Path:
    """One entry of `size` bytes that these data sets used so many days ago."""
    is_flat = group in {"simulated", "pretrainings"}
    folder = cache / group / ("" if is_flat else name[:2]) / name
    part = folder / "base" if group == "features" else folder
    part.mkdir(parents=True)
    (part / "frames.npy").write_bytes(bytes(size))
    used_s = time.time() - days * DAY_S
    os.utime(folder, (used_s, used_s))
    for dataset in datasets:
        mark_used(cache, dataset, group, name)
        os.utime(cache / USED / dataset / group / name, (used_s, used_s))
    return folder
