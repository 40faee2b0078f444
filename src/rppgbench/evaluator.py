"""A frozen rule from waveforms to heart rates: one TOML file."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rppgbench.digest import digest
from rppgbench.protocol import Declaration, read_declaration

NOMINAL_FS = 30.0
"""Frames a second for which an evaluator tells its resolution."""

NOMINAL_S = 60.0
"""How long a recording is taken to be, for the resolution of an evaluator of whole recordings."""

Taper = Literal["boxcar", "hann", "hamming"]


class Untouched(Declaration):
    """Neither detrended nor filtered."""

    kind: Literal["none"]


class MeanRemoval(Declaration):
    """The mean is subtracted."""

    kind: Literal["mean"]


class SmoothnessPriors(Declaration):
    """Tarvainen's detrending with the regularisation `lam`."""

    kind: Literal["smoothness_priors"]
    lam: float = Field(ge=0)


class Butterworth(Declaration):
    """Band-pass of an order: forward and backward, or causal (forward only, delayed)."""

    kind: Literal["butterworth", "butterworth_causal"]
    order: int = Field(ge=1)
    low_hz: float = Field(gt=0)
    high_hz: float


class FirHamming(Declaration):
    """Hamming-windowed FIR band-pass, forward and backward; order = share of the samples."""

    kind: Literal["fir_hamming"]
    order_share: float = Field(gt=0, lt=1 / 3)
    low_hz: float = Field(gt=0)
    high_hz: float


class AtLeast(Declaration):
    """Padded with zeros to `at_least` samples; a longer window is not padded."""

    at_least: int = Field(ge=1)


class Factor(Declaration):
    """Padded with zeros to `factor` times the window."""

    factor: int = Field(ge=1)


class FastFactor(Declaration):
    """Padded with zeros to `fast_factor` times the window, or a little more for a fast FFT."""

    fast_factor: int = Field(ge=1)


class BinStep(Declaration):
    """Padded with zeros until bins are `bin_bpm` apart."""

    bin_bpm: float = Field(gt=0)


class OverRate(Declaration):
    """Padded with zeros to `over_fs` divided by the sampling rate (a rule found in the wild)."""

    over_fs: float = Field(gt=0)


Padding = Literal["length", "next_pow2"] | AtLeast | Factor | FastFactor | BinStep | OverRate


class Periodogram(Declaration):
    """|FFT|^2 of the whole window.

    `taper` is sampled symmetrically (as numpy and MATLAB do) or periodically (as scipy's spectral
    estimators do); `centred` subtracts the mean first.
    """

    kind: Literal["periodogram"]
    taper: Taper
    symmetric: bool
    centred: bool
    nfft: Padding


class SegmentSamples(Declaration):
    """Welch segments of so many samples; a shorter window is one segment."""

    samples: int = Field(ge=2)
    overlap: int = Field(ge=0)


class SegmentParts(Declaration):
    """So many Welch segments over the window, each overlapping the next by a share."""

    parts: int = Field(ge=1)
    overlap_share: float = Field(ge=0, lt=1)


class Welch(Declaration):
    """Mean periodogram of overlapping segments, tapered periodically."""

    kind: Literal["welch"]
    taper: Taper
    symmetric: bool
    centred: bool
    segment: SegmentSamples | SegmentParts
    nfft: Padding


class PeakIntervals(Declaration):
    """No spectrum: 60 / (mean distance of neighbouring maxima of the wave)."""

    kind: Literal["peak_intervals"]


class Band(Declaration):
    """Where a heart rate may lie.

    `edges`: `inclusive` and `exclusive` compare frequencies; `rounded` takes the bins from
    round(low) to before round(high), as Contrast-Phys does.
    """

    low_hz: float = Field(gt=0)
    high_hz: float
    edges: Literal["inclusive", "exclusive", "rounded"]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high_hz <= self.low_hz:
            raise ValueError("high_hz must be above low_hz")
        return self


class BinPeak(Declaration):
    """The frequency of the highest bin."""

    kind: Literal["bin"]


class ParabolaPeak(Declaration):
    """The vertex of the parabola through the log power of the highest bin and its neighbours.

    `resolution_bpm` is what a clean sine is told to, anywhere in the band; tests hold it.
    """

    kind: Literal["parabola"]
    resolution_bpm: float = Field(gt=0)


class OffsetPeak(Declaration):
    """Gideon and Stent's three-point offset (`fast_ideal`), which is not a parabola."""

    kind: Literal["offset"]


class LocalMaximumPeak(Declaration):
    """The highest local maximum h1; the second, h2, if |h1 - 2 h2| is under the limit in bpm.

    With one local maximum it is taken; with none the estimate is missing. (The reference code
    raises IndexError in both cases.) A limit of 0 switches the harmonic rule off.
    """

    kind: Literal["local_maximum"]
    harmonic_within_bpm: float = Field(ge=0)


class Chain(Declaration):
    """From samples to one heart rate: detrend, filter, spectrum, peak.

    `steps_on` says whether detrending and filtering see a window or the whole recording.
    """

    steps_on: Literal["window", "recording"]
    detrend: Annotated[Untouched | MeanRemoval | SmoothnessPriors, Field(discriminator="kind")]
    filter: Annotated[Untouched | Butterworth | FirHamming, Field(discriminator="kind")]
    spectrum: Annotated[Periodogram | Welch | PeakIntervals, Field(discriminator="kind")]
    band: Band
    peak: Annotated[
        BinPeak | ParabolaPeak | OffsetPeak | LocalMaximumPeak, Field(discriminator="kind")
    ]


