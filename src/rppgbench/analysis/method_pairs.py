"""Two methods on the same input: how alike, how fast."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rppgbench.core.method import Method
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.execution.prediction_reading import read_rates
from rppgbench.signals.filters import butterworth
from rppgbench.system.errors import BenchError, NoPulseError

BAND_HZ = (0.65, 4.0)
ORDER = 2
REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class MethodAgreement:
    """How two methods' pulses of some stretches compare.

    `correlation` is that of their waveforms between 0.65 and 4 Hz, of each stretch, whatever the
    sign; `apart_bpm` how far their heart rates lie from each other in each window of all stretches.
    `seconds` are those of the first and of the second method for all stretches, each the sum of
    medians of repeated calls in turns. `reason` says why a method has no pulse of some stretch.
    """

    first: str
    second: str
    stretches: int
    correlation: tuple[float, ...]
    apart_bpm: tuple[float, ...]
    seconds: tuple[float, float]
    reason: str = ""

    @property
    def speed_ratio(self) -> float:
        """How many times as long the second takes."""
        return self.seconds[1] / self.seconds[0] if self.seconds[0] else float("nan")


def compare_methods(
    first: tuple[Method, Mapping[str, Any]],
    second: tuple[Method, Mapping[str, Any]],
    stretches: Sequence[Waveform],
    rule: Evaluator,
    *,
    repeats: int = REPEATS,
) -> MethodAgreement:
    """Run two methods, each with all its parameters, over the same stretches of input.

    Heart rates are read by the evaluator's rule in its windows, one each second. BenchError where
    the two take unlike inputs or must learn first.

    Args:
        first: A method and its parameters.
        second: Another method and its parameters.
        stretches: Segments of input that both methods accept.
        rule: The evaluator that reads the heart rates.
        repeats: Number of timed calls.

    Returns:
        The agreement of both methods.

    Raises:
        BenchError: The methods take different inputs, or one must be trained first.
    """
    (first_method, _), (second_method, _) = first, second
    for method in (first_method, second_method):
        if method.fit is not None or method.members:
            raise BenchError(f"{method.name}: must learn or has no pulse of its own")
    if first_method.input != second_method.input:
        raise BenchError(
            f"{first_method.name} takes {first_method.input} and {second_method.name} takes "
            f"{second_method.input}: no input is the same for both"
        )
    correlations: list[float] = []
    differences_bpm: list[float] = []
    seconds = np.zeros(2)
    reasons: list[str] = []
    for segment in stretches:
        calls = [_call(*first, segment), _call(*second, segment)]
        try:
            pulses = [call() for call in calls]
        except (NoPulseError, BenchError) as error:
            reasons.append(str(error))
            continue
        seconds += _timed(calls, repeats)
        a, b = (_in_band(pulse) for pulse in pulses)
        length = min(len(a), len(b))
        correlations.append(abs(float(np.corrcoef(a[:length], b[:length])[0, 1])))
        rates = [read_rates(pulse, rule).bpm.ravel() for pulse in pulses]
        differences_bpm += [
            abs(float(x - y)) for x, y in zip(*rates, strict=True) if np.isfinite(x - y)
        ]
    return MethodAgreement(
        first=first_method.name,
        second=second_method.name,
        stretches=len(correlations),
        correlation=tuple(correlations),
        apart_bpm=tuple(differences_bpm),
        seconds=(float(seconds[0]), float(seconds[1])),
        reason="; ".join(dict.fromkeys(reasons)),
    )


def _call(method: Method, params: Mapping[str, Any], segment: Waveform) -> Callable[[], Waveform]:
    return lambda: method.estimate(segment, **params)


def _timed(calls: Sequence[Callable[[], Waveform]], repeats: int) -> Array:
    """Median seconds of each call, taken in turns so that a busy machine slows all alike."""
    seconds = np.zeros((repeats, len(calls)))
    for turn in seconds:
        for place, call in enumerate(calls):
            began = time.perf_counter()
            call()
            turn[place] = time.perf_counter() - began
    middle: Array = np.median(seconds, axis=0)
    return middle


def _in_band(pulse: Waveform) -> Array:
    return butterworth(pulse.samples, pulse.fs, *BAND_HZ, ORDER)
