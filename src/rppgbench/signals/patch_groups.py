"""Which of two groups of patches holds the pulse, by the shape of their spectra.

Source: Boccignone et al., pyVHR, PeerJ Computer Science 2022, 10.7717/peerj-cs.929; phuselab/pyVHR
@a6270f0, BPM/BPM.py and BPM/utils.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.signals.circle_clustering import (
    Members,
    cosine_distances,
    settle_on_circle,
    split_circle,
    without_outliers,
)
from rppgbench.signals.patch_windows import PatchRates
from rppgbench.signals.rate_jumps import replace_jumps

SIGMA_ITERATIONS = 80
NO_SIGMA_BPM = 1e9


@dataclass(frozen=True, eq=False, kw_only=True)
class Group:
    """One of the two groups of patches in each window.

    Attributes:
        members: the patches that are in the group (W, P).
        peak_bpm: frequency of the highest bin of the sum of their spectra (W,); NaN without member.
        sigma_bpm: standard deviation of the Gaussian around the peak that fits the sum (W,);
            `NO_SIGMA_BPM` without member.
        misfit: sum of the squares of what the Gaussian leaves (W,).
        information: Akaike's information criterion of the fit (W,).
        snr: power within two standard deviations over the rest, over the variance (W,).
    """

    members: Members
    peak_bpm: Array
    sigma_bpm: Array
    misfit: Array
    information: Array
    snr: Array


def describe_group(power: Array, bpm: Array, members: Members) -> Group:
    """Peak and shape of the sum of the spectra of a group.

    Args:
        power: power of every patch (W, P, F).
        bpm: frequencies (F,) in bpm.
        members: the patches of the group (W, P).
    """
    total = np.einsum("wpf,wp->wf", power, members.astype(np.float64))
    top = total.max(axis=1, keepdims=True)
    total = np.divide(total, top, out=np.zeros_like(total), where=top > 0)
    known = top[:, 0] > 0
    peak = np.where(known, bpm[total.argmax(axis=1)], np.nan)
    away = bpm - bpm[total.argmax(axis=1)][:, None]
    sigma = _fitted_sigma(total, away)
    rest = total - np.exp(-(away**2) / (2 * sigma[:, None] ** 2))
    misfit = np.square(rest).sum(axis=1)
    near = np.abs(away) < 2 * sigma[:, None]
    inside, outside = (total * near).sum(axis=1), (total * ~near).sum(axis=1)
    ratio = np.divide(inside, outside, out=np.zeros_like(inside), where=outside >= 1e-7)
    size = power.shape[-1]
    return Group(
        members=members,
        peak_bpm=peak,
        sigma_bpm=np.where(known, sigma, NO_SIGMA_BPM),
        misfit=misfit,
        information=size * np.log(np.maximum(misfit, 1e-300) / size) + 2,
        snr=np.where(known, ratio / sigma**2, 0.0),
    )


def _fitted_sigma(total: Array, away: Array) -> Array:
    """Least squares of exp(-away^2 / (2 sigma^2)) to a spectrum: sigma (W,), from 1 bpm on.

    Levenberg-Marquardt in one parameter, for all windows at once. Source: Marquardt, 1963,
    10.1137/0111030.
    """
    sigma, damping = np.ones(len(total)), np.full(len(total), 1e-3)

    def residual(width: Array) -> Array:
        model: Array = total - np.exp(-(away**2) / (2 * width[:, None] ** 2))
        return model

    rest = residual(sigma)
    cost = np.square(rest).sum(axis=1)
    for _ in range(SIGMA_ITERATIONS):
        slope = (total - rest) * away**2 / sigma[:, None] ** 3
        curvature = np.square(slope).sum(axis=1) * (1 + damping)
        push = (slope * rest).sum(axis=1)
        step = np.divide(push, curvature, out=np.zeros_like(push), where=curvature > 0)
        tried = np.maximum(np.abs(sigma + step), 1e-3)
        tried_rest = residual(tried)
        tried_cost = np.square(tried_rest).sum(axis=1)
        better = tried_cost < cost
        sigma = np.where(better, tried, sigma)
        rest = np.where(better[:, None], tried_rest, rest)
        cost = np.where(better, tried_cost, cost)
        damping = np.clip(np.where(better, damping / 10, damping * 10), 1e-9, 1e9)
    return sigma


def choose_group(
    first: Group, second: Group, median_bpm: Array, *, mended: bool = True
) -> NDArray[np.bool_]:
    """Whether the second group is taken for the pulse in each window (W,).

    A group gets a point each for the narrower Gaussian, the smaller misfit, the smaller
    information criterion, the higher signal-to-noise ratio, and the peak nearer to the median of
    all patches. A difference that is too small gives no point.

    Args:
        first: one group.
        second: the other.
        median_bpm: median of the rates of all patches (W,).
        mended: narrowness counts a point like the others, and of equal groups that with more
            members is taken. Without it narrowness counts as many points as the ratio of the
            widths, so that it decides alone and a clean flicker beats the pulse, and of equal
            groups that with the lower ratio of SNR to width is taken, as in pyVHR.
    """
    pair = (first, second)
    sigma = np.stack([group.sigma_bpm for group in pair])
    misfit = np.stack([group.misfit for group in pair])
    information = np.stack([group.information for group in pair])
    snr = np.stack([group.snr for group in pair])
    away = np.stack([np.abs(group.peak_bpm - median_bpm) for group in pair])
    away = np.where(np.isfinite(away), away, np.inf)
    ratio = sigma.max(axis=0) / sigma.min(axis=0)
    weight = np.ones(len(ratio)) if mended else np.maximum(1, ratio)
    points = np.zeros(sigma.shape)

    def reward(values: Array, counts: NDArray[np.bool_], gain: Array | float = 1.0) -> None:
        wins = values.argmin(axis=0)
        points[0] += counts * gain * (wins == 0)
        points[1] += counts * gain * (wins == 1)

    reward(sigma, np.abs(sigma[0] - sigma[1]) > 0.1, weight)
    reward(misfit, np.abs(misfit[0] - misfit[1]) > 0.1)
    lowest = information.min(axis=0)
    reward(information, np.abs(information[0] - information[1]) > -0.1 * np.minimum(lowest, 0))
    reward(-snr, np.abs(snr[0] - snr[1]) > 0.1)
    points[0] += away[0] < away[1]
    points[1] += away[0] >= away[1]
    if mended:
        size = np.stack([group.members.sum(axis=1) for group in pair])
        tie = size[1] > size[0]
    else:
        quality = snr / sigma
        tie = quality[1] < quality[0]
    chosen: NDArray[np.bool_] = np.where(
        points[0] == points[1], tie, points[1] > points[0]
    ) & np.isfinite(second.peak_bpm)
    return chosen | ~np.isfinite(first.peak_bpm)


def choose_patches(
    rates: PatchRates, start_rad: Array, *, tolerance: float, reach: int, mended: bool = True
) -> tuple[Members, Array]:
    """Cluster the patches of each window and choose a group.

    Args:
        rates: spectra and rates of the patches in each window.
        start_rad: angles that the clustering starts from (W, P).
        tolerance: see `without_outliers`.
        reach: windows before and after a window among which a rate may be a jump.
        mended: see `split_circle`, `choose_group` and `replace_jumps`.

    Returns:
        The patches that count in each window (W, P), none where a jump was replaced by the median;
        and the rates (W,) in bpm.
    """
    theta = settle_on_circle(cosine_distances(rates.power), start_rad)
    first, second = (
        describe_group(rates.power, rates.bpm, without_outliers(members, theta, tolerance))
        for members in split_circle(theta, reassigned=mended)
    )
    takes_second = choose_group(first, second, rates.median_bpm(), mended=mended)
    chosen = np.where(takes_second, second.peak_bpm, first.peak_bpm)
    other = np.where(takes_second, first.peak_bpm, second.peak_bpm)
    replaced, source = replace_jumps(chosen, other, reach, in_place=not mended)
    takes_second = takes_second ^ (source == 1)
    members = np.where(takes_second[:, None], second.members, first.members)
    return members & (source != 2)[:, None], replaced
