"""The pictures that BigSmall sees: large and standardised, and differences of small ones."""

from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.core.method import Model
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.neural.frame_differences import frame_differences
from rppgbench.system.errors import BenchError

from ..factories.frame_inputs import clip_input
from ..factories.methods import part

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


def test_public_weights_of_three_heads_serve_as_a_model() -> None:
    module = part("bigsmall.network")
    torch.manual_seed(0)
    public = module.TwoBranchNetwork(heads=module.ALL_HEADS).eval()
    theirs = {own: name for name, own in module.PUBLIC_NAMES.items()}
    arrays = {}
    for name, values in public.state_dict().items():
        start = next(start for start in theirs if name.startswith(start))
        arrays[theirs[start] + name.removeprefix(start)] = values.numpy()
    assert {"au_fc1.weight", "bvp_fc2.bias", "resp_fc2.bias", "big_conv6.bias"} <= set(arrays)
    method = load_methods().get("method", "bigsmall", "test")
    clip: Any = np.random.default_rng(3).integers(60, 200, (12, 144, 144, 3)).astype(np.uint8)
    waveform = Waveform(clip, 25.0)
    out = method.estimate(waveform, Model(arrays), **method.parameters({}))
    own = {k: v.numpy() for k, v in public.state_dict().items() if "heads" not in k or "pulse" in k}
    same = method.estimate(waveform, Model(own), **method.parameters({}))
    assert out.samples.std() > 0
    np.testing.assert_array_equal(out.samples, same.samples)


def test_a_crop_that_does_not_divide_is_refused() -> None:
    with pytest.raises(BenchError, match=r"50 pixels does not fit; choose a multiple of 16, as"):
        part("bigsmall.pictures").small_pictures(np.zeros((1, 50, 50, 3), np.uint8))
