"""A reader of BDF files: EDF with 24 bits, as BioSemi's amplifiers write it.

The samples are read by pyEDFlib (EDFlib's parser), an optional dependency.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.label_text import unreadable_label
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.system.io_errors import check_disk, check_regular

AGAIN = "copy the original file again"
FIXED_BYTES, CHANNEL_BYTES = 256, 256
RECORDS, CHANNELS = slice(236, 244), slice(252, 256)
SAMPLES_AT, SAMPLES_BYTES = 216, 8
"""Where the samples per record stand: behind 216 bytes of each channel, field by field."""

SAMPLE_BYTES = 3


class BdfChannel(NamedTuple):
    """The samples of a channel as the converter gave them, and the samples per second."""

    digital: Array
    fs: float


def read_bdf(file: Path, *labels: str) -> dict[str, BdfChannel]:
    """Channels of a BDF file, by label; those that are not there are left out.

    Args:
        file: the file.
        labels: the labels of the channels, without blanks around them.

    Raises:
        RecordingError: not readable, no BDF file, or another length than its header says.
        MachineError: the disk cannot read the file.
        BenchError: pyEDFlib is not installed.
    """
    pyedflib = _require_pyedflib(file)
    check_regular(file)
    try:
        _check_length(file)
        with pyedflib.EdfReader(str(file)) as reader:
            stored = [label.strip() for label in reader.getSignalLabels()]
            places = {label: stored.index(label) for label in labels if label in stored}
            return {
                label: BdfChannel(
                    reader.readSignal(place, digital=True).astype(np.float64),
                    float(reader.getSampleFrequency(place)),
                )
                for label, place in places.items()
            }
    except FileNotFoundError as error:
        raise unreadable_label(error, file) from error
    except (OSError, ValueError) as error:  # EDFlib's error has no number
        if isinstance(error, OSError) and error.errno:
            raise unreadable_label(error, file) from error
        check_disk(file)
        raise RecordingError(f"{file}: no BDF file ({error}); {AGAIN}") from error


def _require_pyedflib(file: Path) -> Any:
    try:
        import pyedflib
    except ModuleNotFoundError as error:
        raise BenchError(f"{file}: needs pyEDFlib: pip install 'rppgbench[bdf]'") from error
    return pyedflib


def _check_length(file: Path) -> None:
    """Compare a file with the length that its header says; EDFlib prints where they differ."""
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        head = stream.read(FIXED_BYTES)
        if not head.startswith(b"\xffBIOSEMI"):
            raise ValueError("it does not begin as one")
        records, channels = int(head[RECORDS]), int(head[CHANNELS])
        stream.seek(FIXED_BYTES + channels * SAMPLES_AT)
        counts = stream.read(channels * SAMPLES_BYTES)
    samples = sum(
        int(counts[at : at + SAMPLES_BYTES]) for at in range(0, len(counts), SAMPLES_BYTES)
    )
    expected = FIXED_BYTES + channels * CHANNEL_BYTES + records * samples * SAMPLE_BYTES
    if size != expected:
        raise ValueError(f"{size:,} bytes, and its header says {expected:,}")


def write_bdf(file: Path, channels: Mapping[str, Array], fs: float) -> None:
    """Write whole seconds of channels as a BDF file; the folder is created.

    Equal content gives equal bytes: the date in the header is fixed.

    Args:
        file: the file.
        channels: whole numbers (N,) of 24 bits by label; N is a multiple of `fs`.
        fs: samples per second.

    Raises:
        BenchError: pyEDFlib is not installed.
    """
    from datetime import datetime

    pyedflib = _require_pyedflib(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    headers: list[dict[str, str | int | float | None]] = [
        {
            "label": label,
            "dimension": "uV",
            "sample_frequency": fs,
            "physical_min": -262144,
            "physical_max": 262143,
            "digital_min": -(2**23),
            "digital_max": 2**23 - 1,
            "transducer": "",
            "prefilter": "",
        }
        for label in channels
    ]
    samples = [values.astype(np.int32) for values in channels.values()]
    with pyedflib.EdfWriter(str(file), len(headers), file_type=pyedflib.FILETYPE_BDF) as writer:
        writer.setStartdatetime(datetime(2009, 7, 9))
        writer.setSignalHeaders(headers)
        writer.writeSamples(samples, digital=True)
