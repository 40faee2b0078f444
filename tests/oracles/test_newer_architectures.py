"""Oracle `arch_forward_more`: newer networks with made-up weights, and the loss of their code."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.neural.losses.agreement import negative_pearson, negative_pearson_over_batch

from ..factories.methods import part
from .oracle import far, load

try:
    ARRAYS, FACTS = load("arch_forward_more")
    LOSS_ARRAYS, LOSS_FACTS = load("supervised_losses_more")
except FileNotFoundError as error:  # not in the small copy
    pytest.skip(str(error), allow_module_level=True)

CASES: dict[str, Any] = FACTS["cases"]
TOLERANCE = 5e-4
"""Of the deviation of the output."""


def made_up(case: str, entry: int, name: str, shape: list[int]) -> torch.Tensor:
    """The oracle's rule for the entry of a state dictionary."""
    facts = CASES[case]
    r = np.random.RandomState(facts["seed_base"] + entry)
    last = name.replace("/", ".").split(".")[-1]
    fan_in = shape[:-1] if "/" in name else shape[1:]  # Keras has the outputs last
    if last in {"A_log", "A_b_log"}:
        values = np.log(np.arange(1, shape[1] + 1)) + 0.1 * r.randn(*shape)
    elif name.endswith(("dt_proj.bias", "dt_proj_b.bias")):
        values = -3 + 0.5 * r.randn(*shape)
    elif last in {"running_mean", "moving_mean", "bias", "beta", "rb", "ib"}:
        values = 0.1 * r.randn(*shape)
    elif last in {"running_var", "moving_variance"}:
        values = 1 + 0.5 * r.rand(*shape)
    elif last == "relative_position_bias_table":
        values = 0.5 * r.randn(*shape)
    elif len(shape) > 1:
        values = r.randn(*shape) * np.sqrt(facts["weight_gain"] / np.prod(fan_in))
    else:
        values = 1 + 0.1 * r.randn(*shape)
    return torch.from_numpy(values.astype(np.float32))


def fill(network: torch.nn.Module, case: str, ours: Mapping[str, str | None]) -> torch.nn.Module:
    """The network with the oracle's weights; `ours` maps the start of a name to ours.

    None stands for weights that no output of ours depends on.
    """
    state = network.state_dict()
    left = {name for name in state if not name.endswith("num_batches_tracked")}
    for entry, name, shape in CASES[case]["state_dict_order"]:
        start = next(start for start in ours if name.startswith(start))
        own_start = ours[start]
        if own_start is None:
            continue
        key = own_start + name.removeprefix(start)
        values = made_up(case, entry, name, shape)
        if "/" in name and len(shape) > 1:  # Keras: kernel axes, input, output
            axes = len(shape)
            values = values.permute(axes - 1, axes - 2, *range(axes - 2))
        state[key] = values.reshape(state[key].shape)
        left.remove(key)
    assert not left
    network.load_state_dict(state)
    return network.eval()


def pictures(case: str, number: int = 0) -> torch.Tensor:
    """An input of a case, drawn from its seed."""
    facts = CASES[case]["inputs"][number]
    r = np.random.RandomState(facts["seed"])
    drawn = r.randn(*facts["shape"])
    if facts["rule"] != "r.randn(*shape)":
        drawn = np.clip(np.round(127 + 40 * drawn), 0, 255)
    values = drawn.astype(np.float32)
    np.testing.assert_allclose(values.ravel()[:4], facts["first4"], rtol=1e-6)
    return torch.from_numpy(values)


def assert_close(out: torch.Tensor, case: str, output: str = "rppg") -> None:
    expected = ARRAYS[f"y__{case}__{output}"]
    assert tuple(out.shape) == expected.shape
    spread = expected.std() if expected.size > 1 else abs(expected[0])
    assert np.abs(out.detach().numpy() - expected).max() < TOLERANCE * spread


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# --- iBVPNet --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("iBVPNet")])
def test_ibvpnet(case: str) -> None:
    module = part("ibvpnet.network")
    network = module.DifferencingNetwork()
    assert count(network) == CASES[case]["n_parameters"]
    with torch.inference_mode():
        out = fill(network, case, module.PUBLIC_NAMES)(pictures(case).transpose(1, 2))
    assert_close(out, case)


