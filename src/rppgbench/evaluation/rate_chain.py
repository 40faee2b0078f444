"""Declaration of a chain from samples to a heart rate: detrending, filter, spectrum, peak."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rppgbench.core.protocol import Declaration
from rppgbench.core.waveform import Array
from rppgbench.signals.spectrum import fast_length, taper


class Tukey(Declaration):
    """A taper that is level in the middle; the cosines at its ends take this share of the window.

    A share of 0 is the boxcar, of 1 the Hann taper.
    """

    tukey: float = Field(ge=0, le=1)


Taper = Literal["boxcar", "hann", "hamming"] | Tukey

Hertz = Annotated[float, Field(ge=0.01, le=50)]
"""A frequency: from one beat in 100 s to far above any heart rate; filters stay computable."""


class Passing(Declaration):
    """A pass band from `low_hz` to `high_hz`."""

    low_hz: Hertz
    high_hz: Hertz

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high_hz <= self.low_hz:
            raise ValueError("high_hz must be above low_hz")
        return self


class Untouched(Declaration):
    """Neither detrended nor filtered."""

    kind: Literal["none"]


class MeanRemoval(Declaration):
    """The mean is subtracted."""

    kind: Literal["mean"]


class SmoothnessPriors(Declaration):
    """Tarvainen's detrending with the regularisation `lam`."""

    kind: Literal["smoothness_priors"]
    lam: float = Field(ge=0, le=1e9)


class Butterworth(Passing):
    """Band-pass of an order: forward and backward, or causal (forward only, delayed)."""

    kind: Literal["butterworth", "butterworth_causal"]
    order: int = Field(ge=1, le=12)


class FirHamming(Passing):
    """Hamming-windowed FIR band-pass, forward and backward; order = share of the samples."""

    kind: Literal["fir_hamming"]
    order_share: float = Field(gt=0, lt=1 / 3)


class AtLeast(Declaration):
    """Padded with zeros to `at_least` samples; a longer window is not padded."""

    at_least: int = Field(ge=1, le=1 << 24)


class Factor(Declaration):
    """Padded with zeros to `factor` times the window."""

    factor: int = Field(ge=1, le=10_000)


class FastFactor(Declaration):
    """Padded with zeros to `fast_factor` times the window, or a little more for a fast FFT."""

    fast_factor: int = Field(ge=1, le=10_000)


class BinStep(Declaration):
    """Padded with zeros until bins are `bin_bpm` apart."""

    bin_bpm: float = Field(ge=1e-3, le=1e3)


class OverRate(Declaration):
    """Padded with zeros to `over_fs` divided by the sampling rate (a rule of PhysBench)."""

    over_fs: float = Field(gt=0, le=1e8)


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
    """Welch segments of a number of samples; a shorter window is one segment."""

    samples: int = Field(ge=2)
    overlap: int = Field(ge=0)

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if self.overlap >= self.samples:
            raise ValueError("overlap must be below samples")
        return self


class SegmentParts(Declaration):
    """A number of Welch segments over the window, each overlapping the next by a share."""

    parts: int = Field(ge=1, le=1000)
    overlap_share: float = Field(ge=0, le=0.99)


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


class Band(Passing):
    """Where a heart rate may lie.

    `edges`: `inclusive` and `exclusive` compare frequencies; `rounded` takes the bins from
    round(low) to before round(high), as Contrast-Phys does.
    """

    edges: Literal["inclusive", "exclusive", "rounded"]


class BinPeak(Declaration):
    """The frequency of the highest bin."""

    kind: Literal["bin"]


class ParabolaPeak(Declaration):
    """The vertex of the parabola through the log power of the highest bin and its neighbours.

    `resolution_bpm` is the largest error for a clean sine anywhere in the band; tests hold it.
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


class RateChain(Declaration):
    """From samples to one heart rate: detrend, filter, spectrum, peak.

    `steps_on` says whether detrending and filtering see a window or the whole recording.
    """

    steps_on: Literal["window", "recording"] = "window"
    detrend: Annotated[Untouched | MeanRemoval | SmoothnessPriors, Field(discriminator="kind")] = (
        Untouched(kind="none")
    )
    filter: Annotated[Untouched | Butterworth | FirHamming, Field(discriminator="kind")]
    spectrum: Annotated[Periodogram | Welch | PeakIntervals, Field(discriminator="kind")]
    band: Band
    peak: Annotated[
        BinPeak | ParabolaPeak | OffsetPeak | LocalMaximumPeak, Field(discriminator="kind")
    ]


def padded(samples: int, fs: float, rule: Padding) -> int:
    """Samples of the FFT of a window, never fewer than those of the window.

    Args:
        samples: Samples of the window.
        fs: Samples per second.
        rule: The declared padding.

    >>> padded(300, 30.0, "next_pow2"), padded(300, 30.0, BinStep(bin_bpm=0.5))
    (512, 3600)
    """
    if rule == "length":
        length = samples
    elif rule == "next_pow2":
        length = 1 << (samples - 1).bit_length()
    elif isinstance(rule, AtLeast):
        length = rule.at_least
    elif isinstance(rule, Factor):
        length = rule.factor * samples
    elif isinstance(rule, FastFactor):
        length = fast_length(rule.fast_factor * samples)
    elif isinstance(rule, BinStep):
        length = round(60 * fs / rule.bin_bpm)
    else:
        length = int(rule.over_fs / fs)
    return max(length, samples)


def taper_window(declared: Taper, samples: int, *, symmetric: bool) -> Array:
    """A declared taper: (samples,).

    Args:
        declared: The declaration.
        samples: Its length.
        symmetric: Sampled symmetrically, as numpy and MATLAB do, else periodically.

    >>> taper_window(Tukey(tukey=0.5), 8, symmetric=False).round(2).tolist()
    [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    """
    name = ("tukey", declared.tukey) if isinstance(declared, Tukey) else declared
    return taper(name, samples, symmetric=symmetric)


def segment_samples(samples: int, welch: Welch) -> int:
    """Samples of a Welch segment.

    Args:
        samples: Samples of the window.
        welch: The declared spectrum.

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
