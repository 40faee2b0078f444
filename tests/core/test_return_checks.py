"""What code returns is checked in one place: each kind of wrong return has a reason of its own."""

import inspect
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.guarded_calls import (
    list_recordings,
    read_ground_truth,
    read_video,
    run_estimate,
    run_fit,
)
from rppgbench.core.method import Model
from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.return_checks import ReturnError, check_model, check_pulse
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.system.errors import BenchError, NoPulseError, TooShortError

from ..factories.records import make_dataset, make_method, make_recording

TOTAL, FS, START_S = 300, 30.0, 2.0
GIVEN = Waveform(np.ones((TOTAL, 3)), FS, START_S)
WAVE = np.sin(np.arange(TOTAL) / 4)
LIST: Any = WAVE.tolist()
COMPLEX: Any = WAVE + 1j
TRUE: Any = WAVE > 0
TIMES_S = START_S + np.arange(TOTAL) / FS
PARTLY = np.where(np.arange(TOTAL) < 100, np.nan, WAVE)


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "None, not a Waveform"),
        (WAVE, "a value of type ndarray, not a Waveform"),
        (Waveform(WAVE * 1e300, FS, START_S), "whose squares no number of 64 bits holds"),
        (Waveform(WAVE * 1e-200, FS, START_S), "whose squares no number of 64 bits holds"),
        (Waveform(LIST, FS, START_S), "samples that are a value of type list"),
        (Waveform(WAVE[:, None], FS, START_S), r"samples of shape \(300, 1\), not \(T,\)"),
        (Waveform(np.stack([WAVE, WAVE], 1), FS, START_S), r"samples of shape \(300, 2\)"),
        (Waveform(COMPLEX, FS, START_S), "samples of type complex128, not real"),
        (Waveform(WAVE.astype(str), FS, START_S), "samples of type <U"),
        (Waveform(TRUE, FS, START_S), "samples of type bool"),
        (Waveform(WAVE[:0], FS, START_S), "without a sample"),
        (Waveform(np.where(WAVE > 0.9, np.inf, WAVE), FS, START_S), "infinite samples of 300"),
        (Waveform(WAVE, 0.0, START_S), "a rate of 0.0 samples a second"),
        (Waveform(WAVE, -30.0, START_S), "a rate of -30.0"),
        (Waveform(WAVE, float("nan"), START_S), "a rate of nan"),
        (Waveform(WAVE, "30", START_S), "a rate of '30'"),  # type: ignore[arg-type]
        (Waveform(WAVE, FS, float("nan")), "a start at nan s"),
        (Waveform(WAVE, FS, 0.0), "from -2.00 to 8.00 s of its input, which lasts 10.00 s"),
        (Waveform(np.tile(WAVE, 2), FS, START_S), "from 0.00 to 20.00 s of its input"),
        (Waveform(WAVE, 15.0, START_S), "the clock is another"),
        (Waveform(WAVE[::2], FS, START_S), "most of it has no pulse"),
    ],
)
def test_a_wrong_pulse_is_named_with_the_method(returned: Any, says: str) -> None:
    with pytest.raises(ReturnError, match=f"^mine returned .*{says}"):
        check_pulse(returned, GIVEN, "mine")


def with_confidence(values: Any, times_s: Any) -> Waveform:
    return Waveform(WAVE, FS, START_S, confidence=Signal(values, times_s))


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (Waveform(WAVE, FS, START_S, confidence=LIST), "not a Signal"),
        (with_confidence(np.linspace(0, 1.5, TOTAL), TIMES_S), "from 0 to 1.5, not from 0 to 1"),
        (with_confidence(np.linspace(-0.1, 1, TOTAL), TIMES_S), "from -0.1 to 1, not"),
        (with_confidence(np.full(TOTAL, np.inf), TIMES_S), "not from 0 to 1"),
        (
            with_confidence(np.ones((TOTAL, 1)), TIMES_S),
            r"values of confidence of shape \(300, 1\)",
        ),
        (with_confidence(TRUE, TIMES_S), "values of confidence of type bool"),
        (
            with_confidence(np.ones(TOTAL), TIMES_S[::-1]),
            "times of confidence that do not increase",
        ),
        (with_confidence(np.ones(TOTAL), np.full(TOTAL, np.nan)), "that are not numbers"),
        (with_confidence(np.ones(0), np.ones(0)), "a confidence without a value"),
        (with_confidence(np.ones(TOTAL), TIMES_S - START_S), "from -2.00 to 7.97 s of its input"),
        (with_confidence(np.ones(TOTAL), TIMES_S + 5), "the clock is another"),
    ],
)
def test_a_wrong_confidence_is_named_with_the_method(returned: Waveform, says: str) -> None:
    with pytest.raises(ReturnError, match=f"^mine returned .*{says}"):
        check_pulse(returned, GIVEN, "mine")


