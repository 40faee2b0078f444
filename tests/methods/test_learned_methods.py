"""Every learned method from recordings to a pulse, at toy size."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.core.method import Example, Method, Model, Training
from rppgbench.core.model_files import read_model, write_model
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.safetensors_io import read_weights
from rppgbench.neural.segments import cut_segments
from rppgbench.signals.spatial_maps import YUV, YUV_OFFSET, combine_regions
from rppgbench.system.errors import BenchError

from ..factories.methods import method_named, part
from ..oracles.oracle import load, places

FS = 30.0
SIGNATURE = np.array([0.33, 0.77, 0.53])

TOY: dict[str, dict[str, Any]] = {
    "contrast_phys": {"width": 2, "clip_s": 4.0, "sample_s": 2.0, "epochs": 2, "passes": 1},
    "contrast_phys_plus": {
        "width": 2, "clip_s": 4.0, "sample_s": 2.0,
        "pretrain_epochs": 1, "finetune_epochs": 1, "passes": 1,
    },
    "physnet": {"width": 2, "clip_s": 4.0, "epochs": 2, "passes": 1},
    "gideon2021": {"width": 2, "clip_s": 4.0, "epochs": 2},
    "sinc": {"width": 4, "clip_s": 3.0, "epochs": 2, "batch": 4, "spectrum_samples": 600},
    "st_transformer": {
        "width": 4, "layers": 1, "ratio": 1.0, "clip_s": 4.0, "step_s": 2.0,
        "pretrain_epochs": 1, "finetune_epochs": 1, "spectrum_samples": 600,
    },
    "co_rectification": {
        "width": 2, "clip_s": 5.0, "rows": 32, "epochs": 2, "step_s": 1.25,
        "batch": 8, "max_corrected": 8,
    },
    "rs_rppg": {
        "width": 3, "clip_s": 4.0, "rows": 32, "epochs": 2, "step_s": 1.0, "agreement_share": 0.5,
    },
}  # fmt: skip


def face(bpm: float, seconds: float, seed: int) -> tuple[Any, Any]:
    """Twenty-five patches (T, 25, 3) of a face with a pulse, and the pulse (T,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * FS)) / FS
    pulse = np.sin(2 * np.pi * bpm / 60 * t)
    base = rng.uniform(100, 180, (25, 1)) * np.array([1.1, 0.9, 0.8])
    blood = 1 - 0.01 * pulse[:, None, None] * SIGNATURE
    return base * blood + 0.2 * rng.standard_normal((len(t), 25, 3)), pulse


def with_moments(patches: Any) -> Any:
    """The patches (T, 25, 3) above the second moments of their pixels: (T, 28, 3)."""
    moments = np.swapaxes(patches, 1, 2) @ patches / patches.shape[1]
    return np.concatenate([patches, moments], axis=1)


def given(method: Method, bpm: float, seconds: float = 6.0, seed: int = 0) -> tuple[Waveform, Any]:
    patches, pulse = face(bpm, seconds, seed)
    if method.input == "mstmap":
        six = np.concatenate([patches[:, :6], patches[:, :6] @ YUV.T + YUV_OFFSET], axis=-1)
        return Waveform(combine_regions(six, np.full(six.shape[:2], 50.0)), FS, 1.0), pulse
    if method.input == "stmap_moments":
        return Waveform(with_moments(patches), FS, 1.0), pulse
    picture = np.repeat(np.repeat(patches.reshape(-1, 5, 5, 3), 4, axis=1), 4, axis=2)
    return Waveform(picture[:, :16, :16].round().astype(np.uint8), FS, 1.0), pulse


def examples(method: Method, *, labels: bool) -> list[Example]:
    made = []
    for k, bpm in enumerate((60.0, 80.0, 100.0, 120.0)):
        waveform, pulse = given(method, bpm, seed=k)
        truth = GroundTruth(pulse=Signal(pulse, waveform.times_s())) if labels else None
        made.append(
            Example(recording=f"r{k}", subject=f"s{k}", inputs=(waveform,), ground_truth=truth)
        )
    return made


