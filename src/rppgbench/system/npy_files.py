"""Arrays in NPY form, read without pickles and up to the size of their file."""

import math
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.array_headers import header_errors_as_value_errors
from rppgbench.system.errors import RecordingError, shortened

NPY_MAGIC = b"\x93NUMPY"
WAY_OUT = "save arrays of numbers only"


def is_npy(file: Path) -> bool:
    """Whether a file begins as NPY does."""
    with file.open("rb") as stream:
        return stream.read(len(NPY_MAGIC)) == NPY_MAGIC


def read_array(stream: IO[bytes], size: int, location: str, most_bytes: int) -> NDArray[Any]:
    """The array in a stream; numpy reserves the claimed memory unchecked.

    Args:
        stream: the stream, at its start.
        size: the bytes of the stream.
        location: the file, for messages.
        most_bytes: the most that an array may claim.

    Raises:
        RecordingError: a damaged array, one that holds no numbers or texts, or one that claims more
            than the stream holds.
    """
    try:
        with header_errors_as_value_errors():
            version = np.lib.format.read_magic(stream)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, in_fortran_order, dtype = read_header(stream)
    except ValueError as error:
        text = shortened(str(error).splitlines()[0] if str(error) else "", 100)
        raise RecordingError(f"{location}: a damaged array ({text}); {WAY_OUT}") from error
    if dtype.kind not in "biufSU" or dtype.hasobject:
        raise RecordingError(f"{location}: an array of type {dtype}, which is not read; {WAY_OUT}")
    if any(length < 0 for length in shape):
        raise RecordingError(f"{location}: an array of shape {shape}; {WAY_OUT}")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > min(size, most_bytes):
        raise RecordingError(f"{location}: an array that claims {claimed:,} bytes; {WAY_OUT}")
    raw = stream.read(claimed)
    if len(raw) != claimed:
        raise RecordingError(
            f"{location}: an array of {claimed:,} bytes that ends early; {WAY_OUT}"
        )
    array = np.frombuffer(raw, dtype)
    return array.reshape(shape, order="F" if in_fortran_order else "C")
