"""Weights that rPPG-Toolbox publishes, as they are: names, origin, and agreement with its code.

The weights are not part of this repository: they are read from `../shared/weights`.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from rppgbench.api.videos import load_model
from rppgbench.cli import main
from rppgbench.extraction.crops import CropView, crop_rule
from rppgbench.neural.frame_differences import VideoScale
from rppgbench.neural.frame_inputs import motion_only
from rppgbench.neural.network_weights import load_arrays
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
