"""Weights that rPPG-Toolbox publishes, as they are: names, origin, and agreement with its code.

The weights are not part of this repository: they are read from `../shared/weights`.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from rppgbench.api.heart_rate import load_evaluator
from rppgbench.api.videos import load_model
from rppgbench.cli import main
from rppgbench.core.method import Model
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.execution.prediction_reading import NamedEvaluator
from rppgbench.execution.video_prediction import predict_video
from rppgbench.extraction.crops import CropView, crop_rule
from rppgbench.neural.frame_differences import VideoScale
from rppgbench.neural.frame_inputs import motion_only
from rppgbench.neural.network_weights import load_arrays
from rppgbench.neural.networks.convolutional_attention import AttentionNetwork
from rppgbench.neural.public_weights import data_sets_of_file, to_own_names
from rppgbench.neural.safetensors_io import read_weights
from rppgbench.system.errors import BenchError

from ..conftest import SHARED
from ..factories.frame_inputs import clip_input
from ..factories.methods import part
from ..oracles.oracle import load

CHUNK = 128
METHODS = {
    "physnet_toolbox": ("PURE_PhysNet_DiffNormalized", "EncoderDecoder", "toolbox"),
    "physmamba": ("PURE_PhysMamba_DiffNormalized", "SlowFastNetwork", "toolbox_128"),
}
"""By method: the name of its public file, its class and its crop rule."""


def weights_of(method: str) -> Path:
    """The public weights, or a skip."""
    file = SHARED / "weights" / f"{METHODS[method][0]}.pth"
    if not file.is_file():
        pytest.skip(f"needs the public weights {file}")
    return file


@pytest.fixture(scope="module")
def oracle() -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        return load("toolbox_weights")
    except FileNotFoundError as error:
        pytest.skip(str(error))


def toolbox_crops(file: Path, box: list[int], rule: str) -> Any:
    """The pictures (T, S, S, 3) of a video, cut at the box x, y, width, height."""
    left, top, width, height = box
    video, crop, pictures = cv2.VideoCapture(str(file)), crop_rule(rule).cropper(), []
    while (read := video.read())[0]:
        rgb: Any = np.ascontiguousarray(read[1][:, :, ::-1])
        edges = (left, top, min(left + width, rgb.shape[1]), min(top + height, rgb.shape[0]))
        view = CropView(rgb=rgb, time_s=0.0, landmarks=np.zeros((468, 2)), toolbox_box=edges)
        pictures.append(crop(view))
    return np.stack(pictures)  # type: ignore[arg-type]


def with_public_weights(method: str) -> torch.nn.Module:
    module = part(f"{method}.network")
    network: torch.nn.Module = getattr(module, METHODS[method][1])()
    arrays = read_weights(weights_of(method)).arrays
    load_arrays(network, to_own_names(arrays, module.PUBLIC_NAMES))
    return network.eval()


@pytest.mark.real
@pytest.mark.parametrize("method", METHODS)
def test_a_network_agrees_with_the_public_code_on_its_public_weights(
    method: str, oracle: tuple[dict[str, Any], dict[str, Any]], real: Path
) -> None:
    arrays, facts = oracle
    name, _, rule = METHODS[method]
    network = with_public_weights(method)
    video = toolbox_crops(real / "evm-face" / "face.mp4", facts["face_box"]["enlarged_xywh"], rule)
    mean = video.reshape(len(video), -1, 3).mean(axis=1)
    np.testing.assert_allclose(mean, arrays[f"mean_rgb_{video.shape[1]}"], atol=1e-6)
    scale = VideoScale.measure(video)
    expected = arrays[f"wave__{name}__chunks2x{CHUNK}"]
    with torch.inference_mode():
        parts = [
            network(clip_input(motion_only, video, start, CHUNK, scale))[0].numpy()
            for start in range(0, len(expected), CHUNK)
        ]
    assert np.abs(np.concatenate(parts) - expected).max() < 1e-3 * expected.std()


@pytest.mark.real
@pytest.mark.parametrize("method", METHODS)
def test_predict_reads_the_rate_with_public_weights_and_says_their_origin(
    method: str,
    oracle: tuple[dict[str, Any], dict[str, Any]],
    real: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    video = str(real / "evm-face" / "face.mp4")
    code = main(
        ["predict", video, "--method", method, "--weights", str(weights_of(method)),
         "--evaluator", "li2023", "--json", "--cache", str(tmp_path)]
    )  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert answer["trained_on"] == ["pure"]
    expected = oracle[1]["results"][f"{METHODS[method][0]}__chunks2x{CHUNK}"]["hr_fine_fft"]
    assert answer["heart_rate_bpm"] == pytest.approx(expected, abs=1)


def test_the_name_of_a_file_says_its_data_set() -> None:
    known = ["pure", "ubfc_rppg"]
    assert data_sets_of_file("PURE_PhysMamba_DiffNormalized.pth", known) == ("pure",)
    assert data_sets_of_file("UBFC-rPPG_PhysNet_DiffNormalized.pth", known) == ("ubfc_rppg",)
    assert data_sets_of_file("PUREST_PhysNet.pth", known) == ()
    assert data_sets_of_file("pure", known) == ()


def test_a_state_dictionary_under_public_names_loads_and_another_is_refused(tmp_path: Path) -> None:
    module = part("physnet_toolbox.network")
    network = module.EncoderDecoder(2)
    state = network.state_dict()
    public = {
        start + name.removeprefix(own_start): value
        for name, value in state.items()
        for start, own_start in module.PUBLIC_NAMES.items()
        if name.startswith(own_start)
    }
    assert "ConvBlock9.0.weight" in public
    file = tmp_path / "PURE_PhysNet.pth"
    torch.save({f"module.{name}": value for name, value in public.items()}, file)
    model = load_model(file)
    assert model is not None
    assert model.metadata == {"source": file.name, "trained_on": ("pure",)}
    assert set(to_own_names(model.arrays, module.PUBLIC_NAMES)) == set(state)
    arrays = {**model.arrays, "ConvBlock11.bias": np.zeros(1)}
    with pytest.raises(BenchError, match=r"'ConvBlock11\.bias': they are of another network"):
        load_arrays(network, to_own_names(arrays, module.PUBLIC_NAMES))


@pytest.mark.parametrize(
    ("ending", "folder", "network"),
    [
        ("_PhysNet_DiffNormalized.pth", "physnet_toolbox", "EncoderDecoder"),
        ("_PhysMamba_DiffNormalized.pth", "physmamba", "SlowFastNetwork"),
        ("_FactorizePhys_FSAM_Res.pth", "factorizephys", "FactorisingNetwork"),
    ],
)
def test_every_entry_of_the_public_files_has_a_place(
    ending: str, folder: str, network: str, oracle: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    module = part(f"{folder}.network")
    files = {name: facts for name, facts in oracle[1]["weights"].items() if name.endswith(ending)}
    assert files
    for facts in files.values():
        arrays = {
            name.removeprefix("module."): np.zeros(shape) for name, shape in facts["key_shapes"]
        }
        load_arrays(getattr(module, network)(), to_own_names(arrays, module.PUBLIC_NAMES))


ATTENTION_PARTS = (*(f"motion_conv{k}" for k in range(1, 5)), "apperance_att_conv1",
                   "apperance_att_conv2", "final_dense_1", "final_dense_2")  # fmt: skip
APPEARANCE_PARTS = tuple(f"apperance_conv{k}" for k in range(1, 5))
NORM_ENTRIES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
SPACE, TIME, DECODER = (
    "ibvpnet.0.spatio_temporal_encoder",
    "ibvpnet.0.temporal_encoder",
    "ibvpnet.1.decoder_block",
)


def entries(parts: Iterable[str]) -> list[str]:
    return [f"{part}.{kind}" for part in parts for kind in ("weight", "bias")]


DOCUMENTED = {
    "deepphys": entries(ATTENTION_PARTS + APPEARANCE_PARTS),
    "ts_can": entries(ATTENTION_PARTS + APPEARANCE_PARTS),
    "efficientphys": [
        *entries(ATTENTION_PARTS),
        *(f"batch_norm.{kind}" for kind in NORM_ENTRIES),
    ],
    "ibvpnet": entries(
        [
            *(f"{e}.{k}.conv_block_3d.0" for e in (SPACE, TIME) for k in (0, 1, 3, 4, 6, 7)),
            *(f"{DECODER}.{k}.deconv_block_3d.{place}" for k in (0, 1) for place in (0, 3)),
            "ibvpnet.3",
        ]
    ),
}
"""The names of the entries of rPPG-Toolbox's networks, @d807b01."""

