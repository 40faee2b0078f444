"""Beats and heart-rate variability of estimates beside their references, window by window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import ROUNDING_S, Array, Signal, Waveform
from rppgbench.evaluation.beat_reading import (
    Beats,
    beats_of,
    join_pieces,
    oriented,
    reference_beats,
)
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.reference import reference_kind
from rppgbench.evaluation.variability_rule import VariabilityReading
from rppgbench.signals.beat_matching import BeatMatch, match_beats, match_f1, matched_intervals
from rppgbench.signals.heart_rate_variability import (
    HF_HZ,
    LF_HZ,
    band_power_ms2,
    interval_spectrum,
    normal_intervals,
    rmssd_ms,
    sdnn_ms,
)

MEASURES = ("sdnn_ms", "rmssd_ms", "lf_ms2", "hf_ms2")
"""The measures of heart-rate variability."""

ERRORS = ("beat_f1", "ibi_error_ms", *(f"{name}_error" for name in MEASURES))
"""Columns of how far the estimate is from the reference."""

FLOORS = ("ibi_floor_ms", *(f"{name}_floor" for name in MEASURES))
"""Columns of what sampling alone costs."""

COLUMNS = (
    "beat_lag_s",
    "beat_sign",
    *ERRORS,
    *FLOORS,
    *MEASURES,
    *(f"{name}_reference" for name in MEASURES),
)
"""All columns of numbers; `variability_reason` says why some are NaN."""

SURE_F1 = 0.7
"""From here on the lag of a window is where the lag of the next one is looked for."""

FEWEST_INTERVALS = 3
"""Fewer normal intervals have no variability."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Intervals:
    """The intervals of a recording: begin and end (B,) in seconds, and which are normal (B,)."""

    begin_s: Array
    end_s: Array
    normal: NDArray[np.bool_]

    @property
    def lasts_ms(self) -> Array:
        """Their durations (B,)."""
        out: Array = 1000 * (self.end_s - self.begin_s)
        return out


def intervals_of(beats: Beats, rule: VariabilityReading) -> Intervals:
    """The intervals between beats.

    Args:
        beats: The beats of a recording.
        rule: The declaration.
    """
    counted = beats.counted[1:]
    lasts_ms = 1000 * np.diff(beats.times_s)
    return Intervals(
        begin_s=beats.times_s[:-1],
        end_s=beats.times_s[1:],
        normal=np.asarray(normal_intervals(lasts_ms, counted, rule.normal_share), np.bool_),
    )


def measures(
    intervals: Intervals,
    start_s: float,
    stop_s: float,
    rule: VariabilityReading,
    gap_share: float,
) -> tuple[dict[str, float], str]:
    """The heart-rate variability of a window.

    Args:
        intervals: The intervals of the recording.
        start_s: Start of the window.
        stop_s: Its end.
        rule: The declaration.
        gap_share: The share of the window that may lie outside of normal intervals.

    Returns:
        `MEASURES`, NaN where there is none; and why there is none, or "".
    """
    nothing = dict.fromkeys(MEASURES, float("nan"))
    inside = (intervals.begin_s >= start_s - ROUNDING_S) & (intervals.end_s <= stop_s + ROUNDING_S)
    normal = inside & intervals.normal
    lasts_ms = intervals.lasts_ms
    covered = lasts_ms[normal].sum() / 1000 / max(stop_s - start_s, ROUNDING_S)
    if normal.sum() < FEWEST_INTERVALS or covered < 1 - gap_share - ROUNDING_S:
        return nothing, f"normal intervals cover {covered:.0%} of the window"
    both = normal[1:] & normal[:-1]
    duration_s = stop_s - start_s + ROUNDING_S
    values = {
        "sdnn_ms": sdnn_ms(lasts_ms[normal]),
        "rmssd_ms": rmssd_ms(np.diff(lasts_ms)[both]),
    }
    hz, density = interval_spectrum(intervals.end_s[normal], lasts_ms[normal])
    for name, band_hz, shortest_s in (
        ("lf_ms2", LF_HZ, rule.lf_shortest_s),
        ("hf_ms2", HF_HZ, rule.hf_shortest_s),
    ):
        if duration_s >= shortest_s:
            values[name] = band_power_ms2(hz, density, band_hz)
    return nothing | values, ""


