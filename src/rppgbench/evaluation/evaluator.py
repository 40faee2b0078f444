"""Declaration of an evaluator: the rule from waveforms to heart rates, one TOML file each."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from rppgbench.core.protocol import Declaration, read_declaration
from rppgbench.evaluation.beat_rule import BeatReading
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
"""Samples per second for which the resolution of an evaluator is stated."""

NOMINAL_S = 60.0
"""Duration of a recording for which the resolution of whole windows is stated."""

Rate = Annotated[float, Field(gt=0, le=100_000)]
"""Samples a second."""


class WholeWindow(Declaration):
    """One window: the part of the recording that the estimate covers, if it is long enough."""

    kind: Literal["whole"]
    shortest_s: float = Field(ge=0, le=86400)


class FixedWindow(Declaration):
    """Windows of `length_s`, one every `stride_s` or at every frame.

    The rest at the end is a window too where it lasts at least `shortest_s`.
    """

    kind: Literal["fixed"]
    length_s: float = Field(gt=0, le=86400)
    stride_s: Annotated[float, Field(ge=1e-3, le=86400)] | Literal["frame"]
    shortest_s: float = Field(gt=0, le=86400)


class PartsWindow(Declaration):
    """The recording in `parts` equally long parts; the rest at the end is left out."""

    kind: Literal["parts"]
    parts: int = Field(ge=1, le=10_000)
    shortest_s: float = Field(ge=0, le=86400)


def _kind_of_reference(value: object) -> str:
    """Which declaration of the reference a value is: same, beats or chain."""
    if isinstance(value, str):
        return "same"
    is_beats = isinstance(value, BeatReading) or (isinstance(value, dict) and "kind" in value)
    return "beats" if is_beats else "chain"


ReferenceReading = Annotated[
    Annotated[RateChain, Tag("chain")]
    | Annotated[BeatReading, Tag("beats")]
    | Annotated[Literal["same"], Tag("same")],
    Discriminator(_kind_of_reference),
]
"""How the reference is read: by a chain, by its beats, or as the estimate."""


class Evaluator(Declaration):
    """The rule that reads heart rates from waveforms, and the reference that it compares with.

    A window is missing where more than `gap_share` of its samples are absent or lie in straight
    segments of 2 s and more, and where its wave is a straight line; such a window of a reference
    has no heart rate. Smaller gaps are filled linearly.

    Attributes:
        title: A few words.
        meaning: One sentence: what a reading under this rule is. Pages show it.
        source: The paper or the code.
        notes: Where the rule differs from its source, and what a reader should know.
        truth: The kinds of reference by preference, the device's own `beats`, its `pulse`, or its
            `heart_rate`: the first that a recording has is used. The pulse is interpolated in time
            onto the estimate's samples.
        heart_rate: The heart rate of a window from readings of a device, or of an estimate without
            a waveform: the mean of the readings in it, the value at the centre, or the reading
            nearest to the centre.
        window: Where windows lie.
        border_frames: Samples that are left out at both ends of a recording.
        gap_share: The share of a window that may be absent.
        unit: What a row is: a window, a recording (mean or median over its windows), or a frame
            (the window around it).
        pooling: Whether metrics are over all rows, or are computed per recording and averaged.
        snr: Definition of the signal-to-noise ratio.
        correlation: Definition of the correlation with the reference pulse.
        missing: The rule for missing estimates. `farthest_band_edge`: the estimate counts as the
            band's edge that is farther from the reference, the largest error of any answer within
            the band.
        estimate: The chain that reads estimates.
        reference: The chain that reads reference pulses, or "same", or how their beats are found.
        made_for_fs: Lowest and highest sampling rate that the rule was made for, where it counts
            samples: at other rates its rows have a note. It changes no number.
        rates: Estimates that are heart rates without a waveform: read in windows, or each reading
            is a row, as given. Where the reference is a pulse, they are read in windows.
    """

    title: str
    meaning: str = Field(pattern=r"^\S.{20,}\.$")
    source: str
    notes: str
    truth: list[Literal["beats", "pulse", "heart_rate"]] = Field(min_length=1)
    heart_rate: Literal["window_mean", "window_centre", "nearest"]
    window: Annotated[WholeWindow | FixedWindow | PartsWindow, Field(discriminator="kind")]
    border_frames: int = Field(ge=0, le=1_000_000)
    gap_share: float = Field(ge=0, lt=1)
    unit: Literal["window", "recording_mean", "recording_median", "frame"]
    pooling: Literal["rows", "recordings"]
    snr: Literal["toolbox", "de_haan", "pyvhr", "snr_get"]
    correlation: Literal["mcc", "macc", "none"]
    missing: Literal["farthest_band_edge"]
    estimate: RateChain
    reference: ReferenceReading
    made_for_fs: list[Rate] | None = Field(default=None, min_length=2, max_length=2)
    rates: Literal["windows", "as_given"] = "windows"

    @model_validator(mode="after")
    def _rates_ordered(self) -> Self:
        if self.made_for_fs is not None and self.made_for_fs[1] < self.made_for_fs[0]:
            raise ValueError("made_for_fs must be the lowest rate and then the highest")
        return self

    @model_validator(mode="after")
    def _beats_read_as_beats(self) -> Self:
        if "beats" in self.truth and not isinstance(self.reference, BeatReading):
            raise ValueError('truth: "beats" needs a reference of kind "beats"')
        return self

    @property
    def reference_chain(self) -> RateChain:
        """The chain that prepares the reference pulse, and reads it if its beats are not read."""
        return self.reference if isinstance(self.reference, RateChain) else self.estimate

    @property
    def removes_drift(self) -> bool:
        """Whether detrending removes slow drift of an estimate before its spectrum."""
        return isinstance(self.estimate.detrend, SmoothnessPriors)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of all settings that can change a number."""
        texts = {"title", "meaning", "source", "notes", "made_for_fs"}
        return digest(self.model_dump(mode="json", exclude=texts))

    @property
    def window_s(self) -> float:
        """Duration of a window in seconds; 0 where it is the recording or a part of it."""
        return self.window.length_s if isinstance(self.window, FixedWindow) else 0.0

    @property
    def resolution_bpm(self) -> float:
        """The resolution of a heart rate: the distance of bins, or the declared one.

        At 30 samples per second, and for a recording of 60 s where a window has no fixed length. 0
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
    """Read and check one file: every key is needed, no other is allowed; BenchError in one line."""
    return read_declaration(file, Evaluator)