# --- FactorizePhys --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("FactorizePhys")])
def test_factorizephys(case: str) -> None:
    module = part("factorizephys.network")
    config = CASES[case]["args"]["md_config"]
    network = module.FactorisingNetwork(
        steps=config["MD_STEPS"],
        residual=config["MD_RESIDUAL"],
        factorise=config["MD_FSAM"],
        factorise_at_test=config["MD_FSAM"] and config["MD_INFERENCE"],
    )
    assert count(network) == CASES[case]["n_parameters"]
    fill(network, case, module.PUBLIC_NAMES)
    clips = pictures(case).transpose(1, 2)
    with torch.inference_mode():
        assert_close(network(clips), case)
        voxels = network.features(network.differences(clips))
        centre = [size // 2 for size in voxels.shape[-2:]]
        assert_close(voxels[..., centre[0], centre[1]], case, "voxel_centre")
        if network.at_test:
            _, distance = network.factorisation(network.head(voxels))
            assert_close(distance.reshape(1), case, "appx_error")


# --- PhysMamba ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("PhysMamba")])
def test_physmamba(case: str) -> None:
    module = part("physmamba.network")
    network = module.SlowFastNetwork()
    assert count(network) == CASES[case]["n_parameters"]
    with torch.inference_mode():
        out = fill(network, case, module.PUBLIC_NAMES)(pictures(case).transpose(1, 2))
    assert_close(out, case)


# --- NoobHeart and Seq-rPPG -----------------------------------------------------------------------

KERAS_PARTS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
               "moving_mean": "running_mean", "moving_variance": "running_var"}  # fmt: skip


def keras_names(places: dict[str, str]) -> dict[str, str]:
    return {
        f"{theirs}/{name}": f"{own}.{own_name}"
        for theirs, own in places.items()
        for name, own_name in KERAS_PARTS.items()
    }


@pytest.mark.parametrize("form", ["keras", "torch"])
def test_noobheart(form: str) -> None:
    case = f"NoobHeart_{form}"
    clips = pictures(case).permute(0, 1, 4, 2, 3) / 255
    network = part("noobheart.network").SmallNetwork(
        frames=clips.shape[1], form="keras" if form == "keras" else "tutorial"
    )
    assert count(network) == CASES[case]["n_parameters"]
    names = {"conv1.": "convolutions.0.", "conv2.": "convolutions.1.", "conv3.": "out."}
    if form == "keras":
        names = keras_names(
            {
                **{f"norm{k}": f"norms.{k}" for k in range(3)},
                "conv1": "convolutions.0", "conv2": "convolutions.1", "conv3": "out",
            }
        )  # fmt: skip
    with torch.inference_mode():
        assert_close(fill(network, case, names)(clips), case)


def test_seq_rppg() -> None:
    case = "SeqrPPG"
    network = part("seq_rppg.network").SequenceNetwork()
    assert count(network) == CASES[case]["n_parameters"]
    names = keras_names(
        {
            "ST1/conv": "layers.0.convolution", "ST1/bn": "layers.0.norm",
            "conv1": "layers.1", "bn1": "layers.2",
            "ST2/conv": "layers.4.convolution", "ST2/bn": "layers.4.norm",
            "conv2": "layers.5", "bn2": "layers.6", "z": "layers.8", "a/conv": "frame",
        }
    )  # fmt: skip
    fill(network, case, names)
    # The kernel (64 outputs, 64 pixels, 3 channels) is one linear map of (3 channels, 64 pixels).
    kernel = made_up(case, 0, "a/conv/kernel", CASES[case]["state_dict_order"][0][2])
    with torch.inference_mode():
        network.frame.weight.copy_(kernel.permute(2, 0, 1).flatten(1))
        assert_close(network(pictures(case).permute(0, 1, 4, 2, 3) / 255), case)


# --- RS-rPPG --------------------------------------------------------------------------------------

