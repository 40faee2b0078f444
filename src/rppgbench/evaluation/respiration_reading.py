"""Respiration rates of estimates of the pulse, from what respiration changes in them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rppgbench.core.waveform import Array, Signal
from rppgbench.evaluation.beat_reading import LONGEST_INTERVAL_S, oriented, read_pieces
from rppgbench.evaluation.chain_reading import ChainReader, PulseBatch, Reasons
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.respiration_rule import Modulation, RespirationReading
from rppgbench.evaluation.windows import Block
from rppgbench.signals.heart_rate_variability import normal_intervals
from rppgbench.signals.pulse_modulations import (
    amplitude_of_beats,
    baseline_of_beats,
    frequency_of_beats,
)

MODULATION_GAP_S = 3.0
"""Between beats whose middles are further apart than this, a modulation has no value."""


def modulations_of(pulse: Signal, rule: RespirationReading) -> dict[Modulation, Signal]:
    """The modulations of a pulse, a value for each normal interval, at its middle.

    Args:
        pulse: An estimate (N,); NaN where there is no sample.
        rule: The declaration.

    Returns:
        The declared modulations by name, each (B,).
    """
    pulse, _ = oriented(pulse, rule)
    middles_s: list[Array] = []
    values: dict[Modulation, list[Array]] = {name: [] for name in rule.modulations}
    for piece in read_pieces(pulse, rule):
        at_s = piece.beats_s(rule.detector)
        if len(at_s) < 2:
            continue
        steps_s = np.diff(at_s)
        counted = steps_s <= LONGEST_INTERVAL_S
        kept = normal_intervals(1000 * steps_s, counted, rule.normal_share)
        middles_s.append((piece.start_s + (at_s[1:] + at_s[:-1]) / 2)[kept])
        for name in rule.modulations:
            if name == "baseline":
                of_beats = baseline_of_beats(piece.samples, piece.fs, at_s)
            elif name == "amplitude":
                of_beats = amplitude_of_beats(piece.wave, rule.upsampled_hz, at_s)
            else:
                of_beats = frequency_of_beats(at_s)
            values[name].append(of_beats[kept])
    times_s = np.concatenate(middles_s) if middles_s else np.empty(0)
    return {
        name: Signal(np.concatenate(parts) if parts else np.empty(0), times_s)
        for name, parts in values.items()
    }


class RespirationReader:
    """Respiration rates of one batch of pulses, window by window."""

    def __init__(self, evaluator: Evaluator, pulses: PulseBatch) -> None:
        assert evaluator.respiration is not None
        self.pulses, self.rule = pulses, evaluator.respiration
        self.readers = [
            ChainReader(
                replace(pulses, samples=samples, rates=()),
                evaluator.estimate,
                evaluator.gap_share,
                f"estimate: {name} of the beats",
            )
            for name, samples in self._modulations()
        ]

    def _modulations(self) -> Iterator[tuple[str, Array]]:
        """Each modulation on the samples of the pulses: its name and values (n, T)."""
        shape = self.pulses.samples.shape
        values: dict[Modulation, Array] = {
            name: np.full(shape, np.nan) for name in self.rule.modulations
        }
        for row, start_s in enumerate(self.pulses.start_s):
            times_s = start_s + np.arange(shape[1]) / self.pulses.fs
            pulse = Signal(self.pulses.samples[row], times_s)
            for name, signal in modulations_of(pulse, self.rule).items():
                if len(signal.times_s) > 1:
                    values[name][row] = signal.at(times_s, MODULATION_GAP_S)
        return iter(values.items())

    def read(self, block: Block) -> tuple[None, Array, Reasons]:
        """The respiration rates of a block.

        Returns:
            None; the rates (n, W) in breaths per minute, NaN where there is none; and the reasons
            (n, W).
        """
        read = [reader.read(block) for reader in self.readers]
        rates = np.stack([rates for _, rates, _ in read])
        reason = np.full(rates.shape[1:], "", dtype=object)
        for _, _, lacking in reversed(read):
            reason = np.where(lacking != "", lacking, reason)
        fused = rates.mean(axis=0)
        if len(rates) > 1:
            apart = (reason == "") & (np.std(rates, axis=0, ddof=1) > self.rule.agree_within)
            for at in np.argwhere(apart):
                each = ", ".join(f"{rate:.0f}" for rate in rates[:, *at])
                reason[*at] = f"estimate: {self._names} read {each} breaths per minute"
        return None, np.where(reason == "", fused, np.nan), reason

    @property
    def _names(self) -> str:
        return ", ".join(self.rule.modulations)
