"""Signals of recordings, written in the generic formats that predictions are read from."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.predictions.checking import check_name
from rppgbench.predictions.record import PredictedSignal
from rppgbench.system.atomic_files import atomic_file
from rppgbench.system.errors import BenchError, MachineError

FIELD = {"waveform": "pulse", "heart_rate": "heart_rate_bpm"}
"""The field of each kind of signal."""

Signals = Mapping[str, PredictedSignal]


def write_signals(path: Path, signals: Signals) -> Path:
    """Write one signal for each recording, with its times.

    Args:
        path: a file; its suffix is the format (`WRITERS`). With `.npy` a folder of that name holds
            a file for each recording: no times fit in there, so they have to be even and begin at
            0.
        signals: the signal of each recording by name.

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
    try:
        if path.suffix == ".npy":
            _write_arrays(path, signals)
            return path
        writer = WRITERS.get(path.suffix)
        if writer is None:
            known = ", ".join([*WRITERS, ".npy"])
            raise BenchError(f"{path}: no format has this suffix; known: {known}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as partial:
            writer(partial, signals)
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _columns(signal: PredictedSignal) -> dict[str, Any]:
    return {"time_s": signal.times_s, FIELD[signal.kind]: signal.values}


def _table(signals: Signals) -> Any:
    import pandas as pd

    return pd.concat(
        [pd.DataFrame({"recording": name, **_columns(signal)}) for name, signal in signals.items()],
        ignore_index=True,
    )


def _write_csv(file: Path, signals: Signals) -> None:
    _table(signals).to_csv(file, index=False, lineterminator="\n")


def _write_parquet(file: Path, signals: Signals) -> None:
    _table(signals).to_parquet(file, index=False)


def _write_json(file: Path, signals: Signals) -> None:
    content = [
        {"recording": name} | {key: values.tolist() for key, values in _columns(signal).items()}
        for name, signal in signals.items()
    ]
    file.write_text(json.dumps(content), encoding="utf-8")


def _write_npz(file: Path, signals: Signals) -> None:
    _refuse_names([name for name in signals if "/" in name], file)
    arrays = {
        f"{name}/{key}": values
        for name, signal in signals.items()
        for key, values in _columns(signal).items()
    }
    with file.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def _write_mat(file: Path, signals: Signals) -> None:
    from scipy.io import savemat

    _refuse_names([name for name in signals if name.startswith("_") or len(name) > 63], file)
    variables = {name: _columns(signal) for name, signal in signals.items()}
    savemat(file, variables, long_field_names=True)


def _write_hdf5(file: Path, signals: Signals) -> None:
    import h5py

    _refuse_names([name for name in signals if "/" in name], file)
    with h5py.File(file, "w") as content:
        for name, signal in signals.items():
            group = content.create_group(name)
            for key, values in _columns(signal).items():
                group[key] = values


def _refuse_names(names: Sequence[str], file: Path) -> None:
    """Refuse names that a format cannot hold."""
    if names:
        raise BenchError(
            f"{file.suffix}: cannot hold a recording that is called {names[0]!r}; choose another "
            "format"
        )


def _write_arrays(folder: Path, signals: Signals) -> None:
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


WRITERS: Mapping[str, Callable[[Path, Signals], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".npz": _write_npz,
    ".mat": _write_mat,
    ".h5": _write_hdf5,
}
"""Formats with times, by suffix."""

SUFFIXES: Sequence[str] = (*WRITERS, ".npy")
