"""Steps of every network: no function without a deterministic form on CUDA, no wait for the device.

The functions are those that PyTorch's own list names. No GPU is needed: the functions that a step
calls, forward and backward, are the same on a CPU.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from rppgbench.core.method import Training
from rppgbench.core.registry import load_methods
from rppgbench.extraction.crops import crop_rule
from rppgbench.neural import deterministic_layers as layers
from rppgbench.neural import train_epoch as steps
from rppgbench.neural import training as training_module
from rppgbench.neural.devices import deterministic, whole_float32
from rppgbench.neural.synthetic_inputs import synthetic_examples
from rppgbench.neural.train_epoch import is_out_of_memory, train_epoch

NONDETERMINISTIC = {
    "AvgPool3d": ("avg_pool3d_backward",),
    "AdaptiveAvgPool2d": ("_adaptive_avg_pool2d_backward",),
    "AdaptiveAvgPool3d": ("_adaptive_avg_pool3d_backward",),
    "AdaptiveMaxPool2d": ("adaptive_max_pool2d_backward",),
    "MaxPool2d": ("max_pool2d_with_indices_backward",),  # adds atomically where channels are last
    "MaxPool3d": ("max_pool3d_with_indices_backward",),  # in PyTorch before 2.13
    "FractionalMaxPool2d": ("fractional_max_pool2d_backward",),
    "FractionalMaxPool3d": ("fractional_max_pool3d_backward",),
    "MaxUnpool1d": ("max_unpool2d",),
    "MaxUnpool2d": ("max_unpool2d",),
    "MaxUnpool3d": ("max_unpool3d",),
    "interpolate": (
        "upsample_linear1d_backward", "upsample_bilinear2d_backward",
        "upsample_bicubic2d_backward", "upsample_trilinear3d_backward",
    ),
    "ReflectionPad1d": ("reflection_pad1d_backward",),
    "ReflectionPad2d": ("reflection_pad2d_backward",),
    "ReflectionPad3d": ("reflection_pad3d_backward",),
    "ReplicationPad1d": ("replication_pad1d_backward",),  # in PyTorch before 2.13
    "ReplicationPad2d": ("replication_pad2d_backward",),
    "ReplicationPad3d": ("replication_pad3d_backward",),
    "NLLLoss": ("nll_loss_forward", "nll_loss2d_forward"),
    "CTCLoss": ("_ctc_loss_backward", "_cudnn_ctc_loss"),
    "EmbeddingBag": ("_embedding_bag_backward", "_embedding_bag_dense_backward"),
    "put_": ("put_", "put"),
    "histc": ("histc",),
    "bincount": ("bincount",),
    "median": ("median.dim", "kthvalue"),
    "grid_sample": ("grid_sampler_2d_backward", "grid_sampler_3d_backward"),
    "cumsum": ("cumsum", "cumprod", "logcumsumexp"),
    "scatter_reduce": ("scatter_reduce",),
    "resize_": ("quantized_resize_cpu_",),
    "attention": (  # a warning alone does not make the fused kernels deterministic
        "_scaled_dot_product_flash_attention_for_cpu_backward",
        "_scaled_dot_product_efficient_attention_backward",
        "_scaled_dot_product_flash_attention_backward",
    ),
}  # fmt: skip
"""By the name in PyTorch's list, what a step must not call."""

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero")
"""What needs a value of the device on the host."""

FORBIDDEN = {name for names in NONDETERMINISTIC.values() for name in names} | {*WAITING}


def test_the_list_has_all_that_pytorch_names() -> None:
    text = torch.use_deterministic_algorithms.__doc__ or ""
    refused = text[text.index("operations will throw a") : text.index("In addition")]
    named = re.findall(r"^        \* :\w+:`torch\.(?:\w+\.)*(\w+)`", refused, flags=re.MULTILINE)
    assert len(named) > 20
    assert set(named) <= NONDETERMINISTIC.keys()


class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects the functions of PyTorch that are called, forward and backward."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()
        self._drawn: dict[int, Tensor] = {}  # random numbers of the CPU, kept so that none is freed

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in {"rand", "randint"} and out.numel() == 1:
            self._drawn[out.untyped_storage().data_ptr()] = out
        elif name == "_local_scalar_dense" and self._is_drawn(args[0]):
            return out
        elif name in {"index", "index_put", "index_put_"}:
            masks = [i for i in args[1] if i is not None and i.dtype in {torch.bool, torch.uint8}]
            name = "nonzero" if masks else name
        self.names |= {name, f"{name}.{func._overloadname}"}
        return out

    def _is_drawn(self, value: Tensor) -> bool:
        """Whether a number was drawn on the CPU, where the device has no part in it."""
        return value.untyped_storage().data_ptr() in self._drawn


