"""Methods as functions of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rppgbench.core.method import InputKind, Method, Model
from rppgbench.core.model_files import read_model
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.extraction.traces import join_segments
from rppgbench.system.errors import BenchError

SHAPES: dict[str, tuple[int | None, ...]] = {
    "trace": (3,),
    "trace_background": (2, 3),
    "second_moments": (3, 3),
    "mstmap": (63, 6),
    "stmap": (25, 3),
    "stmap_moments": (28, 3),
    "clip": (None, None, 3),
}
"""The shape of one sample of each input; None is any length."""


def input_shape(kind: str) -> str:
    """The shape of an input of T samples in words.

    Examples:
        >>> input_shape("trace"), input_shape("clip")
        ('(T, 3)', '(T, S, S, 3)')
    """
    sizes = ("S" if size is None else str(size) for size in SHAPES[kind])
    return f"({', '.join(('T', *sizes))})"


class MethodFunction:
    """A method that is called with an array and gives a pulse.

    Attributes:
        method: the declaration: title, source, input, parameters with their defaults, presets.
    """

    def __init__(self, method: Method) -> None:
        self.method = method
        self.__name__ = method.name
        self.__doc__ = f"{method.title}. {method.estimate.__doc__ or ''}\n\nSource: {method.cite}"

    def __call__(
        self,
        samples: ArrayLike,
        fs: float,
        *,
        start_s: float = 0.0,
        model: Model | str | Path | None = None,
        **params: Any,
    ) -> Waveform:
        """Estimate the pulse.

        Args:
            samples: the method's input, one row for each sample: (T, 3) mean RGB for most classical
                methods. `method.input` names the input; `rppgbench.core.method.InputKind`
                lists the shapes. A row with NaN is a gap. Each part without a gap has an
                estimate of its own.
            fs: samples per second.
            start_s: time of the first sample, in seconds.
            model: for a method that learns: what it learned, or the folder of a stored model.
            params: parameters of the method in place of the paper's values, or `preset="NAME"`.

        Returns:
            The pulse (T,), NaN in the gaps, at `fs` from `start_s` on.

        Raises:
            ValueError: the shape does not fit, `fs` is not above 0, or the samples are too few.
            BenchError: a parameter is unknown, or a model is missing or not wanted.

        Examples:
            >>> import rppgbench as rb
            >>> rgb = np.random.default_rng(0).normal(100, 1, (300, 3))
            >>> rb.methods.pos(rgb, fs=30.0).samples.shape
            (300,)
        """
        method = self.method
        array = _checked(np.asarray(samples), method)
        if not fs > 0:
            raise ValueError(f"{method.name}: fs is {fs!r}; give the samples per second")
        values = method.parameters(params, f"methods.{method.name}")
        extra = () if (trained := _model(method, model)) is None else (trained,)
        parts = [
            method.estimate(
                Waveform(array[low:high], float(fs), start_s + low / fs), *extra, **values
            )
            for low, high in _whole_parts(array)
        ]
        if not parts:
            raise ValueError(f"{method.name}: every sample has NaN; give at least one whole part")
        return join_segments(parts, start_s, start_s + (len(array) - 1) / fs, parts[0].fs)

    def __repr__(self) -> str:
        return f"<method {self.method.name}: {self.method.title}>"


class Methods:
    """Every method by name, as attributes: `methods.pos`, or `methods["pos"]`."""

    def __getitem__(self, name: str) -> MethodFunction:
        return MethodFunction(load_methods().get("method", name, "methods"))

    def __getattr__(self, name: str) -> MethodFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except BenchError as error:
            raise AttributeError(str(error)) from error

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(load_methods().available))

    def __dir__(self) -> list[str]:
        return list(self)


methods = Methods()
"""Every method by name: `rppgbench.methods.pos(rgb, fs=30.0)`."""


def _checked(array: NDArray[Any], method: Method) -> NDArray[Any]:
    expected = SHAPES[method.input]
    fits = array.ndim == len(expected) + 1 and all(
        size in (None, actual) for size, actual in zip(expected, array.shape[1:], strict=True)
    )
    if not fits or len(array) < 2:
        shape = input_shape(method.input)
        raise ValueError(f"{method.name}: takes {method.input} of shape {shape}, not {array.shape}")
    if method.input == "clip":
        if array.dtype != np.uint8:
            raise ValueError(f"{method.name}: takes clips as uint8, not {array.dtype}")
        return array
    return array.astype(np.float64)


def _whole_parts(array: NDArray[Any]) -> list[tuple[int, int]]:
    """First and last + 1 of each run of samples without NaN."""
    complete = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], complete, [False]]).astype(np.int8)))
    return [(int(low), int(high)) for low, high in edges.reshape(-1, 2)]


def _model(method: Method, model: Model | str | Path | None) -> Model | None:
    if method.fit is None:
        if model is not None:
            raise BenchError(f"methods.{method.name}: does not learn; leave out model=")
        return None
    if model is None:
        raise BenchError(f"methods.{method.name}: learns; give model=, a model or its folder")
    return model if isinstance(model, Model) else read_model(Path(model))


assert set(SHAPES) == set(get_args(InputKind))
