"""The contract that every method keeps, and the tests of each clause."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rppgbench.core.features import REGIONS, FaceClip, FaceTrack, Features, RegionMoments
from rppgbench.core.method import Example, Method, Model, Training
from rppgbench.core.recording import GroundTruth
from rppgbench.core.return_checks import confidence_faults
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.extraction.crops import crop_rule
from rppgbench.profiling.streaming import estimator, measure_latency, streaming_params
from rppgbench.system.errors import NoPulseError, error_text, shortened
from rppgbench.system.isolation import isolated

SIGNATURE = np.array([0.33, 0.77, 0.53])  # de Haan and van Leest 2014, 10.1088/0967-3334/35/9/1913
SKIN = np.array([150.0, 105.0, 85.0])
SECONDS = 20.0
MAX_DIFFERENCE = 1e-6
"""Largest difference of a causal run from the run on the whole recording, as a share of the
standard deviation: rounding is far below."""
STATED = re.compile(r"\([^()]*\bT\b[^()]*\)|\bunits?\b|\bbpm\b")
# Four pixels of the skin, beside its mean: darker and lighter, and each of another tint.
PIXELS = np.array([[0.85, 0.85, 0.85], [0.97, 0.95, 0.93], [1.0, 1.01, 1.0], [1.08, 1.1, 1.13]])


@dataclass(frozen=True)
class Finding:
    """One clause of the contract: `kept` is None where it does not apply, and `reason` says why."""

    clause: str
    kept: bool | None
    reason: str = ""


def check_method(method: Method) -> list[Finding]:
    """Try every clause on a method; a clause that raises is broken, and the others go on.

    A method that learns from pixels is not trained here: what needs a model does not apply to it.
    One that comes with learned weights is not asked for the pulse of pictures without a face. A
    baseline, which does not look at the video, is fitted on two examples.
    """
    return [_try(clause, method) for clause in CLAUSES]


def clean_trace(bpm: float, fs: float = 30.0, seconds: float = SECONDS) -> Array:
    """A mean RGB trace (T, 3) of a still face whose green dips most with each beat.

    Relative pulsations follow the blood volume signature; the light drifts slowly by 1 %, so that
    no channel is a pure sine, and the noise is that of a mean over ten thousand pixels, so that the
    channels are three signals and not two.

    Args:
        bpm: the heart rate.
        fs: frames a second.
        seconds: the length.

    Returns:
        The trace.
    """
    times = np.arange(round(seconds * fs)) / fs
    beat = 0.006 * np.sin(2 * np.pi * bpm / 60 * times)
    light = 1 + 0.01 * np.sin(2 * np.pi * 0.05 * times)
    noise = np.random.default_rng(0).normal(0, 0.01, (len(times), 3))
    trace: Array = SKIN * light[:, None] * (1 - beat[:, None] * SIGNATURE) + noise
    return trace


def _input(method: Method, bpm: float, fs: float = 30.0, seconds: float = SECONDS) -> Waveform:
    """The input that a run would give this method from a face with a clean pulse."""
    if method.members:
        raise _NotHere(f"formed from {', '.join(method.members)} when they are scored")
    trace = clean_trace(bpm, fs, seconds)
    if method.input == "trace":
        return Waveform(trace, fs)
    if method.input == "trace_background":
        return Waveform(np.stack([trace, np.full_like(trace, 90.0)], axis=1), fs)
    if method.input == "stmap" and method.fit is None:
        return Waveform(trace[:, None, :] * np.linspace(0.8, 1.1, 25)[:, None], fs)
    if method.input == "second_moments":
        pixels = trace[:, None, :] * PIXELS
        return Waveform(np.einsum("tpi,tpj->tij", pixels, pixels) / len(PIXELS), fs)
    if method.input == "clip" and method.fit is None:
        return Waveform(_pictures(trace, crop_rule(_crop(method)).size), fs)
    raise _NotHere("must be trained; run it under a protocol")


def _crop(method: Method) -> str:
    return str(method.parameters({})["crop"])


def _pictures(trace: Array, size: int) -> Any:
    """Shaded skin of that mean colour with a grain: (T, S, S, 3) uint8."""
    shade = 1 + 0.15 * np.cos(np.linspace(-1.5, 1.5, size))
    grain = np.random.default_rng(0).normal(0, 2, (size, size, 1))
    lit = (shade[:, None] * shade)[..., None]
    pictures = (np.round(np.clip(lit * colour + grain, 0, 255)) for colour in trace)
    return np.stack([picture.astype(np.uint8) for picture in pictures])


def _of_the_video(method: Method) -> None:
    """Two clauses ask for the pulse of made-up skin: not of these."""
    if method.baseline:
        raise _NotHere("a baseline: it does not look at the video")
    if method.input == "clip" and method.fit is None:
        raise _NotHere("made for pictures of a face: try it on a video with bench predict")


def _try(clause: Callable[[Method], Iterator[str]], method: Method) -> Finding:
    name = clause.__name__.removeprefix("_").replace("_", " ")
    try:
        with isolated():
            faults = list(clause(method))
    except _NotHere as reason:
        return Finding(name, None, str(reason))
    except Exception as error:
        text = shortened(f"raises {type(error).__name__}: {error_text(error)}")
        return Finding(name, False, text)
    return Finding(name, not faults, "; ".join(faults))


class _NotHere(Exception):
    """Why a clause does not apply to a method."""


def _estimate(method: Method, waveform: Waveform) -> Waveform:
    params = method.parameters({})
    if method.fit is None:
        return method.estimate(waveform, **params)
    if not method.baseline:
        raise _NotHere("must be trained; run it under a protocol")
    return method.estimate(waveform, _fitted(method), **params)


def _fitted(method: Method) -> Model:
    times = np.arange(0, SECONDS, 1.0)
    examples = [
        Example(
            recording=f"r{bpm}",
            subject=f"s{bpm}",
            inputs=(_input(method, bpm),),
            ground_truth=GroundTruth(heart_rate=Signal(np.full(len(times), float(bpm)), times)),
        )
        for bpm in (60, 80)
    ]
    if method.fit is None:
        raise _NotHere("does not learn")
    with TemporaryDirectory() as folder:
        training = Training(seed=0, device="cpu", folder=Path(folder))
        return method.fit(examples, training, **method.parameters({}))


def strongest_bpm(pulse: Waveform) -> float:
    """The strongest frequency between 40 and 180 bpm, by a periodogram padded to 0.1 bpm."""
    x = pulse.samples - pulse.samples.mean()
    nfft = round(600 * pulse.fs)
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)), n=nfft)) ** 2
    bpm = np.fft.rfftfreq(nfft, 1 / pulse.fs) * 60
    band = (bpm >= 40) & (bpm <= 180)
    return float(bpm[band][np.argmax(power[band])])


def _finds_a_clean_pulse(method: Method) -> Iterator[str]:
    _of_the_video(method)
    for bpm, fs in ((50.0, 30.0), (72.0, 30.0), (72.0, 25.0), (120.0, 30.0)):
        estimate_bpm = strongest_bpm(_estimate(method, _input(method, bpm, fs)))
        if abs(estimate_bpm - bpm) > 2:
            yield f"says {estimate_bpm:.1f} bpm for {bpm:.0f} at {fs:.0f} frames a second"


def _gives_a_pulse_on_the_clock_of_its_input(method: Method) -> Iterator[str]:
    waveform = _input(method, 72.0)
    waveform = Waveform(waveform.samples, waveform.fs, 3.0)
    pulse = _estimate(method, waveform)
    if not isinstance(pulse, Waveform):
        yield f"returns {type(pulse).__name__}, not a Waveform"
        return
    if pulse.samples.ndim != 1:
        yield f"returns samples of shape {pulse.samples.shape}, not (T,)"
    if pulse.fs != waveform.fs:
        yield f"changes the rate from {waveform.fs} to {pulse.fs} samples a second"
    end_s = pulse.start_s + len(pulse.samples) / pulse.fs
    if pulse.start_s < 3.0 - 1e-9 or end_s > 3.0 + SECONDS + 1e-6:
        yield f"lies at {pulse.start_s:.2f} to {end_s:.2f} s, outside of its input"
    if not np.isfinite(pulse.samples).all():
        yield "holds values that are not numbers"


def _leaves_its_input_untouched(method: Method) -> Iterator[str]:
    waveform = _input(method, 72.0)
    before = waveform.samples.copy()
    _estimate(method, waveform)
    if not np.array_equal(before, waveform.samples):
        yield "writes into the samples that it is given"


def _says_the_same_twice(method: Method) -> Iterator[str]:
    waveform = _input(method, 72.0)
    first, second = (_estimate(method, waveform) for _ in range(2))
    if not np.array_equal(first.samples, second.samples, equal_nan=True):
        yield "two calls on the same input differ"
    stated, again = (
        np.empty(0) if w.confidence is None else w.confidence.values for w in (first, second)
    )
    if not np.array_equal(stated, again, equal_nan=True):
        yield "two calls on the same input differ in their confidence"


def _gives_a_confidence_from_0_to_1(method: Method) -> Iterator[str]:
    """A confidence, where there is one, on the clock of the input, which begins at 3 s here."""
    waveform = _input(method, 72.0)
    waveform = Waveform(waveform.samples, waveform.fs, 3.0)
    confidence = _estimate(method, waveform).confidence
    if confidence is None:
        raise _NotHere("gives none")
    yield from confidence_faults(confidence, waveform)


def _invents_no_pulse_on_a_flat_input(method: Method) -> Iterator[str]:
    _of_the_video(method)
    waveform = _input(method, 72.0)
    flat = np.broadcast_to(waveform.samples.mean(axis=0), waveform.samples.shape).copy()
    try:
        samples = _estimate(method, Waveform(flat, waveform.fs)).samples
    except NoPulseError:
        return  # refusing is as good
    lively = _estimate(method, waveform).samples.std()
    if not samples.std() <= 1e-3 * lively:
        yield "a face that never changes still gives a wave"


def _survives_gaps(method: Method) -> Iterator[str]:
    from rppgbench.execution.pulse_estimation import estimate_pulse

    if method.baseline or method.fit is not None or method.members:
        raise _NotHere("must be trained; run it under a protocol")
    features = _with_gap()
    if method.input == "clip":
        clips = {_crop(method): _make_clip(features, _crop(method))}
        features = replace(features, clips=clips)
    pulse, coverage = estimate_pulse(features, method, method.parameters({}), "skin")
    inside = (pulse.times_s() > 10.2) & (pulse.times_s() < 11.8)
    if np.isfinite(pulse.samples[inside]).any():
        yield "gives a wave where there was no face"
    if not 0.75 < coverage < 1:
        yield f"covers {coverage:.0%} of a recording whose face is away for 2 s of 22"


def _streams_as_declared(method: Method) -> Iterator[str]:
    if method.streaming is None:
        raise _NotHere("every sample needs the whole recording")
    waveform = _input(method, 72.0)
    streamed = streaming_params(method, waveform.fs)
    if streamed is None:
        raise _NotHere(f"streams with no preset at {waveform.fs:g} frames a second")
    if method.fit is not None:
        raise _NotHere("must be trained; run it under a protocol")
    params, streaming = streamed
    latency = measure_latency(estimator(method, params), waveform, streaming)
    if not latency.largest_difference <= MAX_DIFFERENCE:
        yield (
            f"samples of a causal run differ by {latency.largest_difference:.2g} of their spread "
            "from those of the whole recording"
        )


def _make_clip(features: Features, rule: str) -> FaceClip:
    """Pictures of the features' skin by that rule, black where there is no face."""
    trace = np.nan_to_num(features.moments.mean_rgb("skin"))
    has_face = features.track.detected
    pictures = _pictures(trace, crop_rule(rule).size) * has_face[:, None, None, None]
    return FaceClip(rule, pictures, has_face)


