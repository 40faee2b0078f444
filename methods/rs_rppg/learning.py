"""RS-rPPG: training on maps of colours and maps of traces, without labels."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.single_stage import train_single_stage
from rppgbench.system.errors import RecordingError

from .losses import agreement, bandwidth_and_sparsity, contrast, draw_cycle
from .maps import colour_map, make_map, trace_map
from .network import WindowedUNet, mean_pulse
from .parameters import RsRppgParameters


class _SelfSupervised(nn.Module):
    """The network, and its losses: agreement in the first epochs, contrast in the others."""

    def __init__(self, params: RsRppgParameters) -> None:
        super().__init__()
        self.network = WindowedUNet(params.width, params.rows)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for maps of colours and of traces (B, 3, rows, T)."""
        p = self.params
        anchor = self.network(batch["colours"])
        if epoch < p.agreement_epochs:
            distance = agreement(anchor, batch["traces"], p.fs)
            return {"loss": p.agreement_weight * distance, "agreement": distance}
        positive = self.network(batch["traces"])
        order, other = draw_cycle(p.rows), draw_cycle(len(anchor))
        order, other = (part.to(anchor.device, non_blocking=True) for part in (order, other))
        terms = {"contrast": contrast(anchor, positive, order, other, p.fs, p.margin)}
        for name, part in (("anchor", anchor), ("positive", positive)):
            outside, spread = bandwidth_and_sparsity(part, p.fs)
            terms |= {f"bandwidth_{name}": outside, f"sparsity_{name}": spread}
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}


def deal_distant(
    rates_bpm: NDArray[np.floating], batch: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Batches of clips of distant rates: one clip from each of `batch` parts of the sorted clips.

    A last clip that is alone is joined to the batch before.

    Args:
        rates_bpm: the rate of each clip (N,), by formulas.
        batch: clips in a batch.
        rng: orders the clips of each part.

    Yields:
        Numbers of clips.
    """
    parts = [rng.permutation(part) for part in np.array_split(np.argsort(rates_bpm), batch)]
    dealt = [[int(part[k]) for part in parts if k < len(part)] for k in range(max(map(len, parts)))]
    if len(dealt) > 1 and len(dealt[-1]) == 1:
        dealt[-2:] = [dealt[-2] + dealt[-1]]
    yield from dealt


def train_model(examples: Sequence[Example], training: Training, params: RsRppgParameters) -> Model:
    """Train on the maps of all clips.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.

    Raises:
        RecordingError: fewer than two clips.
    """
    segments = cut_segments(examples, params.fs, params.clip_s, "rs_rppg")
    clips = Clips(segments, params.clip_length)
    starts = clips.all_starts(round(params.step_s * params.fs))
    if len(starts) < 2:
        raise RecordingError("rs_rppg: contrasts clips and needs two to learn from")

    def traces(start: ClipStart) -> Tensor:
        return trace_map(clips.read(start), params.fs, params.rows)

    pulses = torch.cat([mean_pulse(traces(start)) for start in starts])
    rates_bpm = peak_bpm(pulses, params.fs).numpy()

    def choose(rng: np.random.Generator) -> Iterator[list[ClipStart]]:
        for numbers in deal_distant(rates_bpm, params.batch, rng):
            yield [starts[number] for number in numbers]

    def read(chosen: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        colours = [colour_map(clips.read(start), params.rows) for start in chosen]
        return {
            "colours": torch.cat(colours).numpy(),
            "traces": torch.cat([traces(start) for start in chosen]).numpy(),
        }

    return train_single_stage(
        lambda: _SelfSupervised(params),
        BatchSource(choose, read),
        clips,
        lambda start: make_map(clips.read(start), params.fs, params.rows, params.estimate_from),
        training,
        params,
        to_pulses=mean_pulse,
    )
