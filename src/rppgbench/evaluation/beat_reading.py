"""Heart rates by the beats of a contact sensor: the mean rate of a window, whatever its taper."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from rppgbench.core.recording import FLAT_PULSE_S, GroundTruth, pulse_gap_s
from rppgbench.core.waveform import ROUNDING_S, Array, Signal
from rppgbench.evaluation.beat_rule import BeatDetection, BeatReading, Detector, EstimateBeats
from rppgbench.evaluation.chain_reading import Reasons
from rppgbench.evaluation.heart_rate import is_straight, straight_segments
from rppgbench.signals.beats import DETECTORS, Places, between_samples, spline_to
from rppgbench.signals.filters import butterworth, min_filter_samples
from rppgbench.signals.neurokit_beats import neurokit_elgendi

ALL_DETECTORS: Mapping[str, Callable[[Array, float], Places]] = {
    **DETECTORS,
    "neurokit2_elgendi": neurokit_elgendi,
}
"""The detectors by name: (wave, fs) to the samples of the beats."""

LONGEST_INTERVAL_S = 2.0
"""Between two beats further apart than this (30 bpm) a beat is lost: the time does not count."""

LEAST_SKEWNESS = 0.05
"""A pulse whose changes are skewed by less is symmetric: which way is up cannot be told.

It is about the standard error over five minutes. Three genuine contact pulses have 0.9 to 1.3, POS
of the same people 0.01 to 1.3 with one sign.
"""

PASSED_SHARE = 0.45
"""The filter's upper edge is at most this share of the sensor's rate."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Beats:
    """Beats of a recording.

    Attributes:
        times_s: When they are (B,), on the clock of the recording.
        counted: Whether the time from the beat before counts (B,): not across a gap, and not where
            a beat is lost; never for the first.
    """

    times_s: Array
    counted: np.ndarray

    def within(self, start_s: float, stop_s: float) -> "Beats":
        """The beats from `start_s` on and before `stop_s`; time before the first does not count.

        Args:
            start_s: Start of the window, in seconds.
            stop_s: Its end.
        """
        first, stop = np.searchsorted(self.times_s, (start_s, stop_s))
        counted = self.counted[first:stop].copy()
        counted[:1] = False
        return Beats(times_s=self.times_s[first:stop], counted=counted)

    def rates(self, start_s: Array, stop_s: Array) -> tuple[Array, Array]:
        """The mean heart rates of windows.

        Args:
            start_s: Starts of the windows (W,), in seconds.
            stop_s: Their ends (W,).

        Returns:
            60 times the beats advanced over the time between beats (W,), in bpm, NaN without such
            time; and the share of each window between beats (W,). Neighbours outside the window
            count: only a window before the first beat, behind the last, or with a gap lacks a part.

        >>> beats = join_pieces([np.array([0.5, 1.5, 2.5, 3.5])])
        >>> [values.tolist() for values in beats.rates(np.array([1.0, 0.0]), np.array([3.0, 2.0]))]
        [[60.0, 60.0], [1.0, 0.75]]
        """
        if len(self.times_s) < 2:
            return np.full(len(start_s), np.nan), np.zeros(len(start_s))
        number = np.cumsum(self.counted, dtype=np.float64)
        steps_s = np.diff(self.times_s, prepend=self.times_s[0])
        covered_s = np.cumsum(np.where(self.counted, steps_s, 0.0))
        advance, lasts_s = (
            np.interp(stop_s, self.times_s, upto) - np.interp(start_s, self.times_s, upto)
            for upto in (number, covered_s)
        )
        present = lasts_s > ROUNDING_S
        bpm = np.divide(60 * advance, lasts_s, out=np.full(len(start_s), np.nan), where=present)
        return bpm, lasts_s / np.maximum(stop_s - start_s, ROUNDING_S)


def join_pieces(pieces: list[Array]) -> Beats:
    """Beats from the times of the beats in each unbroken piece of a recording, in order."""
    filled = [piece for piece in pieces if len(piece)]
    times_s = np.concatenate(filled) if filled else np.empty(0)
    counted = np.diff(times_s, prepend=-np.inf) <= LONGEST_INTERVAL_S + ROUNDING_S
    starts = np.cumsum([len(piece) for piece in filled])[:-1]
    counted[starts.astype(np.int64)] = False
    return Beats(times_s=times_s, counted=counted)


