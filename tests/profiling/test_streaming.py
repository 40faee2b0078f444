"""A causal run makes the samples of the run on the whole recording, from frames that arrived."""

from collections.abc import Callable

import numpy as np
import pytest

from rppgbench.core.method import Method
from rppgbench.core.registry import load_methods
from rppgbench.core.streaming import Streaming, overlapping_windows
from rppgbench.core.waveform import Array, Waveform
from rppgbench.profiling.speed import COLOUR_INPUTS, synthetic_features
from rppgbench.profiling.streaming import (
    estimator,
    measure_latency,
    method_latency,
    stream_pulse,
    streaming_params,
)

CLASSICAL = {
    name: method
    for name, method in load_methods().available.items()
    if method.fit is None and method.input in COLOUR_INPUTS and not method.members
}
STREAMED = sorted(name for name, method in CLASSICAL.items() if method.streaming)
WHOLE = sorted({*CLASSICAL} - {*STREAMED})


def one_recording(method: Method, seconds: float = 12.0) -> Waveform:
    batch = synthetic_features(method, 1, seconds)
    return Waveform(batch.samples[0], batch.fs, 3.0)


def with_other_future(recording: Waveform, arrived: int) -> Waveform:
    """The recording with brighter and noisier frames from a frame on."""
    samples = recording.samples.copy()
    rng = np.random.default_rng(1)
    later = samples[arrived:]
    samples[arrived:] = later * rng.uniform(0.8, 1.3, (len(later), *[1] * (later.ndim - 1)))
    return Waveform(samples, recording.fs, recording.start_s)


def stream_of(name: str) -> tuple[Callable[[Waveform], Waveform], Streaming, Waveform]:
    method = CLASSICAL[name]
    recording = one_recording(method)
    streamed = streaming_params(method, recording.fs)
    assert streamed is not None
    params, streaming = streamed
    return estimator(method, params), streaming, recording


def assert_same(samples: Array, expected: Array) -> None:
    np.testing.assert_allclose(samples, expected, atol=1e-9 * float(np.std(expected)), rtol=1e-12)


def test_methods_that_stream_are_there() -> None:
    assert STREAMED == ["chrom", "green", "pbv", "pos", "two_sr"]


@pytest.mark.parametrize("name", STREAMED)
def test_streamed_samples_are_those_of_the_whole_recording(name: str) -> None:
    estimate, streaming, recording = stream_of(name)
    streamed = stream_pulse(estimate, recording, streaming).samples
    whole = estimate(recording).samples
    assert len(whole) - streaming.ahead - streaming.hop < len(streamed) <= len(whole)
    assert_same(streamed, whole[: len(streamed)])


@pytest.mark.parametrize("name", STREAMED)
def test_frames_that_come_later_change_no_sample_that_was_made(name: str) -> None:
    estimate, streaming, recording = stream_of(name)
    for arrived in (streaming.hop + streaming.ahead, 200):
        made = (arrived - streaming.ahead) // streaming.hop * streaming.hop
        other = estimate(with_other_future(recording, arrived)).samples
        assert_same(other[:made], estimate(recording).samples[:made])
        assert not np.allclose(other[arrived:], estimate(recording).samples[arrived:])


