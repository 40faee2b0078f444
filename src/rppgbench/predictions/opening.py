"""Opening a file or a folder of predictions as one source."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.record import PredictedRecording, PredictionSource
from rppgbench.predictions.registry import find_format, recognise_format
from rppgbench.predictions.results_folder import RESULTS, is_results_folder, open_results
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
        The source. Of a folder, files whose format is not known or not certain are its `leftovers`.

    Raises:
        BenchError: nothing can be read at the path, or the format is unknown or not certain.
    """
    if format_name == RESULTS or (format_name is None and is_results_folder(path)):
        return open_results(path)
    files = list_files(path)
    names, leftovers = _formats(path, files, format_name)
    pairs = [(file, find_format(name)) for file, name in names.items()]
    return PredictionSource(
        path=path,
        files=tuple(names),
        format=", ".join(sorted(set(names.values()))),
        sha256=digest_of_files(path, tuple(names)),
        leftovers=leftovers,
        read=lambda: _read_all(path, pairs, options),
    )


def _formats(
    path: Path, files: Sequence[Path], format_name: str | None
) -> tuple[dict[Path, str], tuple[str, ...]]:
    """The files that are read with the format of each, and those of a folder that are not.

    Raises:
        BenchError: no file is of a known format, or of the given one.
    """
    if format_name is not None:
        declared_format = find_format(format_name)
        if files == (path,):
            return {path: format_name}, ()
        matches = {file: declared_format.recognise(file) for file in files}
        names = {file: format_name for file, match in matches.items() if match is not Match.NO}
        reasons = {file: f"not of the format {format_name}" for file in files if file not in names}
    else:
        recognitions = {file: recognise_format(file) for file in files}
        names = {
            file: recognition.name for file, recognition in recognitions.items() if recognition.name
        }
        reasons = {
            file: recognition.question if recognition.candidates else "of no known format"
            for file, recognition in recognitions.items()
            if not recognition.name
        }
    if names:
        return names, tuple(
            f"{one_line(file.relative_to(path))}: {reason}" for file, reason in reasons.items()
        )
    ambiguous = {file: reason for file, reason in reasons.items() if "--format" in reason}
    file = next(iter(ambiguous), path)
    advice = ambiguous.get(file) or (
        f"holds no file in the format {format_name}; check the path"
        if format_name is not None
        else "holds predictions in no known format; convert it to a table (CSV) or NPZ"
    )
    raise BenchError(f"{file}: {advice}")


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