@pytest.mark.parametrize("values", [[0, 1], [0.25, np.nan], [1e-200, 0.5]])
def test_a_confidence_of_windows_is_taken_as_it_is(values: list[float]) -> None:
    """Also a value so small that a waveform of it would be refused, and one that is no number."""
    times_s = np.array([4.0, 9.5])
    checked = check_pulse(with_confidence(np.array(values), times_s), GIVEN, "mine").confidence
    assert checked is not None
    np.testing.assert_array_equal(checked.values, values)
    np.testing.assert_array_equal(checked.times_s, times_s)
    assert checked.values.dtype == np.float64


@pytest.mark.parametrize(
    "returned",
    [
        Waveform(WAVE, FS, START_S),
        Waveform(WAVE.astype(np.float32), FS, START_S),
        Waveform(np.round(100 * WAVE).astype(np.int16), FS, START_S),
        Waveform(WAVE[24:-24], FS, START_S + 0.8),  # windows that drop what does not fill one
        Waveform(PARTLY, FS, START_S),
        Waveform(WAVE[::2], FS / 2, START_S),
        Waveform(np.append(WAVE, 0.0), FS, START_S - 1 / FS),
    ],
)
def test_a_pulse_on_the_input_s_clock_is_taken_as_it_is(returned: Waveform) -> None:
    checked = check_pulse(returned, GIVEN, "mine")
    assert checked.samples.dtype == np.float64
    np.testing.assert_array_equal(checked.samples, returned.samples.astype(np.float64))
    assert (checked.fs, checked.start_s) == (returned.fs, returned.start_s)


def test_a_pulse_without_a_number_is_none_and_says_so() -> None:
    with pytest.raises(NoPulseError, match="mine returned no number: all 300 samples are NaN"):
        check_pulse(Waveform(np.full(TOTAL, np.nan), FS, START_S), GIVEN, "mine")
    assert issubclass(TooShortError, NoPulseError)


def test_a_method_s_return_is_checked_when_it_is_called() -> None:
    method = make_method(lambda waveform: Waveform(WAVE, FS, START_S))
    assert len(run_estimate(method, GIVEN, {}).samples) == TOTAL
    with pytest.raises(ReturnError, match="mine returned None"):
        run_estimate(make_method(estimate=lambda waveform: None), GIVEN, {})
    with pytest.raises(ReturnError, match="mine: fit returned None"):
        run_fit(make_method(fit=lambda examples, training: None), [], None, {})  # type: ignore[arg-type]


