"""bench predict: the heart rates in videos, or in one file of mean colours."""

import argparse
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import path
from rppgbench.cli.options import choose_region, output, plugins, without_effect
from rppgbench.cli.predict_answer import answer_prediction, write_tables
from rppgbench.cli.terminal import answer_json, note, tell
from rppgbench.system.errors import BenchError, MachineError, one_line
from rppgbench.system.folders import make_folder, refuse_folder, require_writable

if TYPE_CHECKING:
    from rppgbench.api.videos import VideoPrediction
    from rppgbench.core.recording import GroundTruth

TABLES = (".csv", ".json")
"""What a table of samples or windows can be, by the end of its file's name."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "predict",
        run,
        about="The heart rates in videos, or in mean colours from a file.",
        example="bench predict me.mp4 --method pos --reference oximeter.csv --plot me.png",
    )
    parser.add_argument(
        "videos", type=path, nargs="*", metavar="VIDEO", help="videos, or folders that hold some"
    )
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
        "--preset",
        metavar="NAME",
        help="parameters of the method, as `bench show METHOD` names them (default: those that the "
        "weights were learned with, or the paper's)",
    )
    parser.add_argument(
        "--evaluator", default="beats_tukey", metavar="NAME", help="how rates are read"
    )
    parser.add_argument(
        "--region", metavar="NAME", help="region of a video (skin); whole_frame searches no face"
    )
    parser.add_argument(
        "--reference",
        type=path,
        metavar="FILE",
        help="what a sensor measured: time_s from the first frame, and pulse or heart_rate_bpm; of "
        "several videos with a column video",
    )
    parser.add_argument(
        "--reference-fs", type=float, metavar="HZ", help="of a reference file without times"
    )
    output(parser)
    parser.add_argument(
        "--plot", type=path, metavar="FILE", help="a picture, PNG, SVG or PDF; else a folder of PNG"
    )
    parser.add_argument("--samples", type=path, metavar="FILE", help="the pulse, CSV or JSON")
    parser.add_argument(
        "--windows", type=path, metavar="FILE", help="rate and error of each window, CSV or JSON"
    )
    parser.add_argument("--cache", type=path, metavar="DIR", help="where features are kept")
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print each heart rate, and write the pictures and tables that are asked for."""
    if bool(args.videos) == (args.trace is not None):
        raise BenchError("bench predict: give it videos, or --trace FILE")
    videos = [args.trace] if args.trace is not None else _unique(_listed(args.videos))
    pictures = _pictures(args.plot, videos)
    _check_outputs(args, pictures.values())
    predict = _predictor(args, videos)
    single = args.trace is not None or (videos == args.videos and len(videos) == 1)
    predictions: list[VideoPrediction] = []
    outcomes: list[dict[str, object]] = []
    for number, video in enumerate(videos, start=1):
        if not single and args.json:
            tell(f"{number} of {len(videos)}: {video}")
        try:
            prediction = predict(video)
        except MachineError:
            raise
        except BenchError as error:
            if single:
                raise
            tell(f"{video}: no answer: {one_line(error)}", error=True)
            outcomes.append(_no_answer(args, video, error))
            continue
        outcomes.append(prediction.details.to_dict())
        predictions.append(prediction)
        if not args.json:
            answer_prediction(prediction.details, with_windows=single)
        if pictures:
            _plot(prediction, pictures[video])
    write_tables(args, predictions)
    if args.json:
        answer_json(outcomes[0] if single else {"predictions": outcomes})
    failed = len(predictions) < len(videos)
    rates = [prediction.heart_rate_bpm for prediction in predictions]
    return SOME_FAILED if failed or any(map(math.isnan, rates)) else DONE


def _listed(places: Iterable[Path]) -> Iterator[Path]:
    """The videos, with those of a folder in their natural order."""
    from rppgbench.datasets.layout import files_below
    from rppgbench.video.suffixes import VIDEO_SUFFIXES

    for place in places:
        if not place.is_dir():
            yield place
            continue
        videos = [file for file in files_below(place) if file.suffix.lower() in VIDEO_SUFFIXES]
        if not videos:
            raise BenchError(
                f"{place}: holds no video by its name; `bench data show video_folder` lists the "
                "endings"
            )
        yield from videos


