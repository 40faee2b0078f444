"""Frames that a reader gives itself go the way of every video."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import open_video, sample_frames

FILE = Path("p1_0.mat")


def frames(*, shape: tuple[int, ...] = (4, 6, 3), count: int = 9) -> Iterator[NDArray[np.uint8]]:
    for index in range(count):
        yield np.full(shape, 20 * index, np.uint8)


def test_frames_are_in_order_with_the_supplied_times() -> None:
    source = VideoSource(FILE, times_s=np.arange(9) / 30, frames=frames)
    with open_video(source) as reader:
        seen = [(frame.index, frame.time_s, int(frame.rgb[0, 0, 0])) for frame in reader]
        facts = reader.metadata()
    assert seen == [(k, k / 30, 20 * k) for k in range(9)]
    assert (facts["width"], facts["height"], facts["frames"]) == (6, 4, 9)
    assert facts["fps"] == pytest.approx(30)
    assert facts["codec"] == "mat"
    assert facts["warnings"] == []


def test_the_first_middle_and_last_frame_take_one_pass() -> None:
    source = VideoSource(FILE, times_s=np.arange(9) / 30, frames=frames)
    assert [int(frame.rgb[0, 0, 0]) for frame in sample_frames(source)] == [0, 80, 160]


def test_too_few_frames_for_the_times_is_one_line() -> None:
    source = VideoSource(FILE, times_s=np.arange(90) / 30, frames=frames)
    with pytest.raises(RecordingError) as caught, open_video(source) as reader:
        list(reader)
    assert str(caught.value).startswith("p1_0.mat: ")
    assert "\n" not in str(caught.value)


def test_no_frame_or_one_of_another_shape_is_one_line() -> None:
    times_s = np.arange(9) / 30
    with pytest.raises(RecordingError, match=r"p1_0\.mat: holds no frame"):
        open_video(VideoSource(FILE, times_s=times_s, frames=lambda: frames(count=0)))
    with pytest.raises(RecordingError, match=r"p1_0\.mat: a frame of shape \(4, 6\)"):
        open_video(VideoSource(FILE, times_s=times_s, frames=lambda: frames(shape=(4, 6))))


def test_frames_without_times_raise_a_value_error() -> None:
    with pytest.raises(ValueError, match="need their times"):
        open_video(VideoSource(FILE, frames=frames))
