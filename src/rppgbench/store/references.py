"""References that may not be passed on: their digests, and parts of a store without them."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.store.schema import (
    BEATS,
    COLOUR_COLUMNS,
    OBSERVED,
    SIGNAL_COLUMNS,
    read_table,
)

COLUMNS = (
    *(column for columns in SIGNAL_COLUMNS.values() for column in columns),
    BEATS,
    *COLOUR_COLUMNS,
)
"""The columns of a part of `recordings/` that hold references, or colours of the videos."""

SCORED = ("pulse", "heart_rate")
"""The signals that a digest is of: a reader that learns to read another sign keeps the digests."""


def reference_digest(truth: GroundTruth) -> str:
    """The SHA-256 of a recording's pulse and heart rate; empty where it has neither.

    Values count as 32-bit floats and times as microseconds, so that another processor, which rounds
    differently in the last of sixteen digits, gives the same digest.

    >>> signal = Signal(np.array([1.0, 2.0]), np.array([0.0, 0.1]))
    >>> reference_digest(GroundTruth(pulse=signal))[:16]
    '7c22205ede6867f1'
    >>> reference_digest(GroundTruth())
    ''
    """
    state, any_signal = hashlib.sha256(), False
    for name in SCORED:
        signal: Signal | None = getattr(truth, name)
        if signal is not None:
            any_signal = True
            state.update(f"{name} {len(signal.values)}".encode())
            state.update(np.asarray(signal.values).astype("<f4").tobytes())
            state.update(np.round(np.asarray(signal.times_s) * 1e6).astype("<i8").tobytes())
    return state.hexdigest() if any_signal else ""


def without_references(part: Path, withheld: Callable[[str, str, bool], bool]) -> bytes:
    """The bytes of a part of `recordings/` without the references that are withheld.

    Args:
        part: The Parquet file.
        withheld: Takes data set, recording and whether it is simulated; says whether its references
            are left out.

    Returns:
        The file's own bytes where nothing is withheld.

    Raises:
        BenchError: The file is no part of a store.
    """
    table = read_table(part, OBSERVED)
    datasets, recordings, simulated = (
        table[name].to_pylist() for name in ("dataset", "recording", "simulated")
    )
    hidden = list(map(withheld, datasets, recordings, simulated))
    if not any(hidden):
        return part.read_bytes()
    columns = []
    for field in table.schema:
        column = table[field.name].combine_chunks()
        if field.name in COLUMNS:
            rows = column.to_pylist()
            shown = [None if hide else row for hide, row in zip(hidden, rows, strict=True)]
            column = pa.array(shown, field.type)
        columns.append(column)
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=table.schema), sink, compression="zstd")
    return sink.getvalue()
