"""Opening a file or a folder of predictions as one source."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rppgbench.predictions.declaration import PredictionFormat, ReadOptions
from rppgbench.predictions.record import PredictedRecording, PredictionSource
from rppgbench.predictions.registry import find_format, recognise_format
from rppgbench.predictions.source_files import digest_of_files, list_files
from rppgbench.system.errors import BenchError, MachineError, one_line

ANY = ReadOptions()


def open_predictions(
    path: Path, options: ReadOptions = ANY, format_name: str | None = None
) -> PredictionSource:
    """Open predictions; recordings are read when the source is iterated.

    Args:
        path: a file, or a folder of files.
        options: what the user states about the source.
        format_name: the format of all files; None recognises the format of each by its content.

    Returns:
        The source. Of a folder, files of no known format are its `leftovers`.

    Raises:
        BenchError: nothing can be read at the path, or the format is unknown or not certain.
    """
    found = list_files(path)
    names = [format_name or recognise_format(file) for file in found]
    readable = [(file, name) for file, name in zip(found, names, strict=True) if name is not None]
    if not readable:
        raise BenchError(
            f"{path}: holds predictions in no known format; give --format, or convert it to a table"
        )
    files = tuple(file for file, _ in readable)
    pairs = [(file, find_format(name)) for file, name in readable]
    return PredictionSource(
        path=path,
        files=files,
        format=", ".join(sorted({name for _, name in readable})),
        sha256=digest_of_files(path, files),
        leftovers=tuple(
            f"{one_line(file.relative_to(path))}: of no known format"
            for file, name in zip(found, names, strict=True)
            if name is None
        ),
        read=lambda: _read_all(path, pairs, options),
    )


def _read_all(
    path: Path, pairs: Sequence[tuple[Path, PredictionFormat]], options: ReadOptions
) -> Iterator[PredictedRecording]:
    """The recordings of all files; of several files, a file that is at fault is one recording."""
    for file, one_format in pairs:
        name = file.stem if file == path else file.relative_to(path).with_suffix("").as_posix()
        try:
            yield from one_format.read(file, options, name)
        except MachineError:
            raise
        except BenchError as error:
            if len(pairs) == 1:
                raise
            yield PredictedRecording(name=name, prediction=None, reason=one_line(error))
