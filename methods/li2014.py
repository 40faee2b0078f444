"""Li et al. 2014: green without the light of the background and without segments of motion."""

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.filters import smoothness_priors
from rppgbench.signals.illumination import rectify_illumination
from rppgbench.signals.motion_segments import (
    bridge_segments,
    join_segments,
    segment_spreads,
    spread_limit,
)
from rppgbench.signals.overlap_add import FLAT
from rppgbench.system.errors import NoPulseError, TooShortError, unknown_name

PAPER_FS = 61.0
"""Frame rate of the paper's recordings (MAHNOB-HCI), at which its counts of samples were chosen."""

MOTIONS = ("bridged", "joined", "joined_unshifted", "kept")
BOB = {"scaled": False, "centred": False, "motion": "joined"}


@method(
    "Li et al. 2014",
    "10.1109/CVPR.2014.543",
    input="trace_background",
    presets={
        "bob": BOB,
        "bob_guide": {**BOB, "taps": 3, "average": 21},
        "authors": {**BOB, "motion": "joined_unshifted"},
        "face_alone": {"rectified": False},
    },
)
def li2014(
    trace: Waveform,
    *,
    preset: str = "paper",
    rectified: bool = True,
    taps: int = 1,
    step: float = 0.05,
    motion: str = "bridged",
    share: float = 0.05,
    segment: int = 61,
    smoothness: float = 300.0,
    average: int = 23,
    order: int = 128,
    low_hz: float = 0.7,
    high_hz: float = 4.0,
    scaled: bool = True,
    centred: bool = True,
) -> Waveform:
    """Green of the face without the light, without motion, filtered: (..., T, 2, 3) to (..., T').

    X. Li, J. Chen, G. Zhao, M. Pietikäinen, "Remote Heart Rate Measurement From Face Videos Under
    Realistic Situations", CVPR 2014, in the form of bob.rppg.base. Three steps: an adaptive filter
    predicts the face's green from the background's and the rest stays
    (`rppgbench.signals.illumination`); the segments of 1 s with the largest spread are cut
    (`rppgbench.signals.motion_segments`); smoothness priors, a moving average and a band-pass
    follow. Brighter skin is up. A black or constant face gives zeros.

    The paper cuts 5 % of the segments of all recordings of a data set together. Here the share is
    that of one recording, because a pulse may not depend on other recordings of a test.

    Args:
        trace: (..., T, 2, 3), mean R, G and B of the face and of the background.
        preset: "bob" (bob.rppg.base: its counts of samples at any frame rate, kept segments joined
            without the time between them, a late moving average), "bob_guide" (the values of its
            user guide), "authors" (levels jump from the second cut on) or "face_alone".
        rectified: whether the light of the background is taken off.
        taps: samples of the adaptive filter; the pulse begins `taps` - 1 samples late.
        step: how fast the filter adapts.
        motion: "bridged" replaces a cut segment by a straight line, so that the clock stays;
            "joined" shortens the time; "joined_unshifted" does so with the jumps of the authors'
            code; "kept" cuts nothing.
        share: share of the segments that is cut, and one more.
        segment: samples of a segment at 61 frames/s.
        smoothness: lambda of the smoothness priors at 61 frames/s.
        average: samples of the moving average at 61 frames/s.
        order: order of the band-pass, a FIR filter with a Hamming window, at 61 frames/s.
        low_hz: its lower edge.
        high_hz: its upper edge.
        scaled: keep the durations of the counts at other frame rates. Unscaled, the moving average
            removes 78 bpm at 30 frames/s.
        centred: undo the delay of the moving average.

    Raises:
        NoPulseError: there is no background beside the face.
        TooShortError: the pulse is not longer than three lengths of the band-pass.
    """
    if motion not in MOTIONS:
        raise unknown_name("motion", motion, MOTIONS, "li2014")
    green = np.asarray(trace.samples, dtype=np.float64)[..., 1]
    face, late = green[..., 0], 0
    flat = np.ptp(face, axis=-1) <= FLAT * np.abs(face).max(axis=-1)
    if rectified:
        if not np.isfinite(green[..., 1]).all():
            raise NoPulseError(
                "li2014: no background beside the face; rectified=false takes the face alone"
            )
        face, _ = rectify_illumination(face, green[..., 1], taps=taps, step=step)
        late = taps - 1
    stretch = trace.fs / PAPER_FS if scaled else 1.0
    length = max(round(segment * stretch), 2)
    rows = [_without_motion(row, motion, share, length) for row in face.reshape(-1, face.shape[-1])]
    pulse = np.stack(rows).reshape(*face.shape[:-1], -1)
    pulse = smoothness_priors(pulse, smoothness * stretch**2)
    pulse = _moving_average(pulse, max(round(average * stretch), 1), centred)
    pulse = _band_pass(pulse, trace.fs, 2 * round(order * stretch / 2 + 0.25), low_hz, high_hz)
    pulse = np.where(flat[..., None], 0.0, pulse)
    return Waveform(pulse, trace.fs, trace.start_s + late / trace.fs)


def _without_motion(signal: Array, motion: str, share: float, length: int) -> Array:
    if motion == "kept":
        return signal
    spreads = segment_spreads(signal, length)
    kept = spreads <= spread_limit(spreads, share)
    if motion == "bridged":
        return bridge_segments(signal, kept, length)
    return join_segments(signal, kept, length, from_unshifted=motion == "joined_unshifted")


def _moving_average(signal: Array, width: int, centred: bool) -> Array:
    """Mean of the last `width` samples, with zeros before the first: (..., T)."""
    from scipy.signal import lfilter

    ahead = width // 2 if centred else 0
    padded = np.concatenate([signal, np.zeros((*signal.shape[:-1], ahead))], axis=-1)
    mean: Array = lfilter(np.full(width, 1 / width), np.ones(1), padded, axis=-1)
    return mean[..., ahead:]


def _band_pass(signal: Array, fs: float, order: int, low_hz: float, high_hz: float) -> Array:
    from scipy.signal import filtfilt, firwin

    if not 0 < low_hz < high_hz < fs / 2:
        raise NoPulseError(
            f"li2014: no band from {low_hz} to {high_hz} Hz at {fs} samples/s: "
            "it needs 0 < low < high < half the rate"
        )
    if signal.shape[-1] <= 3 * (order + 1):
        raise TooShortError(
            f"li2014: {signal.shape[-1]} samples are too few for a filter of order {order}: "
            f"it needs more than {3 * (order + 1)}"
        )
    factors = firwin(order + 1, [low_hz, high_hz], pass_zero=False, window="hamming", fs=fs)
    filtered: Array = filtfilt(factors, np.ones(1), signal, axis=-1)
    return filtered
