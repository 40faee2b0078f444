"""Parts of `bench speed` on what a method costs: operations, energy, latency."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rppgbench.cli.speed_methods import chosen_methods, learning_methods
from rppgbench.cli.terminal import tell

if TYPE_CHECKING:
    from rppgbench.core.method import Method
    from rppgbench.core.recording import VideoSource
    from rppgbench.neural.brief_training import BriefTraining
    from rppgbench.profiling.speed import Rate

_brief_trainings: "dict[tuple[str, str, str], BriefTraining]" = {}


def _brief_training(
    args: argparse.Namespace, method: "Method", params: dict[str, Any]
) -> "BriefTraining":
    """A model of the method; the parts of one command share it."""
    from rppgbench.neural.brief_training import train_briefly

    key = method.name, args.preset, args.device
    if key not in _brief_trainings:
        _brief_trainings[key] = train_briefly(method, params, args.device)
    return _brief_trainings[key]


def _networks(args: argparse.Namespace) -> "Iterator[tuple[Method, dict[str, Any]]]":
    """The chosen methods that learn, with their parameters; none where others alone are named."""
    if args.methods is None or any(m.fit and not m.baseline for m in chosen_methods(args)):
        yield from learning_methods(args)


@contextmanager
def _video(args: argparse.Namespace) -> "Iterator[VideoSource]":
    """The video of `--video`, or a simulated one of 640 x 480."""
    from rppgbench.core.recording import VideoSource
    from rppgbench.profiling.extraction_speed import simulated_video

    if args.video:
        yield VideoSource(args.video)
        return
    with TemporaryDirectory(prefix="rppgbench-") as folder:
        yield simulated_video(Path(folder) / "video.mp4", args.seconds)


def operations(args: argparse.Namespace) -> "Iterator[Rate]":
    """Parameters and floating-point operations of networks; other methods are named."""
    from rppgbench.execution.local_executor import environment
    from rppgbench.execution.training_process import DEVICE
    from rppgbench.profiling.speed import Rate

    rest = [m.name for m in chosen_methods(args) if not m.fit and not m.members]
    if rest:
        tell(
            f"note: operations are not counted, as no tool counts those of NumPy: {', '.join(rest)}"
        )
    for method, params in _networks(args):
        from rppgbench.neural.method_operations import operations_per_minute

        brief = _brief_training(args, method, params)
        if brief.reason:
            tell(f"note: operations of a step of {method.name} are not counted: {brief.reason}")
        with environment({DEVICE: args.device}):
            per_minute = operations_per_minute(method, brief.model, params)
        steps = [f"{flop / 1e9:,.3g} GFLOP a {s} step" for s, flop in brief.flop_per_step.items()]
        yield Rate(
            part="operations",
            what=method.name,
            value=per_minute / 1e9,
            unit="GFLOP/min",
            note="; ".join([f"{brief.parameters:,} parameters", *steps]),
            numbers={
                "parameters": brief.parameters,
                "flop_per_minute": per_minute,
                **{f"flop_per_{stage}_step": flop for stage, flop in brief.flop_per_step.items()},
            },
            method=method.name,
            preset=args.preset,
        )


def energy(args: argparse.Namespace) -> "Iterator[Rate]":
    """Energy of a minute of video: the pass over it, then each method."""
    from rppgbench.core.waveform import Waveform
    from rppgbench.execution.local_executor import environment
    from rppgbench.execution.training_process import DEVICE
    from rppgbench.extraction.extractor import extract
    from rppgbench.profiling.energy import energy_rate, work_energy
    from rppgbench.profiling.speed import synthetic_features
    from rppgbench.profiling.streaming import PAPER, STREAMED_S, estimator, is_of_colours

    with _video(args) as source:
        times_s = extract(source).times_s
        duration_s = float(times_s[-1] - times_s[0])
        measured = work_energy(lambda: extract(source))
        yield energy_rate("the pass over a video, before each method", measured, duration_s)
    for method in filter(is_of_colours, chosen_methods(args)):
        batch = synthetic_features(method, 1, STREAMED_S)
        recording = Waveform(batch.samples[0], batch.fs)
        estimate = estimator(method, method.parameters({}))
        measured = work_energy(partial(estimate, recording))
        yield energy_rate(method.name, measured, STREAMED_S, method=method.name, preset=PAPER)
    for method, params in _networks(args):
        from rppgbench.neural.synthetic_inputs import MINUTE_S, synthetic_minute

        model = _brief_training(args, method, params).model
        work = partial(estimator(method, params, model), synthetic_minute(method, params))
        with environment({DEVICE: args.device}):
            measured = work_energy(work)
        yield energy_rate(method.name, measured, MINUTE_S, method=method.name, preset=args.preset)


def latency(args: argparse.Namespace) -> "Iterator[Rate]":
    """Delay of a sample in a causal run: following the face, then each method that can stream."""
    from rppgbench.execution.local_executor import environment
    from rppgbench.execution.training_process import DEVICE
    from rppgbench.profiling.streaming import (
        face_latency_rate,
        is_of_colours,
        latency_rate,
        method_latency,
        model_latency,
    )

    with _video(args) as source:
        yield face_latency_rate(source)
    whole = []
    for method in filter(is_of_colours, chosen_methods(args)):
        measured = method_latency(method)
        if measured is None:
            whole.append(method.name)
        else:
            yield latency_rate(method.name, *measured)
    for method, params in _networks(args):
        from rppgbench.neural.synthetic_inputs import synthetic_minute

        if method.streaming is None or method.streaming(params, float(params["fs"])) is None:
            whole.append(method.name)
            continue
        model = _brief_training(args, method, params).model
        with environment({DEVICE: args.device}):
            measured = model_latency(method, params, model, synthetic_minute(method, params))
        yield latency_rate(method.name, *measured)
    if whole:
        tell(f"note: every sample needs the whole recording: {', '.join(whole)}")
