"""The ground truth of a recording, cleaned of unusable samples.

Each kind of fault gives one warning, so nothing is dropped silently.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.sample_order import format_count, order_samples
from rppgbench.datasets.vital_signs import clean_vital_signs, vital_signs
from rppgbench.system.errors import RecordingError

LOWEST_BPM, HIGHEST_BPM = 30.0, 240.0  # outside of this no adult heart beats for long
NO_SIGNS: Mapping[str, Signal | None] = MappingProxyType({})
LOWEST_HZ, HIGHEST_HZ = LOWEST_BPM / 60, HIGHEST_BPM / 60
LONGER_THAN_A_VIDEO_S = 1e6  # one rate holds for the whole video, however long it is


def regular_signal(values: Array, fs: float, start_s: float = 0.0) -> Signal:
    """Samples (N,) of a device with a constant sampling rate, with their times.

    Args:
        values: (N,) samples.
        fs: sampling rate in Hz.
        start_s: time of the first sample, in seconds.

    >>> regular_signal(np.array([1.0, 2.0, 3.0]), 4.0).times_s
    array([0.  , 0.25, 0.5 ])
    """
    return Signal(values, start_s + np.arange(len(values)) / fs)


def whole_video_rate(file: Path, rate_bpm: float) -> GroundTruth:
    """The ground truth of a video of which one heart rate is known.

    Args:
        file: the label file, for messages.
        rate_bpm: the rate; NaN where the file has none.

    >>> whole_video_rate(Path("rates.csv"), 0.9).warnings
    ('rates.csv: 0.9 bpm is outside 30 to 240 bpm: no truth',)
    """
    if not np.isfinite(rate_bpm):
        return GroundTruth()
    if not LOWEST_BPM <= rate_bpm <= HIGHEST_BPM:
        line = f"{rate_bpm:g} bpm is outside {LOWEST_BPM:.0f} to {HIGHEST_BPM:.0f} bpm: no truth"
        return GroundTruth(warnings=(f"{file.name}: {line}",))
    ends_s = np.array([0.0, LONGER_THAN_A_VIDEO_S])
    return GroundTruth(heart_rate=Signal(np.full(2, rate_bpm), ends_s))


def clean_labels(
    file: Path,
    *,
    pulse: Signal | None = None,
    heart_rate: Signal | None = None,
    signs: Mapping[str, Signal | None] = NO_SIGNS,
    one_clock: bool | None = None,
    warnings: Iterable[str] = (),
) -> GroundTruth:
    """The ground truth of a recording from the content of its label files.

    - Samples whose time is repeated or goes backward are left out.
    - Pulse samples that are not numbers are left out: a gap where more than one is missing at once.
    - Heart rates that are not numbers, are 0 (the device had no reading) or lie outside 30 to
      240 bpm become NaN: there is no ground truth at that time. Where no heart rate is left, the
      ground truth is the pulse alone.
    - Each of these gives one warning with a count.

    `label_alignment.check_against_frames` compares the times with those of the frames, for every
    data set.

    Args:
        file: the label file, for messages.
        pulse: (N,) in the sensor's unit; None: the set has none.
        heart_rate: (M,) in bpm; None: the set has none.
        signs: vital signs by name (`recording.VITAL_SIGNS`), cleaned by `clean_vital_signs`.
        one_clock: one clock stamped labels and frames, so labels may begin before the first frame
            and end after the last one. None assumes so where labels begin before the first frame.
        warnings: further warnings of the reader.

    Raises:
        RecordingError: nothing usable is left of a signal.
    """
    lines = [*warnings]
    if pulse is not None:
        pulse = order_samples(pulse, f"{file.name}: pulse", lines)
        pulse = _drop_unknown_samples(pulse, f"{file.name}: ", lines)
        if len(pulse.values) < 2:
            raise RecordingError(
                f"{file}: holds {len(pulse.values)} usable pulse samples; "
                "copy the original file again or leave the recording out"
            )
    if heart_rate is not None:
        heart_rate = order_samples(heart_rate, f"{file.name}: heart rate", lines)
        rates_bpm = heart_rate.values
        heart_rate = _drop_implausible_rates(heart_rate, f"{file.name}: ", lines)
        if not np.isfinite(heart_rate.values).any():
            if pulse is None:
                raise RecordingError(
                    f"{file}: holds no heart rate of {LOWEST_BPM:.0f} to {HIGHEST_BPM:.0f} bpm"
                    f"{hz_hint(rates_bpm)}; copy the original file again or leave the recording out"
                )
            heart_rate = None
    usable = clean_vital_signs(signs, lines, f"{file.name}: ")
    return GroundTruth(
        pulse=pulse,
        heart_rate=heart_rate,
        **usable,  # type: ignore[arg-type]
        warnings=tuple(lines),
        one_clock=one_clock,
    )


def plausible_ground_truth(truth: GroundTruth) -> GroundTruth:
    """A ground truth without values that cannot be labels, for every reader.

    Args:
        truth: the output of a reader; the output of `clean_labels` is returned unchanged.

    Returns:
        The same without pulse samples and beats that are not numbers, without beats that go
        backward, with NaN in place of heart rates outside 30 to 240 bpm, and with vital signs as
        `clean_vital_signs` gives them, each with a warning that counts them; without a signal of
        which nothing is left.

    Raises:
        RecordingError: nothing is left of labels that were given.

    >>> rates = Signal(np.array([72.0, 1e9]), np.array([0.0, 1.0]))
    >>> plausible_ground_truth(GroundTruth(heart_rate=rates)).warnings
    ('1 of 2 heart rates are outside 30 to 240 bpm: no truth there',)
    """
    lines: list[str] = []
    pulse, rate = truth.pulse, truth.heart_rate
    if pulse is not None:
        pulse = _drop_unknown_samples(pulse, "", lines)
        pulse = pulse if len(pulse.values) > 1 or not lines else None
    if rate is not None:
        values = np.asarray(rate.values)
        nothing = not np.isfinite(values).any()
        if nothing or _is_implausible(values).any():
            rate = _drop_implausible_rates(
                Signal(values, rate.times_s), "", lines, report_nan=nothing
            )
            rate = rate if np.isfinite(rate.values).any() else None
    beats_s = _ordered_beats(truth.beats_s, lines)
    faults = len(lines)
    signs = clean_vital_signs(vital_signs(truth), lines)
    if not lines:
        return truth
    if faults and pulse is None and rate is None and beats_s is None:
        raise RecordingError(f"the labels hold no truth: {'; '.join(lines)}")
    return replace(
        truth,
        pulse=pulse,
        heart_rate=rate,
        beats_s=beats_s,
        **signs,  # type: ignore[arg-type]
        warnings=(*truth.warnings, *lines),
    )


def _ordered_beats(beats_s: Array | None, lines: list[str]) -> Array | None:
    """Beats without those that are not numbers or go backward; a warning counts them."""
    if beats_s is None:
        return None
    finite = np.asarray(beats_s, np.float64)[np.isfinite(beats_s)]
    latest = np.maximum.accumulate(finite)
    ordered = finite[np.concatenate([[True], finite[1:] > latest[:-1]])] if len(finite) else finite
    left_out = len(beats_s) - len(ordered)
    if left_out:
        lines.append(f"{left_out} of {len(beats_s)} beats are no times or go backward: left out")
    return ordered if len(ordered) else None


def _drop_unknown_samples(pulse: Signal, prefix: str, lines: list[str]) -> Signal:
    """A pulse without samples that are not numbers; a warning counts them."""
    good = np.isfinite(pulse.values)
    if good.all():
        return pulse
    lines.append(f"{prefix}{format_count(~good)} pulse samples are not numbers: left out")
    return Signal(pulse.values[good], pulse.times_s[good])


def _drop_implausible_rates(
    signal: Signal, prefix: str, lines: list[str], *, report_nan: bool = True
) -> Signal:
    """Heart rates with NaN where there is no ground truth; each reason is added to `lines`."""
    values = signal.values
    nothing, zero = np.isnan(values), values == 0
    odd = ~zero & _is_implausible(values)
    for mask, description in (
        (nothing & report_nan, "are not numbers"),
        (zero, "are 0"),
        (odd, f"are outside {LOWEST_BPM:.0f} to {HIGHEST_BPM:.0f} bpm"),
    ):
        if mask.any():
            hint = hz_hint(values) if mask is odd else ""
            lines.append(
                f"{prefix}{format_count(mask)} heart rates {description}: no truth there{hint}"
            )
    return Signal(np.where(zero | odd, np.nan, values), signal.times_s)


def _is_implausible(values: Array) -> NDArray[np.bool_]:
    return (values < LOWEST_BPM) | (values > HIGHEST_BPM)


def hz_hint(rates: Array) -> str:
    """A hint for a message where all heart rates would be plausible in Hz.

    >>> hz_hint(np.array([1.1, np.nan, 1.3]))
    ' (all lie in 0.5 to 4: are they in Hz? multiply by 60; are they intervals in s? divide 60 by \
them)'
    """
    present = rates[np.isfinite(rates) & (rates != 0)]
    if not len(present) or (present < LOWEST_HZ).any() or (present > HIGHEST_HZ).any():
        return ""
    return (
        " (all lie in 0.5 to 4: are they in Hz? multiply by 60; are they intervals in s? divide 60 "
        "by them)"
    )
