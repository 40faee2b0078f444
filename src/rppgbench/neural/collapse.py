"""A verdict on whether a network has learned, from its outputs for the training set."""

from typing import Any

import torch
from torch import Tensor

from rppgbench.neural.losses.agreement import correlation
from rppgbench.neural.losses.power_spectra import divisor, frequencies, in_band, peak_bpm

MIN_IN_BAND = 0.4
MIN_SPREAD_BPM = 2.0
MAX_AT_EDGE = 0.5


def detect_collapse(
    pulses: Tensor,
    fs: float,
    *,
    low_hz: float = 40 / 60,
    high_hz: float = 3.0,
    pseudo: Tensor | None = None,
) -> dict[str, Any]:
    """Judge a training by the pulses that its network gives for different clips.

    The limits are this project's: less than 40 % of the power in the band, peaks that differ by
    less than 2 bpm over clips, or more than half of the peaks at a limit of the band are called
    collapsed. Chance level: white noise has `in_band` 0.16 at 30 samples a second.

    With pseudo labels, a network that is not collapsed has learned only if its heart rates are
    nearer to the labels' than the best constant is: the mean absolute difference is less than that
    of the median of the labels' rates.

    Args:
        pulses: outputs (N, T), one for each clip.
        fs: sampling rate of the outputs in Hz.
        low_hz: lower limit of the band of a pulse.
        high_hz: upper limit.
        pseudo: pseudo labels (N, T), for methods that learn from these.

    Returns:
        `in_band`, the mean share of the power in the band; `peak_spread_bpm`, the standard
        deviation of the clips' peaks; `at_edge`, the share of peaks at a limit of the band (drift
        or noise instead of a pulse); with `pseudo`, `pseudo_difference_bpm`, the median difference
        of the peaks, `pseudo_correlation`, the median of |r|, `label_error_bpm`, the mean
        difference of the peaks, and `constant_error_bpm`, that of the best constant; `verdict`,
        "learned" or the reason for "collapsed" or "not learned".
    """
    pulses = pulses.float()
    centred = pulses - pulses.mean(dim=1, keepdim=True)
    power = torch.fft.rfft(centred).abs().square()
    band = in_band(frequencies(pulses.shape[1], fs), low_hz, high_hz)
    total = power.sum(dim=1)
    share = power[:, band].sum(dim=1) / divisor(total)
    peaks = peak_bpm(pulses, fs, low_hz=low_hz, high_hz=high_hz)
    at_edge = (peaks < 60 * low_hz + 1) | (peaks > 60 * high_hz - 1)
    measurements: dict[str, Any] = {
        "clips": len(pulses),
        "in_band": round(float(share.mean()), 4),
        "peak_spread_bpm": round(float(peaks.std(unbiased=False)), 3),
        "at_edge": round(float(at_edge.double().mean()), 4),
    }
    if pseudo is not None:
        label_peaks = peak_bpm(pseudo.float(), fs, low_hz=low_hz, high_hz=high_hz)
        apart = (peaks - label_peaks).abs()
        spread = (label_peaks - label_peaks.median()).abs()
        measurements["pseudo_difference_bpm"] = round(float(apart.median()), 3)
        measurements["pseudo_correlation"] = round(
            float(correlation(pulses, pseudo).abs().median()), 4
        )
        measurements["label_error_bpm"] = round(float(apart.mean()), 3)
        measurements["constant_error_bpm"] = round(float(spread.mean()), 3)
    return measurements | {"verdict": _verdict(measurements)}


def _verdict(measurements: dict[str, Any]) -> str:
    reasons = []
    if measurements["in_band"] < MIN_IN_BAND:
        reasons.append(f"only {measurements['in_band']:.0%} of the power is in the band of a pulse")
    if measurements["clips"] > 1 and measurements["peak_spread_bpm"] < MIN_SPREAD_BPM:
        reasons.append(f"all clips have one peak, within {measurements['peak_spread_bpm']:.1f} bpm")
    if measurements["at_edge"] > MAX_AT_EDGE:
        reasons.append(f"{measurements['at_edge']:.0%} of the peaks are at a limit of the band")
    if reasons:
        return "collapsed: " + "; ".join(reasons)
    label_error_bpm = measurements.get("label_error_bpm", -1.0)
    if label_error_bpm >= measurements.get("constant_error_bpm", 0.0):
        return (
            f"not learned: heart rates are {label_error_bpm:.1f} bpm from the labels', "
            f"a constant {measurements['constant_error_bpm']:.1f} bpm"
        )
    return "learned"
