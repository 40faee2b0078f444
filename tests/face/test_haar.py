"""The search for the largest Haar face against OpenCV's whole search."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.face.haar import detect_largest

from ..factories.faces import portrait


@pytest.fixture(scope="module")
def cascade() -> Any:
    folder = Path(cv2.__file__).parent / "data"
    return cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))


def widest(faces: Any) -> list[int]:
    return [int(edge) for edge in max(faces, key=lambda face: face[2], default=())]


def scene(seed: int) -> NDArray[np.uint8]:
    """Up to three portraits of any size, some cut off by the edge, on coarse noise."""
    generator = np.random.default_rng(seed)
    height, width = (int(length) for length in generator.integers(150, 400, 2))
    coarse = generator.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(coarse, (width, height)), np.uint8)
    for _ in range(int(generator.integers(0, 4))):
        factor = float(generator.uniform(0.3, 1.6))
        head = cv2.resize(portrait(), None, fx=factor, fy=factor)
        x, y = int(generator.integers(-80, width)), int(generator.integers(-80, height))
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + head.shape[1], width), min(y + head.shape[0], height)
        if x1 > x0 and y1 > y0:
            picture[y0:y1, x0:x1] = head[y0 - y : y1 - y, x0 - x : x1 - x]
    return picture


@pytest.mark.parametrize("seed", range(24))
def test_the_widest_face_is_that_of_the_whole_search(cascade: Any, seed: int) -> None:
    picture = scene(seed)
    expected = widest(cascade.detectMultiScale(picture))
    assert widest(detect_largest(cascade, picture)) == expected


class Shuffled:
    """A cascade whose windows come in another order, as from several threads."""

    def __init__(self, cascade: Any, seed: int) -> None:
        self._cascade, self._generator = cascade, np.random.default_rng(seed)
        self.getOriginalWindowSize = cascade.getOriginalWindowSize

    def detectMultiScale(self, *picture: Any, **sizes: Any) -> Any:
        return self._generator.permutation(self._cascade.detectMultiScale(*picture, **sizes))


def test_of_two_faces_of_one_width_threads_do_not_choose(cascade: Any) -> None:
    """It is the one that OpenCV finds with one thread."""
    picture = np.ascontiguousarray(np.hstack([portrait(), portrait()]))
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        faces = cascade.detectMultiScale(picture)
    finally:
        cv2.setNumThreads(threads)
    assert sum(face[2] == max(faces[:, 2]) for face in faces) == 2
    answers = [widest(detect_largest(Shuffled(cascade, seed), picture)) for seed in range(20)]
    assert answers == [widest(faces)] * 20


def test_scenes_have_faces_and_none(cascade: Any) -> None:
    """Otherwise the test above would compare nothing with nothing."""
    counts = [len(cascade.detectMultiScale(scene(seed))) for seed in range(24)]
    assert min(counts) == 0
    assert max(counts) > 1
    assert sum(count > 0 for count in counts) > 10


def test_a_face_that_reaches_over_the_edge_keeps_its_size(cascade: Any) -> None:
    """OpenCV cuts windows off at the edge only after it has joined them."""
    for height in range(200, 212):
        picture = np.ascontiguousarray(portrait()[40:height])
        expected = widest(cascade.detectMultiScale(picture))
        assert widest(detect_largest(cascade, picture)) == expected
