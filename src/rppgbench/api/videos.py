"""The heart rate in one video, or in one file of mean colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.api.heart_rate import load_evaluator
from rppgbench.core.method import Model
from rppgbench.core.model_files import read_model
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.datasets.roots import cache_folder
from rppgbench.execution.prediction import Prediction, predict_video
from rppgbench.execution.prediction import predict_trace as predict_from_trace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class VideoPrediction:
    """What one method says of one video, or of one file of mean colours.

    Attributes:
        details: every number of the answer: frames, coverage, warnings, the reason where there is
            no rate.
    """

    def __init__(self, details: Prediction) -> None:
        self.details = details

    @property
    def heart_rate_bpm(self) -> float:
        """The mean over the evaluator's windows, in bpm; NaN where there is no pulse."""
        return self.details.heart_rate_bpm

    @property
    def pulse(self) -> Waveform | None:
        """The pulse (T,), NaN in gaps; None where no part of the video was long enough."""
        return self.details.pulse

    @property
    def windows(self) -> pd.DataFrame:
        """One row for each window: start_s, duration_s, heart_rate_bpm, snr_db."""
        import pandas as pd

        columns = ["start_s", "duration_s", "heart_rate_bpm", "snr_db"]
        return pd.DataFrame(list(self.details.windows), columns=columns, dtype=float)

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draw pulse, rates and spectrum.

        Args:
            path: a PNG, SVG or PDF file to write as well.

        Returns:
            The figure, which a notebook shows.

        Raises:
            ValueError: there is no pulse to draw.
            BenchError: the ending is unknown, or the file cannot be written.
        """
        from rppgbench.report.figures.prediction import draw_prediction, save_prediction

        if self.pulse is None:
            raise ValueError(f"no pulse to draw: {self.details.reason}")
        figure = draw_prediction(self.pulse, self.details.windows)
        if path is not None:
            save_prediction(figure, Path(path))
        return figure

    def __repr__(self) -> str:
        return f"<{self.details.method}: {self.heart_rate_bpm:.1f} bpm, {self.details.verdict}>"


def predict(
    video: str | Path,
    *,
    method: str = "pos",
    evaluator: str = "beats_tukey",
    region: str = "skin",
    model: Model | str | Path | None = None,
    cache: str | Path | None = None,
) -> VideoPrediction:
    """Find the face in a video, estimate the pulse and read its rate.

    Args:
        video: any file that FFmpeg decodes.
        method: the name of the method.
        evaluator: the rule by which the rate is read.
        region: the face region of methods that average skin.
        model: for a method that learns: its model, or the folder or weights file of one.
        cache: the folder for features. None: RPPGBENCH_CACHE, or the user's cache folder.

    Returns:
        The answer with `.heart_rate_bpm`, `.pulse`, `.windows` and `.plot(path)`.

    Raises:
        BenchError: there is no such file, method, evaluator or region, or no face in the video.
    """
    prediction = predict_video(
        Path(video).expanduser(),
        load_methods().get("method", method, "predict"),
        load_evaluator(evaluator),
        cache_folder(None if cache is None else Path(cache)),
        region=region,
        model=_load_model(model),
    )
    return VideoPrediction(prediction)


def predict_trace(
    trace: str | Path, *, method: str = "pos", evaluator: str = "beats_tukey"
) -> VideoPrediction:
    """Estimate the pulse from a file of mean colours and read its rate.

    Args:
        trace: CSV, TSV, Parquet, NPZ or MAT with `time_s` or `fs`, and `red`, `green`, `blue`.
        method: the name of a method that takes mean colours.
        evaluator: the rule by which the rate is read.

    Returns:
        The answer, as `predict` gives it.

    Raises:
        BenchError: the file cannot be read, or the method is unknown or needs pictures.
    """
    declared = load_methods().get("method", method, "predict_trace")
    return VideoPrediction(
        predict_from_trace(Path(trace).expanduser(), declared, load_evaluator(evaluator))
    )


def _load_model(model: Model | str | Path | None) -> Model | None:
    if model is None or isinstance(model, Model):
        return model
    place = Path(model).expanduser()
    if place.is_dir():
        return read_model(place)
    from rppgbench.neural.safetensors_io import read_weights

    return read_weights(place)
