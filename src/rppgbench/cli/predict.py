"""bench predict: the heart rate in one video, or in one file of mean colours."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.options import as_json, choose_region, path, plugins, without_effect
from rppgbench.cli.terminal import answer, answer_json, tell
from rppgbench.system.errors import BenchError, one_line

if TYPE_CHECKING:
    from rppgbench.core.method import Method, Model
    from rppgbench.evaluation.evaluator import Evaluator
    from rppgbench.execution.prediction import Prediction


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "predict",
        run,
        about="The heart rate in one video, or in mean colours from a file.",
        example="bench predict me.mp4 --method pos --plot me.png",
    )
    parser.add_argument("video", type=path, nargs="?")
    parser.add_argument(
        "--trace",
        type=path,
        metavar="FILE",
        help="mean colours in place of a video: CSV, Parquet, NPZ or MAT with time_s or fs, and "
        "red, green, blue",
    )
    parser.add_argument("--method", default="pos", metavar="NAME")
    parser.add_argument("--weights", type=path, metavar="FILE", help="of a method that learned")
    parser.add_argument(
        "--evaluator", default="beats_tukey", metavar="NAME", help="how rates are read"
    )
    parser.add_argument(
        "--region", metavar="NAME", help="region of a video (skin); whole_frame searches no face"
    )
    as_json(parser)
    parser.add_argument("--plot", type=path, metavar="FILE", help="a picture, PNG or SVG")
    parser.add_argument("--cache", type=path, metavar="DIR", help="where features are kept")
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print the heart rate, and draw it where `--plot` asks for a picture."""
    from rppgbench.core.registry import find_toml, load_methods
    from rppgbench.evaluation.evaluator import read_evaluator

    if (args.video is None) == (args.trace is None):
        raise BenchError("bench predict: give it a video, or --trace FILE")
    method = load_methods().get("method", args.method, "--method")
    file = find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    prediction = _predict(args, method, read_evaluator(file))
    if args.plot:
        from rppgbench.report.figures.prediction import draw_prediction, save_prediction

        if prediction.pulse is not None:
            save_prediction(draw_prediction(prediction.pulse, prediction.windows), args.plot)
        else:
            tell(f"note: {args.plot} is not drawn: there is no pulse")
    labels = None if args.video is None else args.video.with_suffix(".csv")
    if labels is not None and labels.is_file():
        tell(f"note: {labels} is not read; heart_rates.csv is, by bench run --protocol videos")
    if args.json:
        answer_json(prediction.to_dict())
    else:
        _print(prediction)
    return SOME_FAILED if math.isnan(prediction.heart_rate_bpm) else DONE


def _predict(args: argparse.Namespace, method: "Method", rule: "Evaluator") -> "Prediction":
    """The answer for the video or the mean colours."""
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.execution.prediction import predict_trace, predict_video

    if args.trace is not None:
        without_effect(args, ["region", "weights", "cache"], "with --trace")
        return predict_trace(args.trace, method, rule)
    return predict_video(
        args.video,
        method,
        rule,
        cache_folder(args.cache),
        region=choose_region(args.region, [method], "skin"),
        model=_read_model(args.weights) if args.weights else None,
    )


def _read_model(place: Path) -> "Model":
    """A model folder of a run, or a file of weights; nothing is unpickled."""
    from rppgbench.core.model_files import is_model, read_model

    if place.is_dir():
        if not is_model(place):
            raise BenchError(
                f"--weights: {place} holds no model; give RESULTS/models/NAME or a file"
            )
        return read_model(place)
    from rppgbench.neural.safetensors_io import read_weights

    return read_weights(place)


def _print(prediction: "Prediction") -> None:
    for warning in prediction.warnings:
        tell(f"warning: {one_line(warning)}")
    if math.isnan(prediction.heart_rate_bpm):
        answer(
            f"{prediction.verdict}: {one_line(prediction.reason)} ({prediction.seen} in "
            f"{prediction.face_coverage:.0%} of {prediction.frames} frames over "
            f"{prediction.duration_s:.1f} s)"
        )
        if prediction.reading:
            answer(f"  {prediction.reading}")
    else:
        answer(
            f"{prediction.heart_rate_bpm:.1f} bpm by {prediction.method}: {prediction.verdict} "
            f"(SNR {prediction.snr_db:.1f} dB, coverage {prediction.coverage:.0%}, "
            f"{prediction.frames} frames, {prediction.fps:.2f} a second)"
        )
        answer(f"  {prediction.reading}")
        if prediction.reason:
            answer(f"  {prediction.verdict}: {one_line(prediction.reason)}")
    for start_s, duration_s, bpm, snr_db in prediction.windows:
        rate = "   no rate" if math.isnan(bpm) else f"{bpm:6.1f} bpm  {snr_db:5.1f} dB"
        answer(f"  {start_s:6.1f} to {start_s + duration_s:6.1f} s  {rate}")
