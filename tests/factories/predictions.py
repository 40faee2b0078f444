"""Files of predictions in the structures of other tools, made up from waves of known rates."""

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from rppgbench.core.waveform import Array
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.record import PredictedRecording

FS = 30.0
RATES_BPM = {"subject1": 72.0, "subject2": 60.0, "subject10": 90.0}


def wave(bpm: float, count: int = 300, fs: float = FS) -> Array:
    """A pulse of one rate: (count,)."""
    pulse: Array = np.sin(2 * np.pi * bpm / 60 * np.arange(count) / fs)
    return pulse


def waves() -> dict[str, Array]:
    """A pulse for each recording."""
    return {name: wave(bpm) for name, bpm in RATES_BPM.items()}


def read(
    path: Path, format_name: str | None = None, **options: Any
) -> dict[str, PredictedRecording]:
    """Everything in a source, by name."""
    source = open_predictions(path, ReadOptions(**options), format_name)
    return {recording.name: recording for recording in source}


def values(recording: PredictedRecording) -> Array:
    """The values of a prediction that is there."""
    assert recording.prediction is not None, recording.reason
    return recording.prediction.values


def toolbox_content(label_type: str = "Raw", key: Any = int) -> dict[str, Any]:
    """What rPPG-Toolbox saves, with numpy's arrays: chunks of 100 samples in a mixed order."""

    def chunks(pulse: Array) -> dict[Any, Any]:
        made = np.diff(pulse, prepend=0.0) if label_type == "DiffNormalized" else pulse
        parts = made.astype(np.float32).reshape(3, 100, 1)
        return {key(number): parts[number] for number in (2, 0, 1)}

    return {
        "predictions": {name: chunks(pulse) for name, pulse in waves().items()},
        "labels": {name: chunks(-pulse) for name, pulse in waves().items()},
        "label_type": label_type,
        "fs": FS,
    }


def write_toolbox(file: Path, content: Mapping[str, Any]) -> Path:
    """A pickle of rPPG-Toolbox."""
    file.write_bytes(pickle.dumps(content))
    return file


def pyvhr_rows() -> list[dict[str, Any]]:
    """Rows of pyVHR's frame: two methods on two videos."""
    rows: list[dict[str, Any]] = []
    for method in ("CHROM", "POS"):
        for index, video in enumerate(("/data/a/vid.avi", "/data/b/vid.avi")):
            truth, times = 70.0 + index + np.arange(9.0), np.arange(9.0)
            rows.append(
                {
                    "method": method,
                    "dataset": "MADE_UP",
                    "videoIdx": index,
                    "videoFilename": video,
                    "MAE": np.array([0.5]),
                    "MAD": [],
                    "bpmGT": truth,
                    "bpmES": (truth[2:7] + 0.5).astype(np.float32),
                    "bpmES_mad": "",
                    "timeGT": times,
                    "timeES": times[2:7].astype(np.float32),
                }
            )
    return rows


def write_pyvhr(
    file: Path, blocks: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]] | None = None
) -> Path:
    """A frame of pyVHR in HDF5; every block but that of `videoIdx` is a pickled array of objects.

    Args:
        file: the file.
        blocks: the columns of each block.
        rows: the rows, by default `pyvhr_rows`.
    """
    rows = pyvhr_rows() if rows is None else rows
    with h5py.File(file, "w") as content:
        group = content.create_group("self.dataFrame")
        group.attrs["pandas_type"] = np.bytes_(b"frame")
        group.attrs["nblocks"] = len(blocks)
        for number, names in enumerate(blocks):
            group[f"block{number}_items"] = np.array([name.encode() for name in names])
            if list(names) == ["videoIdx"]:
                numbers = np.array([[row["videoIdx"]] for row in rows])
                group[f"block{number}_values"] = numbers
                continue
            cells = np.empty((len(rows), len(names)), dtype=object)
            for at, row in enumerate(rows):
                for column, name in enumerate(names):
                    cells[at, column] = row[name]
            write_object(group, f"block{number}_values", np.asfortranarray(cells))
    return file


def write_object(group: Any, name: str, value: Any) -> None:
    """A pickle in an array of varying length, as PyTables keeps an object."""
    raw = value if isinstance(value, bytes) else pickle.dumps(value)
    kind = h5py.vlen_dtype(np.uint8)
    item = group.create_dataset(name, shape=(1,), maxshape=(None,), chunks=(64,), dtype=kind)
    item[0] = np.frombuffer(raw, np.uint8)


PANDAS_1 = (
    ("videoIdx",),
    tuple(name for name in pyvhr_rows()[0] if name != "videoIdx"),
)
PANDAS_3 = (
    ("method",),
    ("dataset",),
    ("videoFilename",),
    ("videoIdx",),
    ("MAE", "MAD", "bpmGT", "bpmES", "bpmES_mad", "timeGT", "timeES"),
)


def write_physbench(file: Path, output: str = "BVP") -> Path:
    """PhysBench's HDF5: uneven times, and NaN after the last window."""
    with h5py.File(file, "w") as content:
        content.attrs.update(
            {"model": "MadeUp", "time": 1.75e9, "dataset": "/data/made_up.h5", "output": output}
        )
        for number, (name, pulse) in enumerate(waves().items()):
            group = content.create_group(str(number))
            group.attrs.update({"path": f"{name}/vid.avi", "SNR": 3.0})
            jitter = 0.002 * np.sin(np.arange(300))
            predicted = pulse.astype(np.float32)
            predicted[-20:] = np.nan
            group["predict"] = predicted if output == "BVP" else 70 + predicted
            group["label"] = -pulse
            group["timestamp"] = 1.7e9 + np.arange(300) / FS + jitter
    return file


def vitallens_face(vitals: str = "vitals") -> dict[str, Any]:
    """One face in vitallens' JSON."""
    pulse = wave(72.0)
    return {
        "face": {"coordinates": [[0.0, 0.0, 64.0, 80.0]] * 300, "confidence": [1.0] * 300},
        vitals: {"heart_rate": {"value": 72.5, "unit": "bpm", "confidence": 1.0}},
        "waveforms": {"ppg_waveform": {"data": pulse.tolist(), "unit": "unitless"}},
        "rolling_vitals": {
            "heart_rate": {"data": [float("nan")] * 150 + [72.25] * 150, "unit": "bpm"}
        },
        "fps": FS,
        "n": 300,
        "time": (np.arange(300) / FS).tolist(),
    }


def save_arrays(file: Path, **arrays: Any) -> None:
    """An NPZ file of arrays, whatever their names."""
    np.savez(file, **arrays)


def write_json(file: Path, content: Any) -> Path:
    """JSON as Python writes it, with the bare word NaN."""
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def long_table() -> pd.DataFrame:
    """A row for each sample, with a reference."""
    return pd.concat(
        pd.DataFrame(
            {
                "recording": name,
                "time_s": np.arange(300) / FS,
                "pulse": pulse,
                "reference_pulse": -pulse,
            }
        )
        for name, pulse in waves().items()
    )
