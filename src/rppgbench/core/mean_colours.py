"""The mean colour of one face region over time, as results keep it."""

from dataclasses import dataclass

from rppgbench.core.waveform import Waveform

MIN_NOISE_S = 5.0
"""Shorter stretches of a video say too little of its noise, and are not kept."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanColours:
    """The mean colours of one face region in the videos as they are.

    Attributes:
        region: Name of the region.
        segments: Stretches with the region in every frame: colours (T, 3) on an even clock.
    """

    region: str
    segments: tuple[Waveform, ...]
