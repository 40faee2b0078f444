"""Losses of co-rectification."""

import torch
from torch import Tensor
from torch.nn import functional


def difference(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared difference over bins and batch: (B, F) and (B, F) to a number."""
    return (first - second).square().mean()


def positive(anchor: Tensor, shifted: Tensor) -> Tensor:
    """Eq 1: the spectrum of a clip and of the same clip rolled in time are alike."""
    return difference(anchor, shifted)


def negative(anchor: Tensor, faster: Tensor, slower: Tensor) -> Tensor:
    """Eq 2: the spectra of a clip and of its resampled versions differ. Negative; to fall."""
    return -difference(anchor, faster) - difference(anchor, slower)


def self_supervised(
    anchor: Tensor, shifted: Tensor, faster: Tensor, slower: Tensor, *, literal: bool = False
) -> Tensor:
    """The contrastive part of Eq 4, with Eq 2 added.

    Eq 4 prints a minus before Eq 2, which is negative already: taken by the letter (`literal`) it
    attracts the negatives. It is there for the test of this erratum.
    """
    away = negative(anchor, faster, slower)
    return positive(anchor, shifted) + (-away if literal else away)


def peak_bin(spectrum: Tensor, *, logits: str = "log", noise: bool = True) -> Tensor:
    """Index of the bin with the peak, drawn by Gumbel's trick: (B, F) to (B,), differentiable.

    With the logarithm of the spectrum as logits, a bin is drawn with the probability of its share
    of the power. With the share itself as logits ("share": the erratum), nearly every bin is as
    likely as any other.
    """
    values = torch.log(spectrum + 1e-12) if logits == "log" else spectrum
    if noise:
        chosen = functional.gumbel_softmax(values, tau=1.0, hard=True)
    else:
        soft = values.softmax(dim=1)
        hard = functional.one_hot(soft.argmax(dim=1), soft.shape[1]).to(soft.dtype)
        chosen = hard - soft.detach() + soft
    return chosen @ torch.arange(spectrum.shape[1], dtype=chosen.dtype, device=chosen.device)


def ranking(anchor: Tensor, faster: Tensor, slower: Tensor, *, noise: bool = True) -> Tensor:
    """Eq 3: the slower clip's peak lies below, the faster one's above; mean over the batch.

    In bins, as the paper's "index vector" has it.
    """
    h, h_faster, h_slower = (peak_bin(s, noise=noise) for s in (anchor, faster, slower))
    return (functional.relu(h_slower - h) + functional.relu(h - h_faster)).mean()


def doubted(label_bpm: Tensor, output_bpm: Tensor, count: int) -> Tensor:
    """Eq 5: the `count` clips whose output is furthest from the label, in heart rate: indices.

    >>> doubted(torch.tensor([60.0, 90, 70]), torch.tensor([61.0, 60, 80]), 2)
    tensor([1, 2])
    """
    return (label_bpm - output_bpm).abs().topk(min(count, len(label_bpm))).indices
