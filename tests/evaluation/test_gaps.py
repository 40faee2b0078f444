"""Gaps of references are gaps, and a straight line is no pulse: for scores, labels and figures."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rppgbench.core.method import Example, Training
from rppgbench.core.recording import FLAT_PULSE_S, PULSE_GAP_S, RATE_GAP_S, GroundTruth, pulse_gap_s
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.rate_reading import Reading, read_pulses
from rppgbench.evaluation.scores import score_windows
from rppgbench.neural.clips import Clips
from rppgbench.neural.segments import cut_labelled_segments, cut_segments
from rppgbench.report.figures.waveforms import reference_waveform
from rppgbench.system.errors import BenchError

from ..factories.evaluators import NAMES, evaluator
from ..factories.pulses import make_pulses
from ..factories.records import make_estimate

FS, SECONDS, BPM = 30.0, 60.0, 72.0
TIMES = np.arange(round(SECONDS * FS)) / FS
PULSE_RULES = [name for name in NAMES if "pulse" in evaluator(name).truth]
FAITHFUL = [name for name in PULSE_RULES if name != "contrast_phys"]  # that one halves 72 bpm


def wave(times_s: Array, bpm: float = BPM) -> Array:
    out: Array = np.sin(2 * np.pi * bpm / 60 * times_s)
    return out


def beside(rule: Evaluator, truth: GroundTruth, pulse: Array | None = None) -> Reading:
    """What the rule reads of a pulse of 72 bpm, or another, beside a truth."""
    samples = wave(TIMES) if pulse is None else pulse
    return read_pulses(rule, make_pulses(samples, FS), [truth])


def without(times_s: Array, start_s: float, stop_s: float) -> Array:
    out: Array = times_s[(times_s <= start_s) | (times_s >= stop_s)]
    return out


def covered(result: Reading, start_s: float, stop_s: float) -> Array:
    """The share of every window that lies in a hole."""
    first, last = result.start_s, result.start_s + result.duration_s
    out: Array = np.clip(np.minimum(last, stop_s) - np.maximum(first, start_s), 0, None)
    return out / result.duration_s


# Signals


def test_no_value_between_neighbours_that_are_too_far_apart() -> None:
    signal = Signal(np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]), np.array([0.0, 1.0, 4.0]))
    result = signal.at(np.array([-1.0, 0.0, 0.5, 1.0, 1.001, 3.999, 4.0, 5.0]), gap_s=1.0)
    assert np.isnan(result).all(axis=1).tolist() == [True, False, False, False, True, True, False,
                                                    True]  # fmt: skip
    expected: Array = np.array([[1, 5], [1.5, 5.5], [2, 6], [3, 7.0]])
    np.testing.assert_allclose(result[np.array([1, 2, 3, 6])], expected)
    assert np.isfinite(signal.at(np.array([2.5]), np.inf)).all()


def test_limits_of_genuine_labels(real: Path) -> None:
    """Steady recording is whole, the recorder's pauses of 0.3 s and more are gaps."""
    files = [*sorted((real / "ubfc-labels").glob("*/*.txt")), real / "ubfc-trace/ground_truth.txt"]
    assert len(files) == 7
    for file in files:
        values, _, times_s = np.loadtxt(file)
        pulse = Signal(values, times_s).in_order()
        steps_s = np.diff(pulse.times_s)
        pauses = steps_s > pulse_gap_s(pulse)
        assert pauses.sum() <= 5, file
        assert (steps_s[pauses] > 0.3).sum() >= pauses.sum() - 3
        truth = GroundTruth(pulse=pulse)
        middle = (pulse.times_s[1:] + pulse.times_s[:-1]) / 2
        assert np.isnan(truth.pulse_at(middle)).tolist() == pauses.tolist()
        even = np.arange(pulse.times_s[0], pulse.times_s[-1], 1 / 30)
        assert np.isfinite(truth.pulse_at(even)).mean() > 0.95


# Holes in references


@pytest.mark.parametrize("name", FAITHFUL)
@settings(max_examples=12, deadline=None)
@given(start=st.floats(0, 50), lasts=st.floats(0.3, 40))
def test_a_hole_anywhere_never_gives_a_rate_of_its_bridge(
    name: str, start: float, lasts: float
) -> None:
    rule = evaluator(name)
    times_s = without(TIMES, start, start + lasts)
    reading = beside(rule, GroundTruth(pulse=Signal(wave(times_s), times_s)))
    known = np.isfinite(reading.reference_bpm)
    np.testing.assert_allclose(
        reading.reference_bpm[known], BPM, atol=8 if "toolbox" in name else 4
    )
    if rule.unit == "window":
        lacks = covered(reading, start, start + lasts)
        assert not known[lacks > rule.gap_share + 0.03].any()
        assert (reading.reference_reason[~known] != "").all()
        assert known[lacks == 0].all()


