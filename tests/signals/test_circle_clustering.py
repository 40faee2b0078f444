"""Circle clustering of patches, and the choice between two groups."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.signals.circle_clustering import (
    cosine_distances,
    settle_on_circle,
    split_circle,
    without_outliers,
)
from rppgbench.signals.patch_groups import Group, choose_group, choose_patches, describe_group
from rppgbench.signals.patch_windows import PatchRates
from rppgbench.signals.rate_jumps import replace_jumps

BPM = np.arange(40.0, 240.0, 0.9)


def lines(*rows: tuple[float, float]) -> Array:
    """Spectra (1, P, F): a Gaussian at each (peak, width) over a little noise."""
    noise = np.random.default_rng(0).uniform(0, 0.02, (len(rows), len(BPM)))
    power = [np.exp(-((BPM - peak) ** 2) / (2 * width**2)) for peak, width in rows]
    return (np.stack(power) + noise)[None]


TWO_KINDS = lines(*[(72, 3)] * 6, *[(130, 3)] * 4)


def theta_of(power: Array, seed: int = 0) -> Array:
    start = 2 * np.pi * np.random.default_rng(seed).random(power.shape[:2])
    return settle_on_circle(cosine_distances(power), start)


def test_unlike_patches_end_at_opposite_sides() -> None:
    for seed in range(5):
        first, second = split_circle(theta_of(TWO_KINDS, seed))
        sides = {tuple(np.flatnonzero(side[0])) for side in (first, second)}
        assert sides == {(0, 1, 2, 3, 4, 5), (6, 7, 8, 9)}


def test_members_are_moved_to_the_nearer_group() -> None:
    """Angles at both sides of 0 and around pi: the mean of their numbers is near pi."""
    theta = np.array([[0.1, 0.05, 0.02, 6.2, 6.25, 6.25, 3.2, 3.3, 3.1]])
    as_published, _ = split_circle(theta, reassigned=False)
    assert np.flatnonzero(as_published[0]).tolist() == [0, 1, 8]
    mended, _ = split_circle(theta)
    assert np.flatnonzero(mended[0]).tolist() == [6, 7, 8]


def test_outliers_are_taken_out_and_a_single_member_stays() -> None:
    theta = np.array([[0.0, 0.02, -0.02, 1.0, 3.0]])
    members = np.array([[True, True, True, True, False]])
    assert without_outliers(members, theta, 0.5)[0].tolist() == [True, True, True, False, False]
    assert without_outliers(~members, theta, 0.5)[0].tolist() == [False] * 4 + [True]


def test_a_group_has_the_peak_and_the_width_of_its_sum() -> None:
    group = describe_group(TWO_KINDS, BPM, np.arange(10)[None] < 6)
    assert abs(group.peak_bpm[0] - 72) < 0.6
    assert abs(group.sigma_bpm[0] - 3) < 0.5
    empty = describe_group(TWO_KINDS, BPM, np.zeros((1, 10), np.bool_))
    assert np.isnan(empty.peak_bpm[0])


def group(*, members: int, peak_bpm: float, sigma_bpm: float, misfit: float, snr: float) -> Group:
    values = {"peak_bpm": peak_bpm, "sigma_bpm": sigma_bpm, "misfit": misfit, "snr": snr}
    return Group(
        members=np.arange(10)[None] < members,
        information=np.array([-1000.0]),
        **{name: np.array([value]) for name, value in values.items()},
    )


def test_narrowness_alone_decides_in_pyvhr_and_not_in_the_mended_form() -> None:
    pulse = group(members=7, peak_bpm=72, sigma_bpm=8, misfit=0.1, snr=0.5)
    flicker = group(members=3, peak_bpm=130, sigma_bpm=2, misfit=0.5, snr=0.1)
    assert choose_group(pulse, flicker, np.array([72.0]), mended=False)[0]
    assert not choose_group(pulse, flicker, np.array([72.0]))[0]


def test_of_equal_groups_pyvhr_takes_the_lower_snr_and_the_mended_form_the_larger() -> None:
    strong = group(members=7, peak_bpm=72, sigma_bpm=4, misfit=0.5, snr=0.19)
    weak = group(members=3, peak_bpm=130, sigma_bpm=4, misfit=0.1, snr=0.11)
    median = np.array([72.0])  # a point for each: the smaller misfit, the nearer peak
    assert choose_group(strong, weak, median, mended=False)[0]
    assert not choose_group(strong, weak, median)[0]


def test_of_an_empty_group_the_other_is_taken() -> None:
    full = describe_group(TWO_KINDS, BPM, np.ones((1, 10), np.bool_))
    empty = describe_group(TWO_KINDS, BPM, np.zeros((1, 10), np.bool_))
    for mended in (True, False):
        assert not choose_group(full, empty, np.array([72.0]), mended=mended)[0]
        assert choose_group(empty, full, np.array([72.0]), mended=mended)[0]


def test_windows_of_a_batch_do_not_depend_on_each_other() -> None:
    other = lines(*[(65, 2)] * 5, *[(110, 4)] * 5)
    both = np.concatenate([TWO_KINDS, other])
    start = np.random.default_rng(1).uniform(0, 6, (2, 10))
    together = settle_on_circle(cosine_distances(both), start)
    for at, power in enumerate((TWO_KINDS, other)):
        alone = settle_on_circle(cosine_distances(power), start[at : at + 1])
        np.testing.assert_allclose(together[at], alone[0], atol=0.05)


def test_a_jump_takes_the_other_group_and_its_members() -> None:
    windows = [lines(*[(72, 3)] * 6, *[(130, 4)] * 4) for _ in range(9)]
    windows[4] = lines(*[(72, 5)] * 6, *[(130, 1.2)] * 4)
    power = np.concatenate(windows)
    rates = PatchRates(bpm=BPM, power=power, rates_bpm=BPM[power.argmax(axis=2)])
    start = np.random.default_rng(0).uniform(0, 6, (9, 10))
    members, rates_bpm = choose_patches(rates, start, tolerance=2.0, reach=8)
    np.testing.assert_allclose(rates_bpm, 72, atol=1.0)
    assert not members[:, 6:].any()


def test_replaced_jumps_do_not_depend_on_the_order_of_the_windows_but_in_pyvhr() -> None:
    rates = np.random.default_rng(0).choice([70.0, 85.0, 100.0], 40)
    nowhere = np.full(40, np.nan)
    forward, backward = (replace_jumps(row, nowhere, 3)[0] for row in (rates, rates[::-1]))
    np.testing.assert_array_equal(forward, backward[::-1])
    forward, backward = (
        replace_jumps(row, nowhere, 3, in_place=True)[0] for row in (rates, rates[::-1])
    )
    assert not np.array_equal(forward, backward[::-1])


def test_pyvhr_looks_one_window_less_ahead() -> None:
    rates, nowhere = np.array([70.0, 140.0, 140.0, 140.0]), np.full(4, np.nan)
    assert replace_jumps(rates, nowhere, 2)[0][0] == 140.0
    assert replace_jumps(rates, nowhere, 2, in_place=True)[0][0] == 70.0
