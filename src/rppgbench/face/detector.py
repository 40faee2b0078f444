"""Detect faces with BlazeFace: boxes and keypoints."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.face_models import Network

SIDE = 128
STRIDES = (8, 16, 16, 16)
MIN_SCORE = 0.5
MIN_OVERLAP = 0.3


@dataclass(frozen=True, eq=False)
class Detection:
    """A detected face.

    Attributes:
        box: x0, y0, x1, y1 in pixels.
        keypoints: points (6, 2) in pixels; the first two are the eyes, left in the image first.
        score: 0.5 to 1.
    """

    box: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    score: float

    @property
    def area(self) -> float:
        """In square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


def anchor_boxes() -> NDArray[np.float64]:
    """Centres of the 896 anchors, (896, 2) in 0..1; all have the size of the image.

    Each layer has two anchors for each cell. The layers of one stride are interleaved cell by cell
    (the graph's SSD anchors: strides 8, 16, 16, 16, one aspect ratio, one interpolated scale).

    >>> anchor_boxes().shape, anchor_boxes()[0].tolist(), anchor_boxes()[-1].tolist()
    ((896, 2), [0.03125, 0.03125], [0.9375, 0.9375])
    """
    centres = []
    for stride in sorted(set(STRIDES)):
        cells = SIDE // stride
        copies = 2 * STRIDES.count(stride)
        rows, columns = np.mgrid[:cells, :cells]
        cell = np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5
        centres.append(np.repeat(cell / cells, copies, axis=0))
    return np.concatenate(centres)


def intersection_over_union(
    box: NDArray[np.float64], boxes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Intersection over union of one box with others.

    Args:
        box: x0, y0, x1, y1.
        boxes: boxes (N, 4).

    Returns:
        Shares (N,), 0 to 1.

    >>> others = np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]])
    >>> intersection_over_union(np.array([0.0, 0, 2, 2]), others)
    array([1.        , 0.33333333, 0.        ])
    """
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    intersection = np.prod(np.clip(high - low, 0, None), axis=1)
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    union: NDArray[np.float64] = area + areas - intersection
    share: NDArray[np.float64] = np.divide(
        intersection, union, out=np.zeros_like(intersection), where=union > 0
    )
    return share


def non_maximum_suppression(
    values: NDArray[np.float64], scores: NDArray[np.float64]
) -> list[tuple[int, ...]]:
    """Group overlapping detections.

    Args:
        values: detections (N, >=4) with the box in the first four columns.
        scores: score (N,) of each detection.

    Returns:
        Indices of each group, by falling score within and between the groups.
    """
    remaining = list(np.argsort(-scores, kind="stable"))
    groups = []
    while remaining:
        share = intersection_over_union(values[remaining[0], :4], values[remaining, :4])
        group = [
            i for i, s in zip(remaining, share, strict=True) if s > MIN_OVERLAP or i == remaining[0]
        ]
        groups.append(tuple(int(i) for i in group))
        remaining = [i for i in remaining if i not in group]
    return groups


class Detector:
    """MediaPipe's short-range detector; its pre- and post-processing are reimplemented here.

    Letterboxed square, sigmoid of the logits clipped to +-100, score at least 0.5, weighted
    non-maximum suppression at an overlap above 0.3 (Bazarevsky et al., arXiv:1907.05047).
    """

    def __init__(self) -> None:
        self._network = Network("face_detection_short_range.tflite")
        self._anchors = anchor_boxes()

    def detect(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        """Detect all faces of `rgb` (H, W, 3), by falling score."""
        import cv2

        height, width = rgb.shape[:2]
        side = max(height, width)
        left, top = (side - width) / 2, (side - height) / 2
        step = side / SIDE
        to_image = np.array([[step, 0, -left], [0, step, -top]])
        small = cv2.warpAffine(
            rgb,
            to_image,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )
        outputs = self._network(small.astype(np.float32) * np.float32(2 / 255) - np.float32(1))
        logits = np.clip(outputs["classificators"][:, 0].astype(np.float64), -100, 100)
        scores = 1 / (1 + np.exp(-logits))
        keep = np.flatnonzero(scores >= MIN_SCORE)
        raw = outputs["regressors"][keep].astype(np.float64).reshape(-1, 8, 2) / SIDE
        raw[:, 0] += self._anchors[keep]
        raw[:, 2:] += self._anchors[keep, None]
        half = raw[:, 1] / 2
        values = np.concatenate([raw[:, 0] - half, raw[:, 0] + half, raw[:, 2:].reshape(-1, 12)], 1)
        detections = []
        for group in non_maximum_suppression(values, scores[keep]):
            weights = scores[keep][list(group)]
            points = (weights @ values[list(group)] / weights.sum()).reshape(8, 2)
            points = points * side - (left, top)
            detections.append(Detection(points[:2].ravel(), points[2:], float(weights[0])))
        return detections
