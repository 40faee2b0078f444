"""POS: the plane orthogonal to the skin tone."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.streaming import Streaming
from rppgbench.core.waveform import Waveform
from rppgbench.signals.filters import butterworth, smoothness_priors
from rppgbench.signals.skin_tone_plane import project_on_plane
from rppgbench.system.errors import unknown_name

LEFT_OUT = ("none", "first", "last")
ROUNDINGS = {"up": math.ceil, "down": math.floor}

TOOLBOX = {"left_out": "last", "detrend_lambda": 100.0, "order": 1, "low_hz": 0.75, "high_hz": 3.0}
PYVHR = {"left_out": "first", "rounding": "down", "eps": 1e-9}


def streaming(params: Mapping[str, Any], fs: float) -> Streaming | None:
    """A sample needs all windows that contain its frame, each of which starts at a frame.

    A window is left out at an end of the recording, and smoothness priors and the zero-phase filter
    read all of it: with these a sample needs the whole recording.

    Args:
        params: the method's parameters.
        fs: frames a second.
    """
    if params["left_out"] != "none" or params["detrend_lambda"] or params["order"]:
        return None
    beside = ROUNDINGS[params["rounding"]](params["window_s"] * fs) - 1
    return Streaming(hop=1, past=beside, ahead=beside)


@method(
    "POS",
    "10.1109/TBME.2016.2609282",
    presets={"toolbox": TOOLBOX, "iphys": {"left_out": "last"}, "pyvhr": PYVHR},
    streaming=streaming,
)
def pos(
    trace: Waveform,
    *,
    preset: str = "paper",
    window_s: float = 1.6,
    rounding: str = "up",
    left_out: str = "none",
    eps: float = 0.0,
    detrend_lambda: float = 0.0,
    order: int = 0,
    low_hz: float = 0.75,
    high_hz: float = 3.0,
) -> Waveform:
    """Project each window on the plane orthogonal to the skin tone, and overlap-add the results.

    Algorithm 1 of W. Wang, A. C. den Brinker, S. Stuijk, G. de Haan, "Algorithmic Principles of
    Remote PPG", IEEE TBME 64(7), 2017: a window of 1.6 s starts at every frame; its colours are
    divided by their means; S1 = G - B, S2 = G + B - 2R, h = S1 + std(S1) / std(S2) S2, without its
    mean, is added to the pulse. Brighter skin is up, as in the green channel. A black or constant
    trace gives zeros. The result is (..., T).

    Args:
        trace: (..., T, 3), R, G and B in any unit; the gain of a channel does not matter.
        preset: "toolbox" (rPPG-Toolbox), "iphys" (the same before its filters) or "pyvhr".
        window_s: length of a window in seconds.
        rounding: how a window is rounded to frames, "up" or "down".
        left_out: "last" leaves out the window that ends with the last frame, as the toolbox does;
            "first" the one that starts with the first frame, as pyVHR does; "none" leaves out none.
        eps: added to the divisors.
        detrend_lambda: smoothness priors on the result; 0 for none.
        order: order of a zero-phase Butterworth band-pass on the result; 0 for none, because
            evaluators filter.
        low_hz: its lower edge.
        high_hz: its upper edge.

    Raises:
        TooShortError: the trace is shorter than a window, or too short for the filter.
    """
    if left_out not in LEFT_OUT:
        raise unknown_name("left_out", left_out, LEFT_OUT, "pos")
    if rounding not in ROUNDINGS:
        raise unknown_name("rounding", rounding, ROUNDINGS, "pos")
    width = ROUNDINGS[rounding](window_s * trace.fs)
    samples = np.asarray(trace.samples, dtype=np.float64)
    skipped = {"first": 0, "last": samples.shape[-2] - width}.get(left_out)

    pulse = project_on_plane(samples, width, skipped=skipped, eps=eps)
    if detrend_lambda:
        pulse = smoothness_priors(pulse, detrend_lambda)
    if order:
        pulse = butterworth(pulse, trace.fs, low_hz, high_hz, order)
    return Waveform(pulse, trace.fs, trace.start_s)
