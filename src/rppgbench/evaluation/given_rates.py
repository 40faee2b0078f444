"""Heart rates without a waveform, each reading a row of its own."""

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.evaluation.band_edge import at_edge
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.rate_reading import Reading
from rppgbench.evaluation.reference import device_rates, reference_kind


def rows_as_given(evaluator: Evaluator, truth: GroundTruth) -> bool:
    """Whether the evaluator makes a row of each heart rate of an estimate.

    Args:
        evaluator: The rule.
        truth: The reference. A pulse has heart rates in windows only.
    """
    return evaluator.rates == "as_given" and reference_kind(evaluator, truth) not in (
        "beats",
        "pulse",
    )


def read_as_given(evaluator: Evaluator, rates: Signal, truth: GroundTruth) -> Reading:
    """Each heart rate of an estimate beside the reference at its time.

    Args:
        evaluator: The rule; its `heart_rate` says which reading of the reference counts.
        rates: The heart rates of the estimate (W,), in bpm.
        truth: The reference.

    Returns:
        A reading (1, W). It has no signal-to-noise ratio and no correlation.
    """
    bpm = np.where(rates.values > 0, rates.values, np.nan)[None]
    reference = device_rates(evaluator, truth, rates.times_s, rates.times_s)[None]
    nothing = np.full(bpm.shape, np.nan)
    lacking = "no device rate at this time" if reference_kind(evaluator, truth) else "no heart rate"
    return Reading(
        start_s=rates.times_s[None],
        duration_s=np.zeros(bpm.shape),
        bpm=bpm,
        reference_bpm=reference,
        snr_db=nothing,
        own_snr_db=nothing,
        correlation=nothing,
        reason=np.where(np.isfinite(bpm), "", "estimate: no heart rate").astype(object),
        reference_reason=np.where(np.isfinite(reference), "", f"reference: {lacking}").astype(
            object
        ),
        band_edge=at_edge(evaluator, reference, reference),
    )
