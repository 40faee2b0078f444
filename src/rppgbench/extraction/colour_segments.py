"""The mean colours of a region that results keep: enough to measure the noise of a video."""

import numpy as np

from rppgbench.core.features import Features
from rppgbench.core.mean_colours import MIN_NOISE_S, MeanColours
from rppgbench.core.waveform import Waveform
from rppgbench.extraction.traces import extract_segments


def mean_colours(features: Features, region: str) -> MeanColours:
    """The mean colours of a region in its stretches of `MIN_NOISE_S` and more.

    Values are rounded to 32-bit floats, 1e-7 of a colour: the noise of a frame is some 1e-3.

    Args:
        features: What a pass over the video extracted.
        region: Name of the region.

    Raises:
        BenchError: The features have no such region.
    """
    segments = extract_segments(features, "trace", region=region)
    return MeanColours(
        region=region,
        segments=tuple(
            Waveform(np.asarray(s.samples, np.float32), s.fs, s.start_s)
            for s in segments
            if len(s.samples) / s.fs >= MIN_NOISE_S
        ),
    )