class WholeWindow(Declaration):
    """One window: all that the estimate covers of the recording, if that is long enough."""

    kind: Literal["whole"]
    shortest_s: float = Field(ge=0)


class FixedWindow(Declaration):
    """Windows of `length_s`, one every `stride_s` or at every frame.

    What is left at the end is a window too where it lasts at least `shortest_s`.
    """

    kind: Literal["fixed"]
    length_s: float = Field(gt=0)
    stride_s: Annotated[float, Field(gt=0)] | Literal["frame"]
    shortest_s: float = Field(gt=0)


class PartsWindow(Declaration):
    """The recording in `parts` equally long pieces; up to parts - 1 samples at the end are left."""

    kind: Literal["parts"]
    parts: int = Field(ge=1)
    shortest_s: float = Field(ge=0)


class Evaluator(Declaration):
    """How heart rates are read off waveforms, and what they are compared with.

    `truth` names what is preferred: the reference `pulse`, or the device's `heart_rate`; the first
    that a recording has is used. The pulse is interpolated in time onto the estimate's samples and
    read by the chain `reference` ("same": by `estimate`). The device's rate is its mean over the
    window or its value at the window's centre.

    A window whose samples are absent in more than `gap_share` is missing, and so is one whose wave
    is constant; smaller gaps are bridged linearly. The only rule for missing ones so far is
    `farthest_band_edge`: the estimate counts as the band's edge that lies farther from the
    reference, the worst that an answer in the band could be. `border_frames` are left out at both
    ends of a recording. `unit` is what a row is: a window, a recording (mean or median over its
    windows), or a frame (the window around it). `pooling` says whether metrics are over all rows
    or are worked out per recording and averaged.
    """

    title: str
    source: str
    notes: str
    truth: list[Literal["pulse", "heart_rate"]] = Field(min_length=1)
    heart_rate: Literal["window_mean", "window_centre"]
    window: Annotated[WholeWindow | FixedWindow | PartsWindow, Field(discriminator="kind")]
    border_frames: int = Field(ge=0)
    gap_share: float = Field(ge=0, lt=1)
    unit: Literal["window", "recording_mean", "recording_median", "frame"]
    pooling: Literal["rows", "recordings"]
    snr: Literal["toolbox", "de_haan", "pyvhr", "snr_get"]
    correlation: Literal["mcc", "macc", "none"]
    missing: Literal["farthest_band_edge"]
    estimate: Chain
    reference: Chain | Literal["same"]

    @property
    def reference_chain(self) -> Chain:
        """What reads the reference pulse."""
        return self.estimate if self.reference == "same" else self.reference

    @property
    def digest(self) -> str:
        """Sixteen hex digits of everything but the words."""
        words = {"title", "source", "notes"}
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
        samples = round(length_s * NOMINAL_FS)
        segment = segment_samples(samples, spectrum) if isinstance(spectrum, Welch) else samples
        return 60 * NOMINAL_FS / padded(segment, NOMINAL_FS, spectrum.nfft)


def padded(samples: int, fs: float, rule: Padding) -> int:
    """How long the FFT of `samples` samples is, never shorter than them.

    >>> padded(300, 30.0, "next_pow2"), padded(300, 30.0, BinStep(bin_bpm=0.5))
    (512, 3600)
    """
    if rule == "length":
        wanted = samples
    elif rule == "next_pow2":
        wanted = 1 << (samples - 1).bit_length()
    elif isinstance(rule, AtLeast):
        wanted = rule.at_least
    elif isinstance(rule, Factor):
        wanted = rule.factor * samples
    elif isinstance(rule, FastFactor):
        wanted = fast_length(rule.fast_factor * samples)
    elif isinstance(rule, BinStep):
        wanted = round(60 * fs / rule.bin_bpm)
    else:
        wanted = int(rule.over_fs / fs)
    return max(wanted, samples)


def fast_length(samples: int) -> int:
    """The next length whose only prime factors are 2, 3 and 5, for a fast FFT.

    >>> fast_length(2400), fast_length(2401), fast_length(8 * 307)
    (2400, 2430, 2500)
    """
    while True:
        rest = samples
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return samples
        samples += 1


def segment_samples(samples: int, welch: Welch) -> int:
    """How long a Welch segment of a window of `samples` samples is.

    >>> thirds = SegmentParts(parts=8, overlap_share=0.5)
    >>> welch = Welch(kind="welch", taper="hann", symmetric=False, centred=True,
    ...               segment=thirds, nfft="length")
    >>> segment_samples(900, welch)
    200
    """
    if isinstance(welch.segment, SegmentSamples):
        return min(welch.segment.samples, samples)
    count, share = welch.segment.parts, welch.segment.overlap_share
    return max(2, int(samples / (1 + (count - 1) * (1 - share))))


def read_evaluator(file: Path) -> Evaluator:
    """Read and check one file; every key is needed, no other is allowed; faults in one line."""
    return read_declaration(file, Evaluator)
