"""The pictures that BigSmall sees: large and standardised, and differences of small ones."""

import numpy as np
import pytest
import torch

from rppgbench.neural.frame_differences import frame_differences
from rppgbench.system.errors import BenchError

from ..factories.frame_inputs import clip_input
from ..oracles.parts import part

SIDE = 48
VIDEO = np.random.default_rng(0).integers(60, 200, (20, SIDE, SIDE, 3)).astype(np.uint8)


def rows(start: int, length: int) -> torch.Tensor:
    pictures = part("bigsmall.pictures")
    scale = pictures.measure_scale(VIDEO)
    return clip_input(pictures.large_and_small, VIDEO, start, length, scale)[0]


def test_every_third_picture_is_large_and_standardised_over_the_video() -> None:
    large, small = part("bigsmall.pictures").split_rows(rows(4, 9))
    expected = (VIDEO - VIDEO.mean()) / VIDEO.std()
    np.testing.assert_allclose(large, expected[4:13:3].transpose(0, 3, 1, 2), atol=1e-5)
    assert small.shape == (9, 3, 3, 3)


def test_small_pictures_are_means_whose_differences_have_deviation_1_over_the_video() -> None:
    blocks = VIDEO.reshape(20, 3, 16, 3, 16, 3).astype(np.float64).mean(axis=(2, 4))
    change = frame_differences(blocks)
    _, small = part("bigsmall.pictures").split_rows(rows(4, 9))
    expected = (change / change.std())[4:13].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(small, expected, rtol=1e-3, atol=1e-4)
    _, last = part("bigsmall.pictures").split_rows(rows(14, 6))
    assert bool((last[-1] == 0).all())  # the video's last picture has no next
    assert bool((last[-2] != 0).any())


def test_a_clip_that_ends_within_a_group_has_a_pulse_for_each_frame() -> None:
    torch.manual_seed(0)
    network = part("bigsmall.network").TwoBranchNetwork(2, side=3, dense=4).eval()
    with torch.inference_mode():
        whole, cut = network(rows(0, 9)[None]), network(rows(0, 8)[None])
    assert whole.shape == (1, 9)
    assert cut.shape == (1, 8)
    torch.testing.assert_close(whole[:, :6], cut[:, :6])  # whole groups are the same


def test_public_weights_have_more_heads_than_the_pulse() -> None:
    module = part("bigsmall.network")
    names = {
        "pulse": set(module.TwoBranchNetwork(2, side=3).state_dict()),
        "all": set(module.TwoBranchNetwork(2, side=3, all_heads=True).state_dict()),
    }
    own_starts = tuple(module.PUBLIC_NAMES.values())
    assert all(name.startswith(own_starts) for name in names["all"])
    more = names["all"] - names["pulse"]
    assert {name.split(".")[1] for name in more} == {"actions", "respiration"}


def test_a_crop_that_does_not_divide_is_refused() -> None:
    with pytest.raises(BenchError, match=r"50 pixels does not fit; choose a multiple of 16, as"):
        part("bigsmall.pictures").small_pictures(np.zeros((1, 50, 50, 3), np.uint8))