ATTENTION_SIZE: dict[str, Any] = {"width": 3, "dense": 4}
SMALL: dict[str, tuple[dict[str, Any], Callable[[], torch.nn.Module]]] = {
    "deepphys": (ATTENTION_SIZE, lambda: AttentionNetwork(16, **ATTENTION_SIZE)),
    "ts_can": (ATTENTION_SIZE, lambda: AttentionNetwork(16, depth=10, **ATTENTION_SIZE)),
    "efficientphys": (
        ATTENTION_SIZE,
        lambda: AttentionNetwork(16, depth=10, single_stream=True, **ATTENTION_SIZE),
    ),
    "ibvpnet": ({"width": 1}, lambda: part("ibvpnet.network").DifferencingNetwork(1)),
}
"""By method: parameters of a small network, and the network."""


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_file_with_the_documented_names_gives_the_pulse_of_the_same_weights(
    name: str, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    parameters, make = SMALL[name]
    state = make().state_dict()
    names = part(f"{name}.network").NETWORK.public_names
    own = {
        public: next(iter(to_own_names({public: np.zeros(0)}, names)))
        for public in DOCUMENTED[name]
    }
    assert sorted(own.values()) == sorted(state)
    public = {entry: state[place] for entry, place in own.items()}
    if name == "ibvpnet":
        public["ibvpnet.3.weight"] = public["ibvpnet.3.weight"][..., None, None]
    file = tmp_path / "PURE_Any.pth"
    torch.save({f"module.{entry}": value for entry, value in public.items()}, file)
    size = 64 if name == "ibvpnet" else 16
    frames: Any = np.random.default_rng(0).integers(0, 255, (40, size, size, 3), dtype=np.uint8)
    from_file = load_model(file)
    assert from_file is not None
    assert from_file.metadata["trained_on"] == ("pure",)
    method = load_methods().get("method", name, "test")
    params = method.parameters({"crop": f"toolbox_{size}", "clip_s": 0.6, **parameters})
    of_file, of_weights = (
        method.estimate(Waveform(frames, 30.0), model, **params).samples
        for model in (from_file, Model({k: v.numpy() for k, v in state.items()}, {}))
    )
    np.testing.assert_array_equal(of_file, of_weights)
    assert np.ptp(of_file) > 0


def test_public_weights_of_physformer_are_refused_with_the_reason() -> None:
    method = load_methods().get("method", "physformer", "test")
    model = Model({"Stem0.0.weight": np.zeros((24, 3, 1, 5, 5))}, {})
    frames: Any = np.zeros((160, 32, 32, 3), dtype=np.uint8)
    with pytest.raises(BenchError, match=r"blue, green, red or differences.*trained here"):
        method.estimate(Waveform(frames, 30.0), model, **method.parameters({}))


def test_a_preset_beside_weights_is_that_which_they_were_learned_with(tmp_path: Path) -> None:
    method = load_methods().get("method", "deepphys", "test")
    evaluator = NamedEvaluator(name="li2023", rule=load_evaluator("li2023"))
    learned = Model({}, {"params": {"preset": "smoke"}})
    for model, preset, says in (
        (learned, "paper", "--preset: the model of deepphys says the parameters"),
        (Model({}, {}), "smok", "--preset: no preset of deepphys 'smok'; did you mean 'smoke'"),
    ):
        with pytest.raises(BenchError, match=says):
            predict_video(
                tmp_path / "none.mp4", method, evaluator, tmp_path, model=model, preset=preset
            )
