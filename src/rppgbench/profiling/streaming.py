"""Run methods while the frames arrive, and measure how late their samples are."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rppgbench.core.method import Method, Model
from rppgbench.core.recording import VideoSource
from rppgbench.core.streaming import Streaming
from rppgbench.core.waveform import Array, Waveform
from rppgbench.profiling.speed import COLOUR_INPUTS, Rate, synthetic_features

STREAMED_S = 60.0
PAPER = "paper"


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamedPulse:
    """The samples that a causal run made, and the seconds of each of its calls by the clock."""

    samples: Array
    call_s: Array


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How late the samples of a causal run are, in seconds.

    Attributes:
        look_ahead_s: the longest wait of a sample for frames (`Streaming.look_ahead_s`).
        hop_s: time from one call to the next.
        median_s: median computing time of a call, by the clock.
        high_s: computing time that 95 % of the calls do not exceed.
        largest_difference: of the samples from those for the whole recording, as a share of the
            standard deviation of these.
    """

    look_ahead_s: float
    hop_s: float
    median_s: float
    high_s: float
    largest_difference: float

    @property
    def delay_s(self) -> float:
        """Time from a frame to its sample: look-ahead and computing time, for 95 % of the calls."""
        return self.look_ahead_s + self.high_s

    @property
    def load(self) -> float:
        """Share of the time between calls that a call takes; above 1 the run falls behind."""
        return self.median_s / self.hop_s


