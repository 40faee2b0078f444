"""Stated changes of the colour of skin, laid on a face."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.simulation.anatomy import Anatomy
from rppgbench.simulation.person import Picture
from rppgbench.simulation.scene import SkinCourse

ENCODED = 2.0
"""A camera encodes light by its root, which halves relative changes."""


class SkinChanges:
    """The changes of a `SkinCourse` at the places of a face."""

    def __init__(self, course: SkinCourse, anatomy: Anatomy) -> None:
        weight = anatomy.face_skin / anatomy.face_skin.sum()
        self._change = course.change
        mean_strength = (weight * anatomy.strength).sum()
        self.depth: Picture = np.asarray(ENCODED * course.pulse / mean_strength, np.float32)
        """Relative change of linear light (3,) by a blood volume of 1 where the pulse is full."""
        down, right = np.indices(weight.shape)
        places = [_standardised(np.asarray(place), weight) for place in (right, down)]
        self.places: Picture = np.dstack(places).astype(np.float32)
        """Places on the coarse grid (h, w, 2): right and down, mean 0 and deviation 1 on skin."""

    def gain(self, index: int, places: Picture) -> Picture:
        """The factor (h, w, 3) on linear light in a frame.

        Args:
            index: number of the frame.
            places: values of `places` (h, w, 2) at the points of interest.
        """
        mean, right, down = self._change[index].astype(np.float32)
        change = mean + places[..., :1] * right + places[..., 1:] * down
        return np.asarray((1 + change) ** 2, np.float32)


def _standardised(values: Array, weight: Picture) -> Array:
    centred = values - (weight * values).sum()
    standardised: Array = centred / np.sqrt((weight * centred**2).sum())
    return standardised
