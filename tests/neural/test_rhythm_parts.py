"""Parts of RhythmMamba and RhythmFormer that the comparison with the public code does not see."""

import numpy as np
import pytest
import torch
from torch import nn

from rppgbench.neural.frame_differences import VideoScale
from rppgbench.neural.frame_inputs import appearance
from rppgbench.neural.networks.fusion_stem import FusionStem
from rppgbench.system.errors import BenchError

from ..factories.frame_inputs import clip_input
from ..factories.methods import part


def test_features_of_a_still_video_are_those_of_each_picture_alone() -> None:
    torch.manual_seed(0)
    stem = FusionStem((2, 4), (3, 3), nn.Identity(), nn.Identity()).eval()
    picture = torch.rand(1, 1, 3, 8, 8)
    with torch.inference_mode():
        still = stem(picture.expand(1, 6, 3, 8, 8))
        torch.testing.assert_close(still, stem(picture).expand_as(still))
        moved = stem(torch.cat([picture.expand(1, 5, 3, 8, 8), picture + 1], dim=1))
    assert moved.shape == (1, 6, 4, 4, 4)
    torch.testing.assert_close(moved[:, :3], still[:, :3])  # two pictures back see the change
    assert not torch.allclose(moved[:, 3], still[:, 3])


def test_pictures_are_standardised_and_the_last_one_is_repeated() -> None:
    video = np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3), dtype=np.uint8)
    scale = VideoScale.measure(video)
    clip = clip_input(appearance, video, 2, 4, scale)[0]
    assert clip.shape == (4, 3, 4, 4)
    expected = (video.transpose(0, 3, 1, 2) - scale.mean) / scale.deviation
    np.testing.assert_allclose(clip, expected[[2, 3, 4, 4]], atol=1e-5)


def test_a_quarter_is_the_mean_of_the_scans_that_have_reached_it() -> None:
    """With a scan that only passes its input on, each quarter is the mean of quarters."""
    scans = part("rhythmmamba.network").SpanScans(3, "plain")
    scans.before, scans.mixer = nn.Identity(), nn.Identity()
    x = torch.arange(18.0).reshape(1, 18, 1).expand(2, 18, 3)
    out = scans(x)
    assert out.shape == x.shape
    torch.testing.assert_close(out, x)  # a scan that starts at a quarter begins with that quarter
    scans.mixer = _Count()
    steps = scans(x)[0, :, 0]
    means = [1.0, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8, 7, 8, 9, 10]
    torch.testing.assert_close(steps, torch.tensor([*means, 17, 18]))


class _Count(nn.Module):
    """How many samples a scan has seen."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.arange(1.0, x.shape[1] + 1)[None, :, None].expand_as(x)


def test_few_frames_and_odd_numbers_of_frames_have_a_pulse() -> None:
    torch.manual_seed(0)
    network = part("rhythmmamba.network").RhythmNetwork(1, 1).eval()
    with torch.inference_mode():
        for frames in (1, 2, 5, 21):
            pulse = network(torch.rand(2, frames, 3, 8, 8))
            assert pulse.shape == (2, frames)
            assert bool(torch.isfinite(pulse).all())
        odd = torch.rand(1, 21, 3, 8, 8)
        torch.testing.assert_close(network(odd)[:, -1], network(odd)[:, -2])


def test_a_block_is_left_out_for_some_clips_in_training_alone() -> None:
    torch.manual_seed(0)
    block = part("rhythmmamba.network").Block(2, 0.5, "plain")
    branch = torch.ones(400, 3, 2)
    dropped = block._drop(branch)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert bool((dropped == dropped[:, :1, :1]).all())
    assert 0.4 < float((dropped > 0).float().mean()) < 0.6
    assert block.eval()._drop(branch) is branch


def test_regions_are_split_and_joined() -> None:
    module = part("rhythmformer.network")
    maps = torch.arange(2 * 3 * 4 * 8 * 8.0).reshape(2, 3, 4, 8, 8)
    regions = module.split_regions(maps, 2)
    assert regions.shape == (2, 2 * 16, 2 * 2 * 2, 3)
    first = maps[0, :, :2, :2, :2].flatten(1).T
    torch.testing.assert_close(regions[0, 0], first)
    torch.testing.assert_close(regions[0, 1], maps[0, :, :2, :2, 2:4].flatten(1).T)
    torch.testing.assert_close(regions[1, 16], maps[1, :, 2:, :2, :2].flatten(1).T)
    torch.testing.assert_close(module.join_regions(regions, 2, 8, 8), maps)


def test_a_region_sees_the_regions_most_like_it_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = part("rhythmformer.network")
    monkeypatch.setattr(module, "ROUTED", 3)
    torch.manual_seed(0)
    attention = module.RoutedAttention(4, 1).eval()
    attention.query, attention.key, attention.value = nn.Identity(), nn.Identity(), nn.Identity()
    nn.init.zeros_(attention.around.weight)
    nn.init.zeros_(attention.around.bias)
    attention.out = nn.Identity()
    maps = torch.randn(2, 4, 2, 4, 4)  # one token a region
    tokens = maps.flatten(2).transpose(1, 2)
    alike = tokens @ tokens.transpose(1, 2)
    hidden = alike < alike.topk(3).values[..., -1:]
    with torch.inference_mode():
        seen = attention(maps).flatten(2).transpose(1, 2)
    heads = []
    for head in range(4):  # of one channel each; all look at the same regions
        channel = tokens[..., head : head + 1]
        scores = (channel @ channel.transpose(1, 2) * 4**-0.5).masked_fill(hidden, -torch.inf)
        heads.append(scores.softmax(-1) @ channel)
    torch.testing.assert_close(seen, torch.cat(heads, dim=-1))


def test_a_clip_of_any_length_has_a_pulse_of_that_length() -> None:
    torch.manual_seed(0)
    network = part("rhythmformer.network").RhythmNetwork(4).eval()
    with torch.inference_mode():
        for frames, side in ((5, 64), (24, 64), (27, 64), (16, 96)):
            assert network(torch.rand(1, frames, 3, side, side)).shape == (1, frames)
        with pytest.raises(BenchError, match="144 pixels does not divide into regions"):
            network(torch.rand(1, 24, 3, 144, 144))


@pytest.mark.parametrize("width", [5, 6, 0])
def test_a_width_that_the_heads_do_not_divide_is_refused(width: int) -> None:
    line = f"^rhythmformer: width is a multiple of 4, not {width}: "
    with pytest.raises(BenchError, match=line):
        part("rhythmformer").RhythmParameters(width=width)