def calls_of(function: Callable[[], Tensor]) -> set[str]:
    """The forbidden functions that the forward and backward pass of a function call."""
    with Calls() as calls:
        function().sum().backward()  # type: ignore[no-untyped-call]
    return set(calls.names) & FORBIDDEN


CLIP = torch.rand(2, 3, 8, 17, 17)
PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "avg_pool3d_backward": lambda x: functional.avg_pool3d(x, 2),
    "_adaptive_avg_pool3d_backward": lambda x: functional.adaptive_avg_pool3d(x, (None, 2, 2)),
    "max_pool3d_with_indices_backward": lambda x: functional.max_pool3d(x, 2),
    "max_pool2d_with_indices_backward": lambda x: functional.max_pool2d(x[:, 0], 3, 2, 1),
    "replication_pad3d_backward": lambda x: functional.pad(x, (1,) * 6, mode="replicate"),
    "upsample_linear1d_backward": lambda x: functional.interpolate(x[0, 0], 5, mode="linear"),
    "upsample_bilinear2d_backward": lambda x: functional.interpolate(
        x[0], (5, 5), mode="bilinear", align_corners=True
    ),
    "grid_sampler_2d_backward": lambda x: functional.grid_sample(
        torch.ones(2, 3, 4, 4), x[:, 0, ..., :2], align_corners=True
    ),
    "cumsum": lambda x: x.cumsum(-1),
    "nll_loss_forward": lambda x: functional.cross_entropy(x[:, 0, 0, 0], torch.tensor([1, 2])),
    "nonzero": lambda x: x[x > 0],
    "_local_scalar_dense": lambda x: x * float(x.detach().max()),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_not_deterministic_is_seen(name: str) -> None:
    x = CLIP.clone().requires_grad_()
    assert name in calls_of(lambda: PLAIN[name](x))


def pool_of_nine(x: Tensor) -> Tensor:
    largest: Tensor = layers.LargestOfNine()(x[:, :, 0])
    return largest


def convolution(kind: Any, **keywords: Any) -> Callable[[Tensor], Tensor]:
    torch.manual_seed(0)
    made: nn.Module = kind(3, 4, (5, 3, 3), padding=(4, 1, 1), dilation=(2, 1, 1), **keywords)

    def run(x: Tensor) -> Tensor:
        out: Tensor = made(x)
        return out

    return run


def soft_corners(x: Tensor) -> Tensor:
    return torch.tanh(x[:, 0, :, :, :2])


