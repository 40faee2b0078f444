"""bench compare-methods: two methods on the same input."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import path
from rppgbench.cli.options import as_json, choose_region, plugins, without_effect
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    from rppgbench.analysis.method_pairs import MethodAgreement
    from rppgbench.core.features import Features
    from rppgbench.core.method import Method
    from rppgbench.core.waveform import Waveform

    MethodWithParams = tuple[Method, Mapping[str, Any]]

COMMAND = "bench compare-methods"

HEADER = (
    "pair",
    "segments",
    "correlation, median (lowest)",
    "apart, bpm: median (largest)",
    "ms a segment",
    "times as long",
)


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "compare-methods",
        run,
        about="Run pairs of methods on the same input: waveforms, heart rates, speed.",
        example=f"{COMMAND} pos@pyvhr=pyvhr_pos chrom=pyvhr_chrom --video face.mp4",
    )
    parser.add_argument("pairs", nargs="+", metavar="A[@PRESET]=B", help="two methods to compare")
    parser.add_argument("--video", type=path, nargs="+", default=[], metavar="FILE")
    parser.add_argument(
        "--trace",
        type=path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="mean colours (time_s or fs, red, green, blue): for methods that take a mean colour",
    )
    parser.add_argument("--region", metavar="NAME", help="face region (skin)")
    parser.add_argument(
        "--evaluator", default="pyvhr", metavar="NAME", help="reads the heart rates"
    )
    parser.add_argument("--cache", type=path, metavar="DIR", help="where features are kept")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line for each pair of methods, as a table in Markdown."""
    from rppgbench.analysis.method_pairs import compare_methods
    from rppgbench.core.features import WHOLE_FRAME
    from rppgbench.core.recording import VideoSource
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.evaluation.evaluator_lookup import find_evaluator
    from rppgbench.extraction.extractor import FeatureRequest
    from rppgbench.extraction.feature_cache import cached_features
    from rppgbench.extraction.trace_files import read_trace, trace_features

    if not args.video and not args.trace:
        raise BenchError(f"{COMMAND}: give it --video FILE or --trace FILE")
    evaluator = find_evaluator(args.evaluator, "--evaluator")
    evaluator.require_heart_rates(args.evaluator)
    pairs = {text: _parse_pair(text) for text in args.pairs}
    declared = [declared for pair in pairs.values() for declared in pair]
    methods = [method for method, _ in declared]
    region = choose_region(args.region, methods, "skin")
    if not any(method.input == "trace" for method in methods):
        without_effect(args, ["trace"], "on methods none of which takes a mean colour")
    if not args.video:
        without_effect(args, ["cache"], "without --video")
    crops = frozenset(str(p["crop"]) for method, p in declared if method.input == "clip")
    cache, request = cache_folder(args.cache), FeatureRequest(crops, region == WHOLE_FRAME)
    features = [cached_features(VideoSource(file), request, cache) for file in args.video]
    traces = [trace_features(read_trace(file).source) for file in args.trace]
    agreements = {
        text: compare_methods(first, second, _inputs(first, features, traces, region), evaluator)
        for text, (first, second) in pairs.items()
    }
    if args.json:
        rows = {
            text: asdict(agreement) | {"speed_ratio": agreement.speed_ratio}
            for text, agreement in agreements.items()
        }
        answer_json(rows)
    else:
        _print_table(agreements)
    return SOME_FAILED if any(agreement.reason for agreement in agreements.values()) else DONE


def _parse_pair(text: str) -> "tuple[MethodWithParams, MethodWithParams]":
    names = text.split("=")
    if len(names) != 2:
        raise BenchError(f"{COMMAND}: {text!r} is no pair of methods; write A=B or A@PRESET=B")
    first, second = (_parse_method(name) for name in names)
    return first, second


def _parse_method(text: str) -> "MethodWithParams":
    from rppgbench.core.registry import load_methods

    name, _, preset = text.partition("@")
    method = load_methods().get("method", name, COMMAND)
    return method, method.parameters({"preset": preset} if preset else {}, COMMAND)


def _inputs(
    declared: "MethodWithParams",
    features: "Sequence[Features]",
    traces: "Sequence[Features]",
    region: str,
) -> "list[Waveform]":
    from rppgbench.core.features import WHOLE_FRAME
    from rppgbench.execution.pulse_estimation import method_inputs

    method, params = declared
    recordings = [(recording, region) for recording in features]
    if method.input == "trace":
        recordings += [(trace, WHOLE_FRAME) for trace in traces]
    return [
        segment
        for recording, place in recordings
        for segment in method_inputs(recording, method, params, place)
    ]


def _print_table(agreements: "Mapping[str, MethodAgreement]") -> None:
    answer("| " + " | ".join(HEADER) + " |")
    answer("| --- |" + " ---: |" * (len(HEADER) - 1))
    for text, agreement in agreements.items():
        answer("| " + " | ".join(_cells(text, agreement)) + " |")
    for text, agreement in agreements.items():
        if agreement.reason:
            answer(f"{text}: {agreement.reason}")


def _cells(text: str, agreement: "MethodAgreement") -> list[str]:
    import numpy as np

    cells = [text.replace("=", " = "), str(agreement.stretches)]
    if not agreement.stretches:
        return cells + ["–"] * (len(HEADER) - 2)
    apart_bpm = np.array(agreement.apart_bpm)
    first_ms, second_ms = (1000 * seconds / agreement.stretches for seconds in agreement.seconds)
    return [
        *cells,
        f"{np.median(agreement.correlation):.4f} ({min(agreement.correlation):.4f})",
        f"{np.median(apart_bpm):.2f} ({apart_bpm.max():.2f})" if len(apart_bpm) else "no rate",
        f"{first_ms:.3g} and {second_ms:.3g}",
        f"{agreement.speed_ratio:.3g}",
    ]