def pulse_beats(pulse: Signal, rule: BeatReading) -> tuple[Beats, Beats]:
    """The beats of a contact pulse by both detectors of a rule.

    Each piece without a gap (`pulse_gap_s`) or a hanging sensor is read by itself.

    Args:
        pulse: The contact pulse (N,), systole upward.
        rule: The declaration.
    """
    first, second = _beats_by(pulse, rule, (rule.detector, rule.second_detector))
    return first, second


def beats_of(pulse: Signal, rule: BeatDetection) -> Beats:
    """The beats of a pulse by the first detector of a rule.

    Args:
        pulse: A contact pulse or an estimate (N,), systole upward; NaN where there is no sample.
        rule: The declaration.
    """
    return _beats_by(pulse, rule, (rule.detector,))[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece:
    """An evenly sampled piece of a pulse without a gap.

    Attributes:
        samples: The pulse (T,), `fs` samples a second, unfiltered.
        fs: Samples per second.
        start_s: Time of the first sample.
        wave: The filtered pulse (T',), `wave_fs` samples a second from the same time on.
        wave_fs: Samples per second of `wave`.
    """

    samples: Array
    fs: float
    start_s: float
    wave: Array
    wave_fs: float

    def beats_s(self, detector: Detector) -> Array:
        """The beats (B,), in seconds from the first sample on."""
        at = ALL_DETECTORS[detector](self.wave, self.wave_fs)
        out: Array = between_samples(self.wave, at) / self.wave_fs
        return out


def read_pieces(pulse: Signal, rule: BeatDetection) -> Iterator[Piece]:
    """The pieces of a pulse between its gaps, filtered as declared; not those that are too short.

    Args:
        pulse: A contact pulse or an estimate (N,), systole upward; NaN where there is no sample.
        rule: The declaration.
    """
    for samples, fs, start_s in _unbroken_pieces(pulse):
        high_hz = min(rule.filter.high_hz, PASSED_SHARE * fs)
        if high_hz <= rule.filter.low_hz or len(samples) < min_filter_samples(rule.filter.order):
            continue
        if is_straight(samples):  # its filtered wave is rounding
            continue
        filtered = butterworth(samples, fs, rule.filter.low_hz, high_hz, rule.filter.order)
        wave = spline_to(filtered, fs, rule.upsampled_hz)
        yield Piece(samples=samples, fs=fs, start_s=start_s, wave=wave, wave_fs=rule.upsampled_hz)


def oriented(pulse: Signal, rule: EstimateBeats) -> tuple[Signal, int]:
    """An estimate with its systole, or its foot, upward, as far as its shape tells.

    Some methods follow the volume of blood, others the brightness of the skin, which falls with it.
    Blood rises faster than it falls, so the changes of a pulse with its systole upward are skewed
    to the positive. The reference is not asked.

    Args:
        pulse: The estimate (N,); NaN where there is no sample.
        rule: The declaration; with the polarity `as_given` nothing is turned over.

    Returns:
        The estimate, turned over where its changes are skewed the other way by more than
        `LEAST_SKEWNESS`, and 1 or -1.

    >>> from rppgbench.evaluation.beat_rule import BeatFilter
    >>> rule = EstimateBeats(filter=BeatFilter(low_hz=0.66, high_hz=3.0, order=2),
    ...     upsampled_hz=250.0, detector="elgendi", polarity="steeper_rise", normal_share=0.3)
    >>> turn = 2 * np.pi * np.arange(600) / 30
    >>> fast_rise = Signal(np.sin(turn) + 0.3 * np.sin(2 * turn), np.arange(600) / 30)
    >>> [oriented(Signal(way * fast_rise.values, fast_rise.times_s), rule)[1] for way in (1, -1)]
    [1, -1]
    """
    changes = [np.diff(piece.wave) for piece in read_pieces(pulse, rule)]
    if rule.polarity == "as_given" or not changes:
        return pulse, 1
    steps = np.concatenate(changes)
    steps -= steps.mean()
    wanted = 1 if rule.polarity == "steeper_rise" else -1
    if wanted * np.mean(steps**3) >= -LEAST_SKEWNESS * np.mean(steps**2) ** 1.5:
        return pulse, 1
    return Signal(-pulse.values, pulse.times_s), -1


def _beats_by(pulse: Signal, rule: BeatDetection, detectors: tuple[Detector, ...]) -> list[Beats]:
    """The beats by each detector."""
    beats_s: list[list[Array]] = [[] for _ in detectors]
    for piece in read_pieces(pulse, rule):
        for detector, of_pieces in zip(detectors, beats_s, strict=True):
            of_pieces.append(piece.start_s + piece.beats_s(detector))
    return [join_pieces(of_pieces) for of_pieces in beats_s]


def _unbroken_pieces(pulse: Signal) -> list[tuple[Array, float, float]]:
    """Evenly sampled pieces of a pulse: samples, rate, and time of the first sample."""
    finite = np.isfinite(pulse.values)
    values, times_s = pulse.values[finite].astype(np.float64), pulse.times_s[finite]
    breaks = np.flatnonzero(np.diff(times_s) > pulse_gap_s(pulse) + ROUNDING_S) + 1
    pieces = []
    for x, t in zip(np.split(values, breaks), np.split(times_s, breaks), strict=True):
        if len(t) < 2 or t[-1] - t[0] < FLAT_PULSE_S:
            continue
        fs = (len(t) - 1) / float(t[-1] - t[0])
        even = np.interp(t[0] + np.arange(len(t)) / fs, t, x)
        moving = ~straight_segments(even[None], fs)[0]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], moving, [False]]).astype(np.int8)))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if (stop - start) / fs >= FLAT_PULSE_S:
                pieces.append((even[start:stop], fs, float(t[0]) + start / fs))
    return pieces