SAME: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "mean pool": (layers.MeanPool3d((2, 2, 2)), lambda x: functional.avg_pool3d(x, 2)),
    "mean pool in space": (
        layers.MeanPool3d((1, 2, 2)), lambda x: functional.avg_pool3d(x, (1, 2, 2)),
    ),
    "largest pool": (
        layers.LargestPool3d((1, 2, 2)), lambda x: functional.max_pool3d(x, (1, 2, 2)),
    ),
    "largest of nine": (pool_of_nine, lambda x: functional.max_pool2d(x[:, :, 0], 3, 2, 1)),
    "largest of nine, even": (
        lambda x: layers.LargestOfNine()(x[:, :, 0, :16, :16]),
        lambda x: functional.max_pool2d(x[:, :, 0, :16, :16], 3, 2, 1),
    ),
    "parts": (layers.PartMeans(2), lambda x: functional.adaptive_avg_pool3d(x, (None, 2, 2))),
    "three parts": (layers.PartMeans(3), lambda x: functional.adaptive_avg_pool3d(x, (None, 3, 3))),
    "border": (
        lambda x: layers.repeat_border(layers.repeat_border(x, 2, 1, 3), 0, 3, 4),
        lambda x: functional.pad(x, (0, 3, 2, 1, 0, 0), mode="replicate"),
    ),
    "convolution": (
        convolution(layers.BorderConv3d), convolution(nn.Conv3d, padding_mode="replicate"),
    ),
    "linear": (
        lambda x: layers.interpolate_last(x[0, 0], 29),
        lambda x: functional.interpolate(x[0, 0], 29, mode="linear"),
    ),
    "bilinear": (
        lambda x: layers.interpolate_pictures(x[0], 7, align_corners=True),
        lambda x: functional.interpolate(x[0], (7, 7), mode="bilinear", align_corners=True),
    ),
    "samples": (
        lambda x: layers.sample_pictures(CLIP[:, :, 1], soft_corners(x)),
        lambda x: functional.grid_sample(
            CLIP[:, :, 1], soft_corners(x), align_corners=True, padding_mode="border"
        ),
    ),
    "running sum": (
        lambda x: layers.running_sum(x.flatten(2)), lambda x: x.flatten(2).cumsum(-1),
    ),
    "attention": (
        lambda x: layers.attention(x, x.flip(3), x.square()),
        lambda x: functional.scaled_dot_product_attention(x, x.flip(3), x.square()),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_the_deterministic_form_has_the_same_values_and_gradients(name: str) -> None:
    mine, plain = SAME[name]
    results = []
    for function in (mine, plain):
        x = CLIP.clone().requires_grad_()
        out = function(x)
        (out * torch.linspace(1, 2, out.numel()).reshape(out.shape)).sum().backward()  # type: ignore[no-untyped-call]
        results.append((out.detach(), x.grad))
    torch.testing.assert_close(results[0], results[1], rtol=1e-5, atol=1e-4)
    x = CLIP.clone().requires_grad_()
    assert not calls_of(lambda: mine(x))


def test_nothing_is_padded_where_nothing_is_missing() -> None:
    assert layers.repeat_last(CLIP, 0, 2) is CLIP


# --- every method ---------------------------------------------------------------------------------

SMALL: dict[str, dict[str, Any]] = {
    "contrast_phys": {"clip_s": 2.0, "sample_s": 1.0},
    "contrast_phys_plus": {
        "crop": "contrast_phys_32", "clip_s": 2.0, "sample_s": 1.0, "difference": True,
    },
    "gideon2021": {"clip_s": 2.0},
    "sinc": {"clip_s": 2.0, "spectrum_samples": 600, "dilation": 2},
    "st_transformer": {"layers": 1, "clip_s": 3.0, "spectrum_samples": 600},
    "co_rectification": {"clip_s": 4.0, "rows": 32, "step_s": 2.0, "peer_must_learn": False},
    "physnet": {"clip_s": 2.0},
    "physformer": {"crop": "toolbox_32", "dim": 8, "hidden": 8, "heads": 2, "layers": 1,
                   "clip_s": 1.1},
    "dual_gan_backbone": {"rows": 32, "clip_s": 2.5, "step_s": 2.5},
    "rhythmnet": {"memory": 4, "clip_s": 3.5, "map_s": 3.0},
    "deepphys": {"clip_s": 1.0},
    "ts_can": {"clip_s": 1.1},
    "efficientphys": {"clip_s": 1.1},
    "physnet_toolbox": {"clip_s": 1.1},
    "ibvpnet": {"clip_s": 1.1},
    "factorizephys": {"clip_s": 1.1},
    "physmamba": {"clip_s": 1.1},
    "rhythmmamba": {"clip_s": 1.1, "crop": "toolbox_16"},
    "rhythmformer": {"clip_s": 0.8},
    "noobheart": {"clip_s": 1.1},
    "seq_rppg": {"clip_s": 2.0},
    "bigsmall": {"clip_s": 1.2},
    "rs_rppg": {"width": 3, "clip_s": 3.0, "step_s": 1.0, "agreement_share": 0.5},
}  # fmt: skip
SIZES = {"width": 4, "passes": 2}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in SMALL),
    ("gideon2021", {"saliency": True, "saliency_size": 32}),
    ("gideon2021", {"distance": "correlation"}),
    ("co_rectification", {"ranking_logits": "log_power"}),
    ("contrast_phys", {"include_mean": False}),
]


def test_every_method_with_a_network_is_looked_at() -> None:
    available = load_methods().available.values()
    assert {m.name for m in available if m.fit and not m.baseline} == SMALL.keys()