def stream_pulse(
    estimate: Callable[[Waveform], Waveform], recording: Waveform, streaming: Streaming
) -> StreamedPulse:
    """Make a pulse hop by hop; each call is given the frames that have arrived, and no later ones.

    Args:
        estimate: the method with its parameters.
        recording: the input of the whole recording (T, ...).
        streaming: the frames that a hop needs.

    Returns:
        The samples (N,) whose frames have all arrived; N is T less `ahead`, in whole hops.
    """
    count = max(0, (len(recording.samples) - streaming.ahead) // streaming.hop)
    parts, call_s = [], np.empty(count)
    for number in range(count):
        first = number * streaming.hop
        begin = max(0, first - streaming.past)
        end = first + streaming.hop + streaming.ahead
        start_s = recording.start_s + begin / recording.fs
        arrived = Waveform(recording.samples[begin:end], recording.fs, start_s)
        began_s = time.perf_counter()
        pulse = estimate(arrived)
        call_s[number] = time.perf_counter() - began_s
        parts.append(pulse.samples[first - begin : first - begin + streaming.hop])
    samples = np.concatenate(parts) if parts else np.empty(0)
    return StreamedPulse(samples=samples, call_s=call_s)


def measure_latency(
    estimate: Callable[[Waveform], Waveform], recording: Waveform, streaming: Streaming
) -> Latency:
    """Run a method while the frames arrive, and compare with its run on the whole recording.

    Args:
        estimate: the method with its parameters.
        recording: the input of the whole recording (T, ...).
        streaming: the frames that a hop needs.

    Raises:
        ValueError: the recording is not longer than a hop with its frames.
    """
    if len(recording.samples) <= streaming.hop + streaming.ahead:
        raise ValueError(f"{len(recording.samples)} frames are too few for {streaming}")
    whole = estimate(recording).samples
    streamed = stream_pulse(estimate, recording, streaming)
    # The last window of a whole recording may begin between two hops: it is not compared.
    compared = min(len(streamed.samples), len(whole) - streaming.hop - streaming.ahead)
    difference = np.abs(streamed.samples[:compared] - whole[:compared]).max()
    spread = float(whole.std())
    return Latency(
        look_ahead_s=streaming.look_ahead_s(recording.fs),
        hop_s=streaming.hop / recording.fs,
        median_s=float(np.median(streamed.call_s)),
        high_s=float(np.quantile(streamed.call_s, 0.95)),
        largest_difference=float(difference / spread) if spread > 0 else float(difference),
    )


def streaming_params(
    method: Method, fs: float, preset: str = ""
) -> tuple[dict[str, Any], Streaming] | None:
    """The parameters with which a method can make its pulse while the frames arrive.

    Args:
        method: the method.
        fs: frames a second.
        preset: the preset; by default the paper's values, or, where these need the whole recording,
            the first preset that does not.

    Returns:
        All parameters and the frames that a hop needs; None where every sample needs the whole
        recording.
    """
    if method.streaming is None:
        return None
    for name in [preset] if preset else [PAPER, *method.presets]:
        params = method.parameters({} if name == PAPER else {"preset": name})
        streaming = method.streaming(params, fs)
        if streaming is not None:
            return params, streaming
    return None


def method_latency(method: Method, fs: float = 30.0) -> tuple[str, Latency] | None:
    """The latency of a method that neither learns nor reads pictures.

    Args:
        method: the method.
        fs: frames a second.

    Returns:
        The preset and the latency; None where every sample needs the whole recording.
    """
    streamed = streaming_params(method, fs)
    if not is_of_colours(method) or streamed is None:
        return None
    params, streaming = streamed
    batch = synthetic_features(method, 1, STREAMED_S)
    latency = measure_latency(
        estimator(method, params), Waveform(batch.samples[0], batch.fs), streaming
    )
    return str(params.get("preset", PAPER)), latency


def model_latency(
    method: Method, params: Mapping[str, Any], model: Model, recording: Waveform
) -> tuple[str, Latency]:
    """The latency of a method that learned, with parameters with which it can stream.

    Args:
        method: the method.
        params: all of its parameters.
        model: its model.
        recording: the input of a recording (T, ...), at the rate of the network.

    Returns:
        The preset and the latency.

    Raises:
        ValueError: a sample needs the whole recording.
    """
    streaming = method.streaming(params, recording.fs) if method.streaming else None
    if streaming is None:
        raise ValueError(f"{method.name}: a sample needs the whole recording")
    latency = measure_latency(estimator(method, params, model), recording, streaming)
    return str(params.get("preset", PAPER)), latency


def is_of_colours(method: Method) -> bool:
    """Whether a method neither learns nor reads pictures, so that made-up colours are its input."""
    return not (method.fit or method.members) and method.input in COLOUR_INPUTS


def estimator(
    method: Method, params: Mapping[str, Any], model: Model | None = None
) -> Callable[[Waveform], Waveform]:
    """A method with its parameters, and with its model if it has one.

    Args:
        method: the method.
        params: all of its parameters.
        model: what it learned.
    """
    models = () if model is None else (model,)
    return lambda waveform: method.estimate(waveform, *models, **params)


def latency_rate(name: str, preset: str, latency: Latency) -> Rate:
    """The row of a method: the longest delay of a sample.

    Args:
        name: name of the method.
        preset: the preset with which it was measured.
        latency: what was measured.
    """
    verdict = "" if latency.load < 1 else "; falls behind"
    return Rate(
        part="latency",
        what=name if preset == PAPER else f"{name}, preset {preset}",
        value=latency.delay_s,
        unit="s",
        note=f"look-ahead {latency.look_ahead_s:.3g} s; computing {1000 * latency.median_s:.3g} ms "
        f"a call, at most {1000 * latency.high_s:.3g} ms in 95 % of the calls, a call every "
        f"{latency.hop_s:.3g} s ({latency.load:.2%} of the time{verdict}); differs from the whole "
        f"recording's run by {latency.largest_difference:.1g} of its spread",
        numbers={
            "look_ahead_s": latency.look_ahead_s,
            "hop_s": latency.hop_s,
            "median_call_s": latency.median_s,
            "call_95_s": latency.high_s,
            "largest_difference": latency.largest_difference,
        },
        method=name,
        preset=preset,
    )


def face_latency_rate(source: VideoSource) -> Rate:
    """The row of decoding and of following the face with smoothed landmarks, frame by frame.

    A frame is ready when its landmarks are smoothed over half a second to either side; the time on
    the clock of the video that has passed until then is the look-ahead. The rest of the pass adds
    none.

    Args:
        source: the video.
    """
    delays_s, frame_s = zip(*_located_frames(source), strict=True)
    look_ahead_s, high_s = max(delays_s), float(np.quantile(frame_s, 0.95))
    return Rate(
        part="latency",
        what="decoding and following the face, before each method",
        value=look_ahead_s + high_s,
        unit="s",
        note=f"look-ahead {look_ahead_s:.3g} s; computing {1000 * np.median(frame_s):.3g} ms a "
        f"frame, at most {1000 * high_s:.3g} ms in 95 % of the frames",
        numbers={
            "look_ahead_s": look_ahead_s,
            "median_call_s": float(np.median(frame_s)),
            "call_95_s": high_s,
        },
    )


def _located_frames(source: VideoSource) -> Iterator[tuple[float, float]]:
    """The delay of each frame, and the computing time of the frame that made it ready, in s.

    The last frames, which are ready at the end of the video, are left out.
    """
    from rppgbench.face.smoothing import SmoothedLandmarks
    from rppgbench.face.tracking import FaceFollower, FaceTracker
    from rppgbench.video.stream import open_video

    locator = SmoothedLandmarks(FaceFollower(FaceTracker()))
    with open_video(source) as video:
        began_s = time.perf_counter()
        for frame in video:
            ready = [located.time_s for located, _ in locator.feed(frame)]
            seconds = time.perf_counter() - began_s
            for time_s in ready:
                yield frame.time_s - time_s, seconds
            began_s = time.perf_counter()
