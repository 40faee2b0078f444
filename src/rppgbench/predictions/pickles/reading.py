"""Reading pickles: from bytes, and from files of `pickle.dump` and `torch.save`."""

import io
from pathlib import Path
from typing import Any

from rppgbench.predictions.pickles.machine import Budget, check_result, run_pickle
from rppgbench.predictions.pickles.tensors import BUILDERS, MAGIC, ZIP_MAGIC, read_zip
from rppgbench.system.errors import BenchError
from rppgbench.system.io_errors import check_regular, classify_os_error

MOST_FILE_BYTES = 2**30
HEAD_BYTES = 512


def unpickle(data: bytes, location: str) -> Any:
    """The value of a pickle.

    Args:
        data: the bytes of the pickle, or of an archive of `torch.save`.
        location: the file, for messages.

    Returns:
        None, numbers, texts, bytes, lists, tuples, dictionaries, sets and numpy arrays, nested.
        Tensors are arrays; an OrderedDict is a dictionary; numbers of numpy are Python's.

    Raises:
        BenchError: the pickle is damaged, is over a limit, or wants anything else, which is named.

    >>> unpickle(b"cposix\\nsystem\\n(S'true'\\ntR.", "a.pkl")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    rppgbench.system.errors.BenchError: a.pkl: a pickle that wants 'posix.system'; only arrays, ...
    """
    budget = Budget(location)
    if data[:4] == ZIP_MAGIC:
        value = read_zip(data, budget)
    else:
        value = run_pickle(io.BytesIO(data), BUILDERS, budget)
        if isinstance(value, int) and value == MAGIC:
            raise budget.fault("a file in the form of torch.save before version 1.6")
    check_result(value, budget)
    return value


def is_pickle(file: Path) -> bool:
    """Whether a file is a pickle of protocol 2 or later, or an archive of `torch.save`."""
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head[:4] == ZIP_MAGIC:
        name_bytes = int.from_bytes(head[26:28], "little")
        return head[30 : 30 + name_bytes].endswith((b"/data.pkl", b"/byteorder", b"/version"))
    return head[:1] == b"\x80" and head[1:2] in {b"\2", b"\3", b"\4", b"\5"}


def is_pickle_with(file: Path, *keys: str) -> bool:
    """Whether a file is a pickle in which these texts stand.

    Args:
        file: the file.
        keys: the texts.
    """
    if not is_pickle(file) or file.stat().st_size > MOST_FILE_BYTES:
        return False
    content = file.read_bytes()
    return all(key.encode() in content for key in keys)


def read_pickled_file(file: Path) -> Any:
    """The value in a file of `pickle.dump` or `torch.save`; see `unpickle`.

    Raises:
        BenchError: the file cannot be read, or see `unpickle`.
    """
    check_regular(file)
    try:
        size = file.stat().st_size
        if size > MOST_FILE_BYTES:
            raise BenchError(
                f"{file}: {size / 2**30:.1f} GB is more than a pickle of predictions holds; "
                "export the predictions to CSV or NPZ instead"
            )
        data = file.read_bytes()
    except OSError as error:
        raise classify_os_error(error, file) from error
    return unpickle(data, str(file))