def co_rectification_parameters(params: Mapping[str, Any]) -> Any:
    return part("co_rectification.parameters").CoRectificationParameters(**params)


def trained(name: str, folder: Path, **more: Any) -> tuple[Model, dict[str, Any]]:
    method = method_named(name)
    params = method.parameters({**TOY[name], **more})
    assert method.fit is not None
    result = examples(method, labels=method.needs_labels)
    return method.fit(result, Training(seed=0, device="cpu", folder=folder), **params), params


@pytest.mark.parametrize("name", TOY)
def test_learns_and_estimates_on_the_clock_of_the_recording(name: str, tmp_path: Path) -> None:
    method = method_named(name)
    model, params = trained(name, tmp_path)
    stretch, _ = given(method, 90.0, seconds=7.3, seed=9)
    pulse = method.estimate(stretch, model, **params)
    assert pulse.start_s == stretch.start_s
    assert pulse.fs == pytest.approx(params["fs"])
    assert len(pulse.samples) / pulse.fs == pytest.approx(7.3, abs=0.06)
    assert np.isfinite(pulse.samples).all()
    assert pulse.samples.std() > 0
    assert model.metadata["collapse"]["verdict"]
    assert model.metadata["n_parameters"] > 0
    write_model(tmp_path / "model", model)
    again = method.estimate(stretch, read_model(tmp_path / "model"), **params)
    np.testing.assert_array_equal(pulse.samples, again.samples)


@pytest.mark.parametrize("name", ["contrast_phys", "co_rectification"])
def test_same_seed_same_model_another_seed_another(name: str, tmp_path: Path) -> None:
    def weights(folder: str, seed: int) -> Mapping[str, Any]:
        method = method_named(name)
        assert method.fit is not None
        params = method.parameters(TOY[name])
        made = method.fit(
            examples(method, labels=False),
            Training(seed=seed, device="cpu", folder=tmp_path / folder),
            **params,
        )
        return made.arrays

    first, again, other = weights("a", 0), weights("b", 0), weights("c", 1)
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert any(not np.array_equal(first[key], other[key]) for key in first)


def test_presets_are_explicit_values_of_declared_parameters() -> None:
    for name in TOY:
        method = method_named(name)
        assert method.params["preset"] == "paper"
        assert "smoke" in method.presets
        for preset in method.presets:
            values = method.parameters({"preset": preset})
            assert values["preset"] == preset
            assert set(values) == set(method.params)


def test_every_network_has_a_toy_preset_of_one_epoch_and_one_pass() -> None:
    learned = [m for m in load_methods().available.values() if m.fit is not None and not m.baseline]
    assert learned
    for method in learned:
        toy = method.parameters({"preset": "toy"})
        smoke = method.parameters({"preset": "smoke"})
        counts = {name for name in toy if name.endswith(("epochs", "passes"))}
        assert counts, method.name
        assert {toy[name] for name in counts} <= {0, 1}, method.name
        assert {n: v for n, v in toy.items() if n not in {*counts, "preset"}} == {
            n: v for n, v in smoke.items() if n not in {*counts, "preset"}
        }


