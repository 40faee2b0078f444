"""Parts of RhythmMamba and RhythmFormer that the comparison with the public code does not see."""

import numpy as np
import torch
from torch import nn

from rppgbench.neural.frame_differences import VideoScale
from rppgbench.neural.frame_inputs import appearance
from rppgbench.neural.networks.fusion_stem import FusionStem

from ..factories.frame_inputs import clip_input
from ..oracles.parts import part


def test_features_of_a_still_film_are_those_of_each_picture_alone() -> None:
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


def test_a_block_is_left_out_for_some_clips_in_training_alone() -> None:
    torch.manual_seed(0)
    block = part("rhythmmamba.network").Block(2, 0.5, "plain")
    branch = torch.ones(400, 3, 2)
    dropped = block._drop(branch)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert bool((dropped == dropped[:, :1, :1]).all())
    assert 0.4 < float((dropped > 0).float().mean()) < 0.6
    assert block.eval()._drop(branch) is branch
