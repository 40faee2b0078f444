"""PCA: the principal component of the colours with the sharpest spectrum."""

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.overlap_add import FLAT, ROUNDING
from rppgbench.system.errors import BenchError, unknown_name

VARIABLES = ("colours", "instants")
PYVHR = {"variables": "instants", "component": 2}
COMPONENTS = 3
PAPER = "Lewandowska et al., Measuring pulse rate with a webcam, FedCSIS 2011"


@method("PCA", PAPER, presets={"pyvhr": PYVHR})
def pca(
    trace: Waveform,
    *,
    preset: str = "paper",
    variables: str = "colours",
    component: int = 0,
    low_hz: float = 0.7,
    high_hz: float = 4.0,
) -> Waveform:
    """Rotate the colours onto their principal components and choose one: (..., T, 3) to (..., T).

    M. Lewandowska, J. Rumiński, T. Kocejko, J. Nowak, "Measuring pulse rate with a webcam, a
    non-contact method for evaluating cardiac activity", FedCSIS 2011. The relative colour changes
    are rotated onto the eigenvectors of their covariance over time. The pulse is the component
    whose highest spectral line between `low_hz` and `high_hz` has the largest share of the power at
    any frequency but 0, the rule of ICA within a band; the paper's words do not fix a rule. The
    sign, which PCA leaves open, is that of the correlation with green: brighter skin is up. The
    whole trace is rotated at once. A black or constant trace gives zeros.

    Args:
        trace: (..., T, 3), R, G and B in any unit; the gain of a channel does not matter with
            "colours".
        preset: "pyvhr" takes the three channels for observations and the instants for variables:
            the mean over the channels is subtracted at each instant, and the pulse is the second
            right singular vector times its variance. The mean over time stays in, so without a
            filter before it the first component is the difference of the channels' levels.
        variables: "colours", or "instants" as pyVHR has it.
        component: which one, 1 having the largest variance; 0 chooses by the spectrum.
        low_hz: lower edge of the choice by the spectrum.
        high_hz: its upper edge.

    Raises:
        BenchError: there is no such component, or no such kind of variables.
    """
    if variables not in VARIABLES:
        raise unknown_name("kind of variables", variables, VARIABLES, "pca")
    most = COMPONENTS if variables == "colours" else COMPONENTS - 1
    if not 0 <= component <= most:
        raise BenchError(f"pca: component {component} is not from 0 to {most}; choose one of them")
    samples = np.asarray(trace.samples, dtype=np.float64)

    def estimate(rgb: Array) -> Array:
        scores = _over_time(rgb) if variables == "colours" else _over_channels(rgb)
        chosen = scores[:, component - 1] if component else _sharpest(scores, trace.fs, band_hz)
        green = rgb[..., 1] - rgb[..., 1].mean(axis=-1, keepdims=True)
        centred = chosen - chosen.mean(axis=-1, keepdims=True)
        sign = np.where(np.einsum("nt,nt->n", centred, green) < 0, -1.0, 1.0)
        signed: Array = chosen * sign[:, None]
        return signed

    band_hz = (low_hz, high_hz)
    return Waveform(in_blocks(estimate, samples, inner=2), trace.fs, trace.start_s)


def _over_time(rgb: Array) -> Array:
    """Scores of the components by falling variance, colours as variables: (n, T, 3) to (n, 3, T).

    The eigenvectors of the covariance of C (3, T) are those of C CT. Source: Jolliffe, Principal
    component analysis, 2002, section 1.1.
    """
    mean = rgb.mean(axis=1, keepdims=True)
    dark = mean == 0
    change = np.swapaxes(np.where(dark, 0.0, rgb / np.where(dark, 1.0, mean) - 1.0), 1, 2)
    flat = np.abs(change).max(axis=(1, 2)) <= FLAT
    _, vectors = np.linalg.eigh(change @ np.swapaxes(change, 1, 2))
    scores: Array = np.swapaxes(vectors, 1, 2)[:, ::-1] @ change
    scores[flat] = 0.0
    return scores


def _over_channels(rgb: Array) -> Array:
    """Right singular vectors of M (3, T) times their variance, without the void third: (n, 2, T).

    M has the mean over the channels removed at each instant. With M MT u = s^2 u the right singular
    vector is MT u / s, and its variance over three observations is s^2 / 2.
    """
    centred = np.swapaxes(rgb - rgb.mean(axis=2, keepdims=True), 1, 2)
    squares, vectors = np.linalg.eigh(centred @ np.swapaxes(centred, 1, 2))
    squares, vectors = squares[:, :0:-1], vectors[:, :, :0:-1]
    known = squares > ROUNDING * squares[:, :1]
    weights = np.where(known, np.sqrt(np.maximum(squares, 0.0)) / 2, 0.0)
    projected: Array = np.swapaxes(vectors, 1, 2) @ centred
    return projected * weights[..., None]


def _sharpest(scores: Array, fs: float, band_hz: tuple[float, float]) -> Array:
    """The component with the largest share of its power in one line of the band: (n, T)."""
    power = np.abs(np.fft.rfft(scores, axis=-1)[..., 1:]) ** 2
    frequency_hz = np.fft.rfftfreq(scores.shape[-1], 1 / fs)[1:]
    inside = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    peak = np.where(inside, power, 0.0).max(axis=-1, initial=0.0)
    total = power.sum(axis=-1)
    share = np.divide(peak, total, out=np.zeros_like(total), where=total > 0)
    chosen: Array = scores[np.arange(len(scores)), share.argmax(axis=-1)]
    return chosen
