"""Signals of recordings, written in the generic formats that predictions are read from."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from rppgbench.core.waveform import Array, Signal
from rppgbench.predictions.checking import check_name
from rppgbench.predictions.record import PredictedSignal
from rppgbench.system.atomic_files import atomic_file
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.io_errors import writing

FIELD = {"waveform": "pulse", "heart_rate": "heart_rate_bpm"}
"""The field of each kind of signal."""

BEATS = "reference_beats_s"
"""The field of the beats that the device of a reference marked."""

Columns = Mapping[str, Mapping[str, Array]]
"""Fields by recording: name -> field -> numbers (T,)."""


def write_signals(
    path: Path,
    signals: Mapping[str, PredictedSignal],
    beats_s: Mapping[str, Array] = MappingProxyType({}),
) -> Path:
    """Write one signal for each recording, with its times and, where it has one, its confidence.

    A confidence of windows is interpolated at the times of the samples.

    Args:
        path: a file; its suffix is the format (`WRITERS`). With `.npy` a folder of that name holds
            a file for each recording: no times fit in there, so they have to be even and begin at
            0, and no confidence is written.
        signals: the signal of each recording by name.
        beats_s: the beats (B,) in seconds of recordings that have some.

    Returns:
        `path`.

    Raises:
        BenchError: there is nothing to write, no such format, or the format cannot hold a signal.
        MachineError: the file cannot be written.
    """
    if not signals:
        raise BenchError(f"{path}: there is no signal to write")
    for name in signals:
        check_name(name, str(path))
    _refuse_beats(path, beats_s)
    with writing(path, kind=MachineError):
        if path.suffix == ".npy":
            _write_arrays(path, signals)
            return path
        writer = WRITERS.get(path.suffix)
        if writer is None:
            known = ", ".join([*WRITERS, ".npy"])
            raise BenchError(f"{path}: no format has this suffix; known: {known}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as partial:
            columns = {name: _fields(s, beats_s.get(name)) for name, s in signals.items()}
            writer(partial, columns)
    return path


def _fields(signal: PredictedSignal, beats_s: Array | None) -> dict[str, Array]:
    fields = {"time_s": signal.times_s, FIELD[signal.kind]: signal.values}
    if signal.confidence is not None:
        fields["confidence"] = _at_samples(signal.confidence, signal.times_s)
    return fields if beats_s is None else {**fields, BEATS: beats_s}


def _at_samples(confidence: Signal, times_s: Array) -> Array:
    """A confidence at the times (T,) of a signal: interpolated, NaN outside of its own times."""
    known = np.isfinite(confidence.values)
    if not known.any():
        return np.full(len(times_s), np.nan)
    return Signal(confidence.values[known], confidence.times_s[known]).at(times_s, np.inf)


def _refuse_beats(path: Path, beats_s: Mapping[str, Array]) -> None:
    """Refuse beats where every field has one number for each sample."""
    if beats_s and path.suffix in WITHOUT_BEATS:
        formats = ", ".join(suffix for suffix in WRITERS if suffix not in WITHOUT_BEATS)
        raise BenchError(
            f"{path}: cannot hold the beats of {next(iter(beats_s))!r}; choose one of {formats}, "
            "or leave them out with beats=False"
        )


def _table(columns: Columns) -> Any:
    import pandas as pd

    return pd.concat(
        [pd.DataFrame({"recording": name, **fields}) for name, fields in columns.items()],
        ignore_index=True,
    )


def _write_csv(file: Path, columns: Columns) -> None:
    _table(columns).to_csv(file, index=False, lineterminator="\n")


def _write_parquet(file: Path, columns: Columns) -> None:
    _table(columns).to_parquet(file, index=False)


def _write_json(file: Path, columns: Columns) -> None:
    content = [
        {"recording": name} | {key: values.tolist() for key, values in fields.items()}
        for name, fields in columns.items()
    ]
    file.write_text(json.dumps(content), encoding="utf-8")


def _write_npz(file: Path, columns: Columns) -> None:
    _refuse_names([name for name in columns if "/" in name], file)
    arrays = {
        f"{name}/{key}": values
        for name, fields in columns.items()
        for key, values in fields.items()
    }
    with file.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def _write_mat(file: Path, columns: Columns) -> None:
    from scipy.io import savemat

    _refuse_names([name for name in columns if name.startswith("_") or len(name) > 63], file)
    savemat(file, dict(columns), long_field_names=True)


def _write_hdf5(file: Path, columns: Columns) -> None:
    import h5py

    _refuse_names([name for name in columns if "/" in name], file)
    with h5py.File(file, "w") as content:
        for name, fields in columns.items():
            group = content.create_group(name)
            for key, values in fields.items():
                group[key] = values


def _refuse_names(names: Sequence[str], file: Path) -> None:
    """Refuse names that a format cannot hold."""
    if names:
        raise BenchError(
            f"{file.suffix}: cannot hold a recording that is called {names[0]!r}; choose another "
            "format"
        )


def _write_arrays(folder: Path, signals: Mapping[str, PredictedSignal]) -> None:
    """A file for each recording; they share one sampling rate, which the reader has to state."""
    for name, signal in signals.items():
        even = signal.kind == "waveform" and signal.is_uniform and abs(signal.times_s[0]) < 1e-9
        if not even:
            raise BenchError(
                f"{folder}: {name!r} has times that no NPY file holds; choose another format"
            )
        if Path(name).name != name or name in {".", ".."} or "\\" in name:
            raise BenchError(
                f"{folder}: {name!r} cannot be the name of a file; choose another format"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, signal in signals.items():
        with atomic_file(folder / f"{name}.npy") as partial, partial.open("wb") as stream:
            np.save(stream, signal.values, allow_pickle=False)


WRITERS: Mapping[str, Callable[[Path, Columns], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".npz": _write_npz,
    ".mat": _write_mat,
    ".h5": _write_hdf5,
}
"""Formats with times, by suffix."""

SUFFIXES: Sequence[str] = (*WRITERS, ".npy")

WITHOUT_BEATS = frozenset({".csv", ".parquet", ".npy"})
"""Formats in which a field has one number for each sample."""
