"""The clips whose labels co-rectification corrects, for the figures of the paper."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rppgbench.neural.clips import ClipStart
from rppgbench.neural.inference import run_network
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.networks.map_unet import unit_range

from .clip_maps import ClipMaps
from .learner import Correction


def corrected_clips(
    learner: Correction, source: ClipMaps, starts: Sequence[ClipStart]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The clips whose labels the first network corrects in the last epoch, for figures 3 and 5.

    These are the most doubtful clips of each batch: as many as in the last epoch, at least one.
    Two networks without correction have such clips too: those that correction would take. The
    contact sensor's pulse is stored for the figures; no network learns from it.

    Args:
        learner: the trained networks.
        source: maps and pseudo labels.
        starts: the clips of the training set.

    Returns:
        Arrays `corrected.pseudo`, `corrected.peer` (the second network's pulse) and, for recordings
        with a pulse, `corrected.truth`, each (N, T); and the fact `corrected` with recording,
        start_s and the heart rates of label and peer of each clip.
    """
    p = learner.params
    rows: list[dict[str, Any]] = []
    waves: dict[str, list[Tensor]] = {"pseudo": [], "peer": [], "truth": []}
    first, second = learner.pair.networks
    for begin in range(0, len(starts), p.batch):
        group = starts[begin : begin + p.batch]
        maps, labels = source.maps(group), source.pseudo(group)
        output, peer = run_network(first, [maps]), run_network(second, [maps])
        truth, known = source.clips.pulses(group)
        truth[known == 0] = np.nan
        count = max(1, learner.corrected_count(len(group), p.epochs - 1))
        for at in learner.doubtful(labels, output, count).tolist():
            waves["pseudo"].append(labels[at])
            waves["peer"].append(unit_range(peer)[at])
            waves["truth"].append(torch.from_numpy(truth)[at])
            rows.append(_corrected_row(source, group[at], labels[at], peer[at]))
    arrays = {
        f"corrected.{name}": torch.stack(parts).numpy().astype(np.float32)
        for name, parts in waves.items()
        if parts and not bool(torch.stack(parts).isnan().all())
    }
    return arrays, {"corrected": rows, "corrected_fs": p.fs}


def _corrected_row(
    source: ClipMaps, start: ClipStart, label: Tensor, peer: Tensor
) -> dict[str, Any]:
    """Where a corrected clip lies, and the heart rates of its label and of the peer's pulse."""
    fs, (low_hz, high_hz) = source.params.fs, source.band
    segment = source.clips.segments[start[0]]
    label_bpm, peer_bpm = (
        round(float(peak_bpm(wave, fs, low_hz=low_hz, high_hz=high_hz)), 3)
        for wave in (label, peer)
    )
    return {
        "recording": segment.recording,
        "start_s": round(segment.start_s + start[1] / fs, 4),
        "pseudo_bpm": label_bpm,
        "peer_bpm": peer_bpm,
    }