_BEATS: WeakKeyDictionary[GroundTruth, dict[BeatReading, tuple[Beats, Beats]]] = WeakKeyDictionary()


def reference_beats(truth: GroundTruth, rule: BeatReading) -> tuple[Beats, Beats]:
    """`pulse_beats` of a reference, found once while the reference is in use.

    Args:
        truth: A reference with a pulse.
        rule: The declaration.
    """
    beats_by_rule = _BEATS.setdefault(truth, {})
    if rule not in beats_by_rule:
        if truth.pulse is None:
            beats_by_rule[rule] = join_pieces([]), join_pieces([])
        else:
            beats_by_rule[rule] = pulse_beats(truth.pulse, rule)
    return beats_by_rule[rule]


def checked_rates(
    truth: GroundTruth,
    rule: BeatReading,
    start_s: Array,
    stop_s: Array,
    *,
    spectral_bpm: Array,
    gap_share: float,
    marked: bool,
) -> tuple[Array, Reasons]:
    """The mean heart rates of a reference by its beats, where other readings agree.

    Args:
        truth: A reference with a pulse or with the device's own beats.
        rule: The declaration.
        start_s: Starts of the windows (W,), in seconds.
        stop_s: Their ends (W,).
        spectral_bpm: The rates (W,) by a boxcar spectrum of the pulse; NaN where it has none.
        gap_share: The share of a window that may lie outside of beats.
        marked: The device's beats are read, not those of the detector. Where there is a pulse, the
            detector is then the second reading.

    Returns:
        The rates (W,) in bpm, NaN where there is none, and the reasons (W,), "" where there is one.
    """
    detected, second = reference_beats(truth, rule)
    beats, other = detected, second
    if marked and truth.beats_s is not None:
        beats, other = join_pieces([truth.beats_s]), detected
    bpm, covered = beats.rates(start_s, stop_s)
    reason = np.full(bpm.shape, "", dtype=object)
    if truth.pulse is not None:
        other_bpm = other.rates(start_s, stop_s)[0]
        agree = np.abs(bpm - other_bpm) <= rule.agree_within_bpm
        agree &= ~(np.abs(bpm - spectral_bpm) > rule.agree_within_bpm)
        for at in np.flatnonzero(~agree):
            three = (bpm[at], other_bpm[at], spectral_bpm[at])
            read = ", ".join(f"{rate:.0f}" if np.isfinite(rate) else "none" for rate in three)
            reason[at] = f"reference: its beats, a second detector and the spectrum read {read} bpm"
    for at in np.flatnonzero(~(covered >= 1 - gap_share - ROUNDING_S)):
        reason[at] = f"reference: beats cover {covered[at]:.0%} of the window"
    return np.where(reason == "", bpm, np.nan), reason