SWIN_BLOCK = {
    "norm1.": "norm_attention.", "attn.relative_position_bias_table": "attention.offsets",
    "attn.qkv.": "attention.query_key_value.", "attn.proj.": "attention.out.",
    "norm2.": "norm_layer.", "mlp.fc1.": "layer.0.", "mlp.fc2.": "layer.2.",
}  # fmt: skip
SWIN_BLOCKS = {
    **{f"layers.{k}.blocks.": f"down.{k}." for k in range(4)},
    **{f"layers_up.{k}.blocks.": f"up.{k - 1}." for k in (1, 2, 3)},
}
RS_RPPG = {
    **{
        f"{theirs}{block}.{part_name}": f"{own}{block}.{own_part}"
        for theirs, own in SWIN_BLOCKS.items()
        for block in (0, 1)
        for part_name, own_part in SWIN_BLOCK.items()
    },
    **{f"layers.{k}.downsample.": f"merge.{k}." for k in range(3)},
    **{f"layers_up.{k}.upsample.": f"expand.{k}." for k in (1, 2)},
    **{f"concat_back_dim.{k}.": f"join.{k - 1}." for k in (1, 2, 3)},
    "layers_up.0.": "expand.0.", "patch_embed.proj.": "patches.",
    "patch_embed.norm.": "norm_patches.", "norm.": "norm_bottom.", "norm_up.": "norm_top.",
    "up.": "whole.", "output.": "out.", "head_hr.": None, "conv1_1.": None,
}  # fmt: skip


def entry(case: str, name: str) -> torch.Tensor:
    """The made-up values of one entry of a state dictionary."""
    number, _, shape = next(row for row in CASES[case]["state_dict_order"] if row[1] == name)
    return made_up(case, number, name, shape)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("RSrPPG")])
def test_rs_rppg(case: str) -> None:
    torch.set_num_threads(1)
    maps = pictures(case)
    facts = CASES[case]["args"]
    network = part("rs_rppg.network").WindowedUNet(facts["embed_dim"], maps.shape[2])
    unused = sum(
        int(np.prod(shape))
        for _, name, shape in CASES[case]["state_dict_order"]
        if name.startswith(("head_hr.", "conv1_1."))
    )
    assert count(network) == CASES[case]["n_parameters"] - unused
    fill(network, case, RS_RPPG)
    with torch.inference_mode():
        assert_close(network(maps), case, "map")
        bottom = network.bottom(maps)[0].flatten(1, 2)
        assert_close(bottom[..., : ARRAYS[f"y__{case}__feat_first8"].shape[2]], case, "feat_first8")
        weight, bias = entry(case, "head_hr.weight"), entry(case, "head_hr.bias")
        assert_close((bottom.mean(dim=1) @ weight.T + bias)[0], case, "hr")


def rs_maps() -> tuple[torch.Tensor, torch.Tensor]:
    """The anchor and the positive of the oracle, by its rule."""
    facts = LOSS_FACTS["parameters"]
    batch, channels, rows, frames = facts["rs_shape"]
    r = np.random.RandomState(facts["rs_seed"])
    made = []
    for _ in range(2):
        noise = r.randn(batch, channels, rows, frames) * 0.5
        rate, phase = r.rand(batch, 1, 1, 1), r.rand(batch, channels, rows, 1)
        turns = (1 + 0.5 * rate) * np.arange(frames) / facts["fs"]
        wave = noise + np.sin(2 * np.pi * turns + phase * 2)
        made.append(torch.from_numpy(wave.astype(np.float32)).requires_grad_())
    return made[0], made[1]


def assert_gradient(gradient: torch.Tensor | None, name: str) -> None:
    """Two rows of the first map agree one by one, and all maps in their root mean square."""
    assert gradient is not None
    rows = LOSS_ARRAYS[f"grad__{name}__rows0_2"]
    assert far(gradient[0, :, : rows.shape[1]].numpy(), rows) < 1e-3
    rms = gradient.flatten(1).square().mean(dim=1).sqrt().numpy()
    np.testing.assert_allclose(rms, LOSS_ARRAYS[f"grad__{name}__rms"], rtol=1e-3)


