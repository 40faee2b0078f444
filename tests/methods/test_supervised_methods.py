"""Methods that learn from the sensor's pulse, from recordings to a pulse at toy size."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.core.method import LEARNED_FROM, Example, Method, Model, Training
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.neural.batches import BatchesTaken, take_batches
from rppgbench.neural.losses.agreement import correlation
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.networks.temporal_difference import TemporalDifference
from rppgbench.system.errors import BenchError

from ..factories.methods import method_named, part

FS = 30.0
SIGNATURE = np.array([0.33, 0.77, 0.53])
SIDE = {"physformer": 32, "rhythmformer": 64, "ibvpnet": 64, "factorizephys": 72, "noobheart": 8,
        "seq_rppg": 8, "bigsmall": 48}  # fmt: skip

TOY: dict[str, dict[str, Any]] = {
    "deepphys": {"crop": "toolbox_16", "width": 4, "dense": 8, "clip_s": 1.0, "epochs": 2},
    "ts_can": {"crop": "toolbox_16", "width": 4, "dense": 8, "clip_s": 1.0, "epochs": 2},
    "efficientphys": {"crop": "toolbox_16", "width": 4, "dense": 8, "clip_s": 1.0, "epochs": 2},
    "physnet_toolbox": {"crop": "toolbox_16", "width": 4, "clip_s": 1.0, "epochs": 2},
    "ibvpnet": {"crop": "toolbox_64", "width": 1, "clip_s": 1.0, "epochs": 2},
    "factorizephys": {"width": 2, "clip_s": 1.0, "epochs": 2},
    "physmamba": {"crop": "toolbox_16", "width": 2, "clip_s": 1.0, "epochs": 2},
    "rhythmmamba": {"crop": "toolbox_16", "width": 2, "layers": 1, "clip_s": 1.1, "epochs": 2},
    "rhythmformer": {"crop": "toolbox_64", "width": 4, "clip_s": 0.8, "epochs": 2},
    "noobheart": {"batch": 8, "epochs": 2, "max_speed": 1.0},
    "seq_rppg": {"width": 8, "clip_s": 2.0, "batch": 4, "epochs": 2},
    "bigsmall": {
        "crop": "toolbox_48", "width": 4, "dense": 8, "fs": 30.0, "clip_s": 1.0, "epochs": 2,
    },
    "physformer": {
        "crop": "toolbox_32", "dim": 8, "hidden": 8, "heads": 2, "layers": 1, "clip_s": 2.0,
        "passes": 1, "epochs": 2,
    },
    "dual_gan_backbone": {
        "width": 2, "rows": 32, "clip_s": 2.5, "step_s": 1.25, "batch": 4, "epochs": 2,
    },
    "rhythmnet": {
        "width": 2, "memory": 4, "clip_s": 3.5, "map_s": 3.0, "train_step_s": 1.0, "batch": 4,
        "epochs": 2,
    },
}  # fmt: skip


def face(method: Method, bpm: float, seconds: float, seed: int) -> tuple[Waveform, Array]:
    """A face of 25 patches with a pulse as the method takes it, and the pulse (T,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * FS)) / FS
    pulse = np.sin(2 * np.pi * bpm / 60 * t)
    base = rng.uniform(100, 180, (25, 1)) * np.array([1.1, 0.9, 0.8])
    patches = base * (1 - 0.02 * pulse[:, None, None] * SIGNATURE)
    patches = patches + 0.2 * rng.standard_normal((len(t), 25, 3))
    if method.input == "stmap":
        return Waveform(patches, FS, 1.0), pulse
    side = SIDE.get(method.name, 16)
    patch = max(7, -(-side // 5))
    large = np.repeat(np.repeat(patches.reshape(-1, 5, 5, 3), patch, axis=1), patch, axis=2)
    pictures: Any = large[:, :side, :side].round().astype(np.uint8)
    return Waveform(pictures, FS, 1.0), pulse


def examples(method: Method, *, truth: str = "pulse") -> list[Example]:
    made = []
    for k, bpm in enumerate((60.0, 80.0, 100.0, 120.0)):
        waveform, pulse = face(method, bpm, 6.0, seed=k)
        times = waveform.times_s()
        told = {
            "pulse": GroundTruth(pulse=Signal(pulse, times)),
            "heart rate": GroundTruth(heart_rate=Signal(np.full(len(times), bpm), times)),
            "nothing": GroundTruth(),
        }[truth]
        made.append(
            Example(recording=f"r{k}", subject=f"s{k}", inputs=(waveform,), ground_truth=told)
        )
    return made


def trained(
    name: str, folder: Path, *, truth: str = "pulse", **more: Any
) -> tuple[Model, dict[str, Any]]:
    method = method_named(name)
    params = method.parameters({**TOY[name], **more})
    assert method.fit is not None
    return method.fit(
        examples(method, truth=truth), Training(seed=0, device="cpu", folder=folder), **params
    ), params


@pytest.mark.parametrize("name", TOY)
def test_learns_and_estimates_on_the_clock_of_the_recording(name: str, tmp_path: Path) -> None:
    method = method_named(name)
    model, params = trained(name, tmp_path)
    stretch, _ = face(method, 90.0, 7.3, seed=9)
    before = stretch.samples.copy()
    pulse = method.estimate(stretch, model, **params)
    np.testing.assert_array_equal(stretch.samples, before)
    assert pulse.start_s == stretch.start_s
    assert pulse.fs == pytest.approx(params["fs"])
    assert len(pulse.samples) / pulse.fs == pytest.approx(7.3, abs=0.06)
    assert np.isfinite(pulse.samples).all()
    assert pulse.samples.std() > 0
    assert model.metadata["collapse"]["verdict"]
    assert model.metadata[LEARNED_FROM] == ["r0", "r1", "r2", "r3"]
    again = method.estimate(stretch, model, **params)
    np.testing.assert_array_equal(pulse.samples, again.samples)
    short, _ = face(method, 90.0, 0.7, seed=9)  # less than a clip
    brief = method.estimate(short, model, **params)
    assert len(brief.samples) == round(0.7 * params["fs"])
    assert np.isfinite(brief.samples).all()


@pytest.mark.parametrize("name", ["deepphys", "dual_gan_backbone"])
def test_a_recording_without_labels_for_a_whole_clip_is_not_learned_from(
    name: str, tmp_path: Path
) -> None:
    method = method_named(name)
    first, *others = examples(method)
    assert first.ground_truth is not None
    assert first.ground_truth.pulse is not None
    pulse = first.ground_truth.pulse
    cut = GroundTruth(pulse=Signal(pulse.values[:20], pulse.times_s[:20]))
    params = method.parameters({**TOY[name], "epochs": 1})
    assert method.fit is not None
    shown = [replace(first, ground_truth=cut), *others]
    model = method.fit(shown, Training(seed=0, device="cpu", folder=tmp_path), **params)
    assert model.metadata[LEARNED_FROM] == ["r1", "r2", "r3"]


@pytest.mark.parametrize("name", TOY)
def test_a_fit_without_labels_is_one_clear_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=rf"{name}: no recording has a (pulse|heart rate)"):
        trained(name, tmp_path, truth="nothing")


@pytest.mark.parametrize("name", TOY)
def test_presets_hold_declared_parameters_and_labels_are_asked_for(name: str) -> None:
    method = method_named(name)
    assert method.needs_labels
    for preset in ("paper", "smoke"):
        assert set(method.parameters({"preset": preset})) == set(method.params)


def test_rhythmnet_learns_from_the_heart_rates_of_a_device_alone(tmp_path: Path) -> None:
    model, params = trained("rhythmnet", tmp_path, truth="heart rate", epochs=1)
    assert model.arrays["rate.bias"].shape == (1,)
    stretch, _ = face(method_named("rhythmnet"), 90.0, 6.0, seed=9)
    pulse = method_named("rhythmnet").estimate(stretch, model, **params)
    turns = np.arccos(np.clip(pulse.samples, -1, 1))
    rate = np.abs(np.diff(turns)).max() / (2 * np.pi) * pulse.fs * 60
    assert rate == pytest.approx(90, abs=15)  # starts at the training's mean, 90 bpm


@pytest.mark.parametrize(
    "name", ["ts_can", "efficientphys", "physnet_toolbox", "noobheart", "bigsmall"]
)
def test_frame_networks_learn_the_pulse_of_unseen_pictures(name: str, tmp_path: Path) -> None:
    model, params = trained(name, tmp_path, epochs=6, width=6, lr=1e-2)
    method = method_named(name)
    stretch, truth = face(method, 90.0, 6.0, seed=9)
    pulse = method.estimate(stretch, model, **params)
    r = float(correlation(torch.from_numpy(pulse.samples), torch.from_numpy(truth)))
    assert r > 0.8  # with its sign: more blood is up


@pytest.mark.parametrize("name", ["deepphys", "efficientphys", "physnet_toolbox", "bigsmall"])
def test_batches_hold_pictures_as_they_are_stored(name: str, tmp_path: Path) -> None:
    """Bytes, and one picture more than the clip: reading computes nothing, so it keeps up."""
    with pytest.raises(BatchesTaken) as taken, take_batches():
        trained(name, tmp_path)
    source = taken.value.source
    rng = np.random.default_rng(0)
    batch = source.read(next(iter(source.choose(rng))), rng)
    side = SIDE.get(name, 16)
    assert batch["clip"].dtype == np.uint8
    assert batch["clip"].shape[1:] == (31, side, side, 3)
    assert batch["scale"].shape == (len(batch["clip"]), 3)
    assert (batch["scale"] > 0).all()


def test_rhythmmamba_learns_the_pulse_of_unseen_pictures(tmp_path: Path) -> None:
    more: dict[str, Any] = {"epochs": 15, "width": 4, "lr": 1e-2, "batch": 2, "clip_s": 2.0}
    model, params = trained("rhythmmamba", tmp_path, **more)
    assert model.metadata["collapse"]["verdict"] == "learned"
    method = method_named("rhythmmamba")
    stretch, truth = face(method, 90.0, 6.0, seed=9)
    pulse = method.estimate(stretch, model, **params)
    r = float(correlation(torch.from_numpy(pulse.samples), torch.from_numpy(truth)))
    assert r > 0.8


def test_the_loss_of_the_map_network_falls_and_its_pulse_has_the_sign(tmp_path: Path) -> None:
    import json

    trained("dual_gan_backbone", tmp_path, epochs=12, width=6, lr=5e-3)
    log = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert set(log[0]) == {"loss", "distance", "wave", "rate"}
    assert log[-1]["loss"] < log[0]["loss"] - 0.1
    assert log[-1]["wave"] < 0.6


def test_the_weight_of_heart_rates_in_physformer_grows(tmp_path: Path) -> None:
    model, params = trained("physformer", tmp_path)
    last = model.metadata["last"]["train"]
    weight = params["rate_growth"] ** (1 / 2)  # the second of two epochs
    expected = 0.1 * last["wave"] + weight * (last["entropy"] + last["divergence"])
    assert last["loss"] == pytest.approx(expected, abs=1e-4)


def test_physformer_plays_high_rates_slower_and_low_rates_faster() -> None:
    draw_speeds = part("physformer.learning").draw_speeds
    bpm = np.array([60.0, 88.0, 89.0, 140.0], dtype=np.float32)
    rng = np.random.default_rng(0)
    assert draw_speeds(bpm, 1.0, rng)[0] == [2.0, 2.0, 0.5, 0.5]
    assert draw_speeds(bpm, 0.0, rng)[0] == [1.0] * 4
    many = np.full(4000, 60.0, dtype=np.float32)
    speeds, mirrored = draw_speeds(many, 0.5, rng)
    assert np.mean(np.array(speeds) == 2.0) == pytest.approx(0.5, abs=0.03)
    assert mirrored.mean() == pytest.approx(0.5, abs=0.03)


def test_clips_and_labels_of_frames_are_played_at_one_random_speed(tmp_path: Path) -> None:
    network = part("seq_rppg.network").NETWORK
    method = method_named("seq_rppg")
    values = {**TOY["seq_rppg"], "clip_s": 4.0}
    seen = []
    for max_speed in (1.0, 1.5):
        params = part("seq_rppg").SequenceParameters(
            **method.parameters({**values, "max_speed": max_speed})
        )
        training = Training(seed=0, device="cpu", folder=tmp_path)
        with pytest.raises(BatchesTaken) as taken, take_batches():
            network.train(examples(method), training, params)
        source = taken.value.source
        starts = next(iter(source.choose(np.random.default_rng(0))))
        seen.append(source.read(starts, np.random.default_rng(1)))
    plain, played = seen
    rates = {
        name: [
            peak_bpm(torch.from_numpy(wave), FS).numpy()
            for wave in (batch["label"], -batch["clip"][:, :-1, ..., 1].mean(axis=(2, 3)))
        ]
        for name, batch in (("plain", plain), ("played", played))
    }
    for label, pictures in rates.values():
        np.testing.assert_allclose(label, pictures, atol=2)  # both at the same speed
    speeds = rates["played"][0] / rates["plain"][0]
    assert ((speeds > 1 / 1.55) & (speeds < 1.55)).all()
    assert speeds.std() > 0.1
    for record in (part("seq_rppg").SequenceParameters, part("rhythmformer").RhythmParameters):
        with pytest.raises(BenchError, match="max_speed is at least 1, not 0"):
            record(max_speed=0.5)


def test_the_cosine_of_rhythmnet_has_the_estimated_rates() -> None:
    cosine = part("rhythmnet.learning").cosine
    fs, times = 30.0, np.array([0.0, 20.0])
    out = cosine(times, np.array([60.0, 120.0]), 601, fs)
    upward = np.flatnonzero((out[:-1] < 0) & (out[1:] >= 0))
    assert len(upward) == 30  # 20 s at 90 bpm in the mean
    intervals = np.diff(upward) / fs
    assert intervals[0] == pytest.approx(60 / 62, abs=0.05)
    assert intervals[-1] == pytest.approx(60 / 119, abs=0.04)


def test_rhythmnet_masks_the_same_frames_in_all_maps_of_a_row() -> None:
    mask_frames = part("rhythmnet.learning").mask_frames
    maps = torch.ones(8, 3, 3, 5, 60)
    out = mask_frames(maps, 10, 30, np.random.default_rng(0))
    gone = (out == 0).flatten(1, 3)
    assert bool((gone == gone[:, :1]).all())
    counts = gone[:, 0].sum(dim=1)
    assert bool(((counts >= 10) & (counts <= 30)).all())
    assert len(set(counts.tolist())) > 1
    assert bool((maps == 1).all())
    assert bool((mask_frames(maps, 0, 0, np.random.default_rng(0)) == 1).all())


def test_rhythmnet_has_the_published_residual_network() -> None:
    network = part("rhythmnet.network")
    resnet = network.ResNet18()
    # ResNet-18 has 11,689,512 parameters, 512 * 1000 + 1000 of them in the last layer
    assert sum(p.numel() for p in resnet.parameters()) == 11_689_512 - 513_000
    assert resnet.eval()(torch.zeros(1, 3, 25, 300)).shape == (1, 512)


def test_physformer_has_the_published_size_and_takes_any_length() -> None:
    network = part("physformer.network").PhysFormer()
    assert sum(p.numel() for p in network.parameters()) == 7_380_865
    small = part("physformer.network").PhysFormer(8, 8, 2, 1).eval()
    with torch.inference_mode():
        assert small(torch.zeros(2, 3, 13, 64, 32)).shape == (2, 13)


def test_a_temporal_difference_of_theta_1_is_zero_for_a_still_picture() -> None:
    """With theta 1 and no weight on the present frame, what does not change gives nothing."""
    layer = TemporalDifference(2, theta=1.0)
    with torch.no_grad():
        layer.conv.weight[:, :, 1] = 0
        still = torch.rand(1, 2, 1, 1, 1).expand(1, 2, 5, 6, 6)
        inside = layer(still)[:, :, 1:-1, 1:-1, 1:-1]
    np.testing.assert_allclose(inside.numpy(), 0, atol=1e-6)
