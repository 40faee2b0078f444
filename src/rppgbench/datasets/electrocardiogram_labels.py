"""The ground truth of a recording whose sensor is an electrocardiogram."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.ground_truth import NO_SIGNS, clean_labels
from rppgbench.signals.electrocardiogram import r_peaks
from rppgbench.system.errors import RecordingError

ODD_SHARE = 0.3
"""An interval that differs by more than this share from the median of the five around it is odd: a
beat was missed or invented, or the heart was not regular."""

AROUND = 5


def electrocardiogram_truth(
    file: Path,
    ecg: Array,
    fs: float,
    *,
    start_s: float = 0.0,
    signs: Mapping[str, Signal | None] = NO_SIGNS,
    warnings: Iterable[str] = (),
) -> GroundTruth:
    """Beats and heart rate of an electrocardiogram; it holds no pulse wave.

    The beats are the R peaks (`signals.electrocardiogram`). The heart rate at the middle of two
    neighbouring beats is 60 over their interval; the first and the last hold to the ends. The
    face's pulse follows the R peak by some 0.2 s, so a window of some seconds has the same rate by
    both.

    Args:
        file: the label file, for messages.
        ecg: the samples (N,), of either polarity.
        fs: samples per second.
        start_s: the time of the first sample, on the clock of the frames.
        signs: vital signs by name (`recording.VITAL_SIGNS`).
        warnings: further warnings of the reader.

    Raises:
        RecordingError: no beats are found.
    """
    unknown = ~np.isfinite(ecg)
    lines = [*warnings]
    if unknown.any():
        lines.append(f"{file.name}: {int(unknown.sum())} of {len(ecg)} samples are not numbers")
        if unknown.all():
            raise RecordingError(f"{file}: holds no number; copy the original file again")
        at = np.arange(len(ecg))
        ecg = np.interp(at, at[~unknown], ecg[~unknown])
    beats_s = start_s + r_peaks(ecg, fs) / fs
    if len(beats_s) < 2:
        raise RecordingError(
            f"{file}: {len(beats_s)} beats are found in {len(ecg) / fs:.1f} s; "
            "copy the original file again or leave the recording out"
        )
    intervals_s = np.diff(beats_s)
    # The first and the last rate hold to the ends, where the next beat lies outside.
    middles_s = (beats_s[1:] + beats_s[:-1]) / 2
    ends_s = start_s, start_s + (len(ecg) - 1) / fs
    rate = Signal(
        np.pad(60 / intervals_s, 1, mode="edge"),
        np.concatenate([ends_s[:1], middles_s, ends_s[1:]]),
    )
    odd = int(np.count_nonzero(_is_odd(intervals_s)))
    if odd:
        lines.append(
            f"{file.name}: {odd} of {len(intervals_s)} intervals between R peaks differ by more "
            f"than {ODD_SHARE:.0%} from those around them"
        )
    truth = clean_labels(file, heart_rate=rate, signs=signs, warnings=lines)
    return replace(truth, beats_s=beats_s)


def _is_odd(intervals_s: Array) -> np.ndarray:
    padded = np.pad(intervals_s, AROUND // 2, mode="edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, AROUND), axis=-1)
    return np.asarray(np.abs(intervals_s / around - 1) > ODD_SHARE)
