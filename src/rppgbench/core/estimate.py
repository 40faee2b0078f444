"""The record of one method on one recording: a waveform, heart rates, or the reason for neither."""

from dataclasses import dataclass

from rppgbench.core.waveform import Signal, Waveform


@dataclass(frozen=True, kw_only=True, order=True)
class EstimateKey:
    """The fields that name one estimate among others of a results folder."""

    dataset: str
    recording: str
    method: str
    fold: str
    seed: int
    condition: str
    region: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimate:
    """One method on one recording in one fold, seed and condition: a waveform, never a score.

    `waveform` is the pulse (T,) with NaN where there is none, or None with the `reason` why not.
    `heart_rate` holds heart rates in bpm with their times, where an imported source has no
    waveform.
    `coverage` is the share of the recording's duration that the waveform covers, 0 to 1.
    `confidence` is that of the method in its estimate, 0 to 1 by its own definition, with its
    times; None where the method gives none. The waveform of an estimate has none beside it.
    """

    job: str  # digest of everything that can change the waveform
    dataset: str
    recording: str
    subject: str
    scenario: str
    method: str
    fold: str
    seed: int
    condition: str  # "none", or the named transformation of the frames
    region: str
    waveform: Waveform | None
    coverage: float
    reason: str = ""
    seconds: float = 0.0
    heart_rate: Signal | None = None
    confidence: Signal | None = None

    @property
    def key(self) -> EstimateKey:
        """What names the estimate among others of a results folder."""
        return key_of(self)


def key_of(row: Estimate | EstimateKey) -> EstimateKey:
    """The key of an estimate, or of a record that has the fields of a key."""
    return EstimateKey(
        dataset=row.dataset,
        recording=row.recording,
        method=row.method,
        fold=row.fold,
        seed=row.seed,
        condition=row.condition,
        region=row.region,
    )