def test_rs_rppg_contrast() -> None:
    losses = part("rs_rppg.losses")
    expected, fs = LOSS_FACTS["values"]["rsrppg_parts"], LOSS_FACTS["parameters"]["fs"]
    anchor, positive = rs_maps()
    order = torch.from_numpy(LOSS_ARRAYS["rs_row_permutation"])
    other = torch.from_numpy(LOSS_ARRAYS["rs_negative_permutation"])
    terms = {"triplet": losses.contrast(anchor, positive, order, other, fs, expected["margin"])}
    for name, maps in (("anchor", anchor), ("pos", positive)):
        terms[f"bw_{name}"], terms[f"sp_{name}"] = losses.bandwidth_and_sparsity(maps, fs)
    for name, term in terms.items():
        assert float(term.detach()) == pytest.approx(expected[name], rel=1e-4)
    total = torch.stack(list(terms.values())).sum()
    total.backward()  # type: ignore[no-untyped-call]
    value = float(LOSS_ARRAYS["value__rsrppg_total__grad_anchor"])
    assert float(total.detach()) == pytest.approx(value, rel=1e-4)
    assert_gradient(anchor.grad, "rsrppg_total__grad_anchor")
    assert_gradient(positive.grad, "rsrppg_total__grad_positive")
    spectrum = losses.unit_spectra(anchor.detach(), fs, losses.SAMPLES)[0, 0, 0]
    np.testing.assert_allclose(spectrum.numpy(), LOSS_ARRAYS["rs_psd_first_row"], atol=1e-6)


def test_rs_rppg_agreement() -> None:
    anchor, positive = rs_maps()
    loss = 20 * part("rs_rppg.losses").agreement(
        anchor, positive.detach(), LOSS_FACTS["parameters"]["fs"]
    )
    loss.backward()
    name = "rsrppg_pretrain_psd_l1_x20"
    assert float(loss.detach()) == pytest.approx(float(LOSS_ARRAYS[f"value__{name}"]), rel=1e-4)
    assert_gradient(anchor.grad, name)


# --- BigSmall -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("BigSmall")])
def test_bigsmall(case: str) -> None:
    module = part("bigsmall.network")
    large, small = pictures(case), pictures(case, 1)
    network = module.TwoBranchNetwork(side=small.shape[-1], heads=module.ALL_HEADS)
    assert count(network) == CASES[case]["n_parameters"]
    fill(network, case, module.PUBLIC_NAMES)
    with torch.inference_mode():
        features = network.features(large[::3], small)
        for theirs, ours in (("au", "actions"), ("bvp", "pulse"), ("resp", "respiration")):
            assert_close(network.heads[ours](features), case, theirs)
        rows = torch.cat([large.flatten(2), small.flatten(2)], dim=2)[None]
        assert_close(network(rows)[0, :, None], case, "bvp")


def test_bigsmall_squared_error() -> None:
    pulse = torch.from_numpy(LOSS_ARRAYS["bs_bvp"]).requires_grad_()
    label = torch.from_numpy(LOSS_ARRAYS["bs_bvp_label"])
    value = part("bigsmall.network").NETWORK.choose_loss(None)(pulse, label).mean()
    value.backward()
    assert float(value.detach()) == pytest.approx(
        LOSS_FACTS["values"]["bigsmall_parts"]["bvp"], rel=1e-4
    )
    assert pulse.grad is not None
    assert far(pulse.grad.numpy(), LOSS_ARRAYS["grad__bigsmall_total__grad_bvp"]) < 1e-3


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "loss", "rows"),
    [
        ("negpearson_time", negative_pearson, None),
        ("physmamba_training_step_loss", negative_pearson, None),
        ("factorizephys_training_step_loss", negative_pearson_over_batch, None),
        ("negpearson_dim0_batch1", negative_pearson_over_batch, 1),
    ],
)
def test_correlation_over_time_and_over_the_batch(name: str, loss: Any, rows: int | None) -> None:
    pulse = torch.from_numpy(LOSS_ARRAYS["raw_pred"][:rows]).requires_grad_()
    value = loss(pulse, torch.from_numpy(LOSS_ARRAYS["label"][:rows])).mean()
    value.backward()
    assert float(value.detach()) == pytest.approx(float(LOSS_ARRAYS[f"value__{name}"]), rel=1e-4)
    expected = LOSS_ARRAYS[f"grad__{name}"]  # all 0 for a batch of one
    assert pulse.grad is not None
    assert np.abs(pulse.grad.numpy() - expected).max() <= 1e-3 * np.abs(expected).max()