@pytest.mark.parametrize("name", ["li2023", "vipl", "hfut2024"])
def test_a_hole_in_device_rates_gives_none_between(name: str) -> None:
    """60 bpm, nothing for 25 s, 100 bpm: 68.9 and 83.7 were read off the line between them."""
    times_s = np.r_[np.arange(20.0), np.arange(46.0, 61.0)]
    rates = np.where(times_s < 30, 60.0, 100.0)
    reading = beside(evaluator(name), GroundTruth(heart_rate=Signal(rates, times_s)))
    if evaluator(name).unit == "window":
        expected = [60, 60, np.nan, np.nan, np.nan, 100]
        np.testing.assert_allclose(reading.reference_bpm[0], expected)
        assert reading.reference_reason[0, 3] == "reference: no device rate in the window"
    else:
        np.testing.assert_allclose(reading.reference_bpm, (60 + 60 + 100) / 3)


def test_a_frame_in_a_hole_of_device_rates_has_no_truth() -> None:
    times_s = without(np.arange(0, 60.5, 0.5), 20, 20 + RATE_GAP_S + 4)
    rates = Signal(60 + times_s, times_s)
    rows = beside(evaluator("v4v"), GroundTruth(heart_rate=rates))
    inside = (rows.start_s > 20) & (rows.start_s < 27)
    assert np.isnan(rows.reference_bpm[inside]).all()
    known = ~inside & (rows.start_s < 59)
    np.testing.assert_allclose(rows.reference_bpm[known], 60 + rows.start_s[known], atol=1e-6)


def test_a_reading_may_be_missing_and_a_slow_device_is_no_hole() -> None:
    times_s = np.delete(np.arange(61.0), 25)
    reading = beside(
        evaluator("li2023"), GroundTruth(heart_rate=Signal(np.full(60, 61.0), times_s))
    )
    np.testing.assert_allclose(reading.reference_bpm, 61)
    slow = GroundTruth(heart_rate=Signal(np.full(13, 61.0), np.arange(0, 61.0, 5)))
    np.testing.assert_allclose(beside(evaluator("li2023"), slow).reference_bpm, 61)


def test_two_equal_rates_far_apart_hold_for_a_whole_video() -> None:
    rate = GroundTruth(heart_rate=Signal(np.full(2, 66.0), np.array([0.0, 1e6])))
    np.testing.assert_allclose(beside(evaluator("li2023"), rate).reference_bpm, 66)
    np.testing.assert_allclose(rate.heart_rate_at(np.array([0.0, 30.0, 5e3])), 66)
    changed = GroundTruth(heart_rate=Signal(np.array([60.0, 90.0]), np.array([0.0, 1e6])))
    assert np.isnan(beside(evaluator("li2023"), changed).reference_bpm).all()


def native(folder: Path, values: Array, times_s: Array, name: str = "subject38") -> Path:
    """A subject of UBFC-rPPG with these labels."""
    place = folder / "DATASET_2" / name
    place.mkdir(parents=True)
    np.savetxt(place / "ground_truth.txt", [values, np.full(len(values), 53.0), times_s])
    (place / "vid.avi").write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("hole", "as_nan", "bpm"),
    [(None, False, 53.0), ((2, 8), False, None), ((2, 8), True, None), ((0.5, 9.5), False, None)],
    ids=["whole", "rows missing", "not numbers", "nine tenths missing"],
)
@pytest.mark.parametrize("name", ["li2023", "toolbox_2023", "sinc"])
def test_label_files_with_holes(
    tmp_path: Path, name: str, hole: tuple[float, float] | None, as_nan: bool, bpm: float | None
) -> None:
    """Ten seconds at 53 bpm: with nine bridged, 45.57 were read in place of it."""
    times_s = np.arange(301) / 30
    values = wave(times_s, 53.0)
    if hole is not None:
        lost = (times_s > hole[0]) & (times_s < hole[1])
        if as_nan:
            values[lost] = np.nan
        else:
            values, times_s = values[~lost], times_s[~lost]
    root = native(tmp_path, values, times_s)
    (recording,) = load_datasets().available["ubfc_rppg"].recordings(root)
    pulse = Waveform(wave(np.arange(300) / 30, 53.0), 30.0)
    estimate = make_estimate(pulse, recording.name, dataset="ubfc_rppg")
    truth = recording.ground_truth()
    rows = score_windows(evaluator(name), [estimate], {("ubfc_rppg", recording.name): truth})
    if bpm is None:
        assert rows["reference_bpm"].isna().all()
        assert rows["reason"].str.contains("reference: absent in").all()
    else:
        np.testing.assert_allclose(rows["reference_bpm"], bpm, atol=3.6)


