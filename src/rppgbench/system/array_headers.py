"""The headers of .npy files, whose parser raises errors of several modules."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def header_errors_as_value_errors(location: str = "") -> Iterator[None]:
    """Raise ValueError for what numpy raises at a damaged header.

    From Python 3.12 on, numpy's parser of headers raises `tokenize.TokenError`, which is no
    ValueError.

    Args:
        location: the file, for the message; "" where the caller names it.

    Raises:
        OSError, ValueError, MemoryError: as they are.
    """
    try:
        yield
    except (OSError, ValueError, MemoryError):
        raise
    except Exception as error:
        prefix = f"{location}: " if location else ""
        raise ValueError(f"{prefix}its header is damaged: {error}") from error
