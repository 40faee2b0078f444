"""Fingerprints of the labels of recordings, kept in the cache by the content of the files."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from rppgbench.contamination.pulse_fingerprint import PulseFingerprint, fingerprint_pulse
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.core.registry import load_datasets
from rppgbench.core.waveform import Signal
from rppgbench.datasets.checked_labels import read_labels
from rppgbench.digests.closures import reader_code
from rppgbench.digests.code_digest import Part, Sources
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import RecordingError
from rppgbench.system.hashing import digest

FOLDER = "fingerprints"
OWN_CODE = Part(__name__, ("fingerprint_labels",))
READERS = 4

LEAST_READINGS, LEAST_VALUES = 10, 4
"""Readings of a device, and different values among them, that a series needs to be compared."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelFingerprint:
    """The fingerprint of one recording's labels.

    Attributes:
        recording: the recording.
        pulse: of the contact pulse; None where there is none, or it is too short.
        rates: digest of the device's heart rates where there is no pulse; "" where there are none,
            or too few.
    """

    recording: Recording
    pulse: PulseFingerprint | None
    rates: str


def label_fingerprints(
    recordings: Sequence[Recording],
    lines: Sequence[str],
    folder: Path,
    *,
    step: Callable[[], None] = lambda: None,
) -> list[LabelFingerprint]:
    """The fingerprints of recordings, from the cache or from their labels.

    Args:
        recordings: the recordings.
        lines: the line of each in the fingerprint of its data set, which stands for its files.
        folder: the folder of the cache.
        step: called after each recording.

    Returns:
        One for each recording; labels that cannot be read leave it empty.
    """
    fingerprints = []
    with ThreadPoolExecutor(READERS) as pool:
        for made in pool.map(partial(_cached, folder), recordings, lines):
            fingerprints.append(made)
            step()
    return fingerprints


def _cached(folder: Path, recording: Recording, line: str) -> LabelFingerprint:
    key = digest([line, fingerprint_code(recording.dataset)])
    file = folder / FOLDER / key[:2] / f"{key}.npz"
    with suppress(OSError, ValueError, KeyError):
        return _read(file, recording)
    made = fingerprint_labels(recording)
    with suppress(OSError):  # a cache that cannot be written is no fault here
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, _bytes(made))
    return made


@cache
def fingerprint_code(dataset: str) -> str:
    """Digest of the code from the files of a data set to a fingerprint."""
    sources = Sources()
    reader = reader_code(load_datasets().available[dataset], sources).digest
    return digest([reader, sources.closure(OWN_CODE).digest])


def fingerprint_labels(recording: Recording) -> LabelFingerprint:
    """The fingerprint of a recording's labels; empty where they cannot be read."""
    try:
        truth = read_labels(recording)
    except RecordingError:
        truth = GroundTruth()
    pulse = None if truth.pulse is None else fingerprint_pulse(truth.pulse)
    rates = "" if pulse is not None else _rates_digest(truth.heart_rate)
    return LabelFingerprint(recording=recording, pulse=pulse, rates=rates)


def _rates_digest(rates: Signal | None) -> str:
    """Digest of a series of heart rates; "" where it is too short or too plain to be compared.

    >>> _rates_digest(Signal(np.full(20, 60.0), np.arange(20.0)))
    ''
    """
    if rates is None or len(rates.values) < LEAST_READINGS:
        return ""
    values = np.round(rates.values, 3)
    return digest(values.tolist()) if len(np.unique(values)) >= LEAST_VALUES else ""


def _bytes(made: LabelFingerprint) -> bytes:
    buffer, rates = io.BytesIO(), np.array(made.rates)
    if made.pulse is None:
        np.savez(buffer, rates=rates)
    else:
        np.savez(
            buffer,
            rates=rates,
            start_s=np.float64(made.pulse.start_s),
            wave=made.pulse.wave.astype(np.float32),
            beats_s=made.pulse.beats_s,
        )
    return buffer.getvalue()


def _read(file: Path, recording: Recording) -> LabelFingerprint:
    with np.load(file, allow_pickle=False) as stored:
        pulse = None
        if "wave" in stored:
            pulse = PulseFingerprint(
                start_s=float(stored["start_s"]),
                wave=stored["wave"].astype(np.float64),
                beats_s=stored["beats_s"],
            )
        return LabelFingerprint(recording=recording, pulse=pulse, rates=str(stored["rates"]))