def _with_gap() -> Features:
    """22 s of a face that is away from 10 to 12 s."""
    trace = clean_trace(72.0, seconds=22.0)
    frames, regions = len(trace), len(REGIONS)
    times = np.arange(frames) / 30.0
    is_detected = (times < 10) | (times >= 12)
    pixels = 400.0
    values = trace[:, None, :] * PIXELS
    values = np.round(values)
    pairs = np.stack([values[..., i] * values[..., j] for i in range(3) for j in range(i, 3)], -1)
    has_face = is_detected[:, None]
    count = np.where(has_face, pixels, 0.0) * np.ones((1, regions))
    rgb = np.where(has_face, values.mean(axis=1) * pixels, 0.0)[:, None, :] * np.ones(
        (1, regions, 1)
    )
    second = np.where(has_face, pairs.mean(axis=1) * pixels, 0.0)[:, None, :] * np.ones(
        (1, regions, 1)
    )
    moments = RegionMoments(names=REGIONS, count=count, rgb=rgb, second=second)
    nowhere = np.where(is_detected[:, None], 1.0, np.nan)
    landmarks = (nowhere[:, :, None] * np.ones((1, 468, 2))).astype(np.float32)
    track = FaceTrack(
        landmarks=landmarks,
        box=(nowhere * np.ones((1, 4))).astype(np.float32),
        detected=is_detected,
        cadence=1,
    )
    return Features(times_s=times, track=track, moments=moments)


def _declares_what_it_is(method: Method) -> Iterator[str]:
    if not method.title.strip():
        yield "has no title"
    if not method.cite.strip():
        yield "cites nothing: give the paper's DOI, or the reference in words"
    doc = inspect.getdoc(method.estimate)
    if not doc:
        yield "its function has no docstring: say what comes back, shapes, units, source"
    elif not STATED.search(doc):
        yield "its docstring states neither the shape of what comes back, as (T,), nor its unit"
    try:
        json.dumps(dict(method.params), allow_nan=False)
    except (TypeError, ValueError):
        yield "a parameter's default is not plain (number, text, boolean, none or a list of them)"
    if any(value is inspect.Parameter.empty for value in method.params.values()):
        yield "a keyword-only parameter has no default"


CLAUSES: tuple[Callable[[Method], Iterator[str]], ...] = (
    _declares_what_it_is,
    _finds_a_clean_pulse,
    _gives_a_pulse_on_the_clock_of_its_input,
    _leaves_its_input_untouched,
    _gives_a_confidence_from_0_to_1,
    _says_the_same_twice,
    _invents_no_pulse_on_a_flat_input,
    _survives_gaps,
    _streams_as_declared,
)
