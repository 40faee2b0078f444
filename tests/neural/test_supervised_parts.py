"""What supervised methods share: changes of frames, attention, losses on rates, one cycle."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rppgbench.core.method import Training
from rppgbench.neural.clips import Clips
from rppgbench.neural.frame_differences import (
    VideoScale,
    integrate,
    pulse_differences,
    standardise,
)
from rppgbench.neural.frame_inputs import appearance_and_next, motion_and_appearance
from rppgbench.neural.losses.rate_spectrum import (
    clip_rates,
    rate_bins,
    rate_cross_entropy,
    rate_divergence,
    rate_spectrum,
)
from rppgbench.neural.network_weights import to_arrays
from rppgbench.neural.networks.convolutional_attention import (
    AttentionNetwork,
    attention_mask,
    temporal_shift,
)
from rppgbench.neural.networks.map_unet import map_image, yuv_image
from rppgbench.neural.segments import Segment
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe

from ..factories.batches import make_batches
from ..factories.frame_inputs import clip_input, normalised_video

FS = 30.0


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(0)


def sine(*bpm: float, seconds: float = 10.0) -> Tensor:
    t = torch.arange(round(seconds * FS), dtype=torch.float64) / FS
    return torch.sin(2 * torch.pi * torch.tensor(bpm, dtype=torch.float64)[:, None] / 60 * t + 0.3)


# --- frames and labels ---------------------------------------------------------------------------


def video(frames: int = 600, side: int = 4) -> Any:
    return np.random.default_rng(0).integers(1, 255, (frames, side, side, 3)).astype(np.uint8)


def test_a_long_video_is_measured_in_pieces_as_in_one() -> None:
    pictures = video()
    scale = VideoScale.measure(pictures)
    assert scale.mean == pytest.approx(pictures.mean(), rel=1e-9)
    assert scale.deviation == pytest.approx(pictures.std(), rel=1e-9)
    moving = normalised_video(pictures)
    change = normalised_video(pictures, 1.0)[:-1].astype(np.float64)
    assert scale.difference_deviation == pytest.approx(change.std(), rel=1e-6)
    np.testing.assert_allclose(
        normalised_video(pictures, scale.difference_deviation), moving, rtol=1e-5
    )


def test_the_input_of_a_clip_is_a_part_of_the_input_of_the_video() -> None:
    pictures = video(50)
    scale = VideoScale.measure(pictures)
    moving = normalised_video(pictures)
    look = standardise(pictures)
    for start in (0, 20, 30):  # the last one ends with the video
        clip = clip_input(motion_and_appearance, pictures, start, 20, scale)[0].numpy()
        assert clip.shape == (20, 6, 4, 4)
        both = clip.transpose(0, 2, 3, 1)
        np.testing.assert_allclose(both[..., :3], moving[start : start + 20], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(both[..., 3:], look[start : start + 20], rtol=1e-4, atol=1e-5)
    alone = clip_input(appearance_and_next, pictures, 30, 20, scale)[0].numpy()
    assert alone.shape == (21, 3, 4, 4)
    np.testing.assert_array_equal(alone[-1], alone[-2])
    later = clip_input(appearance_and_next, pictures, 0, 20, scale)[0].numpy()
    np.testing.assert_allclose(later[-1].transpose(1, 2, 0), look[20], rtol=1e-4, atol=1e-5)


def test_light_and_skin_colour_cancel_in_differences() -> None:
    pulse = 1 + 0.01 * np.sin(np.arange(60) / 4)
    skin = np.array([[200.0, 90.0, 60.0], [40.0, 30.0, 20.0]])
    out = normalised_video(skin[None] * pulse[:, None, None])
    np.testing.assert_allclose(out, out[:, :1, :1] * np.ones((1, 2, 3)), atol=1e-3)


def test_a_still_video_has_zero_motion_and_appearance() -> None:
    still = np.full((9, 4, 4, 3), 100, np.uint8)
    assert not normalised_video(still).any()
    assert not standardise(still).any()
    assert not clip_input(motion_and_appearance, still, 0, 9, VideoScale.measure(still)).any()


def test_the_sum_of_the_differences_is_the_pulse() -> None:
    t = np.arange(600) / FS
    pulse = 40 + 3 * t + np.sin(2 * np.pi * 1.3 * t)  # with a trend
    back = integrate(pulse_differences(pulse))
    assert np.corrcoef(back[30:-30], np.sin(2 * np.pi * 1.3 * t)[30:-30])[0, 1] > 0.98


def test_a_gap_in_a_label_stays_a_gap() -> None:
    pulse = np.sin(np.arange(30.0))
    pulse[10] = np.nan
    out = pulse_differences(pulse)
    assert np.flatnonzero(np.isnan(out)).tolist() == [9, 10]


# --- attention -----------------------------------------------------------------------------------


def test_shift_moves_thirds_within_groups_only() -> None:
    frames = torch.rand(8, 7, 2, 2)  # thirds of 2, 2 and the 3 that are left
    out = temporal_shift(frames, 4)
    for k in range(8):
        ahead = frames[k + 1, :2] if k % 4 < 3 else torch.zeros(2, 2, 2)
        behind = frames[k - 1, 2:4] if k % 4 > 0 else torch.zeros(2, 2, 2)
        assert torch.equal(out[k, :2], ahead)
        assert torch.equal(out[k, 2:4], behind)
        assert torch.equal(out[k, 4:], frames[k, 4:])


def test_a_mask_has_a_mean_of_half_whatever_the_scores() -> None:
    mask = attention_mask(torch.randn(3, 1, 5, 7) * 4)
    torch.testing.assert_close(mask.mean(dim=(2, 3)), torch.full((3, 1), 0.5))
    assert bool((mask > 0).all())


@pytest.mark.parametrize(
    ("size", "single_stream", "published"),
    [(36, False, 532_899), (72, False, 2_228_643), (36, True, 467_337), (72, True, 2_163_081)],
)
def test_networks_have_the_published_sizes(size: int, single_stream: bool, published: int) -> None:
    network = AttentionNetwork(size, single_stream=single_stream)
    assert sum(p.numel() for p in network.parameters()) == published


def test_frames_depend_on_each_other_in_ts_can_and_not_in_deepphys() -> None:
    clip = torch.randn(1, 20, 6, 16, 16)
    changed = clip.clone()
    changed[0, 7] += 1
    for depth, reach in ((0, {7}), (10, set(range(10)))):
        network = AttentionNetwork(16, width=6, dense=8, depth=depth).eval()
        with torch.inference_mode():
            moved = (network(changed) - network(clip))[0].abs() > 1e-7
        seen = set(torch.nonzero(moved)[:, 0].tolist())
        assert seen <= reach
        assert 7 in seen
        assert len(seen) > 1 or depth == 0


def test_groups_that_are_not_full_are_padded_in_each_clip() -> None:
    network = AttentionNetwork(16, width=3, dense=4, depth=10).eval()
    clips = torch.randn(2, 13, 6, 16, 16)
    filled = torch.cat([clips, clips[:, -1:].expand(-1, 7, -1, -1, -1)], dim=1)
    with torch.inference_mode():
        out = network(clips)
        assert out.shape == (2, 13)
        torch.testing.assert_close(out, network(filled)[:, :13])


def test_pictures_too_small_for_the_network_are_refused() -> None:
    with pytest.raises(ValueError, match="10 are needed"):
        AttentionNetwork(9)


# --- maps ----------------------------------------------------------------------------------------


def test_brightness_and_colour_of_a_map_are_three_channels() -> None:
    rgb = 100 + 20 * np.random.default_rng(0).random((64, 25, 3))
    grey = rgb.mean(axis=2, keepdims=True) * np.ones((1, 1, 3))
    image = yuv_image(grey, 25)
    assert image.shape == (1, 3, 25, 64)
    torch.testing.assert_close(image[:, :1], map_image(grey, 25)[:, :1])  # Y of grey is grey
    assert float(image.min()) >= 0
    assert float(image.max()) <= 1


# --- losses on heart rates -----------------------------------------------------------------------

BINS = torch.tensor([32, 74])  # 72 and 114 bpm

RATE_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "entropy": rate_cross_entropy,
    "divergence": rate_divergence,
}


@pytest.mark.parametrize("name", RATE_LOSSES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    pulse = (sine(70, 110, seconds=2.0) + 0.2 * torch.randn(2, 60)).requires_grad_()

    def loss(x: Tensor) -> Tensor:
        return 100 * RATE_LOSSES[name](rate_spectrum(x, FS), BINS)

    assert torch.autograd.gradcheck(loss, (pulse,), atol=1e-4)


@pytest.mark.parametrize("name", RATE_LOSSES)
def test_losses_are_least_at_the_true_rate(name: str) -> None:
    loss = RATE_LOSSES[name]
    truth = rate_bins(torch.tensor([72.0]))
    values = [float(loss(rate_spectrum(sine(bpm), FS), truth)) for bpm in (72.0, 78.0, 100.0)]
    assert values == sorted(values)
    assert values[1] - values[0] > 1e-3


def test_flat_pulses_and_rates_beyond_the_band_give_finite_losses() -> None:
    share = rate_spectrum(torch.zeros(2, 90), FS)
    assert not share.any()
    bins = rate_bins(torch.tensor([10.0, 400.0]))
    assert bins.tolist() == [0, 139]
    for loss in RATE_LOSSES.values():
        assert bool(torch.isfinite(loss(share, bins)).all())


def stretch(bpm: float, *, pulse: bool = True, device: bool = False) -> Segment:
    wave = sine(bpm, seconds=20.0)[0].numpy().astype(np.float32)
    rate = np.full(len(wave), bpm + 5, dtype=np.float32)
    rate[:70] = np.nan
    return Segment(
        recording="r",
        subject="s",
        samples=wave[:, None],
        start_s=0.0,
        pulse=wave if pulse else None,
        rate_bpm=rate if device else None,
    )


def test_the_rate_of_a_clip_is_of_the_device_or_else_of_the_pulse() -> None:
    parts = [
        stretch(72.0),
        stretch(90.0, device=True),
        stretch(60.0, pulse=False, device=True),
        stretch(80.0, pulse=False),
    ]
    clips = Clips(parts, 300)
    bpm, known = clip_rates(clips, [(k, 0) for k in range(4)], FS)
    assert known.tolist() == [1, 1, 1, 0]
    np.testing.assert_allclose(bpm[:3], [72.0, 95.0, 65.0], atol=0.7)
    early = Clips(parts, 90)  # where the device has said nothing yet, the pulse speaks
    assert clip_rates(early, [(1, 0)], FS)[0][0] == pytest.approx(90, abs=2)


def test_pulses_are_played_as_fast_as_their_pictures() -> None:
    clips = Clips([stretch(60.0)], 240)
    pulse, whole = clips.pulses([(0, 0), (0, 30)], [2.0, 0.5])
    assert whole.tolist() == [1, 1]
    for row, speed in enumerate((2.0, 0.5)):
        picture = clips.read((0, 30 * row), speed)[:, 0]
        np.testing.assert_allclose(pulse[row], picture, atol=1e-6)
    share = rate_spectrum(torch.from_numpy(pulse[:1]), FS)
    assert int(share.argmax()) + 40 == pytest.approx(120, abs=1)


# --- one cycle -----------------------------------------------------------------------------------


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(1))

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        return {"loss": (self.slope * batch["x"] - batch["y"]).square().mean()}


def draw(number: int, rng: np.random.Generator) -> dict[str, Any]:
    x = rng.standard_normal((8, 1)).astype(np.float32)
    return {"x": x, "y": 3 * x}


batches = make_batches(5, draw)


def test_one_cycle_ends_in_the_same_weights_after_a_kill(tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, lr=0.1, one_cycle_steps=5)
    whole, _ = train(Line, batches, recipe, Training(seed=0, device="cpu", folder=tmp_path / "a"))

    class Killed(Exception):
        pass

    def stop(line: str) -> None:
        if "epoch 3 of 6" in line:
            raise Killed

    with pytest.raises(Killed):
        train(
            Line, batches, recipe, Training(seed=0, device="cpu", folder=tmp_path / "b", log=stop)
        )
    resumed, history = train(
        Line, batches, recipe, Training(seed=0, device="cpu", folder=tmp_path / "b")
    )
    assert len(history) == 6
    for name, value in to_arrays(whole).items():
        np.testing.assert_array_equal(to_arrays(resumed)[name], value)


def test_one_cycle_is_that_of_pytorch_over_all_steps(tmp_path: Path) -> None:
    class Push(Line):
        def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
            return {"loss": self.slope.sum()}

    weight = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.AdamW([weight], lr=0.1, weight_decay=0.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=20)
    expected, rates = [], []
    for _ in range(20):
        expected.append(float(weight.detach()))
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.zero_grad()
        weight.grad = torch.ones(1)
        optimiser.step()
        cycle.step()
    _, history = train(
        Push,
        make_batches(1, lambda number, rng: {"x": np.zeros(1, np.float32)}),
        Recipe(epochs=20, lr=0.1, weight_decay=0.0, one_cycle_steps=1),
        Training(seed=0, device="cpu", folder=tmp_path),
    )
    np.testing.assert_allclose([line["loss"] for line in history], expected, rtol=1e-5)
    assert rates[0] == pytest.approx(0.1 / 25)
    assert max(rates) == pytest.approx(0.1)
    assert rates[-1] < 1e-5


def unlabelled(seconds: int) -> Segment:
    samples = np.zeros((seconds * 30, 1))
    return Segment(recording="r", subject="s", samples=samples, start_s=0.0, pulse=None)


def test_the_count_of_batches_is_that_of_sliding() -> None:
    rng = np.random.default_rng(0)
    for seconds in (4, 5, 8, 9, 12, 13):
        clips = Clips([unlabelled(seconds)], 30)
        for batch in (2, 4):
            assert clips.batches(batch, 30) == len(list(clips.sliding(rng, batch, 30)))
