"""The room that a plan needs on disk and in memory, beside the room that there is."""

import shutil
from pathlib import Path

from rppgbench.system.byte_counts import format_bytes
from rppgbench.system.folders import existing_folder, unwritable_reason
from rppgbench.system.machine_memory import available_memory_bytes

PASS_BYTES = 480e6
"""Greatest resident memory of a process that extracts features."""

PASS_SOURCE = "measured with 60 s of 1080p and clips, docs/measurements/performance.md"
NETWORK_BYTES = 600e6
"""Resident memory of a process with PyTorch, a small network and its batches."""


def disk_line(folder: Path, option: str, needed_bytes: float, basis: str) -> str:
    """Say how much a run writes into a folder at most, and how much is free there.

    Args:
        folder: the folder; it may not exist yet.
        option: the option that names the folder.
        needed_bytes: the greatest size of what is written.
        basis: how the size is estimated.
    """
    free_bytes = shutil.disk_usage(existing_folder(folder)).free
    short = "" if needed_bytes < free_bytes else f"; TOO LITTLE ROOM: give another {option}"
    reason = unwritable_reason(folder)
    closed = f"; NOT WRITABLE ({reason}): the first file to write ends the run" if reason else ""
    return (
        f"disk: at most {format_bytes(needed_bytes)} in {folder} ({basis}); "
        f"{format_bytes(free_bytes)} are free{short}{closed}"
    )


def memory_line(processes: int, *, trains: bool) -> str:
    """Say how much memory a run takes, and how much is available on this machine.

    Args:
        processes: how many processes extract features at once.
        trains: whether a network is trained. Its clips stay in files.
    """
    passes = processes * PASS_BYTES
    training = f", then some {format_bytes(NETWORK_BYTES)} of PyTorch in a training, whose clips "
    training += "stay in files"
    available_bytes = available_memory_bytes()
    needed_bytes = max(passes, NETWORK_BYTES if trains else 0.0)
    if available_bytes is None:
        rest = "what is available is not known"
    else:
        rest = f"{format_bytes(available_bytes)} are available"
        if needed_bytes > available_bytes:
            many = needed_bytes == passes and processes > 1
            advice = "fewer --jobs" if many else "a larger machine"
            rest += f"; TOO LITTLE MEMORY: {advice}"
    return (
        f"memory: at most {format_bytes(passes)} of {processes} x {format_bytes(PASS_BYTES)} for "
        f"features ({PASS_SOURCE}){training if trains else ''}; {rest}"
    )
