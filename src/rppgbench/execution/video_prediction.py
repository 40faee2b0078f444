"""The heart rate in one video or one file of mean colours, with or without a reference."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rppgbench.core.features import WHOLE_FRAME, Features
from rppgbench.core.method import Method, Model
from rppgbench.core.recording import GroundTruth, VideoSource
from rppgbench.datasets.ground_truth import plausible_ground_truth
from rppgbench.execution.prediction import Prediction
from rppgbench.execution.prediction_reading import NamedEvaluator, PredictionReader
from rppgbench.execution.pulse_estimation import estimate_pulse
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.extraction.trace_files import read_trace, trace_features
from rppgbench.system.errors import BenchError
from rppgbench.system.fault_kinds import attempt
from rppgbench.system.process_state import note_call


def predict_video(
    video: Path,
    method: Method,
    evaluator: NamedEvaluator,
    cache: Path,
    *,
    region: str = "skin",
    model: Model | None = None,
    preset: str | None = None,
    reference: GroundTruth | None = None,
) -> Prediction:
    """Find the face, estimate the pulse, and read the heart rate by the rule of an evaluator.

    The rate is that of `bench run`: the mean over the evaluator's windows. A video that is shorter
    than one window is read whole, from `prediction_reading.SHORTEST_S` on.

    Args:
        video: the file.
        method: the method.
        evaluator: the evaluator.
        cache: folder of extracted features.
        region: the face region.
        model: the trained model of a method that learns.
        preset: parameters of the method by the name of their set; None for those that the model
            was learned with, and the paper's where it does not say.
        reference: what a contact sensor measured, in seconds from the first frame.

    Raises:
        BenchError: there is no video or no face in it, a model is missing or has no use, or a
            preset is unknown or not that of the model.
        MachineError: a package or memory is missing.
    """
    params = _parameters(method, model, preset)
    clips = frozenset({str(params["crop"])}) if method.input == "clip" else frozenset[str]()
    request = FeatureRequest(clips, whole_frame=region == WHOLE_FRAME)
    features = cached_features(VideoSource(video), request, cache)
    reader = PredictionReader(
        video=str(video), method=method.name, evaluator=evaluator, reference=reference
    )
    prediction = _predict(features, reader, method, params, region, model)
    trained_on = model.metadata.get("trained_on", ()) if model is not None else ()
    return replace(prediction, trained_on=tuple(trained_on))


def predict_trace(
    trace: Path,
    method: Method,
    evaluator: NamedEvaluator,
    *,
    preset: str | None = None,
    reference: GroundTruth | None = None,
) -> Prediction:
    """Estimate the pulse from a file of mean colours, and read the heart rate as `predict_video`.

    Args:
        trace: the file; `extraction.trace_files` names its columns.
        method: a method that takes mean colours and does not learn.
        evaluator: the evaluator.
        preset: as of `predict_video`.
        reference: what a contact sensor measured, on the clock of the trace. None takes the pulse
            and the heart rate in the file itself, if there is one.

    Raises:
        BenchError: the file cannot be read, the method needs pictures or a model, or a preset is
            unknown.
    """
    params = _parameters(method, None, preset)
    if method.input != "trace":
        raise BenchError(
            f"{method.name}: needs pictures ({method.input}), and {trace} holds mean colours; "
            "choose a method that takes a trace"
        )
    contents = read_trace(trace)
    if reference is None and (contents.pulse is not None or contents.heart_rate is not None):
        reference = plausible_ground_truth(
            GroundTruth(pulse=contents.pulse, heart_rate=contents.heart_rate)
        )
    features = trace_features(contents.source)
    reader = PredictionReader(
        video=str(trace), method=method.name, evaluator=evaluator, reference=reference
    )
    return _predict(features, reader, method, params, WHOLE_FRAME, None)


def _parameters(method: Method, model: Model | None, preset: str | None) -> dict[str, Any]:
    """All parameters of a method that is run alone; BenchError where it cannot be."""
    if method.fit is not None and model is None:
        raise BenchError(f"{method.name}: learns; give the model that it learned with --weights")
    if method.fit is None and model is not None:
        raise BenchError(f"--weights: {method.name} takes none, it does not learn; leave them out")
    if method.members:
        raise BenchError(f"{method.name}: {' and '.join(method.members)} make it; predict by each")
    # What a model was learned with, its preset above all, is what it can be run with.
    learned_with = model.metadata.get("params", {}) if model is not None else {}
    if preset is None:
        return method.parameters(learned_with)
    if "preset" not in method.params:
        raise BenchError(f"--preset: {method.name} has no presets; leave it out")
    if learned_with:
        raise BenchError(
            f"--preset: the model of {method.name} says the parameters that it was learned with; "
            "leave it out"
        )
    return method.parameters({"preset": preset}, "--preset")


def _predict(
    features: Features,
    reader: PredictionReader,
    method: Method,
    params: Mapping[str, Any],
    region: str,
    model: Model | None,
) -> Prediction:
    """The answer for features."""
    doing = f"{method.name} on {reader.video}"
    note_call(doing)
    outcome = attempt(lambda: estimate_pulse(features, method, params, region, model), doing)
    if outcome.value is not None:
        return reader.read(features, *outcome.value)
    assert outcome.fault is not None
    if outcome.fault.kind in {"machine", "user"}:
        raise outcome.fault.error()
    return reader.without_pulse(features, outcome.fault.reason)