def sampled_pulse(beats: Beats, fs: float, *, late: float = 0.0) -> Signal:
    """A clean pulse with given beats, sampled.

    cos(phi) + 0.35 cos(2 phi) has its maximum exactly at each beat; the phase phi is linear from
    beat to beat. Where time does not count between two beats, there is no sample.

    Args:
        beats: The beats of a recording, at least two.
        fs: Samples per second.
        late: By how much of a sample the first one lies behind the first beat.

    >>> beats = join_pieces([np.array([0.0, 1.0, 1.9])])
    >>> sampled_pulse(beats, 10.0).values[[0, 5, 10]].round(2).tolist()
    [1.35, -0.65, 1.35]
    """
    count = int((beats.times_s[-1] - beats.times_s[0]) * fs)
    times_s = beats.times_s[0] + (late + np.arange(count + (not late))) / fs
    place = np.interp(times_s, beats.times_s, np.arange(len(beats.times_s)))
    phase = 2 * np.pi * place
    values = np.cos(phase) + 0.35 * np.cos(2 * phase)
    following = np.minimum(place.astype(np.int64) + 1, len(beats.times_s) - 1)
    between = beats.counted[following]
    return Signal(values[between], times_s[between])


@dataclass(frozen=True, eq=False, kw_only=True)
class _Floor:
    """The beats of a clean pulse, as frames and as the sensor sample it."""

    frames: Beats
    sensor: Beats
    frame_intervals: Intervals
    sensor_intervals: Intervals


class _ReferenceBeats:
    """The beats of one reference, and what sampling at some rates makes of them."""

    def __init__(self, evaluator: Evaluator, truth: GroundTruth) -> None:
        rule = evaluator.reference
        assert isinstance(rule, BeatReading)
        assert evaluator.variability is not None
        self.rule, self.variability = rule, evaluator.variability
        kind = reference_kind(evaluator, truth)
        self.beats = join_pieces([])
        if kind == "beats" and truth.beats_s is not None:
            self.beats = join_pieces([truth.beats_s])
        elif kind == "pulse":
            self.beats = reference_beats(truth, rule)[0]
        self.sensor_fs = truth.pulse.fs if kind == "pulse" and truth.pulse is not None else 0.0
        self.intervals = intervals_of(self.beats, self.variability)
        self._floors: dict[float, _Floor] = {}

    def floor(self, fs: float) -> _Floor:
        """What sampling alone costs: `fs` frames a second, and the rate of the sensor.

        The sensor's samples lie half a sample behind those of the frames, so that equal rates are
        no equal samples. A device's own beats are taken as they are.
        """
        if fs not in self._floors:
            frames = sensor = self.beats
            if len(self.beats.times_s) > 1:
                frames = beats_of(sampled_pulse(self.beats, fs), self.variability)
            if len(self.beats.times_s) > 1 and self.sensor_fs:
                pulse = sampled_pulse(self.beats, self.sensor_fs, late=0.5)
                sensor = beats_of(pulse, self.rule)
            self._floors[fs] = _Floor(
                frames=frames,
                sensor=sensor,
                frame_intervals=intervals_of(frames, self.variability),
                sensor_intervals=intervals_of(sensor, self.variability),
            )
        return self._floors[fs]


_REFERENCES: WeakKeyDictionary[GroundTruth, dict[str, _ReferenceBeats]] = WeakKeyDictionary()


def _reference(evaluator: Evaluator, truth: GroundTruth) -> _ReferenceBeats:
    """The beats of a reference, found once while the reference is in use."""
    by_rule = _REFERENCES.setdefault(truth, {})
    if evaluator.digest not in by_rule:
        by_rule[evaluator.digest] = _ReferenceBeats(evaluator, truth)
    return by_rule[evaluator.digest]


def _matched(
    beats: Beats, reference: Beats, rule: VariabilityReading, lag_s: float = 0.0
) -> BeatMatch:
    return match_beats(
        beats.times_s,
        reference.times_s,
        within_s=rule.match_within_s,
        largest_lag_s=rule.largest_lag_s,
        expected_lag_s=lag_s,
    )