def test_holes_in_labels_are_a_warning() -> None:
    frames = FrameClock(0.0, 60.0, 1800)
    times_s = without(TIMES, 20, 30)
    truth = GroundTruth(
        pulse=Signal(wave(times_s), times_s),
        heart_rate=Signal(np.full(3, 60.0), np.array([0, 2, 59.0])),
    )
    assert check_against_frames(truth, frames).warnings == (
        "pulse: no labels for 10.0 s of 60.0 s (gaps: 1, the longest 10.0 s): no truth there",
        "heart rate: no labels for 57.0 s of 60.0 s (gaps: 1, the longest 57.0 s): no truth there",
    )


def test_pauses_of_genuine_recorders_are_no_warning(real: Path) -> None:
    files = [*sorted((real / "ubfc-labels").glob("*/*.txt")), real / "ubfc-trace/ground_truth.txt"]
    assert len(files) == 7
    for file in files:
        values, _, times_s = np.loadtxt(file)
        genuine = GroundTruth(pulse=Signal(values, times_s).in_order())
        last_s = float(times_s[-1])
        held = check_against_frames(genuine, FrameClock(0.0, last_s, round(30 * last_s)))
        assert not any("gaps" in line for line in held.warnings), file


# Straight lines


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(
    slope=st.floats(-1e6, 1e6).map(lambda x: round(x, 4)),
    offset=st.floats(-1e6, 1e6),
    single=st.booleans(),
)
@example(slope=0.3, offset=5.0, single=True)
@example(slope=-7.0, offset=1e5, single=False)
def test_a_straight_line_has_no_heart_rate(
    name: str, slope: float, offset: float, single: bool
) -> None:
    line = offset + slope * TIMES
    if single:
        line = line.astype(np.float32).astype(np.float64)
    sensor_s = np.arange(61 * 60) / 60
    truth = GroundTruth(pulse=Signal(offset + slope * sensor_s, sensor_s))
    reading = beside(evaluator(name), truth, line)
    assert reading.bpm.size
    assert np.isnan(reading.bpm).all()
    assert np.isnan(reading.reference_bpm).all()
    assert (reading.reason != "").all()
    if "pulse" in evaluator(name).truth and not single:
        arguments = {str(why) for why in reading.reference_reason.ravel()}
        assert arguments <= {"reference: constant", "reference: a straight line, no pulse"}


@pytest.mark.parametrize("name", FAITHFUL)
def test_a_sensor_that_hangs_is_a_gap(name: str) -> None:
    """Flat for two thirds: what is left is too little, for a reference and for an estimate."""
    hung = wave(TIMES)
    hung[: round(40 * FS)] = hung[round(40 * FS)]
    reading = beside(evaluator(name), GroundTruth(pulse=Signal(hung, TIMES)), hung)
    if evaluator(name).unit == "window":
        still = covered(reading, 0, 40) > evaluator(name).gap_share + 0.01
        assert still.any()
        assert np.isnan(reading.bpm[still]).all()
        assert np.isnan(reading.reference_bpm[still]).all()
        assert all("straight" in why or "constant" in why for why in reading.reason[still])
    if "toolbox" in name:
        text = f"a straight line for {0.67:.0%} of the window, no pulse"
        if evaluator(name).window_s == 0:
            assert reading.reference_reason[0, 0] == f"reference: {text}"
            assert reading.reason[0, 0] == f"estimate: {text}"


def test_short_flat_tops_and_coarse_labels_are_no_line() -> None:
    """A clipped pulse, and one told in whole numbers at 20 Hz, are read as ever."""
    for coarse in (np.clip(3 * wave(TIMES), -1, 1), np.round(4 * wave(TIMES))):
        reading = beside(evaluator("li2023"), GroundTruth(pulse=Signal(coarse, TIMES)), coarse)
        np.testing.assert_allclose(reading.reference_bpm, BPM, atol=0.5)
        np.testing.assert_allclose(reading.bpm, BPM, atol=0.5)


# What learns


