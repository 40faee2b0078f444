"""The declaration that the networks on pictures and their differences share. No torch."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from rppgbench.core.method import Example, Method, Model, Training, method
from rppgbench.core.waveform import Waveform
from rppgbench.neural.frame_parameters import FrameParameters
from rppgbench.neural.parameters import typed_fit

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork


SMOKE: Mapping[str, Any] = {"crop": "toolbox_36", "clip_s": 2.0, "width": 8, "dense": 32,
                            "epochs": 8, "lr": 5e-3}  # fmt: skip
"""For a laptop: pictures of 36 pixels, a narrow network, short clips and few steps."""

DESCRIPTIONS = {
    "crop": "rule by which the face is cropped.",
    "fs": "frame rate that the network expects, in Hz; others are interpolated.",
    "clip_s": "length of a clip in seconds, in training and at test.",
    "width": "channels of the first layer.",
    "dense": "width of the layer before the last.",
    "scan": '"plain", an array program; or "mamba_ssm", the kernel of that package, on CUDA alone.',
    "layers": "blocks of the network.",
    "depth": "frames that see each other by temporal shifts.",
    "max_speed": "greatest factor by which clips to learn from are played faster or slower.",
    "epochs": "passes over all clips.",
    "batch": "clips in a step.",
    "lr": "highest learning rate of AdamW in its one cycle.",
    "weight_decay": "weight decay of AdamW.",
    "loss": '"pearson", over time; or "pearson_over_batch", as the public code.',
    "rate_term": 'the divergence: "distribution", "peaks" or "toolbox", as above; or "none".',
    "factorise": "scale the features by their factorisation in training.",
    "factorise_at_test": "and at test.",
    "steps": "steps of the factorisation.",
    "residual": "add the scaled features to the features; else they take their place.",
    "form": '"keras", of the benchmark; or "tutorial", of the same authors in PyTorch.',
    "precision": '"auto", "32-true" or "bf16-mixed".',
}

RECIPE = """
The recipe is that of rPPG-Toolbox (X. Liu et al., NeurIPS 2023): AdamW under one cycle of the
learning rate, on pictures and labels normalised over whole recordings. The network gives the
differences of the pulse, which are summed up and detrended: pictures (T, S, S, 3) become a pulse
(T,).
"""

WAVE_RECIPE = """
The recipe is that of the public code, with AdamW under one cycle of the learning rate. The network
gives the pulse itself, and labels are normalised over whole recordings: pictures (T, S, S, 3)
become a pulse (T,).
"""


def frame_method(
    title: str,
    cite: str,
    parameters: type[FrameParameters],
    smoke: Mapping[str, Any] = SMOKE,
    *,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    recipe: str = RECIPE,
) -> Callable[[Callable[[], "FrameNetwork[Any]"]], Method]:
    """Declare a method whose network learns the pulse, or its differences, from pictures.

    The decorated function imports the network, so that a list of methods needs no torch. Its
    docstring describes the network; the recipe and the parameters are added. The fields of
    `parameters` are the keyword parameters of the method's `estimate`.

    Args:
        title: name of the method in tables.
        cite: DOI or reference.
        parameters: record of the parameters with their defaults.
        smoke: the preset "smoke".
        presets: further presets by name.
        recipe: the paragraph on recipe, input and output.

    Returns:
        A decorator that makes the method; its name is the function's.
    """

    def declare(load_network: Callable[[], "FrameNetwork[Any]"]) -> Method:
        def fit(examples: Sequence[Example], training: Training, params: FrameParameters) -> Model:
            return load_network().train(examples, training, params)

        def estimate(clip: Waveform, model: Model, **values: Any) -> Waveform:
            return load_network().estimate(clip, model, parameters(**values))

        for function in (fit, estimate):
            function.__module__ = load_network.__module__
        estimate.__name__ = estimate.__qualname__ = load_network.__name__
        estimate.__doc__ = _docstring(load_network.__doc__ or "", recipe, parameters, presets or ())
        _set_signature(estimate, parameters)
        return method(
            title,
            cite,
            "clip",
            fit=typed_fit(parameters)(fit),
            needs_labels=True,
            needs_pulse=True,
            presets={"smoke": dict(smoke), **(presets or {})},
        )(estimate)

    return declare


def _set_signature(estimate: Callable[..., Waveform], parameters: type[FrameParameters]) -> None:
    """Give `estimate` the record's fields as keyword parameters with their defaults."""
    positional = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
        for name, kind in (("clip", Waveform), ("model", Model))
    ]
    keywords = [
        inspect.Parameter(
            parameter.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=parameter.default,
            annotation=parameter.type,
        )
        for parameter in fields(parameters)
        if parameter.default is not MISSING
    ]
    signature = inspect.Signature([*positional, *keywords], return_annotation=Waveform)
    estimate.__signature__ = signature  # type: ignore[attr-defined]


def _docstring(
    description: str, recipe: str, parameters: type[FrameParameters], presets: Iterable[str]
) -> str:
    names = ", ".join(f'"{name}"' for name in ["paper", *presets])
    descriptions = {"preset": f'{names}; "smoke" or "toy" for a laptop.', **DESCRIPTIONS}
    lines = ["Args:", "    clip: pictures of the face.", "    model: the model that `fit` gave."]
    lines += [f"    {name}: {descriptions[name]}" for name in asdict(parameters())]
    return "\n".join([inspect.cleandoc(description), recipe, *lines])
