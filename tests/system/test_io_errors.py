"""Faults of reading and writing: what the one line says, and of what kind the exception is."""

import errno
import os
from pathlib import Path

import pytest

from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.io_errors import writing


def write_with(
    error: Exception, way_out: str = "give another", kind: type[BenchError] = BenchError
) -> None:
    with writing(Path("a.csv"), way_out, kind=kind):
        raise error


def test_a_place_that_cannot_be_written_has_one_line_of_its_kind() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(BenchError, match=r"^a\.csv: cannot be written: No space .+; give another$"):
        write_with(full)
    with pytest.raises(MachineError, match=r"No space .+; give -o$") as fault:
        write_with(full, "give -o", kind=MachineError)
    assert fault.value.__cause__ is full
    with pytest.raises(BenchError, match="cannot be written: encoder lost; "):
        write_with(OSError("encoder lost"))  # without a number: strerror is None


def test_other_exceptions_of_the_block_go_through() -> None:
    with pytest.raises(ZeroDivisionError):
        write_with(ZeroDivisionError())
