"""bench agree: two methods on the same input."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.analysis.method_pairs import MethodAgreement, compare_methods
from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.options import region_of, without_effect
from rppgbench.cli.terminal import answer
from rppgbench.core.features import Features
from rppgbench.core.method import Method
from rppgbench.core.recording import VideoSource
from rppgbench.core.registry import find_toml, load_methods
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.roots import cache_folder
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.execution.pulse_estimation import method_inputs
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.extraction.traces import without_gaps
from rppgbench.system.errors import BenchError, RecordingError

HEAD = (
    "pair",
    "stretches",
    "correlation, median (lowest)",
    "apart, bpm: median (largest)",
    "ms a stretch",
    "times as long",
)

Chosen = tuple[Method, Mapping[str, Any]]


def agree(args: argparse.Namespace) -> int:
    """Print a line a pair, as a table in Markdown."""
    if not args.video and not args.trace:
        raise BenchError("bench agree: give it --video FILE or --trace CSV")
    rule = read_evaluator(
        find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    )
    chosen = [(pair, *_pair(pair)) for pair in args.pairs]
    every = [method for _, *two in chosen for method, _ in two]
    args.region = region_of(args.region, every, "skin")
    if not any(method.input == "trace" for method in every):
        without_effect(args, ["trace"], "on methods none of which takes a mean colour")
    if not args.video:
        without_effect(args, ["cache"], "without --video")
    crops = {str(p["crop"]) for _, *two in chosen for m, p in two if m.input == "clip"}
    needs, cache = FeatureRequest(frozenset(crops)), cache_folder(args.cache)
    features = [cached_features(VideoSource(file), needs, cache) for file in args.video]
    traces = [part for file in args.trace for part in _traces(file)]
    found = {}
    for pair, first, second in chosen:
        given = _inputs(first[0], first[1], features, traces, args.region)
        found[pair] = compare_methods(first, second, given, rule)
    if args.json:
        facts = {
            pair: asdict(one) | {"speed_ratio": one.speed_ratio} for pair, one in found.items()
        }
        answer(json.dumps(facts, indent=1))
    else:
        _tell(found)
    return SOME_FAILED if any(one.reason for one in found.values()) else DONE


def _pair(words: str) -> tuple[Chosen, Chosen]:
    names = words.split("=")
    if len(names) != 2:
        raise BenchError(f"bench agree: {words!r} is no pair of methods; write A=B or A@PRESET=B")
    first, second = (_method(name) for name in names)
    return first, second


def _method(words: str) -> Chosen:
    name, _, preset = words.partition("@")
    method = load_methods().get("method", name, "bench agree")
    return method, method.parameters({"preset": preset} if preset else {}, "bench agree")


def _traces(file: Path) -> list[Waveform]:
    """A trace of uneven times on an even grid at its mean rate, one waveform a stretch."""
    table = read_table(file, columns=4, time_first=True)
    if len(table) < 2:
        raise RecordingError(f"{file}: fewer than two lines of time, R, G, B")
    signal = Signal(table[:, 1:], table[:, 0]).in_order()
    found = []
    for at in without_gaps(signal.times_s, np.ones(len(signal.times_s), np.bool_)):
        part = Signal(signal.values[at], signal.times_s[at])
        times_s = part.times_s[0] + np.arange(len(at)) / part.fs
        inside = times_s <= part.times_s[-1]
        found.append(Waveform(part.at(times_s[inside], np.inf), part.fs, float(times_s[0])))
    return found


def _inputs(
    method: Method,
    params: Mapping[str, Any],
    features: Sequence[Features],
    traces: Sequence[Waveform],
    region: str,
) -> list[Waveform]:
    found = [w for one in features for w in method_inputs(one, method, params, region)]
    return found + (list(traces) if method.input == "trace" else [])


def _tell(found: Mapping[str, MethodAgreement]) -> None:
    answer("| " + " | ".join(HEAD) + " |")
    answer("| --- |" + " ---: |" * (len(HEAD) - 1))
    for pair, one in found.items():
        cells = [pair.replace("=", " = "), str(one.stretches)]
        if one.stretches:
            apart = np.array(one.apart_bpm)
            each = [1000 * seconds / one.stretches for seconds in one.seconds]
            cells += [
                f"{np.median(one.correlation):.4f} ({min(one.correlation):.4f})",
                f"{np.median(apart):.2f} ({apart.max():.2f})" if len(apart) else "no rate",
                f"{each[0]:.3g} and {each[1]:.3g}",
                f"{one.speed_ratio:.3g}",
            ]
        else:
            cells += ["–"] * (len(HEAD) - 2)
        answer("| " + " | ".join(cells) + " |")
    for pair, one in found.items():
        if one.reason:
            answer(f"{pair}: {one.reason}")