TIMES = np.arange(10.0)
WHOLE: Any = np.arange(10)


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "returned None, not a GroundTruth"),
        (Signal(TIMES, TIMES), "a value of type Signal, not a GroundTruth"),
        (GroundTruth(pulse=TIMES), "a pulse that is a value of type ndarray"),  # type: ignore[arg-type]
        (GroundTruth(pulse=Signal(np.ones((10, 2)), TIMES)), r"values of pulse of shape \(10, 2\)"),
        (GroundTruth(pulse=Signal(COMPLEX[:10], TIMES)), "values of pulse of type complex128"),
        (GroundTruth(pulse=Signal(TIMES * 1e300, TIMES)), r"values of pulse of up to 9e\+300"),
        (GroundTruth(pulse=Signal(TIMES[:0], TIMES[:0])), "a pulse without a value"),
        (
            GroundTruth(pulse=Signal(TIMES, TIMES * np.nan)),
            "10 of 10 times of pulse that are not numbers",
        ),
        (
            GroundTruth(heart_rate=Signal(TIMES, TIMES[::-1])),
            "9 of 10 times of heart_rate that do not",
        ),
        (GroundTruth(heart_rate=Signal(TIMES, np.floor(TIMES / 2))), "do not increase"),
        (GroundTruth(warnings=(1,)), "warnings that are"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_truth_is_named(returned: Any, says: str) -> None:
    video = partial(VideoSource, Path("x.mp4"))
    recording = Recording(
        dataset="set", name="01", subject="s", video=video, ground_truth=lambda: returned, files=()
    )
    with pytest.raises(ReturnError, match=f"the reader returned .*{says}|{says}"):
        read_ground_truth(recording)


def test_a_reader_that_gives_no_video_source_is_named() -> None:
    recording = Recording(
        dataset="set",
        name="01",
        subject="s",
        video=lambda: Path("x.mp4"),  # type: ignore[arg-type,return-value]
        ground_truth=GroundTruth,
        files=(),
    )
    with pytest.raises(ReturnError, match="not a VideoSource"):
        read_video(recording)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (VideoSource("x.mp4"), "a path that is a value of type str"),  # type: ignore[arg-type]
        (VideoSource(Path("x"), images=("a.png",)), "images that are"),  # type: ignore[arg-type]
        (VideoSource(Path("x"), images=[Path("a")]), "images that are"),  # type: ignore[arg-type]
        (VideoSource(Path("x"), times_s=[0.0]), "times that are"),  # type: ignore[arg-type]
        (VideoSource(Path("x"), times_s=np.ones((2, 2))), r"times of shape \(2, 2\)"),
        (VideoSource(Path("x"), frames=lambda: iter(())), "frames without times"),
    ],
)
def test_a_wrong_video_source_is_named(source: VideoSource, says: str) -> None:
    recording = make_recording(video=lambda: source)
    with pytest.raises(ReturnError, match=f"a VideoSource with {says}"):
        read_video(recording)


@pytest.mark.parametrize(
    ("recordings", "says"),
    [
        (lambda root: 1 / 0, "internal error in the reader of d at .*: ZeroDivisionError"),
        (lambda root: sys.exit(0), "it called sys.exit"),
        (lambda root: ["01"], "lists a value of type str"),
    ],
)
def test_a_reader_that_fails_to_list_is_named(recordings: Any, says: str) -> None:
    dataset = make_dataset(recordings, name="d")
    with pytest.raises(BenchError, match=says):
        list_recordings(dataset, Path("x"))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"g": object()}, "the default of g is a value of type object"),
        ({"g": np.arange(2)}, "of type ndarray"),
        ({"g": inspect.Parameter.empty}, "the parameter g has no default"),
    ],
)
def test_a_method_s_default_that_json_does_not_hold_is_refused(params: Any, says: str) -> None:
    for given in ({"params": params}, {"params": {}, "presets": {"smoke": params}}):
        with pytest.raises(BenchError, match=says):
            replace(make_method(), **given)


def test_a_truth_of_whole_numbers_becomes_one_of_float64() -> None:
    truth = GroundTruth(pulse=Signal(WHOLE, WHOLE), warnings=("odd",))
    read = read_ground_truth(
        Recording(
            dataset="set",
            name="01",
            subject="s",
            video=partial(VideoSource, Path()),
            ground_truth=lambda: truth,
            files=(),
        )
    )
    assert read.pulse is not None
    assert read.pulse.values.dtype == read.pulse.times_s.dtype == np.float64
    assert read.warnings == ("odd",)


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ({"a": np.ones(2)}, "a value of type dict, not a Model"),
        (Model({"a": [1.0]}), "a value of type list under 'a'"),  # type: ignore[dict-item]
        (Model({1: np.ones(2)}), "under 1"),  # type: ignore[dict-item]
        (Model({"a": np.array(["x"])}), "'a' of type <U1, not numbers"),
        (Model({"a": np.array([None])}), "'a' of type object"),
        (Model([np.ones(2)]), "arrays that are a value of type list"),  # type: ignore[arg-type]
        (Model({}, {"a": np.ones(2)}), "facts that JSON does not hold"),
    ],
)
def test_a_wrong_model_is_named(returned: Any, says: str) -> None:
    with pytest.raises(ReturnError, match=f"mine: fit returned .*{says}"):
        check_model(returned, "mine")
