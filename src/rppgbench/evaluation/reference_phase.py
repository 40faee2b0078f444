"""The phase of a reference, 2 pi a beat."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array
from rppgbench.evaluation.beat_reading import Beats, join_pieces, reference_beats
from rppgbench.evaluation.beat_rule import BeatReading

REACH_S = 2.0
"""Beats this far outside of some times are looked at, which is more than an interval."""

BESIDE = 1.5
"""Intervals before the first beat and after the last one in which the phase is known: a detector
finds no beat at the very edge."""


@dataclass(frozen=True, eq=False)
class ReferencePhase:
    """The phase of one reference: linear between beats, else the integral of the device's rate.

    Attributes:
        truth: The reference.
        rule: How beats are found in its pulse.
    """

    truth: GroundTruth
    rule: BeatReading

    @cached_property
    def beats(self) -> Beats | None:
        """The beats of the reference; None where it has neither a pulse nor beats."""
        if self.truth.beats_s is not None:
            return join_pieces([self.truth.beats_s])
        return None if self.truth.pulse is None else reference_beats(self.truth, self.rule)[0]

    def at(self, times_s: Array) -> Array | None:
        """The phase at some times.

        Before the first beat and after the last one the phase goes on at the rate of the interval
        beside, for `BESIDE` intervals at most: a recording seldom begins with a beat.

        Args:
            times_s: Times (N,), increasing.

        Returns:
            (N,) in radians; None where the reference does not cover the times.
        """
        return self._of_rates(times_s) if self.beats is None else self._of_beats(times_s)

    def _of_beats(self, times_s: Array) -> Array | None:
        beats = self.beats
        assert beats is not None
        reach = (beats.times_s >= times_s[0] - REACH_S) & (beats.times_s <= times_s[-1] + REACH_S)
        near = beats.times_s[reach]
        if len(near) < 3 or not beats.counted[reach][1:].all():
            return None
        before = near[0] - BESIDE * (near[1] - near[0])
        after = near[-1] + BESIDE * (near[-1] - near[-2])
        if before > times_s[0] or after < times_s[-1]:
            return None
        knots_s = np.concatenate([[before], near, [after]])
        beats_before = np.arange(float(len(near)))
        turns = np.concatenate([[-BESIDE], beats_before, [beats_before[-1] + BESIDE]])
        return np.asarray(2 * np.pi * np.interp(times_s, knots_s, turns))

    def _of_rates(self, times_s: Array) -> Array | None:
        rate_bpm = self.truth.heart_rate_at(times_s)
        if not np.isfinite(rate_bpm).all():
            return None
        turns = np.concatenate(
            [[0.0], np.cumsum(np.diff(times_s) * (rate_bpm[1:] + rate_bpm[:-1]) / 2)]
        )
        return np.asarray(2 * np.pi * turns / 60)
