"""POS on the patches of the aligned face: those at the median, or a group of like spectra."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.method import method
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.signals.filters import butterworth
from rppgbench.signals.patch_groups import choose_patches
from rppgbench.signals.patch_windows import (
    PatchRates,
    even_windows,
    merge_windows,
    patch_rates,
    pyvhr_patch_rates,
    pyvhr_windows,
    wave_of_rates,
)
from rppgbench.signals.skin_tone_plane import project_on_plane
from rppgbench.system.errors import unknown_name

POS_WINDOW_S = 1.6
LEAST_AGREEMENT_BPM = 3.0
"""Patches within this distance of the median count, and within the median absolute deviation."""

SINGLE_NDIM = 3
"""Axes of the patches of one recording: (T, P, 3)."""

PYVHR_EPS = 1e-9
FORMS = ("whole", "pyvhr")
SOURCE = "10.7717/peerj-cs.929"
PYVHR = {"form": "pyvhr", "order": 6}


@dataclass(frozen=True, kw_only=True)
class Band:
    """The band of the filter and of the rates."""

    order: int
    low_hz: float
    high_hz: float


@method("Multi-patch median (POS)", SOURCE, input="stmap", presets={"pyvhr": PYVHR})
def multi_patch_median(
    patches: Waveform,
    *,
    preset: str = "paper",
    form: str = "whole",
    window_s: float = 8.0,
    stride_s: float = 1.0,
    order: int = 3,
    low_hz: float = 0.65,
    high_hz: float = 4.0,
) -> Waveform:
    """The pulse of the patches whose rate agrees with the median: (..., T, P, 3) to (..., T).

    G. Boccignone et al., "pyVHR: a Python framework for remote photoplethysmography", PeerJ
    Computer Science 2022, with POS on each patch. In each window the rate of every patch is read;
    the patches within the median absolute deviation of the median, and 3 bpm, are standardised and
    averaged; the windows are overlap-added. Brighter skin is up.

    pyVHR gives the median absolute deviation in bpm as the uncertainty of each window's rate. The
    confidence of the pulse is the share of a normal distribution with this deviation within 5 bpm
    of its centre, one value for each window. A batch of recordings has none.

    Args:
        patches: (..., T, P, 3), mean R, G and B of each patch.
        preset: "pyvhr", see `form`.
        form: "whole" runs POS once over each patch and gives the pulse of those that agree.
            "pyvhr" runs POS and filter in each window, reads the bins of Welch spectra, one window
            a second, and gives a wave that carries the medians: its shape says nothing.
        window_s: length of a window in seconds.
        stride_s: from one window to the next in seconds, for "whole".
        order: order of the zero-phase Butterworth band-pass on POS.
        low_hz: lower edge of the band of filter and rates.
        high_hz: its upper edge.

    Raises:
        TooShortError: shorter than a window of POS, or for "pyvhr" than a window.
    """
    _check_form(form)
    band = Band(order=order, low_hz=low_hz, high_hz=high_hz)

    def merge(rgb: Array) -> _Merged:
        if form == "pyvhr":
            rates, centres_s = _pyvhr_windows(rgb, patches.fs, window_s, band)
            wave = wave_of_rates(rates.median_bpm(), centres_s, patches.fs, len(rgb))
            return _Merged(wave, Signal(rates.confidence(), centres_s))
        windows, starts = _windows(rgb, patches.fs, window_s, stride_s, band)
        rates = patch_rates(windows, patches.fs, low_hz, high_hz)
        away = np.abs(rates.rates_bpm - rates.median_bpm()[:, None])
        agrees = away <= np.maximum(rates.deviation_bpm(), LEAST_AGREEMENT_BPM)[:, None]
        pulse = merge_windows(windows, agrees.astype(np.float64), starts, len(rgb))
        centres_s = (starts + (windows.shape[-1] - 1) / 2) / patches.fs
        return _Merged(pulse, Signal(rates.confidence(), centres_s))

    return _each_recording(merge, patches)


@method("Circle clustering of patches (POS)", SOURCE, input="stmap", presets={"pyvhr": PYVHR})
def multi_patch_clustering(
    patches: Waveform,
    *,
    preset: str = "paper",
    form: str = "whole",
    window_s: float = 8.0,
    stride_s: float = 1.0,
    tolerance: float = 0.5,
    start_seed: int = 0,
    order: int = 3,
    low_hz: float = 0.65,
    high_hz: float = 4.0,
) -> Waveform:
    """The pulse of one of two groups of patches with like spectra: (..., T, P, 3) to (..., T).

    G. Boccignone et al., "pyVHR", PeerJ Computer Science 2022, with POS on each patch: see
    `rppgbench.signals.circle_clustering`. In each window the patches are split by their spectra,
    outliers are taken out, and five criteria choose a group. A window that jumps away from those
    around takes the other group. The members are standardised and averaged, and the windows
    overlap-added. Brighter skin is up.

    A narrow line that is no pulse, such as flicker, can win against the pulse, in both forms. pyVHR
    gives no uncertainty here, so the pulse has no confidence.

    Args:
        patches: (..., T, P, 3), mean R, G and B of each patch.
        preset: "pyvhr", see `form`.
        form: "whole" runs POS once over each patch. "pyvhr" has the faults of pyVHR 2: POS and
            filter in each window, bins of Welch spectra, narrowness decides alone, of equal groups
            the one with the lower SNR, members are never moved to the nearer group, and windows
            are counted in seconds where jumps are replaced; the wave carries the rates, and its
            shape says nothing.
        window_s: length of a window in seconds.
        stride_s: from one window to the next in seconds, for "whole".
        tolerance: how far a member may lie from the others, in standard deviations.
        start_seed: seed of the angles that the clustering starts from; pyVHR has none.
        order: order of the zero-phase Butterworth band-pass on POS.
        low_hz: lower edge of the band of filter and rates.
        high_hz: its upper edge.

    Raises:
        TooShortError: shorter than a window of POS, or for "pyvhr" than a window.
    """
    _check_form(form)
    band = Band(order=order, low_hz=low_hz, high_hz=high_hz)

    def merge(rgb: Array) -> _Merged:
        mended = form == "whole"
        if mended:
            windows, starts = _windows(rgb, patches.fs, window_s, stride_s, band)
            rates = patch_rates(windows, patches.fs, low_hz, high_hz)
        else:
            rates, centres_s = _pyvhr_windows(rgb, patches.fs, window_s, band)
        count, patch_count = rates.rates_bpm.shape
        rng = np.random.default_rng(start_seed)
        start_rad = 2 * np.pi * rng.random((count, patch_count))
        reach = max(round(window_s / stride_s), 1) if mended else int(window_s)
        members, rates_bpm = choose_patches(
            rates, start_rad, tolerance=tolerance, reach=reach, mended=mended
        )
        if not mended:
            return _Merged(wave_of_rates(rates_bpm, centres_s, patches.fs, len(rgb)))
        return _Merged(merge_windows(windows, members.astype(np.float64), starts, len(rgb)))

    return _each_recording(merge, patches)


def _check_form(form: str) -> None:
    if form not in FORMS:
        raise unknown_name("form", form, FORMS, "multi_patch")


class _Merged(NamedTuple):
    """The pulse (T,) of one recording, and its confidence at times from the first sample on."""

    pulse: Array
    confidence: Signal | None = None


def _each_recording(merge: Callable[[Array], _Merged], patches: Waveform) -> Waveform:
    """The pulse (..., T) of each recording of a batch; zeros where no patch changes."""
    samples = np.asarray(patches.samples, dtype=np.float64)
    flat = samples.reshape(-1, *samples.shape[-3:])
    merged = [merge(rgb) for rgb in flat]
    pulses = np.stack([recording.pulse for recording in merged]).reshape(samples.shape[:-2])
    is_still = ~np.isfinite(pulses).any(axis=-1, keepdims=True)
    confidence = merged[0].confidence if samples.ndim == SINGLE_NDIM else None
    if confidence is not None:
        confidence = Signal(confidence.values, confidence.times_s + patches.start_s)
    pulses = np.where(is_still, 0.0, pulses)
    return Waveform(pulses, patches.fs, patches.start_s, confidence=confidence)


def _windows(
    rgb: Array, fs: float, window_s: float, stride_s: float, band: Band
) -> tuple[Array, NDArray[np.int64]]:
    """Windows (W, P, n) of the pulse of each patch (T, P, 3), and their first samples (W,)."""
    width = math.ceil(POS_WINDOW_S * fs)
    pulses = project_on_plane(np.swapaxes(rgb, 0, 1), width)
    pulses = butterworth(pulses, fs, band.low_hz, band.high_hz, band.order)
    length = min(round(window_s * fs), len(rgb))
    starts = even_windows(len(rgb), length, stride_s * fs)
    windows = np.lib.stride_tricks.sliding_window_view(pulses, length, axis=-1)[:, starts]
    return np.swapaxes(windows, 0, 1), starts


def _pyvhr_windows(rgb: Array, fs: float, window_s: float, band: Band) -> tuple[PatchRates, Array]:
    """Rates of the patches (T, P, 3) as pyVHR reads them, and the centres of the windows in s."""
    starts, lengths = pyvhr_windows(len(rgb), fs, window_s)
    parts = []
    for length in np.unique(lengths):  # two at most
        here = np.flatnonzero(lengths == length)
        cut = np.lib.stride_tricks.sliding_window_view(rgb, length, axis=0)[starts[here]]
        windows = np.moveaxis(cut, -1, -2)
        pulses = project_on_plane(windows, int(POS_WINDOW_S * fs), skipped=0, eps=PYVHR_EPS)
        pulses = butterworth(pulses, fs, band.low_hz, band.high_hz, band.order)
        parts.append((here, pyvhr_patch_rates(pulses, fs, band.low_hz, band.high_hz)))
    order_of_windows = np.argsort(np.concatenate([here for here, _ in parts]))
    bpm = parts[0][1].bpm
    power, rates_bpm = (
        np.concatenate([getattr(rates, name) for _, rates in parts])[order_of_windows]
        for name in ("power", "rates_bpm")
    )
    centres_s = window_s / 2 + np.arange(len(starts), dtype=np.float64)
    return PatchRates(bpm=bpm, power=power, rates_bpm=rates_bpm), centres_s