@pytest.mark.parametrize(
    ("variant", "terms"),
    [
        ("plain", {"positive", "negative"}),
        ("pseudo", {"positive", "negative", "pseudo"}),
        ("gradual", {"positive", "negative", "pseudo"}),
        ("ranking", {"positive", "negative", "pseudo", "ranking"}),
        ("constant", {"positive", "negative", "pseudo", "ranking", "corrected", "peer_learned"}),
        ("full", {"positive", "negative", "pseudo", "ranking", "corrected", "peer_learned"}),
        ("uncorrected", {"positive", "negative", "pseudo", "ranking"}),
    ],
)
def test_the_variants_use_the_ingredients_of_table_3(
    variant: str, terms: set[str], tmp_path: Path
) -> None:
    model, params = trained("co_rectification", tmp_path, variant=variant, peer_must_learn=False)
    last = model.metadata["last"]["train"]
    assert set(last) == {"loss", *terms}
    contrast = last["positive"] + last["negative"]
    rank = params["ranking_weight"] * last.get("ranking", 0.0)
    weight = {"pseudo": 1.0, "constant": 1.0}.get(variant, 0.0)  # 1 - E / E_max in the last epoch
    expected = contrast + rank + weight * last.get("pseudo", 0.0)
    assert last["loss"] == pytest.approx(expected, abs=1e-4)
    networks = {key.split(".")[1] for key in model.arrays if key.startswith("networks.")}
    assert len(networks) == (2 if variant in {"constant", "full", "uncorrected"} else 1)
    if (
        "corrected" in terms
    ):  # lambda is 8 of a batch of 8 in the last epoch: all of this batch of 4
        assert last["corrected"] == 4


def test_an_unknown_variant_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no variant 'all'\. Known: plain, pseudo"):
        trained("co_rectification", tmp_path, variant="all")


def test_clips_that_were_corrected_are_kept_for_the_figures(tmp_path: Path) -> None:
    model, params = trained("co_rectification", tmp_path)
    rows = model.metadata["corrected"]
    frames = round(params["clip_s"] * params["fs"])
    assert model.arrays["corrected.pseudo"].shape == (len(rows), frames)
    assert model.arrays["corrected.peer"].shape == (len(rows), frames)
    assert "corrected.truth" not in model.arrays  # it was given no truth
    assert {row["recording"] for row in rows} <= {"r0", "r1", "r2", "r3"}
    for row in rows:
        assert row["start_s"] >= 1.0
        assert 40 <= row["pseudo_bpm"] <= 180


@pytest.mark.parametrize("flicker", [0.0, 0.03])
def test_pseudo_labels_have_the_rate_and_the_polarity_of_the_pulse(flicker: float) -> None:
    maps = part("co_rectification.maps")
    for bpm in (60.0, 100.0):
        patches, pulse = face(bpm, 20.0, 3)
        # Light that rises with the blood, stronger than it, turns green's polarity over.
        light = 1 + flicker * pulse[:, None, None]
        label = maps.pseudo_pulse(with_moments(patches * light), FS, 0.66, 3.0)
        assert np.corrcoef(label[60:-60], pulse[60:-60])[0, 1] > 0.9


def test_differences_of_colours_keep_the_pulse_and_remove_common_light() -> None:
    maps = part("co_rectification.maps")
    patches, pulse = face(80.0, 20.0, 5)
    light = 1 + 0.2 * np.sin(2 * np.pi * 1.9 * np.arange(len(pulse)) / FS)[:, None, None]
    dark, lit = (with_moments(p) for p in (patches, patches * light))
    plain, flickering = (maps.derive_rows(m, FS, "differences", 0.66, 3.0) for m in (dark, lit))
    assert plain.shape == (len(pulse), 27, 3)
    np.testing.assert_allclose(plain, flickering, atol=1e-6)
    blood = np.corrcoef(plain[60:-60, 25, 0], pulse[60:-60])[0, 1]
    assert blood < -0.9  # green over red, of all of the skin: more blood takes more green
    image = maps.map_image(plain[:128], 32, "differences")
    assert image.shape == (1, 9, 32, 128)
    assert 0 <= float(image.min()) < float(image.max()) <= 1
    assert bool((image[0, 3:] == image[0, 3:, :1]).all())  # the skin's, alike in all rows
    assert maps.map_image(dark[:128], 32).shape == (1, 3, 32, 128)


