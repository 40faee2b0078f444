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
from rppgbench.evaluation.respiration_rule import RespirationReading
from rppgbench.evaluation.variability_rule import VariabilityReading
from rppgbench.system.errors import BenchError
from rppgbench.system.hashing import digest

NOMINAL_FS_HZ = 30.0
"""Samples per second for which the resolution of an evaluator is stated."""

EDGE_BPM = 5.0
"""A reference this near to the edge of a band counts as at the edge.

A rule reads a rate beyond its band as one just inside: 185 bpm as 180.4 in a band up to 180. The
grids of the presets are up to 3.5 bpm apart, and 5 bpm is the error that the field tolerates.
"""

RESPIRATION_EDGE_BPM = 1.0
"""The same for rates of respiration, whose bands are a tenth as wide."""

RATE_UNITS = {"heart rate": "bpm", "respiration rate": "breaths/min"}
"""The unit of each quantity that rules read, as pages and the terminal write it."""

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

    Five keys are needed: `title`, `meaning`, `source`, `window` and `estimate`.
    """

    title: str = Field(description="a few words")
    meaning: str = Field(
        pattern=r"^\S.{20,}\.$",
        description="one sentence: what a reading under this rule is; pages show it",
    )
    source: str = Field(description="the paper or the code")
    window: Annotated[WholeWindow | FixedWindow | PartsWindow, Field(discriminator="kind")] = Field(
        description="where windows lie"
    )
    estimate: RateChain = Field(description="the chain that reads estimates")
    reference: ReferenceReading = Field(
        default="same",
        description="the chain that reads reference pulses, `same`, or how their beats are found",
    )
    notes: str = Field(
        default="", description="where the rule differs from its source, and what to know of it"
    )
    truth: list[Literal["beats", "pulse", "heart_rate", "respiration", "respiration_rate"]] = Field(
        default=["pulse", "heart_rate"],
        min_length=1,
        description="kinds of reference by preference: the device's own beats, its pulse, or its "
        "heart rate; the first that a recording has is used, and each row says which. The pulse is "
        "interpolated in time onto the samples of the estimate. A rule with `[respiration]` takes "
        "the waveform of the respiration, or the device's rate",
    )
    heart_rate: Literal["window_mean", "window_centre", "nearest"] = Field(
        default="window_mean",
        description="the rate of a window from readings of a device, or of an estimate without a "
        "waveform: the mean of the readings in it, the value at its centre, or the reading nearest "
        "to the centre",
    )
    rates: Literal["windows", "as_given"] = Field(
        default="windows",
        description="estimates that are heart rates without a waveform: read in windows, or each "
        "reading is a row, where the reference is no pulse",
    )
    border_frames: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="samples that are left out at both ends of a recording",
    )
    gap_share: float = Field(
        default=0.25,
        ge=0,
        lt=1,
        description="a window that lacks more than this share of its samples, of the estimate or "
        "of the reference, has no heart rate; smaller gaps are filled linearly",
    )
    unit: Literal["window", "recording_mean", "recording_median", "frame"] = Field(
        default="window",
        description="what a row is: a window, a recording (mean or median over its windows), or a "
        "frame (the window around it)",
    )
    pooling: Literal["rows", "recordings"] = Field(
        default="rows",
        description="metrics over all rows, or per recording and averaged",
    )
    snr: Literal["toolbox", "de_haan", "pyvhr", "snr_get"] = Field(
        default="de_haan",
        description="definition of the signal-to-noise ratio (`snr_get`: of Contrast-Phys)",
    )
    correlation: Literal["mcc", "macc", "none"] = Field(
        default="none", description="definition of the correlation with the reference pulse"
    )
    missing: Literal["farthest_band_edge"] = Field(
        default="farthest_band_edge",
        description="a missing estimate counts as the edge of the band that is farther from the "
        "reference: the largest error of any answer within the band",
    )
    variability: VariabilityReading | None = Field(
        default=None,
        description="how beats of the estimate are found, for F1, the error of intervals and "
        "heart-rate variability; it needs a reference of kind `beats`",
    )
    respiration: RespirationReading | None = Field(
        default=None,
        description="how the rate of respiration is read from the pulse: rows are then breaths per "
        "minute, and `[estimate]` reads what respiration changes in the pulse",
    )
    group_margin_bpm: float = Field(
        default=5.0,
        gt=0,
        le=100,
        description="largest gap between the mean absolute errors of two groups (skin tone, light, "
        "scenario) that does not matter, for the verdict of non-inferiority; the default is the "
        "tolerance of ANSI/AAMI EC13; it changes no number",
    )
    made_for_fs: list[Rate] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="lowest and highest sampling rate that the rule was made for, where it counts "
        "samples: rows at other rates have a note; it changes no number",
    )

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

    @model_validator(mode="after")
    def _respiration_beside_respiration(self) -> Self:
        breath = {"respiration", "respiration_rate"}
        if self.respiration is None:
            if breath & set(self.truth):
                raise ValueError("truth: respiration needs a table [respiration]")
            return self
        if not set(self.truth) <= breath:
            raise ValueError('[respiration] needs truth of "respiration" or "respiration_rate"')
        if isinstance(self.reference, BeatReading) or self.variability is not None:
            raise ValueError("[respiration] reads no beats of a reference")
        if self.correlation != "none" or self.unit == "frame" or self.rates != "windows":
            raise ValueError("[respiration] has no correlation, no frames and no rates as given")
        return self

    @model_validator(mode="after")
    def _variability_of_windows_with_beats(self) -> Self:
        if self.variability is None:
            return self
        if not isinstance(self.reference, BeatReading):
            raise ValueError('variability needs a reference of kind "beats"')
        if self.unit != "window":
            raise ValueError('variability needs unit = "window"')
        return self

    @property
    def quantity(self) -> Literal["heart rate", "respiration rate"]:
        """What the rows are of."""
        return "heart rate" if self.respiration is None else "respiration rate"

    @property
    def rate_unit(self) -> str:
        """The unit of the rows as pages and the terminal write it."""
        return RATE_UNITS[self.quantity]

    def require_heart_rates(self, name: str) -> None:
        """Refuse a rule whose rows are no heart rates, where heart rates are asked for.

        Args:
            name: Name of the evaluator.

        Raises:
            BenchError: The rule reads the rate of respiration.
        """
        if self.respiration is not None:
            raise BenchError(
                f"evaluator {name}: its rates are of respiration, not of the heart; choose another"
            )

    @property
    def edge_bpm(self) -> float:
        """How near to the edge of the band a reference counts as at the edge."""
        return EDGE_BPM if self.respiration is None else RESPIRATION_EDGE_BPM

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
        texts = {"title", "meaning", "source", "notes", "made_for_fs", "group_margin_bpm"}
        undeclared = {
            name for name in ("variability", "respiration") if getattr(self, name) is None
        }
        return digest(self.model_dump(mode="json", exclude=texts | undeclared))

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
    """Read and check one file; all faults in one line."""
    return read_declaration(file, Evaluator)
