"""CONSTANT: the training subjects' mean heart rate."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.datasets.ground_truth import HIGHEST_BPM, LOWEST_BPM
from rppgbench.system.errors import RecordingError

MAX_GAP_SHARE = 0.25
"""The share of a window that gaps of the reference may take, as the evaluators' `gap_share`."""


def fit(
    examples: Sequence[Example], training: Training, *, window_s: float, step_s: float
) -> Model:
    """The mean heart rate over subjects, each with the mean of its recordings.

    The rate of a recording is the mean of the device's heart rates between 30 and 240 bpm, or,
    where there are none, of the highest spectral lines (40 to 240 bpm) of the contact pulse in
    windows. Examples without labels (of a part for self-supervised training) are skipped.

    Args:
        examples: The training recordings.
        training: Not used.
        window_s: Window of the contact pulse in seconds.
        step_s: Time from one such window to the next.

    Returns:
        A model with `metadata["bpm"]` and `metadata["subjects"]`.

    Raises:
        RecordingError: A labelled recording has neither, or no recording is labelled.
    """
    by_subject: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        if example.ground_truth is None:
            continue
        bpm = _mean_bpm(example.ground_truth, window_s, step_s)
        if not np.isfinite(bpm):
            raise RecordingError(
                f"constant: {example.recording} has no heart rate to learn from; "
                "leave it out of the training part or copy its labels again"
            )
        by_subject[example.subject].append(bpm)
    if not by_subject:
        raise RecordingError(
            "constant: no training recordings with labels; it needs a protocol with some"
        )
    subjects = [float(np.mean(rates)) for rates in by_subject.values()]
    return Model(metadata={"bpm": float(np.mean(subjects)), "subjects": len(subjects)})


@method(
    "Constant",
    "none: a baseline, the mean heart rate of the training subjects",
    fit=fit,
    needs_labels=True,
    baseline=True,
    gpu=0.0,
)
def constant(
    trace: Waveform, model: Model, *, window_s: float = 10.0, step_s: float = 5.0
) -> Waveform:
    """A cosine at the mean rate of the training subjects, whatever the video shows.

    A baseline: a method that is not clearly better than this has not measured a pulse. The result
    is (..., T).

    Args:
        trace: (..., T, 3); only its grid matters.
        model: `metadata["bpm"]`, from `fit`.
        window_s: of the contact pulse when its heart rate is taken, in `fit` only.
        step_s: from one such window to the next.
    """
    turns = model.metadata["bpm"] / 60.0 * trace.times_s(axis=-2)
    wave = np.cos(2.0 * np.pi * turns)
    pulse: Array = np.broadcast_to(wave, trace.samples.shape[:-1]).copy()
    return Waveform(pulse, trace.fs, trace.start_s)


def _mean_bpm(truth: GroundTruth, window_s: float, step_s: float) -> float:
    if truth.heart_rate is not None:
        rates = truth.heart_rate.values
        rates = rates[(rates >= LOWEST_BPM) & (rates <= HIGHEST_BPM)]  # NaN is neither
        if len(rates):
            return float(rates.mean())
    return _pulse_bpm(truth.pulse, window_s, step_s) if truth.pulse is not None else float("nan")


def _pulse_bpm(pulse: Signal, window_s: float, step_s: float) -> float:
    """Mean over windows of the highest spectral line, on a grid of about 0.5 bpm: NaN without one.

    Windows with more than `MAX_GAP_SHARE` of gaps, and straight lines, have no rate.
    """
    from rppgbench.evaluation.heart_rate import is_straight
    from rppgbench.signals.spectrum import band_bins, parabola_peak, periodogram, taper

    fs = pulse.fs
    if fs <= 2 * 240 / 60:
        return float("nan")
    times_s = pulse.times_s[0] + np.arange(len(pulse.times_s)) / fs
    even = GroundTruth(pulse=pulse).pulse_at(times_s[times_s <= pulse.times_s[-1]])
    width = min(round(window_s * fs), len(even))
    step = max(1, round(step_s * fs))
    known = np.isfinite(even)
    bridged = np.interp(times_s[: len(even)], times_s[: len(even)][known], even[known])
    windows = np.lib.stride_tricks.sliding_window_view(bridged, width)[::step]
    gap_share = 1 - np.lib.stride_tricks.sliding_window_view(known, width)[::step].mean(axis=-1)
    windows = windows[(gap_share <= MAX_GAP_SHARE) & ~is_straight(windows)]
    if not len(windows):
        return float("nan")
    nfft = max(round(120 * fs), width)
    bins = band_bins(nfft, fs, 40 / 60, 240 / 60, "inclusive")
    window = taper("hann", width, symmetric=False)
    centred = windows - windows.mean(axis=-1, keepdims=True)
    rates = parabola_peak(periodogram(centred, fs, window, nfft, bins))
    return float(np.mean(rates[np.isfinite(rates)])) if np.isfinite(rates).any() else float("nan")