def test_a_label_around_its_peak_keeps_rate_and_phase_and_loses_the_rest() -> None:
    maps = part("co_rectification.maps")
    t = torch.arange(256) / 25.6
    rates = torch.tensor([[0.9], [1.4], [2.2]])
    pulse = torch.sin(2 * torch.pi * rates * t + rates)
    second = 0.7 * torch.sin(2 * torch.pi * (rates + 0.6) * t)
    kept = maps.select_peak(pulse + second, 25.6, 0.1, 0.66, 3.0)
    for first, clean in zip(kept.numpy(), pulse.numpy(), strict=True):
        assert np.corrcoef(first[40:-40], clean[40:-40])[0, 1] > 0.98
    spectrum = torch.fft.rfft(kept * torch.hann_window(256)).abs()
    at = torch.fft.rfftfreq(256, 1 / 25.6)
    for row, rate in zip(spectrum, rates[:, 0], strict=True):
        assert row[(at - rate - 0.6).abs().argmin()] < 0.02 * row.max()


def test_differences_and_narrow_labels_train_and_estimate(tmp_path: Path) -> None:
    more = {"map_kind": "differences", "label_bandwidth_hz": 0.1, "pseudo_loss": "pearson"}
    model, params = trained(
        "co_rectification", tmp_path, lr_schedule="one_cycle", max_speed=1.3, **more
    )
    assert any(array.shape[1:2] == (9,) for array in model.arrays.values())
    stretch, _ = given(method_named("co_rectification"), 90.0, seconds=7.3, seed=9)
    pulse = method_named("co_rectification").estimate(stretch, model, **params)
    assert np.isfinite(pulse.samples).all()
    assert pulse.samples.std() > 0


def test_labels_and_maps_are_played_at_the_same_speed() -> None:
    method = method_named("co_rectification")
    more = {"clip_s": 10.0, "map_kind": "differences", "label_bandwidth_hz": 0.1}
    params = method.parameters({**TOY["co_rectification"], **more})
    waveform, _ = given(method, 80.0, seconds=16.0)
    result = cut_segments(
        [Example(recording="r", subject="s", inputs=(waveform,), ground_truth=None)],
        params["fs"],
        10.0,
        "test",
    )
    source = part("co_rectification.clip_maps").ClipMaps(
        result, co_rectification_parameters(params)
    )
    for speed in (0.8, 1.25):
        skin = source.maps([(0, 10)], [speed])[0, 3, :1]
        for shown in (source.pseudo([(0, 10)], [speed]), skin):
            assert float(peak_bpm(shown, params["fs"])[0]) == pytest.approx(80 * speed, abs=1.5)


@pytest.mark.parametrize("kind", ["squared", "pearson"])
def test_the_pseudo_loss_is_the_named_one(kind: str) -> None:
    params = method_named("co_rectification").parameters(
        {**TOY["co_rectification"], "variant": "pseudo", "pseudo_loss": kind}
    )
    torch.manual_seed(3)
    judged = part("co_rectification.learner").JudgedClips(
        maps=torch.rand(2, 3, 32, 128), pseudo=torch.rand(2, 128)
    )
    learner = (
        part("co_rectification.learner")
        .Correction(co_rectification_parameters(params), judged)
        .eval()
    )
    maps, label = torch.rand(4, 3, 32, 128), torch.rand(4, 128)
    batch = {"map": maps, "faster": torch.rand_like(maps), "slower": maps, "pseudo": label}
    with torch.no_grad():
        text = float(learner(batch, 0)["pseudo"])
        pulses = learner.pair.networks[0](maps).double().numpy()
    wanted = label.double().numpy()
    differences = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(pulses, wanted, strict=True)]
    expected = np.mean(differences) if kind == "pearson" else np.mean((pulses - wanted) ** 2)
    assert text == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("given_value", "line"),
    [
        ({"map_kind": "lab"}, r"no map_kind 'lab'\. Known: colours, differences"),
        ({"lr_schedule": "cosine"}, r"no lr_schedule 'cosine'\. Known: constant, one_cycle"),
        ({"pseudo_loss": "l1"}, r"no pseudo_loss 'l1'\. Known: squared, pearson"),
        ({"max_speed": 0.0}, r"max_speed is at least 1, not 0"),
        ({"label_bandwidth_hz": -0.1}, r"label_bandwidth_hz is at least 0, not -0\.1"),
        ({"pseudo_weight": -1.0}, r"pseudo_weight is at least 0, not -1"),
        ({"ranking_temperature": 0.0}, r"ranking_temperature is above 0, not 0"),
        ({"ranking_logits": "shares"}, r"no ranking_logits 'shares'\. Known: power, log_power"),
    ],
)
def test_a_value_without_meaning_is_one_clear_line(
    given_value: dict[str, Any], line: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=line):
        trained("co_rectification", tmp_path, **given_value)


