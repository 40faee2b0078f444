"""The examples of a training: recordings and subjects of several data sets stay apart."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.method import Example, Training
from rppgbench.core.recording import GroundTruth, Recording, TraceSource
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Signal
from rppgbench.execution.pulse_estimation import method_inputs
from rppgbench.execution.training_examples import make_example
from rppgbench.extraction.trace_files import trace_features
from rppgbench.neural.clips import Clips
from rppgbench.neural.segments import cut_segments, keep_label_share

pytestmark = pytest.mark.torch

TIMES_S = np.arange(330) / 30.0


def example(dataset: str, bpm: float) -> Example:
    """The recording `subject1` of a data set, with a device that shows one rate."""
    rgb = np.random.default_rng(0).uniform(80, 120, (len(TIMES_S), 3))
    source = TraceSource(path=Path(dataset), times_s=TIMES_S, rgb=rgb)
    truth = GroundTruth(
        pulse=Signal(np.sin(2 * np.pi * bpm / 60 * TIMES_S), TIMES_S),
        heart_rate=Signal(np.full(len(TIMES_S), bpm), TIMES_S),
    )
    recording = Recording(
        dataset=dataset,
        name="subject1",
        subject="subject1",
        video=lambda: source,
        ground_truth=lambda: truth,
        files=(),
    )
    method = load_methods().get("method", "constant", "test")
    features = trace_features(source)
    inputs = method_inputs(features, method, {}, WHOLE_FRAME)
    return make_example(recording, features, inputs, truth, "train")


@pytest.fixture
def examples() -> list[Example]:
    return [example("first", 60.0), example("second", 90.0)]


def test_recordings_of_one_name_in_two_data_sets_are_two_recordings(
    examples: list[Example],
) -> None:
    segments = cut_segments(examples, 30.0, 10.0, "m")
    clips = Clips(segments, 300)
    assert set(clips.by_recording) == {"first/subject1", "second/subject1"}
    ((first, second),) = clips.one_per_recording(np.random.default_rng(0), 2, 1)
    assert {first[0], second[0]} == {0, 1}
    kept = keep_label_share(segments, 0.5, np.random.default_rng(0))
    assert [segment.pulse is None for segment in kept].count(True) == 1


def test_subjects_of_one_name_in_two_data_sets_are_two_subjects(
    examples: list[Example], tmp_path: Path
) -> None:
    fit = load_methods().get("method", "constant", "test").fit
    assert fit is not None
    training = Training(seed=0, device="cpu", folder=tmp_path)
    third = [*examples, examples[0]]  # a second recording of the first subject
    model = fit(third, training, window_s=10.0, step_s=5.0)
    assert model.metadata == {"bpm": 75.0, "subjects": 2}