class Watched:
    """Stands for Fabric: the backward pass is watched too, from the second step on."""

    def __init__(self, fabric: Any, calls: Calls) -> None:
        self._fabric, self._calls = fabric, calls
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fabric, name)

    def backward(self, loss: Tensor) -> None:
        if self.steps < 2:
            self._fabric.backward(loss)
            return
        with self._calls:
            self._fabric.backward(loss)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_step_is_deterministic_on_cuda_and_waits_for_nothing(
    name: str, variant: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, watched = Calls(), []

    def watched_epoch(
        learner: Any, optimiser: Any, schedule: Any, fabric: Any, *args: Any, **k: Any
    ) -> Any:
        watch = Watched(fabric, calls)
        watched.append(watch)

        def forward(batch: Mapping[str, Tensor], epoch: int) -> Any:
            watch.steps += 1
            if watch.steps < 2:  # what is made once is made
                return learner(batch, epoch)
            with calls:
                return learner(batch, epoch)

        return train_epoch(forward, optimiser, schedule, watch, *args, **k)

    monkeypatch.setattr(training_module, "train_epoch", watched_epoch)
    method = load_methods().get("method", name, "test")
    preset = {"preset": "smoke"} if "smoke" in method.presets else {}
    epochs = {
        key: 2 if name in {"co_rectification", "rs_rppg"} else 1
        for key in method.params
        if key.endswith("epochs")
    }
    sizes = {key: value for key, value in SIZES.items() if key in method.params}
    small = {**sizes, **SMALL[name], **variant, **epochs, "batch": 2}
    params = method.parameters({**preset, **small})
    size = crop_rule(str(params["crop"])).size if method.input == "clip" else 0
    examples = synthetic_examples(method, size, recordings=4, seconds=float(params["clip_s"]) + 2)
    assert method.fit is not None
    method.fit(examples, Training(seed=0, device="cpu", folder=tmp_path), **params)
    assert watched
    assert all(watch.steps >= 2 for watch in watched)
    assert "mul" in calls.names
    assert sorted(calls.names & FORBIDDEN) == []


# --- settings -------------------------------------------------------------------------------------


def settings() -> list[Any]:
    memory: Any = torch.utils.deterministic
    cuda: Any = torch.backends.cuda
    cudnn: Any = torch.backends.cudnn
    return [
        memory.fill_uninitialized_memory,
        cuda.matmul.fp32_precision,
        cudnn.conv.fp32_precision,
        cudnn.rnn.fp32_precision,
        torch.are_deterministic_algorithms_enabled(),
    ]


def test_float32_is_whole_and_memory_is_not_filled_while_a_network_trains() -> None:
    before = settings()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with deterministic("cpu"):
            assert settings() == [False, "ieee", "ieee", "ieee", True]
        assert settings() == before
        with whole_float32():
            assert settings()[1:4] == ["ieee"] * 3
        assert settings() == before


@pytest.mark.parametrize(
    "message",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB.",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "cuFFT error: CUFFT_ALLOC_FAILED",
        "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED",
        "NCCL Error 1: Failed to CUDA malloc 4194304 bytes",
        "MPS backend out of memory (MPS allocated: 9.00 GB)",
        "[enforce fail at alloc_cpu.cpp:98] DefaultCPUAllocator: can't allocate memory",
        "unable to mmap 8 bytes from file: Cannot allocate memory (12)",
    ],
)
def test_every_lack_of_memory_is_recognised(message: str) -> None:
    assert is_out_of_memory(RuntimeError(message))
    assert not is_out_of_memory(ValueError(message))


@pytest.mark.parametrize(
    "message",
    ["CUDA error: device-side assert triggered", "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"],
)
def test_other_errors_of_a_card_are_no_lack_of_memory(message: str) -> None:
    assert not is_out_of_memory(RuntimeError(message))


class Counted(nn.Module):
    """One weight; its forward takes a batch and an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        loss = (self.weight * batch["x"]).mean()
        return {"loss": loss, "twice": 2 * loss.detach()}


class PlainFabric:
    device = torch.device("cpu")

    @staticmethod
    def backward(loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("count", [2, 9])
def test_loss_terms_are_read_once_an_epoch(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def to_float(tensor: Tensor) -> float:
        read.append(tensor)
        return float(tensor.detach().numpy())

    monkeypatch.setattr(Tensor, "__float__", to_float)
    monkeypatch.setattr(Tensor, "item", to_float)
    learner = Counted()
    optimiser = torch.optim.SGD(learner.parameters(), lr=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    batches = [{"x": torch.full((3,), float(k))} for k in range(count)]
    read.clear()
    means = steps.train_epoch(
        learner, optimiser, schedule, PlainFabric(), batches, 0, count=1, min_samples=1
    )
    assert means == {"loss": np.mean(range(count)), "twice": 2 * np.mean(range(count))}
    assert len(read) == 2
