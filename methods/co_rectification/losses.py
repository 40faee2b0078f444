"""The losses of co-rectification: Z. Li, L. Yin, ICCV 2023, Eq 1 to 5."""

import torch
from torch import Tensor
from torch.nn import functional


def difference(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared difference over bins and batch.

    Args:
        first: spectra (B, F).
        second: spectra (B, F).
    """
    return (first - second).square().mean()


def positive(anchor: Tensor, shifted: Tensor) -> Tensor:
    """Eq 1: the spectra of a clip and of the clip rolled in time are alike.

    Args:
        anchor: spectra of the clips (B, F).
        shifted: spectra of the clips rolled in time (B, F).
    """
    return difference(anchor, shifted)


def negative(anchor: Tensor, faster: Tensor, slower: Tensor) -> Tensor:
    """Eq 2: the spectra of a clip and of its resampled versions differ; a negative loss.

    Eq 4 prints a minus before this term, which would attract the negatives.

    Args:
        anchor: spectra of the clips (B, F).
        faster: spectra of the faster versions (B, F).
        slower: spectra of the slower versions (B, F).
    """
    return -difference(anchor, faster) - difference(anchor, slower)


RANKING_LOGITS = ("power", "log_power")
"""What the Gumbel softmax of the ranking takes: the spectra, or their logarithms."""


def peak_bin(
    spectrum: Tensor, *, logits: str = "power", temperature: float = 1.0, noise: bool = True
) -> Tensor:
    """Index of the peak's bin by the Gumbel softmax, with the softmax's gradient.

    With "log_power" and temperature 1 a bin is drawn with the probability of its share of the
    power. The gradient of a logarithm is steep where a bin is nearly empty; the gradient of
    "power" is not. With "power" and temperature 1 all bins are nearly equally likely, as shares
    lie between 0 and 1.

    Args:
        spectrum: unit-sum spectra (B, F).
        logits: one of `RANKING_LOGITS`.
        temperature: what the logits are divided by.
        noise: draw at random; without, the bin of the highest peak.

    Returns:
        Indices (B,).
    """
    values = (torch.log(spectrum + 1e-12) if logits == "log_power" else spectrum) / temperature
    if noise:
        chosen = functional.gumbel_softmax(values, tau=1.0, hard=True)
    else:
        soft = values.softmax(dim=1)
        hard = functional.one_hot(soft.argmax(dim=1), soft.shape[1]).to(soft.dtype)
        chosen = hard - soft.detach() + soft
    return chosen @ torch.arange(spectrum.shape[1], dtype=chosen.dtype, device=chosen.device)


def ranking(
    anchor: Tensor,
    faster: Tensor,
    slower: Tensor,
    *,
    logits: str = "power",
    temperature: float = 1.0,
    noise: bool = True,
) -> Tensor:
    """Eq 3: the peak of the slower version lies below, that of the faster above; batch mean.

    Args:
        anchor: spectra of the clips (B, F).
        faster: spectra of the faster versions (B, F).
        slower: spectra of the slower versions (B, F).
        logits: see `peak_bin`.
        temperature: see `peak_bin`.
        noise: see `peak_bin`.

    Returns:
        The loss in bins, as the paper's "index vector".
    """
    h, h_faster, h_slower = (
        peak_bin(s, logits=logits, temperature=temperature, noise=noise)
        for s in (anchor, faster, slower)
    )
    return (functional.relu(h_slower - h) + functional.relu(h - h_faster)).mean()


def least_trusted(label_bpm: Tensor, output_bpm: Tensor, count: int) -> Tensor:
    """Eq 5: the clips whose output differs most from the label in heart rate.

    Args:
        label_bpm: heart rates of the labels (B,).
        output_bpm: heart rates of the outputs (B,).
        count: number of clips.

    Returns:
        Indices (count,).

    >>> least_trusted(torch.tensor([60.0, 90, 70]), torch.tensor([61.0, 60, 80]), 2)
    tensor([1, 2])
    """
    return (label_bpm - output_bpm).abs().topk(min(count, len(label_bpm))).indices
