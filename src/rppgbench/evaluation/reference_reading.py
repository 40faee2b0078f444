"""Heart rates of the references of a batch of pulses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array
from rppgbench.evaluation.band_edge import CheckTaper, at_edge, wide_rates
from rppgbench.evaluation.beat_reading import checked_rates
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.chain_reading import ChainReader, PulseBatch, Reasons
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.reference import device_rates, pulses_at, reference_kind
from rppgbench.evaluation.windows import Block

WAVEFORMS = ("beats", "pulse", "respiration")
"""Kinds of references whose rates are read, in place of those of a device."""


class ReferenceReader:
    """The references of a batch of pulses; equal ones are read once.

    Several methods estimate the pulse of one recording, so their pulses share a reference.
    `owner` (n,) is the place of each pulse's reference among the m distinct ones.
    """

    def __init__(
        self, evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth]
    ) -> None:
        places: dict[tuple[int, float], int] = {}
        self.owner = [
            places.setdefault((id(truth), float(start)), len(places))
            for truth, start in zip(truths, pulses.start_s, strict=True)
        ]
        first = [self.owner.index(k) for k in range(len(places))]
        self.evaluator = evaluator
        self.truths = [truths[k] for k in first]
        self.start_s = pulses.start_s[first]
        self.kinds = [reference_kind(evaluator, truth) for truth in self.truths]
        self.by_beats = np.array([kind in ("beats", "pulse") for kind in self.kinds])
        batch = PulseBatch(
            samples=pulses_at(evaluator, self.truths, self.start_s, pulses.fs, pulses.length),
            fs=pulses.fs,
            start_s=self.start_s,
            cropped=np.zeros(len(first)),
        )
        self.chain = ChainReader(batch, evaluator.reference_chain, evaluator.gap_share, "reference")

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which pulses have no reference: (n, 1)."""
        return np.array([not self.kinds[k] for k in self.owner])[:, None]

    def read(self, block: Block) -> tuple[Array | None, Array, Reasons, NDArray[np.bool_]]:
        """The references of a block.

        Returns:
            The prepared windows of the distinct references (m, W, N) or None; and for every pulse
            the heart rates (n, W), the reasons (n, W), and whether the rates lie outside the
            evaluator's band or at its edge (n, W).
        """
        fs = self.chain.pulses.fs
        wide = self._wide_rates(block)
        rule = self.evaluator.reference
        if isinstance(rule, BeatReading):
            windows, bpm, reason = self._read_beats(rule, block, wide)
        else:
            windows, bpm, reason = self.chain.read(block)
        for row, truth in enumerate(self.truths):
            start_s = self.start_s[row] + block.starts / fs
            duration_s = block.samples / fs
            read_device(self.evaluator, truth, start_s, duration_s, bpm[row], reason[row])
        edge = at_edge(self.evaluator, bpm, wide)
        return windows, bpm[self.owner], reason[self.owner], edge[self.owner]

    def _read_beats(
        self, rule: BeatReading, block: Block, wide: Array
    ) -> tuple[Array | None, Array, Reasons]:
        """As `ChainReader.read`, with the rates of the beats of each reference (m, W)."""
        shape = len(self.truths), len(block.starts)
        rates: Array = np.full(shape, np.nan)
        lacking = np.full(shape, "", dtype=object)
        for row in np.flatnonzero(self.by_beats):
            start_s = self.start_s[row] + block.starts / self.chain.pulses.fs
            rates[row], lacking[row] = checked_rates(
                self.truths[row],
                rule,
                start_s,
                start_s + block.samples / self.chain.pulses.fs,
                spectral_bpm=wide[row],
                gap_share=self.evaluator.gap_share,
                marked=self.kinds[row] == "beats",
            )
        windows, bpm, reason = self.chain.read(block, (rates, lacking))
        marked = np.array([kind == "beats" for kind in self.kinds])
        bpm[marked], reason[marked] = rates[marked], lacking[marked]  # marks need no pulse
        return windows, bpm, reason

    def _wide_rates(self, block: Block) -> Array:
        """Rates of reference pulses over 30 to 240 bpm (m, W); NaN for other references."""
        rates: Array = np.full((len(self.truths), len(block.starts)), np.nan)
        pulses = np.isfinite(self.chain.pulses.samples).any(axis=1)
        if pulses.any() and self.evaluator.respiration is None:
            by_beats = isinstance(self.evaluator.reference, BeatReading)
            taper: CheckTaper = "boxcar" if by_beats else "hann"
            rates[pulses] = wide_rates(
                block.slice(self.chain.bridged[pulses]), self.chain.pulses.fs, taper
            )
        return rates


def read_device(
    evaluator: Evaluator,
    truth: GroundTruth,
    start_s: Array,
    duration_s: float,
    bpm: Array,
    reason: Reasons,
) -> None:
    """Write the rates of a reference that is a device's rate, or none, into the arrays.

    Args:
        evaluator: The rule.
        truth: The reference.
        start_s: Starts of the windows (W,), in seconds.
        duration_s: Their duration.
        bpm: The rates (W,), changed in place.
        reason: Why there are none (W,), changed in place.
    """
    kind = reference_kind(evaluator, truth)
    if kind in WAVEFORMS:
        return
    bpm[:] = np.nan
    if kind:
        bpm[:] = device_rates(evaluator, truth, start_s, start_s + duration_s)
    lacking = "no device rate in the window" if kind else f"no {' or '.join(evaluator.truth)}"
    reason[:] = np.where(np.isfinite(bpm), "", f"reference: {lacking}")
