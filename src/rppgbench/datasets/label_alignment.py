"""The comparison of label times with frame times.

`bench run`, trainings and `bench data check` use this code, so they report the same faults in the
same words.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rppgbench.core.recording import (
    FLAT_PULSE_S,
    RESPIRATION_GAP_S,
    GroundTruth,
    pulse_gap_s,
    rate_gap_s,
)
from rppgbench.core.waveform import Signal
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.vital_signs import spoken, vital_signs
from rppgbench.system.errors import RecordingError

CLOCK_TOLERANCE = 0.01
"""The durations of labels and frames may differ by this share, or by one reading if that is more.

Quartz clocks differ by 0.0001; cameras and recorders that are started by hand, by less than 1 s.
"""

CONTRADICTION = 0.05
"""With one label for each frame, two clocks that differ by more than this share contradict.

Between 1 and 5 % a recorder may have dropped frames, and methods differ by 5 % too. Beyond 5 %, a
frame rate in a header or the times of the labels are wrong.
"""

SAME_COUNT = 0.01
"""Labels and frames whose numbers differ by at most this share are one label for each frame."""

UNIT_NEAR = 1.25
"""A clock ratio within this factor of 1000, 1/1000, 1000^2 ... means another unit ..."""

UNIT_FAR = 30.0
"""... and so does a ratio beyond this factor with labels further apart than `RARELY_S`.

Labels that last less than 1/30 of the frames leave nothing to score.
"""

MOST_LONGER = 5.0
"""Labels that last longer than this many times the frames, on no clock of their own, cannot be
aligned: they are in tenths or hundredths of a second or are numbers of samples, or they are of a
longer recording whose begin is not known."""

SAME_BEGIN_S, MUCH_LONGER = 5.0, 1.5
"""Labels may go on after the frames where one clock stamps both. Where they begin within 5 s of the
frames and last more than 1.5 times as long, a clock at a wrong speed is as likely: a warning."""

RARELY_S = {
    "pulse": 0.5,
    "heart rate": 30.0,
    "respiration": 2.0,
    "respiration rate": 60.0,
    "oxygen saturation": 60.0,
}
"""No device samples a pulse less often than every 0.5 s, or a rate less often than every 30 s."""

JUMP_S, JUMP_INTERVALS = 1.0, 5.0
"""A step between labels is a jump if it is longer than 1 s and than 5 median intervals."""

FROZEN_RATE_S = 60.0
"""Breathing alone moves a heart rate within a minute; genuine devices keep one for up to 7 s."""

FLAT_RESPIRATION_S = 30.0
"""A respiration that runs straight for longer than a breath is held shows a belt that slipped."""

FLAT_S = {
    "pulse": FLAT_PULSE_S,
    "heart rate": FROZEN_RATE_S,
    "respiration": FLAT_RESPIRATION_S,
}
"""How long a label may keep one value; other labels may keep it for a whole recording."""

HOLES_SHARE = 0.05
"""Gaps in the labels (`pulse_gap_s`, `rate_gap_s`) beyond this share of the frames give a warning.