def test_clips_over_a_hole_have_no_label() -> None:
    times_s = without(np.arange(0, 60, 1 / 60), 20, 30)
    truth = GroundTruth(
        pulse=Signal(wave(times_s), times_s),
        heart_rate=Signal(np.full(50, 72.0), np.r_[np.arange(20.0), np.arange(30.0, 60.0)]),
    )
    frames = Waveform(TIMES[:, None].copy(), FS)
    parts = cut_segments(
        [Example(recording="r", subject="s", inputs=(frames,), ground_truth=truth)], FS, 10.0, "m"
    )
    clips = Clips(parts, round(10 * FS))
    cuts = [(0, round(start * FS)) for start in (0, 8, 12, 21, 28, 31, 45)]
    assert clips.pulses(cuts)[1].tolist() == [1, 1, 0, 0, 0, 1, 1]
    assert clips.device_rates(cuts)[1].tolist() == [1, 1, 0, 0, 1, 1, 1]


def test_a_sensor_that_hangs_teaches_nothing() -> None:
    hung = wave(TIMES)
    hung[round(10 * FS) : round((10 + 2 * FLAT_PULSE_S) * FS)] = 0.25
    frames = Waveform(TIMES[:, None].copy(), FS)
    example = Example(
        recording="r",
        subject="s",
        inputs=(frames,),
        ground_truth=GroundTruth(pulse=Signal(hung, TIMES)),
    )
    clips = Clips(cut_segments([example], FS, 5.0, "m"), round(5 * FS))
    assert clips.pulses([(0, 0), (0, 240), (0, 330), (0, 600)])[1].tolist() == [1, 0, 0, 1]


def test_labels_with_no_whole_clip_are_refused() -> None:
    times_s = np.concatenate([np.arange(k, k + 5, 1 / 30) for k in range(0, 60, 6)])
    truth = GroundTruth(pulse=Signal(wave(times_s), times_s))
    examples = [
        Example(
            recording="r",
            subject="s",
            inputs=(Waveform(TIMES[:, None].copy(), FS),),
            ground_truth=truth,
        )
    ]
    assert cut_labelled_segments(examples, FS, 4.0, "m")
    with pytest.raises(BenchError, match="m: no recording has a pulse to learn from for 10 s"):
        cut_labelled_segments(examples, FS, 10.0, "m")


def test_constant_learns_from_the_time_without_gaps_only(tmp_path: Path) -> None:
    method = load_methods().available["constant"]
    assert method.fit is not None
    times_s = without(np.arange(0, 90, 1 / 60), 20, 45)
    examples = [
        Example(
            recording="r",
            subject="s",
            inputs=(),
            ground_truth=GroundTruth(pulse=Signal(wave(times_s, 90.0), times_s)),
        ),
        Example(
            recording="q",
            subject="t",
            inputs=(),
            ground_truth=GroundTruth(pulse=Signal(wave(times_s, 60.0), times_s)),
        ),
    ]
    training = Training(seed=0, device="cpu", folder=tmp_path)
    model = method.fit(examples, training, **method.parameters({}))
    assert model.metadata["bpm"] == pytest.approx(75, abs=0.5)
    burst_s = np.concatenate([np.arange(a, b, 1 / 60) for a, b in ((0, 30), (36, 38), (44, 74))])
    burst = wave(burst_s, 60.0)
    burst[(burst_s >= 36) & (burst_s < 38)] = wave(np.arange(36, 38, 1 / 60), 120.0)
    lonely = [
        Example(
            recording="r",
            subject="s",
            inputs=(),
            ground_truth=GroundTruth(pulse=Signal(burst, burst_s)),
        )
    ]
    model = method.fit(lonely, training, **method.parameters({}))
    assert model.metadata["bpm"] == pytest.approx(60, abs=1)  # 2 s between two holes are no window
    line = [
        Example(
            recording="r",
            subject="s",
            inputs=(),
            ground_truth=GroundTruth(pulse=Signal(3 * TIMES, TIMES)),
        )
    ]
    with pytest.raises(BenchError, match="r has no heart rate to learn from"):
        method.fit(line, training, **method.parameters({}))


# What is drawn


def test_a_reference_is_drawn_with_its_gaps() -> None:
    times_s = without(TIMES, 20, 20 + 2 * PULSE_GAP_S)
    truth = GroundTruth(pulse=Signal(wave(times_s), times_s))
    drawn = reference_waveform(truth, Waveform(wave(TIMES), FS))
    assert drawn is not None
    inside = (TIMES > 20) & (TIMES < 20 + 2 * PULSE_GAP_S)
    assert np.isnan(drawn.samples[inside]).all()
    assert np.isfinite(drawn.samples[~inside & (times_s[-1] > TIMES)]).all()
