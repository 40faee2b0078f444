"""ICA: the independent source with the sharpest spectrum."""

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.filters import butterworth, smoothness_priors
from rppgbench.signals.jade import unmixing
from rppgbench.signals.overlap_add import ROUNDING


@method("ICA", "10.1109/TBME.2010.2086456", presets={"toolbox": {"order": 3}})
def ica(
    trace: Waveform,
    *,
    preset: str = "paper",
    detrend_lambda: float = 100.0,
    order: int = 0,
    low_hz: float = 0.7,
    high_hz: float = 2.5,
) -> Waveform:
    """Unmix the colours by JADE and choose the most periodic source: (..., T, 3) to (..., T).

    M.-Z. Poh, D. J. McDuff, R. W. Picard, "Advancements in Noncontact, Multiparameter Physiological
    Measurements Using a Webcam", IEEE TBME 58(1), 2011: each colour is detrended by smoothness
    priors and divided by its standard deviation; JADE gives three sources; the pulse is the one
    whose highest spectral line has the largest share of its power, at any frequency but 0. So
    strong periodic motion is taken for the pulse, as by the reference code. The sign, which ICA
    leaves open, is made that of the correlation with green: brighter skin is up. The whole trace
    is unmixed at once. A black or constant trace gives zeros.

    Args:
        trace: (..., T, 3), R, G and B in any unit; the gain of a channel does not matter.
        preset: "toolbox" (rPPG-Toolbox) filters the result.
        detrend_lambda: regularisation of the smoothness priors; 100 in the code of the paper's
            second author.
        order: order of a zero-phase Butterworth band-pass on the result; 0 for none, because
            evaluators filter.
        low_hz: its lower edge.
        high_hz: its upper edge.

    Raises:
        TooShortError: the trace is too short for the filter.
    """
    samples = np.asarray(trace.samples, dtype=np.float64)
    colours = in_blocks(lambda block: _standardised(block, detrend_lambda), samples, inner=2)
    pulse = in_blocks(_most_periodic, colours, unmixing(colours), inner=2)
    if order:
        pulse = butterworth(pulse, trace.fs, low_hz, high_hz, order)
    return Waveform(pulse, trace.fs, trace.start_s)


def _standardised(rgb: Array, detrend_lambda: float) -> Array:
    """Detrended colours of unit power, zeros where a colour is constant: (n, T, 3) to (n, 3, T).

    Their mean is 0, because the trend of smoothness priors has the mean of the signal.
    """
    series = np.swapaxes(rgb, 1, 2)
    change = np.subtract(series, series[..., :1], order="C")
    colours = smoothness_priors(change, detrend_lambda)
    std = np.sqrt(np.einsum("nit,nit->ni", colours, colours)[..., None] / colours.shape[-1])
    largest = np.maximum(change.max(axis=-1, keepdims=True), -change.min(axis=-1, keepdims=True))
    constant = std <= ROUNDING * largest
    colours *= np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, std))
    return colours


def _most_periodic(colours: Array, unmixing_matrix: Array) -> Array:
    """The source with the largest share of its power in one line, signed as green: (n, T)."""
    sources = unmixing_matrix @ colours
    spectrum = np.fft.rfft(sources, axis=-1)[..., 1:]
    power = spectrum.real**2 + spectrum.imag**2
    total = power.sum(axis=-1)
    share = np.divide(power.max(axis=-1), total, out=np.zeros_like(total), where=total > 0)
    chosen = sources[np.arange(len(sources)), share.argmax(axis=-1)]
    sign = np.where(np.einsum("nt,nt->n", chosen, colours[:, 1]) < 0, -1.0, 1.0)
    signed: Array = chosen * sign[:, None]
    return signed
