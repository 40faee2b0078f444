"""A frozen rule from waveforms to heart rates: one TOML file."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rppgbench.core.protocol import Declaration, read_declaration
from rppgbench.evaluation.rate_chain import (
    ParabolaPeak,
    PeakIntervals,
    RateChain,
    SmoothnessPriors,
    Welch,
    padded,
    segment_samples,
)
from rppgbench.system.hashing import digest

NOMINAL_FS_HZ = 30.0
"""Frames a second for which an evaluator tells its resolution."""

NOMINAL_S = 60.0
"""How long a recording is taken to be, for the resolution of an evaluator of whole recordings."""

Rate = Annotated[float, Field(gt=0, le=100_000)]
"""Samples a second."""


class WholeWindow(Declaration):
    """One window: all that the estimate covers of the recording, if that is long enough."""

    kind: Literal["whole"]
    shortest_s: float = Field(ge=0, le=86400)


class FixedWindow(Declaration):
    """Windows of `length_s`, one every `stride_s` or at every frame.

    What is left at the end is a window too where it lasts at least `shortest_s`.
    """

    kind: Literal["fixed"]
    length_s: float = Field(gt=0, le=86400)
    stride_s: Annotated[float, Field(ge=1e-3, le=86400)] | Literal["frame"]
    shortest_s: float = Field(gt=0, le=86400)


class PartsWindow(Declaration):
    """The recording in `parts` equally long pieces; up to parts - 1 samples at the end are left."""

    kind: Literal["parts"]
    parts: int = Field(ge=1, le=10_000)
    shortest_s: float = Field(ge=0, le=86400)


class Evaluator(Declaration):
    """How heart rates are read off waveforms, and what they are compared with.

    `truth` names what is preferred: the reference `pulse`, or the device's `heart_rate`; the first
    that a recording has is used. The pulse is interpolated in time onto the estimate's samples and
    read by the chain `reference` ("same": by `estimate`). The device's rate is its mean over the
    window or its value at the window's centre.

    A window whose samples are absent, or run straight for 2 s and more, in more than `gap_share` is
    missing, and so is one whose wave is a straight line; for a reference it has no truth. Smaller
    gaps are bridged linearly. The only rule for missing ones so far is `farthest_band_edge`: the
    estimate counts as the band's edge that lies farther from the reference, the worst that an
    answer in the band could be. `border_frames` are left out at both ends of a recording. `unit` is
    what a row is: a window, a recording (mean or median over its windows), or a frame (the window
    around it). `pooling` says whether metrics are over all rows or are worked out per recording and
    averaged.

    `made_for_fs` is the range of samples a second, lowest and highest, that the rule was made for,
    where it counts samples: at other rates its rows bear a note. It changes no number.
    """

    title: str
    source: str
    notes: str
    truth: list[Literal["pulse", "heart_rate"]] = Field(min_length=1)
    heart_rate: Literal["window_mean", "window_centre"]
    window: Annotated[WholeWindow | FixedWindow | PartsWindow, Field(discriminator="kind")]
    border_frames: int = Field(ge=0, le=1_000_000)
    gap_share: float = Field(ge=0, lt=1)
    unit: Literal["window", "recording_mean", "recording_median", "frame"]
    pooling: Literal["rows", "recordings"]
    snr: Literal["toolbox", "de_haan", "pyvhr", "snr_get"]
    correlation: Literal["mcc", "macc", "none"]
    missing: Literal["farthest_band_edge"]
    estimate: RateChain
    reference: RateChain | Literal["same"]
    made_for_fs: list[Rate] | None = Field(default=None, min_length=2, max_length=2)

    @model_validator(mode="after")
    def _rates_ordered(self) -> Self:
        if self.made_for_fs is not None and self.made_for_fs[1] < self.made_for_fs[0]:
            raise ValueError("made_for_fs must be the lowest rate and then the highest")
        return self

    @property
    def reference_chain(self) -> RateChain:
        """What reads the reference pulse."""
        return self.estimate if self.reference == "same" else self.reference

    @property
    def removes_drift(self) -> bool:
        """Whether slow drift of an estimate is taken off before its spectrum, by detrending."""
        return isinstance(self.estimate.detrend, SmoothnessPriors)

    @property
    def digest(self) -> str:
        """Sixteen hex digits of everything but the words and what gives a note only."""
        words = {"title", "source", "notes", "made_for_fs"}
        return digest(self.model_dump(mode="json", exclude=words))

    @property
    def window_s(self) -> float:
        """How long a window is; 0 where it is the whole recording or a part of it."""
        return self.window.length_s if isinstance(self.window, FixedWindow) else 0.0

    @property
    def resolution_bpm(self) -> float:
        """How finely a heart rate is told: the distance of bins, or what is declared.

        At 30 frames a second, and for a recording of 60 s where a window has no fixed length. 0
        where there is no grid (peak intervals).
        """
        peak, spectrum = self.estimate.peak, self.estimate.spectrum
        if isinstance(spectrum, PeakIntervals):
            return 0.0
        if isinstance(peak, ParabolaPeak):
            return peak.resolution_bpm
        length_s = self.window_s or NOMINAL_S
        if isinstance(self.window, PartsWindow):
            length_s /= self.window.parts
        samples = round(length_s * NOMINAL_FS_HZ)
        segment = segment_samples(samples, spectrum) if isinstance(spectrum, Welch) else samples
        return 60 * NOMINAL_FS_HZ / padded(segment, NOMINAL_FS_HZ, spectrum.nfft)


def read_evaluator(file: Path) -> Evaluator:
    """Read and check one file; every key is needed, no other is allowed; faults in one line."""
    return read_declaration(file, Evaluator)
