"""Oracle `arch_forward`: networks with made-up weights."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.neural.networks.convolutional_attention import PUBLIC_NAMES, AttentionNetwork
from rppgbench.neural.networks.map_unet import MapUNet
from rppgbench.neural.networks.physnet import PhysNet

from ..factories.methods import part
from .oracle import cases, load

try:
    ARRAYS, FACTS = load("arch_forward")  # 11 MB: not in the small copy
except FileNotFoundError as error:
    pytest.skip(str(error), allow_module_level=True)


def made_up(shape: list[int], name: str, entry: int) -> torch.Tensor:
    """The oracle's rule for the entry of a state dictionary."""
    r = np.random.RandomState(1000 + entry)
    if len(shape) > 1:
        values = r.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 1 + 0.5 * r.rand(*shape)
    elif name.endswith("weight"):
        values = 1 + 0.1 * r.randn(*shape)
    else:
        values = 0.1 * r.randn(*shape)
    return torch.from_numpy(values.astype(np.float32))


def filled(network: torch.nn.Module, case: str, ours: dict[str, str]) -> torch.nn.Module:
    """The network with the oracle's weights; `ours` maps the start of a name to ours."""
    state = network.state_dict()
    for entry, name, shape in FACTS["state_dict_order"][case]:
        for start, own in ours.items():
            if name.startswith(start):
                key = own + name.removeprefix(start)
                assert list(state[key].shape) == shape
                state[key] = made_up(shape, name, entry)
    network.load_state_dict(state)
    return network.eval()


def physnet(case: str) -> torch.nn.Module:
    rows = ARRAYS[f"y__{case}"].shape[1]
    parts = 1 if rows == 1 else round((rows - 1) ** 0.5)
    return filled(PhysNet(parts), case, {"": ""})


def stream(case: str) -> torch.nn.Module:
    dilations = (2, 4, 8) if "RPNet" in case else (1, 1, 1)
    network = part("sinc.network").VideoPulse(dilations=dilations)
    return filled(network, case, {"forward_stream.": "stream."})


def attention(case: str) -> torch.nn.Module:
    clips = ARRAYS[f"x__{case}"]
    match = re.search(r"_fd(\d+)", case)
    network = AttentionNetwork(
        clips.shape[-1], depth=int(match[1]) if match else 0, single_stream="EfficientPhys" in case
    )
    return filled(network, case, {**PUBLIC_NAMES, "batch_norm.": "batch_norm."})


def physformer(case: str) -> torch.nn.Module:
    blocks = {name.split(".")[0] for _, name, _ in FACTS["state_dict_order"][case]}
    layers = sum(name.startswith("transformer") for name in blocks)
    network = part("physformer.network").PhysFormer(layers=layers)
    measured = {
        "patch_embedding": "patches",
        **{f"transformer{k + 1}.blocks.0.": f"blocks.{k}." for k in range(layers)},
        "Stem0.": "stem.0.",
        "Stem1.": "stem.1.",
        "Stem2.": "stem.2.",
        "upsample.": "decoder.0.",
        "upsample2.": "decoder.1.",
        "ConvBlockLast": "out",
    }
    return filled(network, case, measured)


def encoder_decoder(case: str) -> torch.nn.Module:
    network = part("physnet_toolbox.network")
    return filled(network.EncoderDecoder(), case, network.PUBLIC_NAMES)


NETWORKS: dict[str, Any] = {
    "contrast_phys_": physnet,
    "gideon_": physnet,
    "sinc_": stream,
    "toolbox_DeepPhys": attention,
    "toolbox_TSCAN": attention,
    "toolbox_EfficientPhys": attention,
    "toolbox_PhysFormer": physformer,
    "toolbox_PhysNet": encoder_decoder,
}
BY_CLIP = ("toolbox_DeepPhys", "toolbox_TSCAN", "toolbox_EfficientPhys")
"""The oracle's frames are one clip here, and what it gives for each of them its pulse."""
CASES = [case for case in cases(ARRAYS, "x") if case.startswith(tuple(NETWORKS))]


def test_every_network_of_the_oracle_is_compared() -> None:
    assert cases(ARRAYS, "x") == CASES
    assert len(CASES) == 10


@pytest.mark.parametrize("case", CASES)
def test_forward_equals_the_reference(case: str) -> None:
    make = next(make for start, make in NETWORKS.items() if case.startswith(start))
    network = make(case)
    assert sum(p.numel() for p in network.parameters()) == FACTS["n_params"][case]["params"]
    given, expected = torch.from_numpy(ARRAYS[f"x__{case}"]), ARRAYS[f"y__{case}"]
    if case.startswith(BY_CLIP):
        given, expected = given[None], expected.reshape(1, -1)
    if case.startswith("toolbox_PhysNet"):
        given = given.transpose(1, 2)  # ours takes picture after picture
    with torch.no_grad():
        out = network(given).numpy()
    if case.startswith("gideon_"):  # one part: its row and its mean are the same
        expected = np.repeat(expected[:, :, :, 0, 0], 2, axis=1)
    np.testing.assert_allclose(out, expected, rtol=1e-3, atol=1e-4)


def test_dual_gan_backbone_has_the_published_shape() -> None:
    network = MapUNet()
    assert sum(p.numel() for p in network.parameters()) == 7_709_389
    sizes = []
    x = torch.zeros(2, 3, 64, 256)
    for block in [*network.down, *network.up]:
        x = block(x)
        sizes.append(tuple(x.shape[2:]))
    assert sizes == [
        (32, 128), (16, 64), (8, 32), (4, 16), (2, 32), (1, 64), (1, 128), (1, 256)
    ]  # fmt: skip


@pytest.mark.parametrize(("ratio", "millions"), [(1, 1.04), (2, 1.43), (4, 2.22)])
def test_transformer_has_the_expected_size(ratio: int, millions: float) -> None:
    network = part("st_transformer.network").SpatialTemporalTransformer(ratio=ratio)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=5e-3)
