"""Tables of neurokit2 as CSV: the processed pulse, or the mean rate.

Source: neurokit2 0.3.0, `ppg_process(...)[0].to_csv(index=False)` and `ppg_analyze`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rppgbench.predictions.checked_signals import (
    choose_signal,
    make_signal,
    sampled_times_s,
    single_rate,
)
from rppgbench.predictions.checking import check_name, needs_fs, recording_or_reason
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.table_rows import csv_columns, csv_header, read_batches
from rppgbench.system.errors import BenchError, RecordingError

PROCESSED = ("PPG_Clean", "PPG_Rate")
MEAN_RATE = "PPG_Rate_Mean"
VARIABILITY = "HRV_MeanNN"


def recognise(file: Path) -> Match:
    """Certain for a table with neurokit2's columns."""
    names = csv_columns(file)
    is_known = names >= set(PROCESSED) or MEAN_RATE in names or VARIABILITY in names
    return Match.CERTAIN if is_known else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read the processed pulse, or the mean rate.

    Args:
        file: the CSV file.
        options: the sampling rate of the samples, which the table does not state.
        name: the recording's name.

    Yields:
        One recording.

    Raises:
        BenchError: the table holds variability only, or there is no sampling rate.
    """
    location = str(file)
    names = set(csv_header(file)[0])
    recording = check_name(name, location)
    if names >= set(PROCESSED):
        fs = needs_fs(options, location)
        yield recording_or_reason(recording, lambda: _from_samples(file, recording, fs, options))
    elif MEAN_RATE in names:
        yield recording_or_reason(recording, lambda: _from_mean(file, recording))
    else:
        raise BenchError(
            f"{file}: holds variability of neurokit2 and no heart rate; import the table of "
            "ppg_process or ppg_analyze instead"
        )


def _column(file: Path, name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    parts = [batch[name] for batch in read_batches(file, [name])]
    if not parts:
        raise RecordingError(f"{file}: has no rows below its header")
    return np.concatenate(parts)


def _from_samples(file: Path, name: str, fs: float, options: ReadOptions) -> PredictedRecording:
    location = str(file)
    waves, rates = (_column(file, column) for column in PROCESSED)
    times_s = sampled_times_s(len(waves), fs)
    waveform = make_signal(PROCESSED[0], "waveform", waves, times_s, location)
    kind = options.kind
    heart_rate = None
    if np.isfinite(rates).any():
        heart_rate = make_signal(PROCESSED[1], "heart_rate", rates, times_s, location)
    prediction, notes = choose_signal(waveform, heart_rate, kind, location)
    assumed = f"the first row is the first frame, and the others follow at {fs:g} a second"
    return PredictedRecording(name=name, prediction=prediction, assumptions=(assumed, *notes))


def _from_mean(file: Path, name: str) -> PredictedRecording:
    rates = _column(file, MEAN_RATE)
    if len(rates) != 1:
        raise RecordingError(f"{file}: {len(rates)} rows of measures, where one belongs")
    return PredictedRecording(
        name=name,
        prediction=single_rate(MEAN_RATE, float(rates[0]), str(file)),
        assumptions=(
            f"{MEAN_RATE} is the rate of the whole recording, whose length is not stated",
        ),
    )


FORMAT = PredictionFormat(
    title="neurokit2",
    files="a CSV file of `ppg_process` or `ppg_analyze`, of one recording each",
    fields=(
        Field(name="PPG_Clean", meaning="the cleaned pulse: the waveform"),
        Field(name="PPG_Rate", meaning="heart rates in bpm at every sample, interpolated"),
        Field(name="PPG_Rate_Mean", meaning="`ppg_analyze`: one heart rate in bpm"),
    ),
    notes=(
        "The recording has the name of the file. Tables of samples need `--fs`.",
        "`PPG_Raw`, the input of neurokit2, is not read.",
        "Tables of variability alone are refused.",
    ),
    recognise=recognise,
    read=read,
)