def test_a_transformer_without_labels_does_not_use_given_labels(tmp_path: Path) -> None:
    with_labels, _ = trained("st_transformer", tmp_path / "a", labels=False)
    method = method_named("st_transformer")
    assert method.fit is not None
    params = method.parameters({**TOY["st_transformer"], "labels": False})
    without = method.fit(
        examples(method, labels=False),
        Training(seed=0, device="cpu", folder=tmp_path / "b"),
        **params,
    )
    assert all(np.array_equal(v, without.arrays[k]) for k, v in with_labels.arrays.items())
    params["labels"] = True
    with pytest.raises(BenchError, match="set labels to false"):
        method.fit(
            examples(method, labels=False),
            Training(seed=0, device="cpu", folder=tmp_path / "c"),
            **params,
        )


def test_differences_of_pictures_are_a_named_input(tmp_path: Path) -> None:
    plain, _ = trained("contrast_phys_plus", tmp_path / "a")
    changes, params = trained("contrast_phys_plus", tmp_path / "b", difference=True)
    method = method_named("contrast_phys_plus")
    stretch, _ = given(method, 90.0)
    first = method.estimate(stretch, plain, **{**params, "difference": False})
    second = method.estimate(stretch, changes, **params)
    assert not np.allclose(first.samples, second.samples)


def test_the_saliency_sampler_can_stand_in_front(tmp_path: Path) -> None:
    model, params = trained("gideon2021", tmp_path, saliency=True, saliency_size=16, batch=2)
    assert {"sparse", "steady"} <= set(model.metadata["last"]["train"])
    assert any(key.startswith("sampler.") for key in model.arrays)
    method = method_named("gideon2021")
    assert np.isfinite(method.estimate(given(method, 90.0)[0], model, **params).samples).all()


def test_the_ensemble_names_its_members_and_has_no_waveform() -> None:
    ensemble = method_named("hfut_ensemble")
    assert ensemble.members == ("st_transformer", "contrast_phys_plus")
    with pytest.raises(BenchError, match="run st_transformer, contrast_phys_plus"):
        ensemble.estimate(Waveform(np.zeros((9, 3)), FS))


def test_public_weights_serve_contrast_phys_as_a_model() -> None:
    try:
        arrays, _ = load("contrast_phys_physnet")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    files = [folder.parent / "weights" / "contrast_phys_demo.pt" for folder in places()]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        pytest.skip("the public weights are not there")
    model = read_weights(file)
    method = method_named("contrast_phys")
    clip = arrays["x__T61_32"].transpose(1, 2, 3, 0)
    out = method.estimate(Waveform(clip, FS, 0.5), model, **method.parameters({}))
    np.testing.assert_allclose(out.samples, arrays["y__T61_32"][-1], atol=2e-5)
    network = PhysNet()
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in model.arrays.items()})
    with torch.inference_mode():
        video = torch.from_numpy(arrays["x__T61_32"]).float()[None]
        direct = network.eval()(video)[0, -1].numpy()
    np.testing.assert_array_equal(out.samples, direct)  # bit for bit what the network says


def test_listing_methods_needs_no_torch() -> None:
    code = (
        "import sys; from rppgbench.core.registry import load_methods; found = load_methods(); "
        "assert {'contrast_phys', 'st_transformer', 'co_rectification'} <= set(found.available); "
        "assert 'torch' not in sys.modules and 'lightning_fabric' not in sys.modules"
    )
    source = Path(__file__).parents[2] / "src"
    process = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