def variability_columns(
    evaluator: Evaluator,
    pulses: Sequence[Waveform],
    truths: Sequence[GroundTruth],
    start_s: Array,
    duration_s: Array,
) -> dict[str, NDArray[Any]]:
    """The columns of beats and heart-rate variability.

    Args:
        evaluator: The rule; it declares `variability`.
        pulses: Estimates, n of them.
        truths: The reference of each.
        start_s: Starts of the windows (n, W).
        duration_s: Their durations (n, W).

    Returns:
        `COLUMNS` by name, and `variability_reason`: (n, W) each.
    """
    shape = start_s.shape
    columns: dict[str, Array] = {name: np.full(shape, np.nan) for name in COLUMNS}
    reasons = np.full(shape, "", dtype=object)
    for row, (pulse, truth) in enumerate(zip(pulses, truths, strict=True)):
        reader = _RecordingReader(evaluator, pulse, truth)
        for window in range(shape[1]):
            begin_s = float(start_s[row, window])
            values, reasons[row, window] = reader.read(
                begin_s, begin_s + float(duration_s[row, window])
            )
            for name, value in values.items():
                columns[name][row, window] = value
    return {**columns, "variability_reason": reasons}


class _RecordingReader:
    """The windows of one estimate beside its reference."""

    def __init__(self, evaluator: Evaluator, pulse: Waveform, truth: GroundTruth) -> None:
        assert evaluator.variability is not None
        self.rule, self.gap_share = evaluator.variability, evaluator.gap_share
        self.fs = pulse.fs
        self.reference = _reference(evaluator, truth)
        estimate, self.sign = oriented(Signal(pulse.samples, pulse.times_s()), self.rule)
        self.beats = beats_of(estimate, self.rule)
        self.intervals = intervals_of(self.beats, self.rule)
        self.lag_s = 0.0

    def read(self, start_s: float, stop_s: float) -> tuple[Mapping[str, float], str]:
        """The columns of a window, and why some have no number."""
        at_s = self.reference.beats.times_s
        of_reference = int(((at_s >= start_s) & (at_s < stop_s)).sum())
        if of_reference < FEWEST_INTERVALS:
            return {}, f"reference: {of_reference} beats in the window"
        limits = start_s, stop_s, self.rule, self.gap_share
        expected, reason = measures(self.reference.intervals, *limits)
        values = {f"{name}_reference": value for name, value in expected.items()}
        values |= self._beats_of_window(start_s, stop_s)
        estimated, own_reason = measures(self.intervals, *limits)
        values |= estimated
        floor = self.reference.floor(self.fs)
        frames, sensor = (
            measures(intervals, *limits)[0]
            for intervals in (floor.frame_intervals, floor.sensor_intervals)
        )
        for name in MEASURES:
            values[f"{name}_error"] = abs(estimated[name] - expected[name])
            values[f"{name}_floor"] = abs(frames[name] - sensor[name])
        beats = floor.frames.within(start_s, stop_s), floor.sensor.within(start_s, stop_s)
        values["ibi_floor_ms"] = _interval_error_ms(_matched(*beats, self.rule), *beats)
        parts = (("reference", reason), ("estimate", own_reason))
        return values, "; ".join(f"{who}: {why}" for who, why in parts if why)

    def _beats_of_window(self, start_s: float, stop_s: float) -> dict[str, float]:
        """F1, the error of intervals and the lag, which the next window starts from."""
        expected = self.reference.beats.within(start_s, stop_s)
        reach_s = self.rule.largest_lag_s + self.rule.match_within_s
        wide = self.beats.within(start_s + self.lag_s - reach_s, stop_s + self.lag_s + reach_s)
        match = _matched(wide, expected, self.rule, self.lag_s)
        matched = len(match.estimate)
        shifted_s = wide.times_s - match.lag_s
        single = np.ones(len(shifted_s), np.bool_)
        single[match.estimate] = False
        unmatched = int((single & (shifted_s >= start_s) & (shifted_s < stop_s)).sum())
        f1 = match_f1(matched, matched + unmatched, len(expected.times_s))
        if f1 >= SURE_F1:
            self.lag_s = match.lag_s
        return {
            "beat_f1": f1,
            "beat_sign": float(self.sign) if len(wide.times_s) else float("nan"),
            "beat_lag_s": match.lag_s if matched else float("nan"),
            "ibi_error_ms": _interval_error_ms(match, wide, expected),
        }


def _interval_error_ms(match: BeatMatch, beats: Beats, reference: Beats) -> float:
    """Mean absolute difference of the intervals that both have; NaN without any."""
    ends = matched_intervals(match, reference.counted)
    if not len(ends):
        return float("nan")
    own_s, expected_s = (
        series.times_s[places[ends]] - series.times_s[places[ends - 1]]
        for series, places in ((beats, match.estimate), (reference, match.reference))
    )
    return float(1000 * np.mean(np.abs(own_s - expected_s)))
