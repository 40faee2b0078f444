"""Heart rates of equally long pulses by one chain, window by window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array, Signal
from rppgbench.evaluation.heart_rate import (
    FLAT,
    heart_rates,
    is_constant,
    prepare,
    straight_segments,
    unusable_windows,
)
from rppgbench.evaluation.rate_chain import RateChain
from rppgbench.evaluation.windows import Block

Reasons = NDArray[np.object_]
"""Why there is no heart rate, one line of text each; "" where there is one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PulseBatch:
    """Equally long pulses on one grid.

    Attributes:
        samples: The pulses (n, T); NaN where there is no sample.
        fs: Samples per second.
        start_s: Time of the first sample (n,), in seconds on the clock of the recording.
        cropped: How many samples `crop_to_valid` took from the ends (n,).
        rates: The heart rates of each estimate where estimates are heart rates without waveforms;
            the samples are then absent and say only where windows lie. Empty otherwise.
    """

    samples: Array
    fs: float
    start_s: Array
    cropped: Array
    rates: tuple[Signal, ...] = ()

    def select(self, rows: slice) -> "PulseBatch":
        """The pulses of these rows."""
        return PulseBatch(
            samples=self.samples[rows],
            fs=self.fs,
            start_s=self.start_s[rows],
            cropped=self.cropped[rows],
            rates=self.rates[rows],
        )

    @property
    def length(self) -> int:
        """Samples of a pulse."""
        return int(self.samples.shape[1])


class ChainReader:
    """Heart rates of one batch of pulses by one chain: gaps bridged, prepared, cut into windows."""

    def __init__(self, pulses: PulseBatch, chain: RateChain, gap_share: float, name: str) -> None:
        absent = ~np.isfinite(pulses.samples)
        self.pulses, self.chain, self.gap_share, self.name = pulses, chain, gap_share, name
        self.absent = _count_before(absent)
        straight = straight_segments(pulses.samples, pulses.fs)
        self.straight = _count_before(straight) if straight.any() else np.zeros_like(self.absent)
        self.bridged = _bridge(pulses.samples, absent)
        self.prepared: Array | None = None
        self.unusable = ""
        if chain.steps_on == "recording":
            self.unusable = unusable_windows(chain, pulses.length, pulses.fs)
            if not self.unusable:
                self.prepared = prepare(self.bridged, pulses.fs, chain)

    def read(
        self, block: Block, otherwise: tuple[Array, Reasons] | None = None
    ) -> tuple[Array | None, Array, Reasons]:
        """The windows of a block.

        Args:
            block: The windows.
            otherwise: Heart rates (n, W) that were read in another way than by the spectrum, and
                why there is none (n, W).

        Returns:
            The prepared windows (n, W, N), None where the chain cannot prepare them; their heart
            rates (n, W) in bpm, NaN where there is none; and the reasons (n, W).
        """
        fs = self.pulses.fs
        raw = block.slice(self.bridged)
        unusable = self.unusable or unusable_windows(self.chain, block.samples, fs)
        if unusable:
            none: Array = np.full(raw.shape[:2], np.nan)
            return None, none, np.full(none.shape, unusable, dtype=object)
        if self.prepared is None:
            windows = prepare(raw, fs, self.chain)
        else:
            windows = block.slice(self.prepared)
        constant = is_constant(raw, windows)
        absent, unusable_share = self._shares(block)
        usable = ~constant & (unusable_share <= self.gap_share)
        if otherwise is None:
            bpm = np.where(usable, heart_rates(windows, fs, self.chain), np.nan)
            reason = np.full(bpm.shape, "", dtype=object)
            reason[~np.isfinite(bpm)] = f"{self.name}: no peak in the band"
        else:
            bpm, reason = np.where(usable, otherwise[0], np.nan), otherwise[1].copy()
        self._basic_reasons(reason, block, raw, constant, absent, unusable_share)
        return windows, bpm, reason

    def _shares(self, block: Block) -> tuple[Array, Array]:
        """Shares of each window (n, W): absent, and absent or in a straight segment."""
        cropped = self.pulses.cropped[:, None]
        absent, straight = _count_within(self.absent, block), _count_within(self.straight, block)
        length = block.samples + cropped
        return (absent + cropped) / length, (absent + straight + cropped) / length

    def _basic_reasons(
        self,
        reason: Reasons,
        block: Block,
        raw: Array,
        constant: NDArray[np.bool_],
        absent: Array,
        unusable_share: Array,
    ) -> None:
        """Write why windows hold no wave; where several reasons hold, the most basic one."""
        is_absent = absent > self.gap_share
        straight = _count_within(self.straight, block) / block.samples
        for at in np.argwhere((unusable_share > self.gap_share) & ~is_absent & ~constant):
            share = f"{straight[*at]:.0%} of the window"
            reason[*at] = f"{self.name}: a straight line for {share}, no pulse"
        for at in np.argwhere(constant & ~is_absent):
            level = np.ptp(raw[*at]) <= FLAT * np.abs(raw[*at]).max()
            reason[*at] = f"{self.name}: {'constant' if level else 'a straight line, no pulse'}"
        for at in np.argwhere(is_absent):
            reason[*at] = f"{self.name}: absent in {absent[*at]:.0%} of the window"


def _count_before(samples: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many samples before each one are true, of rows (n, T): (n, T + 1)."""
    return np.cumsum(np.pad(samples, ((0, 0), (1, 0))), axis=1)


def _count_within(count_before: NDArray[np.int64], block: Block) -> NDArray[np.int64]:
    """How many samples of each window are true, from `_count_before`: (n, W)."""
    return count_before[:, block.starts + block.samples] - count_before[:, block.starts]


def _bridge(samples: Array, absent: NDArray[np.bool_]) -> Array:
    """Gaps filled linearly, ends with the nearest sample, rows without any sample with 0."""
    rows = np.flatnonzero(absent.any(axis=1))
    if not len(rows):
        return samples
    bridged = samples.copy()
    time = np.arange(samples.shape[1])
    for row in rows:
        present = ~absent[row]
        values = samples[row, present]
        bridged[row] = np.interp(time, time[present], values) if len(values) else 0.0
    return bridged
