"""The answer of `bench predict`: lines in the terminal, and tables."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli.terminal import answer, tell
from rppgbench.system.errors import one_line
from rppgbench.system.io_errors import writing
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    import pandas as pd

    from rppgbench.api.videos import VideoPrediction
    from rppgbench.execution.prediction import Prediction


def write_tables(args: argparse.Namespace, predictions: Sequence[VideoPrediction]) -> None:
    """Write `--samples` and `--windows`, a row for each sample or window of all videos.

    Args:
        args: The command line: `samples` and `windows`.
        predictions: The answers, in the order of the videos.

    Raises:
        BenchError: A table cannot be written.
    """
    if args.samples is not None:
        _write_table(args.samples, [_named(p, p.samples) for p in predictions])
    if args.windows is not None:
        _write_table(args.windows, [_named(p, p.windows) for p in predictions])


def _named(prediction: VideoPrediction, table: pd.DataFrame) -> pd.DataFrame:
    """A table of one answer with the names of its video, method and evaluator."""
    details = prediction.details
    return table.assign(video=details.video, method=details.method, evaluator=details.evaluator)


def _write_table(place: Path, parts: Sequence[pd.DataFrame]) -> None:
    import pandas as pd

    from rppgbench.system.atomic_files import write_file

    names = ["video", "method", "evaluator"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    table = table[[*names, *table.columns.difference(names, sort=False)]]
    if place.suffix.lower() == ".json":
        text = table.to_json(orient="records", indent=1, double_precision=9) + "\n"
    else:
        text = table.to_csv(index=False, lineterminator="\n", float_format="%.9g")
    with writing(place):
        write_file(place, text)


def answer_prediction(prediction: Prediction, *, with_windows: bool) -> None:
    """Print the heart rate, the verdict, the weights and the comparison with the reference.

    Args:
        prediction: The answer of one video or file of mean colours.
        with_windows: Whether each window has a line.
    """
    for warning in prediction.warnings:
        tell(f"warning: {one_line(warning)}")
    name = Path(prediction.video).name
    if math.isnan(prediction.heart_rate_bpm):
        answer(
            f"{name}: pulse: {prediction.verdict}: {one_line(prediction.reason)} "
            f"({prediction.seen} in {prediction.face_coverage:.0%} of {prediction.frames} frames "
            f"over {prediction.duration_s:.1f} s)"
        )
        if prediction.reading:
            answer(f"  {prediction.reading}")
    else:
        answer(
            f"{name}: {prediction.heart_rate_bpm:.1f} bpm by {prediction.method}, read by "
            f"{prediction.evaluator}; pulse: {prediction.verdict} (SNR {prediction.snr_db:.1f} dB, "
            f"coverage {prediction.coverage:.0%}, {prediction.frames} frames, "
            f"{prediction.fps:.2f} a second)"
        )
        answer(f"  {prediction.reading}")
        if prediction.reason:
            answer(f"  {prediction.verdict}: {one_line(prediction.reason)}")
    if math.isfinite(prediction.confidence):
        answer(f"  the method's own confidence: {prediction.confidence:.2f} of 1 at most")
    if prediction.trained_on:
        answer(f"  weights learned on {', '.join(prediction.trained_on)}")
    if prediction.reference is not None:
        answer(f"  {_comparison(prediction)}")
    for window in prediction.windows if with_windows else ():
        start_s, duration_s, bpm, snr_db, truth_bpm = window
        rate = "   no rate" if math.isnan(bpm) else f"{bpm:6.1f} bpm  {snr_db:5.1f} dB"
        truth = "" if math.isnan(truth_bpm) else f"  reference {truth_bpm:6.1f} bpm"
        answer(f"  {start_s:6.1f} to {start_s + duration_s:6.1f} s  {rate}{truth}")


def _comparison(prediction: Prediction) -> str:
    if math.isnan(prediction.heart_rate_bpm):
        return "reference: not compared, as no heart rate is given"
    if not prediction.compared_windows:
        return "reference: no window has a rate of both"
    return (
        f"reference {prediction.reference_bpm:.1f} bpm, mean absolute error "
        f"{prediction.mae_bpm:.2f} bpm over "
        f"{pluralise(prediction.compared_windows, 'window')} with a rate of both"
    )