def _unique(videos: Iterable[Path]) -> list[Path]:
    """The videos in their order, without those that an earlier path names too."""
    first_paths: dict[Path, Path] = {}
    for video in videos:
        first_paths.setdefault(video.absolute(), video)
    return list(first_paths.values())


def _check_outputs(args: argparse.Namespace, pictures: Iterable[Path]) -> None:
    """Refuse files that could not be written at the end, before the first video is read."""
    tables = {"--samples": args.samples, "--windows": args.windows}
    places = [(option, table) for option, table in tables.items() if table is not None]
    for _, table in places:
        if table.suffix.lower() not in TABLES:
            raise BenchError(f"{table}: no table of kind {table.suffix!r}; known: .csv, .json")
    if len({table.resolve() for _, table in places}) < len(places):
        raise BenchError(f"--windows: {args.windows} is the file of --samples too; name another")
    for option, file in (*places, *(("--plot", picture) for picture in pictures)):
        refuse_folder(file, option)
        require_writable(make_folder(file.parent), option)


def _no_answer(args: argparse.Namespace, video: Path, error: BenchError) -> dict[str, object]:
    """What `--json` says of a video that cannot be read: the keys of an answer, with the reason."""
    return {
        "video": str(video),
        "method": args.method,
        "evaluator": args.evaluator,
        "pulse": None,
        "heart_rate_bpm": None,
        "reason": str(error),
    }


def _pictures(place: Path | None, videos: Sequence[Path]) -> dict[Path, Path]:
    """The picture of each video; none without `--plot`."""
    if place is None:
        return {}
    from rppgbench.report.figures.prediction import KINDS

    if len(videos) == 1 and not place.is_dir():
        if place.suffix.lower() not in KINDS:
            known = ", ".join(KINDS)
            raise BenchError(f"{place}: no picture of kind {place.suffix!r}; known: {known}")
        return {videos[0]: place}
    if place.suffix.lower() in KINDS:
        raise BenchError(f"--plot: {place} is one picture of {len(videos)} videos; give a folder")
    names = [video.stem for video in videos]
    if len(set(names)) < len(names):
        names = _names_below_common_folder(videos)
    if len(set(names)) < len(names):
        raise BenchError("--plot: the pictures of two videos have one name; rename a video")
    return {video: place / f"{name}.png" for video, name in zip(videos, names, strict=True)}


def _names_below_common_folder(videos: Sequence[Path]) -> list[str]:
    """Each path below the folder that holds all videos, with "-" between its parts."""
    places = [video.absolute() for video in videos]
    common = os.path.commonpath([place.parent for place in places])
    return ["-".join(place.relative_to(common).parts) for place in places]


def _predictor(
    args: argparse.Namespace, videos: Sequence[Path]
) -> Callable[[Path], "VideoPrediction"]:
    """What gives the answer for one video or file of mean colours."""
    from rppgbench.api.videos import load_model, predict, predict_trace
    from rppgbench.core.registry import load_methods

    method = load_methods().get("method", args.method, "--method")
    truths = _references(args, videos)
    if args.trace is not None:
        without_effect(args, ["region", "weights", "cache"], "with --trace")
        return lambda trace: predict_trace(
            trace,
            method=args.method,
            evaluator=args.evaluator,
            preset=args.preset,
            reference=truths.get(trace),
        )
    region = choose_region(args.region, [method], "skin")
    model = load_model(args.weights)
    return lambda video: predict(
        video,
        method=args.method,
        evaluator=args.evaluator,
        region=region,
        model=model,
        preset=args.preset,
        cache=args.cache,
        reference=truths.get(video),
    )


def _references(args: argparse.Namespace, videos: Sequence[Path]) -> dict[Path, "GroundTruth"]:
    """The reference of each video that has one."""
    if args.reference is None:
        without_effect(args, ["reference-fs"], "without --reference")
        for video in videos if args.trace is None else ():
            if video.with_suffix(".csv").is_file():
                note(f"{video.with_suffix('.csv')} is not read; --reference reads it")
        return {}
    from rppgbench.importing.reference_files import read_video_references

    references = read_video_references(args.reference, videos, args.reference_fs)
    for line in references.notes:
        note(line)
    return dict(references.truths)


def _plot(prediction: "VideoPrediction", picture: Path) -> None:
    if prediction.pulse is None:
        note(f"{picture} is not drawn: there is no pulse")
    else:
        prediction.plot(picture)
