"""Declare and run the methods of pyVHR 2.0 on the CPU.

pyVHR (Boccignone et al., PeerJ Computer Science 2022, 10.7717/peerj-cs.929; github phuselab/pyVHR)
is called as it was installed. None of its code is copied, because it is under the GPL. This module
works around its faults on a current Python, only while pyVHR is loaded or called:

- pyVHR declares no dependencies; the extra `rppgbench[pyvhr]` names scikit-learn, the only one that
  its methods need beside the dependencies of this package.
- Its parent packages import the rest of it (`cusignal`, which PyPI no longer has, TensorFlow,
  MediaPipe, ...): empty packages with the same paths replace them.
- `BVP/methods.py` imports CuPy and PyTorch for its variants on a GPU and for `torch_CHROM`. Empty
  modules replace both: the functions named `cpu_...` use neither.
- `cpu_PBV` gives `numpy.linalg.solve` a stack of right-hand sides as (n, 3), which numpy 2 takes
  for one matrix: that function is given the behaviour of numpy 1.
- `cpu_SSR` prints where its pulse is not a number: what pyVHR prints is discarded.

A pulse with values that are not numbers becomes a NoPulseError, so the row of the recording has a
reason.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from types import FunctionType, ModuleType
from typing import Any, cast

import numpy as np

from rppgbench.core.method import Method, method
from rppgbench.core.waveform import Array, Waveform
from rppgbench.system.errors import BenchError, NoPulseError

PACKAGE = "pyVHR"
MODULE = "pyVHR.BVP.methods"
EMPTY_MODULES = ("cupy", "torch")
LICENCE = "code GPL-3.0 (pyVHR's LICENSE file; its classifier on PyPI says BSD)"


def check_installed() -> None:
    """Return if pyVHR and scikit-learn are installed; BenchError says what to install."""
    for name in (PACKAGE, "sklearn"):
        if importlib.util.find_spec(name) is None:
            raise BenchError(f"needs {name}: pip install 'rppgbench[pyvhr]'")


def versions() -> dict[str, str]:
    """Versions of the packages that compute the pulse, beside numpy."""
    return {name: version(name) for name in (PACKAGE, "scikit-learn")}


def declare_trace_method(
    home: str,
    name: str,
    function: str,
    *,
    title: str,
    cite: str,
    about: str,
    takes_fps: bool = False,
    **options: Any,
) -> Method:
    """Declare one of pyVHR's methods on the mean RGB of a region.

    Args:
        home: `__name__` of the module that declares the method.
        name: name of the method; the variable that holds the declaration has the same name.
        function: pyVHR's function, such as `cpu_POS`.
        title: name of the method in pyVHR's documentation; tables show it with "(pyVHR)".
        cite: publication of the method.
        about: one sentence on what the function computes.
        takes_fps: whether the function takes the sampling rate as `fps`.
        options: further keyword arguments of the function.

    Returns:
        The method; pyVHR itself is loaded at the first estimate.
    """

    def estimate(trace: Waveform) -> Waveform:
        rate = {"fps": trace.fs} if takes_fps else {}
        return run_on_trace(function, trace, **rate, **options)

    estimate.__module__, estimate.__name__ = home, name
    estimate.__doc__ = f"""{about}

    pyVHR's `{function}` on the mean RGB (T, 3) of the region, without pyVHR's filters: the
    evaluator `pyvhr` has those. The pulse (T,) has the sign and scale that pyVHR gives it. See
    `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    declare = method(
        f"{title} (pyVHR)", cite, licence=LICENCE, versions=versions, requires=check_installed
    )
    return declare(estimate)


def declare_ssr(home: str, name: str, *, cite: str) -> Method:
    """Declare pyVHR's SSR (2SR) on the second moments of a region.

    Args:
        home: `__name__` of the module that declares the method.
        name: name of the method; the variable that holds the declaration has the same name.
        cite: publication of the method.
    """

    def estimate(moments: Waveform) -> Waveform:
        """The rotation of the skin pixels' subspace, with the eigenvector signs of LAPACK.

        pyVHR's `cpu_SSR` on frames of three pixels that have the second moments (T, 3, 3) of the
        region: the function uses nothing else of a frame. The pulse (T,) has the sign and scale
        that pyVHR gives it; it flips at random where LAPACK flips an eigenvector. See
        `rppgbench.external.pyvhr`.

        Raises:
            NoPulseError: pyVHR gives values that are not numbers, or the segment is shorter than a
                second.
        """
        return run_on_second_moments(moments)

    estimate.__module__, estimate.__name__ = home, name
    declare = method(
        "SSR (pyVHR)",
        cite,
        "second_moments",
        licence=LICENCE,
        versions=versions,
        requires=check_installed,
    )
    return declare(estimate)


def run_on_trace(function: str, trace: Waveform, **options: Any) -> Waveform:
    """Run one of pyVHR's functions on a mean RGB trace.

    pyVHR takes (estimators, 3, T) and gives (estimators, T): the trace is the only estimator, at
    its full length, as float64.

    Args:
        function: name of the function in `pyVHR.BVP.methods`.
        trace: mean RGB (T, 3).
        options: further keyword arguments of the function.

    Returns:
        The pulse (T,) on the clock of the trace.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers, or fails.
    """
    rgb = np.asarray(trace.samples, np.float64)
    return _run(function, np.swapaxes(rgb, 0, 1)[None].copy(), trace, **options)


def run_on_second_moments(moments: Waveform) -> Waveform:
    """Run pyVHR's `cpu_SSR` on second moments (T, 3, 3); the pulse is (T,).

    SSR takes frames (T, rows, columns, 3) and uses only the mean of v vT over the pixels v that are
    black in no channel. Three pixels with that mean M are the rows of sqrt(3) M^(1/2), because
    (1/3) (sqrt(3) M^(1/2))^T (sqrt(3) M^(1/2)) = M. So each frame is given as an image of 1 x 3
    pixels, which is exact up to the rounding of pyVHR's float32. The moments include pixels that
    are 0 in a channel; pyVHR leaves those out of a frame.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers, or fails.
    """
    values, vectors = np.linalg.eigh(np.asarray(moments.samples, np.float64))
    root = (vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    pixels = np.sqrt(3.0) * root
    frames = np.where(pixels == 0, np.finfo(np.float32).tiny, pixels)[:, None]
    return _run("cpu_SSR", frames, moments, fps=moments.fs)


def _run(function: str, signal: Array, clock: Waveform, **options: Any) -> Waveform:
    call = _load_functions()[function]
    try:
        with (
            np.errstate(all="ignore"),
            warnings.catch_warnings(action="ignore"),  # its JADE works on np.matrix
            contextlib.redirect_stdout(io.StringIO()),
        ):
            pulse = np.asarray(call(signal, **options))[0].real
    except (ArithmeticError, IndexError, np.linalg.LinAlgError) as error:
        raise NoPulseError(f"pyVHR's {function} fails: {error}") from error
    if not np.isfinite(pulse).all():
        raise NoPulseError(f"pyVHR's {function} gives values that are not numbers here")
    return Waveform(np.array(pulse, np.float64), clock.fs, clock.start_s)


@cache
def _load_functions() -> dict[str, Callable[..., Any]]:
    """Every function of pyVHR's module of methods, loaded without the rest of the package."""
    importlib.import_module("sklearn.decomposition")  # looks for PyTorch: before the empty modules
    with _replaced_modules():
        module = importlib.import_module(MODULE)
    functions = {name: value for name, value in vars(module).items() if callable(value)}
    functions["cpu_PBV"] = _with_solve_of_numpy_1(functions["cpu_PBV"])
    return functions


@contextlib.contextmanager
def _replaced_modules() -> Iterator[None]:
    """Replace pyVHR's parent packages and optional imports while pyVHR is loaded."""
    check_installed()
    names = [PACKAGE, MODULE.rpartition(".")[0], *EMPTY_MODULES]
    before = {name: sys.modules.get(name) for name in names}
    spec = importlib.util.find_spec(PACKAGE)
    folders = list((spec.submodule_search_locations if spec else None) or [])
    for name in names:
        replacement = ModuleType(name)
        if name not in EMPTY_MODULES:
            inner = name.split(".")[1:]
            replacement.__path__ = ["/".join([folder, *inner]) for folder in folders]
        sys.modules[name] = replacement
    try:
        yield
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        for name in EMPTY_MODULES:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if module})


def _with_solve_of_numpy_1(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of the function for which `np.linalg.solve(a, b)` takes b (n, 3) as n vectors."""

    def solve(a: Array, b: Array) -> Array:
        return cast(Array, np.linalg.solve(a, b[..., None])[..., 0])

    class Linalg:
        def __getattr__(self, name: str) -> Any:
            return solve if name == "solve" else getattr(np.linalg, name)

    class Numpy:
        linalg = Linalg()

        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

    original = cast(FunctionType, function)
    return FunctionType(
        original.__code__, {**original.__globals__, "np": Numpy()}, original.__name__
    )