Genuine recorders pause for up to 2.7 % of a recording, without an effect on the rates.
"""

UNIX_S = 1e8
"""Times beyond this (three years) are Unix times, not seconds from the start of a recording."""

UNITS = {
    1e3: "milliseconds",
    1e6: "microseconds",
    1e9: "nanoseconds",
    1e2: "hundredths of a second",
    1e1: "tenths of a second",
    1 / 60: "minutes",
    1 / 3600: "hours",
}
"""What times are in, by how many of them make a second."""


def check_against_frames(truth: GroundTruth, frames: FrameClock | None) -> GroundTruth:
    """The ground truth with a warning for each difference between its times and the frames' times.

    - The durations differ by more than `CLOCK_TOLERANCE`: the clock ratio, and the place where the
      labels' clock jumps. Labels of a `one_clock` set, and labels that begin before the
      frames, may last longer.
    - Labels that begin with the frames last more than `MUCH_LONGER` times as long.
    - Frames without labels before the first one or after the last one.
    - Gaps in the labels that make up more than `HOLES_SHARE` of the frames.
    - A label that keeps one value for longer than `FLAT_S`.

    A vital sign (respiration, oxygen saturation) that cannot be aligned is left out with a warning.

    Args:
        truth: the labels; their warnings stay.
        frames: the clock of the frames; None where it is unknown: then nothing is compared.

    Raises:
        RecordingError: the labels cannot be aligned with the frames. They do not overlap the frames
            (Unix times), are in another unit (ms read as s), or are one for each frame on a clock
            that runs at another speed (a wrong frame rate in a header).
    """
    if frames is None or not frames.lasts_s > 0:
        return truth
    lines: list[str] = []
    for kind, signal in (("pulse", truth.pulse), ("heart rate", truth.heart_rate)):
        if signal is not None:
            comparison = _Comparison(
                kind=kind, signal=signal, frames=frames, one_clock=truth.one_clock
            )
            lines += [f"{kind}: {line}" for line in comparison.lines()]
    unusable: dict[str, None] = {}
    for name, signal in vital_signs(truth).items():
        if signal is None:
            continue
        comparison = _Comparison(
            kind=spoken(name), signal=signal, frames=frames, one_clock=truth.one_clock
        )
        try:
            lines += [f"{spoken(name)}: {line}" for line in comparison.lines()]
        except RecordingError as error:
            unusable[name] = None
            lines.append(f"{error}; not used")
    return replace(truth, **unusable, warnings=(*truth.warnings, *lines))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Comparison:
    """One kind of labels and the frames."""

    kind: str
    signal: Signal
    frames: FrameClock
    one_clock: bool | None

    def lines(self) -> Iterator[str]:
        """One line for each difference.

        Raises:
            RecordingError: the labels cannot be aligned with the frames.
        """
        count = len(self.signal.times_s)
        if count < 2:
            yield f"{count} labels over {self.frames.frames} frames"
            return
        self._check_unit()
        self._check_overlap()
        self._check_one_per_frame()
        is_off = self._difference_s() > self._slack_s
        if is_off and not self._may_last_longer:
            yield f"{self._describe_durations()}{self._describe_jumps()}"
        else:
            if is_off:
                yield from self._describe_much_longer()
            yield from self._describe_uncovered()
            yield from self._describe_gaps()
        yield from self._describe_flat_runs()

    @property
    def interval_s(self) -> float:
        """The mean time from one label to the next."""
        return self.signal.duration_s / (len(self.signal.times_s) - 1)

    @property
    def lasts_s(self) -> float:
        return self.signal.duration_s + self.interval_s

    @property
    def ratio(self) -> float:
        return self.lasts_s / self.frames.lasts_s

    @property
    def _slack_s(self) -> float:
        reading_s = self.interval_s + self.frames.interval_s
        return max(CLOCK_TOLERANCE * self.frames.lasts_s, reading_s) + 1e-9

    @property
    def _may_last_longer(self) -> bool:
        if self.one_clock is not None:
            return self.one_clock
        # Labels that begin before the first frame have their own times, and may end later too.
        return bool(self.signal.times_s[0] < self.frames.start_s - self.frames.interval_s)

    def _difference_s(self) -> float:
        # A reading is valid for a moment or for its interval, so the smaller difference counts.
        frames = self.frames
        longer_s = self.signal.duration_s - frames.lasts_s
        return max(longer_s, frames.lasts_s - frames.interval_s - self.lasts_s, 0.0)

    def _describe_durations(self) -> str:
        ratio = f"{self.ratio:.3g}" if self.ratio < 0.01 else f"{self.ratio:,.3f}"
        lasts = f"labels last {_seconds(self.lasts_s)}, frames {_seconds(self.frames.lasts_s)}"
        return f"{lasts}: clock ratio {ratio}"

    def _check_unit(self) -> None:
        if self._difference_s() <= self._slack_s:
            return
        power = round(np.log10(self.ratio) / 3)
        near = power != 0 and 1 / UNIT_NEAR <= self.ratio / 1000.0**power <= UNIT_NEAR
        rarely = self.ratio > UNIT_FAR and self.interval_s > RARELY_S[self.kind]
        longer = self.ratio > MOST_LONGER and not self._may_last_longer
        if not (near or rarely or longer or self.ratio < 1 / UNIT_FAR):
            return
        guess = self._guess_unit()
        raise RecordingError(
            f"{self.kind}: {self._describe_durations()}; the labels' times {guess}:"
            " write them in the unit that `bench data show` names for the set, or leave"
            " the recording out"
        )

    def _guess_unit(self) -> str:
        """What unit the labels' times may be in."""
        for factor, unit in UNITS.items():
            if 1 / UNIT_NEAR <= self.ratio / factor <= UNIT_NEAR:
                return f"look like {unit} taken for seconds"
        if 1 / UNIT_NEAR <= self.interval_s <= UNIT_NEAR and self.ratio > 1:
            return "look like the numbers of samples taken for seconds"
        if self.ratio > 1:
            return f"are some {_rounded(self.ratio)} times too large"
        return f"are some {_rounded(1 / self.ratio)} times too small, or the file is cut short"

    def _check_overlap(self) -> None:
        times_s, frames = self.signal.times_s, self.frames
        first, last = float(times_s[0]), float(times_s[-1])
        before = last + self.interval_s < frames.start_s
        if not before and first - self.interval_s <= frames.end_s:
            return
        guess = " (they look like Unix times)" if abs(first) > UNIX_S else ""
        raise RecordingError(
            f"{self.kind}: labels from {_seconds(first)} to {_seconds(last)}, frames from"
            f" {_seconds(frames.start_s)} to {_seconds(frames.end_s)}: not on one clock{guess};"
            " subtract the time of the first frame from the labels' times, or leave the recording"
            " out"
        )

    def _check_one_per_frame(self) -> None:
        count, frames = len(self.signal.times_s), self.frames.frames
        if abs(count - frames) > max(1.0, SAME_COUNT * frames):
            return
        if self._difference_s() <= self._slack_s or abs(self.ratio - 1) <= CONTRADICTION:
            return
        raise RecordingError(
            f"{self.kind}: {count} labels for {frames} frames, one a frame, but"
            f" {self._describe_durations()}{self._describe_jumps()};"
            " correct the labels' times, or write the video again"
            " at its true rate (ffmpeg -r RATE -i FILE OUT.mkv)"
        )

    def _describe_jumps(self) -> str:
        steps_s = np.diff(self.signal.times_s)
        limit_s = max(JUMP_S, JUMP_INTERVALS * float(np.median(steps_s)))
        at = np.flatnonzero(steps_s > limit_s)
        if not len(at):
            return ""
        longest = at[np.argmax(steps_s[at])]
        jumps = "a jump" if len(at) == 1 else f"{len(at)} jumps, the longest"
        when = _seconds(float(self.signal.times_s[longest]))
        return f" ({jumps} of {_seconds(float(steps_s[longest]))} after {when})"

    def _describe_much_longer(self) -> Iterator[str]:
        early_s = self.frames.start_s - float(self.signal.times_s[0])
        if abs(early_s) <= SAME_BEGIN_S and self.ratio > MUCH_LONGER:
            yield (
                f"{self._describe_durations()}, and both begin together; right if the sensor went"
                " on after the video, else the times of labels or frames are wrong"
            )

    def _describe_uncovered(self) -> Iterator[str]:
        times_s, frames = self.signal.times_s, self.frames
        first, last = float(times_s[0]), float(times_s[-1])
        before_s = max(first - self.interval_s - frames.start_s, 0.0)
        after_s = max(frames.end_s - frames.interval_s - last - self.interval_s, 0.0)
        if before_s + after_s > self._slack_s:
            yield (
                f"labels from {_seconds(first)} to {_seconds(last)}, frames from"
                f" {_seconds(frames.start_s)} to {_seconds(frames.end_s)}: no labels for"
                f" {_seconds(before_s + after_s)} of the frames"
            )

    def _describe_gaps(self) -> Iterator[str]:
        steps_s = np.diff(self.signal.times_s)
        gaps_s = steps_s[steps_s > self._gap_s()]
        if gaps_s.sum() > HOLES_SHARE * self.frames.lasts_s:
            yield (
                f"no labels for {_seconds(float(gaps_s.sum()))} of"
                f" {_seconds(self.frames.lasts_s)} (gaps: {len(gaps_s)}, the longest"
                f" {_seconds(float(gaps_s.max()))}): no truth there"
            )

    def _gap_s(self) -> float:
        if self.kind == "respiration":
            return RESPIRATION_GAP_S
        return pulse_gap_s(self.signal) if self.kind == "pulse" else rate_gap_s(self.signal)

    def _describe_flat_runs(self) -> Iterator[str]:
        near = (self.signal.times_s >= self.frames.start_s) & (
            self.signal.times_s <= self.frames.end_s
        )
        values, times_s = self.signal.values[near], self.signal.times_s[near]
        is_waveform = self.kind in {"pulse", "respiration"}
        if len(values) < 3 or (not is_waveform and (values == values[0]).all()):
            return  # a constant rate is one rate for the whole video, not a frozen device
        ends = np.flatnonzero(np.diff(values) != 0)
        starts, ends = np.append(0, ends + 1), np.append(ends, len(values) - 1)
        runs_s = times_s[ends] - times_s[starts]
        long_s = runs_s[runs_s > FLAT_S.get(self.kind, np.inf)]
        if len(long_s):
            total, frames_last = _seconds(float(long_s.sum())), _seconds(self.frames.lasts_s)
            state = "flat" if is_waveform else "frozen"
            yield f"{state} for {total} of {frames_last}: the same value again and again"


def _rounded(factor: float) -> str:
    """A factor as text, to two digits: 1,000 for 997."""
    return f"{float(f'{factor:.2g}'):,.0f}"


def _seconds(value: float) -> str:
    """A time as text: tenths of a second, or three digits of a time below 1 s.

    >>> _seconds(1234.56), _seconds(0.012345)
    ('1,234.6 s', '0.0123 s')
    """
    return f"{value:,.1f} s" if value == 0 or abs(value) >= 1 else f"{value:.3g} s"
