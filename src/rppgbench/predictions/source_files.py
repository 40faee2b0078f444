"""The files of a source: their list, and one digest of all of them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rppgbench.system.errors import BenchError
from rppgbench.system.file_digest import sha256_of_file
from rppgbench.system.io_errors import check_regular


def list_files(path: Path) -> tuple[Path, ...]:
    """The file itself, or all files below a folder, sorted; hidden files and folders do not count.

    Raises:
        BenchError: there is nothing at the path, or the folder holds no file.
    """
    if not path.exists():
        raise BenchError(f"{path}: does not exist; check the path")
    if not path.is_dir():
        check_regular(path)
        return (path,)
    files = sorted(
        file
        for file in path.rglob("*")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
        and not file.is_dir()
    )
    if not files:
        raise BenchError(f"{path}: the folder holds no file; check the path")
    for file in files:
        check_regular(file)
    return tuple(files)


def digest_of_files(path: Path, files: Sequence[Path]) -> str:
    """The sha256 over all files: of a folder, over the names below it and the content of each.

    Args:
        path: the file or folder.
        files: the files, sorted.

    Returns:
        64 hex digits. For a single file it is the sha256 of its bytes.
    """
    if tuple(files) == (path,):
        return sha256_of_file(path)
    state = hashlib.sha256()
    for file in files:
        line = f"{file.relative_to(path).as_posix()}\0{sha256_of_file(file)}\n"
        state.update(line.encode("utf-8", "surrogateescape"))
    return state.hexdigest()
