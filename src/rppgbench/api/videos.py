"""The heart rate in one video, or in one file of mean colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.api.heart_rate import load_evaluator
from rppgbench.core.method import Model
from rppgbench.core.model_files import is_model, read_model
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.datasets.roots import cache_folder
from rppgbench.evaluation.windows import RateWindow
from rppgbench.execution.prediction import Prediction
from rppgbench.execution.prediction_reading import NamedEvaluator
from rppgbench.execution.video_prediction import predict_trace as predict_from_trace
from rppgbench.execution.video_prediction import predict_video
from rppgbench.system.errors import BenchError

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
        """One row for each window of the evaluator's length, one window each second.

        Columns: start_s, duration_s, heart_rate_bpm, snr_db; with a reference also reference_bpm
        and error_bpm (estimate less reference).
        """
        import pandas as pd

        columns = [*RateWindow._fields]
        table = pd.DataFrame(list(self.details.windows), columns=columns, dtype=float)
        if self.details.reference is None:
            return table.drop(columns="reference_bpm")
        return table.assign(error_bpm=table["heart_rate_bpm"] - table["reference_bpm"])

    @property
    def samples(self) -> pd.DataFrame:
        """The pulse, a row for each sample: time_s, pulse; and reference_pulse where it is known.

        A value is NaN in a gap. Without a pulse there is no row.
        """
        import pandas as pd

        pulse, truth = self.pulse, self.details.reference
        if pulse is None:
            return pd.DataFrame({"time_s": [], "pulse": []}, dtype=float)
        table = pd.DataFrame({"time_s": pulse.times_s(), "pulse": pulse.samples})
        if truth is None or truth.pulse is None:
            return table
        return table.assign(reference_pulse=truth.pulse_at(pulse.times_s()))

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draw pulse, rates and spectrum; with a reference also the errors.

        Args:
            path: a PNG, SVG or PDF file to write as well.

        Returns:
            The figure, which a notebook shows.

        Raises:
            ValueError: there is no pulse to draw.
            BenchError: the ending is unknown, or the file cannot be written.
        """
        from rppgbench.report.figures.prediction import draw_prediction, save_prediction

        details = self.details
        if details.pulse is None:
            raise ValueError(f"no pulse to draw: {details.reason}")
        band = load_evaluator(details.evaluator).estimate.band
        figure = draw_prediction(
            details.pulse,
            details.windows,
            details.reference,
            title=f"{Path(details.video).name}: {details.method}, read by {details.evaluator}",
            band_hz=(band.low_hz, band.high_hz),
        )
        if path is not None:
            save_prediction(figure, Path(path))
        return figure

    def __repr__(self) -> str:
        return (
            f"<{self.details.method}: {self.heart_rate_bpm:.1f} bpm, pulse: {self.details.verdict}>"
        )


def predict(
    video: str | Path,
    *,
    method: str = "pos",
    evaluator: str = "beats_tukey",
    region: str = "skin",
    model: Model | str | Path | None = None,
    preset: str | None = None,
    cache: str | Path | None = None,
    reference: str | Path | GroundTruth | None = None,
    reference_fs: float | None = None,
) -> VideoPrediction:
    """Find the face in a video, estimate the pulse and read its rate.

    Args:
        video: any file that FFmpeg decodes.
        method: the name of the method.
        evaluator: the rule by which the rate is read.
        region: the face region of methods that average skin.
        model: for a method that learns: its model, or the folder or weights file of one.
        preset: the name of a set of the method's parameters. None: those that the model was learned
            with; of a weights file that does not say them, the paper's.
        cache: the folder for features. None: RPPGBENCH_CACHE, or the user's cache folder.
        reference: what a contact sensor measured: a file with times in seconds from the first
            frame, and a pulse or heart rates, or a ground truth.
        reference_fs: samples per second of a reference file without times.

    Returns:
        The answer with `.heart_rate_bpm`, `.pulse`, `.samples`, `.windows` and `.plot(path)`.

    Raises:
        BenchError: there is no such file, method, evaluator, preset or region, no face in the
            video, or the reference cannot be read or aligned.
    """
    file = Path(video).expanduser()
    prediction = predict_video(
        file,
        load_methods().get("method", method, "predict"),
        NamedEvaluator(name=evaluator, rule=load_evaluator(evaluator)),
        cache_folder(None if cache is None else Path(cache)),
        region=region,
        model=load_model(model),
        preset=preset,
        reference=_load_reference(reference, file, reference_fs),
    )
    return VideoPrediction(prediction)


def predict_trace(
    trace: str | Path,
    *,
    method: str = "pos",
    evaluator: str = "beats_tukey",
    preset: str | None = None,
    reference: str | Path | GroundTruth | None = None,
    reference_fs: float | None = None,
) -> VideoPrediction:
    """Estimate the pulse from a file of mean colours and read its rate.

    Args:
        trace: CSV, TSV, Parquet, NPZ or MAT with `time_s` or `fs`, and `red`, `green`, `blue`.
        method: the name of a method that takes mean colours.
        evaluator: the rule by which the rate is read.
        preset: as of `predict`.
        reference: as of `predict`. None: `pulse` or `heart_rate` of the trace's file, if any.
        reference_fs: samples per second of a reference file without times.

    Returns:
        The answer, as `predict` gives it.

    Raises:
        BenchError: the file cannot be read, or the method is unknown or needs pictures.
    """
    file = Path(trace).expanduser()
    return VideoPrediction(
        predict_from_trace(
            file,
            load_methods().get("method", method, "predict_trace"),
            NamedEvaluator(name=evaluator, rule=load_evaluator(evaluator)),
            preset=preset,
            reference=_load_reference(reference, file, reference_fs),
        )
    )


def _load_reference(
    reference: str | Path | GroundTruth | None, video: Path, fs: float | None
) -> GroundTruth | None:
    if reference is None or isinstance(reference, GroundTruth):
        return reference
    # Reading references loads pyarrow, which takes as long as two seconds of a video.
    from rppgbench.importing.reference_files import read_video_references

    return read_video_references(Path(reference).expanduser(), [video], fs).truths[video]


def load_model(model: Model | str | Path | None) -> Model | None:
    """Read a model folder of a run, or a file of weights; nothing is unpickled.

    The name of a file may say what it was `trained_on` (`public_weights.data_sets_of_file`).

    Args:
        model: the model itself, its folder or file, or None.

    Returns:
        The model; None for None.

    Raises:
        BenchError: the folder holds no model, or the file no weights.
    """
    if model is None or isinstance(model, Model):
        return model
    place = Path(model).expanduser()
    if not place.is_dir():
        from rppgbench.neural.public_weights import data_sets_of_file
        from rppgbench.neural.safetensors_io import read_weights

        weights = read_weights(place)
        known = load_datasets().available
        return replace(
            weights,
            metadata={"trained_on": data_sets_of_file(place.name, known), **weights.metadata},
        )
    if not is_model(place):
        raise BenchError(f"{place}: holds no model; give RESULTS/models/NAME or a file")
    return read_model(place)