@pytest.mark.parametrize("name", ["chrom", "pbv", "pos"])
def test_the_last_frame_that_a_hop_waits_for_changes_it(name: str) -> None:
    estimate, streaming, recording = stream_of(name)
    first = 4 * streaming.hop
    last = first + streaming.hop + streaming.ahead - 1
    samples = recording.samples.copy()
    samples[last] *= np.array([1.1, 0.9, 1.05])
    changed = estimate(Waveform(samples, recording.fs, recording.start_s)).samples
    hop = slice(first, first + streaming.hop)
    assert not np.allclose(changed[hop], estimate(recording).samples[hop], rtol=1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_methods_without_a_stream_depend_on_the_end_of_the_recording(name: str) -> None:
    method = CLASSICAL[name]
    recording = one_recording(method)
    estimate = estimator(method, method.parameters({}))
    first = slice(0, 330)
    other = estimate(with_other_future(recording, 330)).samples
    whole = estimate(recording).samples
    if name in DEPENDS_ON_THE_PAST_ALONE:
        assert_same(other[first], whole[first])
    else:
        assert np.abs(other[first] - whole[first]).max() > 1e-6 * whole.std()


DEPENDS_ON_THE_PAST_ALONE = {"omit"}
"""OMIT reads the first frame, which no buffer of a fixed number of frames holds."""


@pytest.mark.parametrize("preset", ["toolbox", "iphys", "pyvhr"])
def test_presets_that_read_the_whole_recording_do_not_stream(preset: str) -> None:
    assert streaming_params(CLASSICAL["pos"], 30.0, preset) is None


def test_green_streams_where_the_mean_stays_in() -> None:
    streamed = streaming_params(CLASSICAL["green"], 30.0)
    assert streamed is not None
    assert streamed[0]["preset"] == "toolbox"
    assert streaming_params(CLASSICAL["green"], 30.0, "paper") is None


def test_windows_that_overlap_unevenly_need_all_windows_that_hold_a_frame() -> None:
    length, step, total = 10, 4, 62
    x = np.random.default_rng(0).normal(size=total)

    def mean_of_windows(part: Waveform) -> Waveform:
        starts = range(0, len(part.samples) - length + 1, step)
        sums, counts = np.zeros(len(part.samples)), np.zeros(len(part.samples))
        for start in starts:
            sums[start : start + length] += part.samples[start : start + length].max()
            counts[start : start + length] += 1
        return Waveform(sums / np.maximum(counts, 1), part.fs)

    streamed = stream_pulse(mean_of_windows, Waveform(x, 1.0), overlapping_windows(length, step))
    whole = mean_of_windows(Waveform(x, 1.0)).samples
    assert len(streamed.samples) == 56
    np.testing.assert_allclose(streamed.samples, whole[:56])


def test_each_call_gets_the_clock_and_the_frames_that_are_declared() -> None:
    calls = []

    def note(part: Waveform) -> Waveform:
        calls.append((part.start_s, part.samples.tolist()))
        return part

    recording = Waveform(np.arange(7.0), 2.0, 10.0)
    streamed = stream_pulse(note, recording, Streaming(hop=2, past=1, ahead=1))
    assert calls == [(10.0, [0, 1, 2]), (10.5, [1, 2, 3, 4]), (11.5, [3, 4, 5, 6])]
    assert streamed.samples.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_recording_shorter_than_a_hop_gives_no_sample() -> None:
    recording = Waveform(np.zeros(4), 1.0)
    streamed = stream_pulse(lambda part: part, recording, Streaming(hop=3, past=0, ahead=2))
    assert streamed.samples.shape == (0,)


def test_latency_needs_a_recording_that_is_long_enough() -> None:
    with pytest.raises(ValueError, match="5 frames are too few"):
        measure_latency(
            lambda part: part, Waveform(np.ones(5), 1.0), Streaming(hop=3, past=0, ahead=2)
        )


def test_latency_is_the_look_ahead_and_the_time_of_computing() -> None:
    measured = method_latency(CLASSICAL["pos"])
    assert measured is not None
    preset, latency = measured
    assert (preset, latency.look_ahead_s, latency.hop_s) == ("paper", 47 / 30, 1 / 30)
    assert latency.delay_s == latency.look_ahead_s + latency.high_s > 47 / 30
    assert latency.largest_difference < 1e-9
    assert method_latency(CLASSICAL["ica"]) is None


def test_a_method_that_looks_further_ahead_than_it_says_is_found() -> None:
    """The difference from the whole recording's run is large where the declaration is false."""
    recording = Waveform(np.random.default_rng(0).normal(size=100), 10.0)

    def look_ahead(part: Waveform) -> Waveform:
        return Waveform(np.append(part.samples[3:], np.zeros(3)), part.fs, part.start_s)

    honest = measure_latency(look_ahead, recording, Streaming(hop=1, past=0, ahead=3))
    false = measure_latency(look_ahead, recording, Streaming(hop=1, past=0, ahead=2))
    assert honest.largest_difference == 0.0
    assert false.largest_difference > 0.5


@pytest.mark.parametrize(("hop", "past", "ahead"), [(0, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_impossible_declarations_are_refused(hop: int, past: int, ahead: int) -> None:
    with pytest.raises(ValueError, match="no stream"):
        Streaming(hop=hop, past=past, ahead=ahead)
