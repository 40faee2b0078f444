"""Landmarks averaged over time."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.face.smoothing import (
    HALF_WINDOW_S,
    JITTER,
    MAX_DELAYED,
    LandmarkSmoother,
    LocatedFrame,
)
from rppgbench.face.tracking import Landmarks
from rppgbench.video.stream import Frame

Array = NDArray[np.float64]
FS = 30
SIZE = 200
GRID = np.stack(np.meshgrid(np.linspace(0, SIZE, 26), np.linspace(0, SIZE, 18)), 2).reshape(468, 2)
"""A face of 200 pixels: steps of 8 and 12 pixels."""

PICTURE = np.zeros((8, 8, 3), np.uint8)


def smoothed(
    marks: Sequence[Landmarks | None], times_s: Sequence[float] | Array
) -> Iterator[LocatedFrame]:
    steady = LandmarkSmoother()
    for number, (mark, time_s) in enumerate(zip(marks, times_s, strict=True)):
        yield from steady.feed(Frame(number, float(time_s), PICTURE), mark)
    yield from steady.end()


def places(offsets: Array) -> list[Landmarks]:
    """The face at offsets (T, 2) in pixels."""
    return [(GRID + 50 + offset).astype(np.float32) for offset in offsets]


def even(count: int) -> Array:
    return np.arange(count) / FS


def seen(located: Iterator[LocatedFrame]) -> NDArray[np.float32]:
    """All landmarks (T, 468, 2)."""
    out = []
    for number, (frame, mark) in enumerate(located):
        assert frame.index == number
        assert mark is not None
        out.append(mark)
    return np.stack(out)


def test_jitter_of_the_landmarks_is_averaged() -> None:
    random = np.random.default_rng(1)
    marks = places(random.normal(0, 0.001 * SIZE, (900, 2)))
    before, after = np.stack(marks)[:, 0], seen(smoothed(marks, even(900)))[:, 0]
    inner = slice(FS, -FS)
    # Of independent noise a mean over 31 frames leaves the square root of 1/31: 0.18.
    assert after[inner].std() == pytest.approx(before[inner].std() / np.sqrt(31), rel=0.4)
    assert after.std() < 0.5 * before.std()  # the ends included


@pytest.mark.parametrize("uneven", [False, True])
def test_smoothed_landmarks_do_not_lag_behind_a_steady_movement(uneven: bool) -> None:
    random = np.random.default_rng(2)
    times_s = np.cumsum(random.uniform(0.02, 0.08, 90)) if uneven else even(90)
    marks = places(np.outer(times_s, [20.0, -7.0]))  # a tenth of the face a second
    np.testing.assert_allclose(seen(smoothed(marks, times_s)), np.stack(marks), atol=1e-3)


def test_landmarks_of_a_moving_face_are_not_smoothed() -> None:
    beat = 0.02 * SIZE * np.sin(2 * np.pi * 1.5 * even(120))  # a nod at 90 a minute
    marks = places(np.stack([beat, beat], axis=1))
    differences = np.abs(seen(smoothed(marks, even(120))) - np.stack(marks)).max()
    # The average is further away than twice the trembling except where the nod passes through it.
    assert differences < 1.01 * JITTER * SIZE


def test_nothing_is_averaged_over_a_gap() -> None:
    left, right = places(np.zeros((40, 2))), places(np.full((40, 2), 0.004 * SIZE))
    located = list(smoothed([*left, None, *right], even(81)))
    assert [frame.index for frame, _ in located] == list(range(81))
    marks = [mark for _, mark in located]
    assert marks[40] is None
    for expected, part in ((left, marks[:40]), (right, marks[41:])):
        for first, second in zip(expected, part, strict=True):
            assert second is not None
            np.testing.assert_allclose(second, first, atol=1e-4)


@pytest.mark.parametrize("fs", [10, 30, 240])
def test_the_number_of_delayed_frames_is_bounded(fs: int) -> None:
    steady = LandmarkSmoother()
    given = 0
    for number in range(200):
        (mark,) = places(np.zeros((1, 2)))
        given += len(list(steady.feed(Frame(number, number / fs, PICTURE), mark)))
        assert number + 1 - given <= min(np.ceil(HALF_WINDOW_S * fs), MAX_DELAYED)
    assert given + len(list(steady.end())) == 200
