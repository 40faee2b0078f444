"""Batches of maps and pseudo labels that co-rectification learns from."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.networks.map_unet import unit_range
from rppgbench.neural.segments import Segment

from .maps import derive_rows, map_image, pseudo_pulse, select_peak
from .parameters import CoRectificationParameters


class ClipMaps:
    """Maps and pseudo labels of the clips of the training set."""

    def __init__(self, segments: Sequence[Segment], params: CoRectificationParameters) -> None:
        self.params = params
        self.band = params.label_low_hz, params.label_high_hz
        labelled, shown = [], []
        for segment in segments:
            pulse = pseudo_pulse(segment.samples, params.fs, *self.band)
            rows = derive_rows(segment.samples, params.fs, params.map_kind, *self.band)
            labelled.append(replace(segment, pulse=pulse.astype(np.float32)))
            shown.append(replace(segment, samples=rows))
        self.labels = Clips(labelled, params.clip_length)
        self.clips = Clips(shown, params.clip_length)

    def maps(self, starts: Sequence[ClipStart], speeds: Sequence[float] | None = None) -> Tensor:
        """Maps (B, channels, rows, T) of clips.

        Args:
            starts: B clips.
            speeds: factor for each clip, as in `Clips.read`; None plays clips as they are.
        """
        speeds = [1.0] * len(starts) if speeds is None else speeds
        rows, kind = self.params.rows, self.params.map_kind
        return torch.cat(
            [
                map_image(self.clips.read(start, speed), rows, kind)
                for start, speed in zip(starts, speeds, strict=True)
            ]
        )

    def pseudo(self, starts: Sequence[ClipStart], speeds: Sequence[float] | None = None) -> Tensor:
        """Pseudo labels (B, T) of clips, each scaled to 0..1.

        Args:
            starts: B clips.
            speeds: factor for each clip, as in `Clips.read`; None plays clips as they are.
        """
        pulses = torch.from_numpy(self.labels.pulses(starts, speeds)[0])
        if self.params.label_bandwidth_hz:
            pulses = select_peak(pulses, self.params.fs, self.params.label_bandwidth_hz, *self.band)
        return unit_range(pulses)

    def batches(self, step: int) -> BatchSource:
        """Batches of clips that start every `step` samples, with faster and slower versions."""
        return BatchSource(lambda rng: self.clips.sliding(rng, self.params.batch, step), self.read)

    def read(self, starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        """Read a batch: maps of clips and of their faster and slower versions, and pseudo labels.

        Args:
            starts: the clips.
            rng: random source.
        """
        params = self.params
        down = rng.uniform(params.min_ratio, 1.0, len(starts))
        up = rng.uniform(1.0, params.max_ratio, len(starts))
        speeds = np.ones(len(starts))
        if max_log_speed := np.log(params.max_speed):
            speeds = np.exp(rng.uniform(-max_log_speed, max_log_speed, len(starts)))
        return {
            "map": self.maps(starts, list(speeds)).numpy(),
            "faster": self.maps(starts, list(speeds / down)).numpy(),
            "slower": self.maps(starts, list(speeds / up)).numpy(),
            "pseudo": self.pseudo(starts, list(speeds)).numpy(),
        }
