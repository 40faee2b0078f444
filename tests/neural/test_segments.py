"""Parts of recordings: their rate, their labels, and which are long enough."""

from typing import Any

import numpy as np
import pytest

from rppgbench.core.method import Example
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.neural.clips import Clips
from rppgbench.neural.segments import cut_segments, keep_label_share, resample_to_rate
from rppgbench.system.errors import BenchError

from ..factories.segments import ramp


def example(
    name: str, *lengths: int, fs: float = 30.0, truth: GroundTruth | None = None
) -> Example:
    parts = [
        Waveform(np.arange(n, dtype=np.float64)[:, None], fs, 10.0 * k)
        for k, n in enumerate(lengths)
    ]
    return Example(recording=name, subject=name, inputs=parts, ground_truth=truth)


def test_another_rate_keeps_the_clock() -> None:
    t = np.arange(250) / 25
    segments = Waveform(np.sin(2 * np.pi * 1.2 * t), 25.0, 3.0)
    out = resample_to_rate(segments, 30.0)
    assert (out.fs, out.start_s) == (30.0, 3.0)
    assert out.times_s()[-1] <= segments.times_s()[-1] + 1e-9
    expected = np.sin(2 * np.pi * 1.2 * (out.times_s() - 3.0))
    np.testing.assert_allclose(out.samples, expected, atol=0.02)


def test_pictures_stay_bytes_when_their_rate_changes() -> None:
    pictures: Any = np.full((50, 2, 2, 3), 7, np.uint8)
    pictures[25:] = 9
    out = resample_to_rate(Waveform(pictures, 25.0), 30.0)
    assert out.samples.dtype == np.uint8
    assert set(np.unique(out.samples)) <= {7, 8, 9}


def test_short_segments_are_left_out_and_none_at_all_is_an_error() -> None:
    result = cut_segments([example("b", 300, 100), example("a", 310)], 30.0, 10.0, "m")
    assert [(part.recording, len(part.samples)) for part in result] == [("a", 310), ("b", 300)]
    with pytest.raises(BenchError, match=r"m: none of 1 recordings has 10 s"):
        cut_segments([example("b", 100)], 30.0, 10.0, "m")


def test_pulses_are_read_at_the_times_of_the_samples() -> None:
    times = np.arange(0, 19.9, 0.01)
    truth = GroundTruth(pulse=Signal(np.sin(2 * times), times))
    part = cut_segments([example("a", 300, 300, truth=truth)], 30.0, 10.0, "m")[1]
    assert part.pulse is not None
    np.testing.assert_allclose(part.pulse[:290], np.sin(20 + np.arange(290) / 15), atol=1e-4)
    assert np.isnan(part.pulse[-1])  # after the sensor's last value
    assert cut_segments([example("a", 300, truth=GroundTruth())], 30.0, 10.0, "m")[0].pulse is None


def test_labels_are_kept_for_a_share_of_the_recordings() -> None:
    parts = [ramp(40, name, pulse=name != "x") for name in "abcdx"]
    kept = keep_label_share(parts, 0.5, np.random.default_rng(0))
    assert sum(part.pulse is not None for part in kept) == 2
    assert [part.recording for part in kept] == list("abcdx")


@pytest.mark.parametrize("fs", [20.0, 24.0, 25.0, 30.0])
def test_a_video_of_exactly_ten_seconds_gives_a_clip_of_ten_seconds(fs: float) -> None:
    count = round(10 * fs)
    times = np.arange(count) / fs
    wave = Waveform(np.arange(count, dtype=np.float64)[:, None], fs)
    truth = GroundTruth(pulse=Signal(np.sin(7 * times), times))
    one = Example(recording="a", subject="a", inputs=(wave,), ground_truth=truth)
    segments = cut_segments([one], 30.0, 10.0, "m")
    clips = Clips(segments, 300)
    (start,) = clips.all_starts(300)
    piece = clips.read(start)
    assert piece.shape == (300, 1)
    assert (np.diff(piece[:, 0]) >= 0).all()  # the last sample stays; nothing begins again
    assert piece[-1, 0] == pytest.approx(count - 1, abs=1)
    pulses, known = clips.pulses([start])
    assert known.tolist() == [1.0]
    np.testing.assert_allclose(pulses[0, :298], np.sin(7 * np.arange(298) / 30), atol=0.02)


def test_two_samples_less_are_too_few() -> None:
    assert len(cut_segments([example("a", 299)], 30.0, 10.0, "m")) == 1
    with pytest.raises(BenchError, match="none of 1 recordings"):
        cut_segments([example("a", 298)], 30.0, 10.0, "m")
