"""The memory of this machine that a new process can have."""

import os
from contextlib import suppress
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")
"""The limits of this process's control group, as a container sees it."""


def available_memory_bytes() -> float | None:
    """The bytes that can be taken without swapping; the whole memory where that is not told.

    Returns:
        The number of bytes; None where the system tells nothing.
    """
    bounds: list[float] = []
    with suppress(OSError, ValueError, IndexError):
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        bounds += [1024.0 * int(s.split()[1]) for s in lines if s.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):
        limit = int((CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))  # or "max"
        bounds.append(float(limit - int((CONTROL_GROUP / "memory.current").read_text())))
    if not bounds:
        with suppress(OSError, ValueError, AttributeError):
            bounds.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    return min(bounds, default=None)
