"""bench predict: the heart rate in one video."""

import argparse
import json
import math
from pathlib import Path

from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.options import region_of
from rppgbench.cli.terminal import answer, tell
from rppgbench.core.method import Model
from rppgbench.core.model_files import is_model, read_model
from rppgbench.core.registry import find_toml, load_methods
from rppgbench.datasets.roots import cache_folder
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.execution.prediction import Prediction, predict_video
from rppgbench.system.errors import BenchError, one_line


def predict(args: argparse.Namespace) -> int:
    """Print the rate, and draw it where asked."""
    method = load_methods().get("method", args.method, "--method")
    region = region_of(args.region, [method], "skin")
    file = find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    model = _model(args.weights) if args.weights else None
    said = predict_video(
        args.video,
        method,
        read_evaluator(file),
        cache_folder(args.cache),
        region=region,
        model=model,
    )
    if args.plot:
        from rppgbench.report.figures.prediction import plot_prediction

        if said.pulse is not None:
            plot_prediction(args.plot, said.pulse, said.windows)
        else:
            tell(f"note: {args.plot} is not drawn: there is no pulse")
    beside = args.video.with_suffix(".csv")
    if beside.is_file():
        tell(f"note: {beside} is not read; heart_rates.csv is, by bench run --protocol videos")
    if args.json:
        answer(json.dumps(said.to_dict(), indent=1))
    else:
        _tell(said)
    return SOME_FAILED if math.isnan(said.heart_rate_bpm) else DONE


def _model(place: Path) -> Model:
    """A model folder of a run, or a file of weights; nothing in it is unpickled."""
    if place.is_dir():
        if not is_model(place):
            raise BenchError(
                f"--weights: {place} holds no model; give RESULTS/models/NAME or a file"
            )
        return read_model(place)
    from rppgbench.neural.safetensors_io import read_weights

    return read_weights(place)


def _tell(said: Prediction) -> None:
    for line in said.warnings:
        tell(f"warning: {one_line(line)}")
    if math.isnan(said.heart_rate_bpm):
        answer(
            f"{said.verdict}: {one_line(said.reason)} (a face is in {said.face_coverage:.0%} of "
            f"{said.frames} frames over {said.duration_s:.1f} s)"
        )
        if said.reading:
            answer(f"  {said.reading}")
    else:
        answer(
            f"{said.heart_rate_bpm:.1f} bpm by {said.method}: {said.verdict} "
            f"(SNR {said.snr_db:.1f} dB, coverage {said.coverage:.0%}, "
            f"{said.frames} frames, {said.fps:.2f} a second)"
        )
        answer(f"  {said.reading}")
        if said.reason:
            answer(f"  {said.verdict}: {one_line(said.reason)}")
    for start_s, duration_s, bpm, snr_db in said.windows:
        rate = "   no rate" if math.isnan(bpm) else f"{bpm:6.1f} bpm  {snr_db:5.1f} dB"
        answer(f"  {start_s:6.1f} to {start_s + duration_s:6.1f} s  {rate}")
