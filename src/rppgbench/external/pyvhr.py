"""pyVHR 2.0's methods on the CPU, and how they are loaded.

pyVHR (Boccignone et al., PeerJ Computer Science 2022, 10.7717/peerj-cs.929; github phuselab/pyVHR)
is called as it was installed; nothing of it is copied, for it is under the GPL. What it lacks on a
current Python is put right here, and only while its module is loaded or called:

- It declares no dependencies; `rppgbench[pyvhr]` names the one that its methods need beside ours.
- Its parent packages import all the rest of it (`cusignal`, which PyPI no longer has, TensorFlow,
  MediaPipe, ...): bare packages with its paths stand in for them.
- `BVP/methods.py` imports CuPy and PyTorch, for its variants on a GPU and for `torch_CHROM`. Empty
  modules stand in for both: the variants named `cpu_...` touch neither.
- `cpu_PBV` gives `numpy.linalg.solve` a stack of right-hand sides as (n, 3), which numpy 2 takes
  for one matrix: numpy 1's reading is handed to that function.
- `cpu_SSR` prints what it is at when its pulse is not a number: its prints go nowhere.

A pulse that is not all numbers becomes a NoPulseError, so that the recording's row has a reason.
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
from types import ModuleType
from typing import Any, cast

import numpy as np

from rppgbench.core.waveform import Array, Waveform
from rppgbench.system.errors import BenchError, NoPulseError

PACKAGE = "pyVHR"
MODULE = "pyVHR.BVP.methods"
STAND_INS = ("cupy", "torch")
LICENCE = "code GPL-3.0 (pyVHR's LICENSE file; its classifier on PyPI says BSD)"


def installed() -> None:
    """Return where pyVHR and what its methods need are installed; BenchError says what to do."""
    for name in (PACKAGE, "sklearn"):
        if importlib.util.find_spec(name) is None:
            raise BenchError(f"needs {name}: pip install 'rppgbench[pyvhr]'")


def versions() -> dict[str, str]:
    """Versions of what makes the estimate, beside numpy."""
    return {name: version(name) for name in (PACKAGE, "scikit-learn")}


def run_on_traces(function: str, trace: Waveform, **options: Any) -> Waveform:
    """The pulse of pyVHR's `function` of one trace: (T, 3) to (T,).

    pyVHR takes (estimators, 3, T) and gives (estimators, T); the trace is the one estimator, whole,
    as float64. NoPulseError where pyVHR gives values that are not numbers, or breaks down.
    """
    rgb = np.asarray(trace.samples, np.float64)
    return _pulse(function, np.swapaxes(rgb, 0, 1)[None].copy(), trace, **options)


def run_on_second_moments(moments: Waveform) -> Waveform:
    """The pulse of pyVHR's `cpu_SSR` of the skin's second moments: (T, 3, 3) to (T,).

    SSR takes pictures, (T, rows, columns, 3), and looks at nothing of them but mean v vT over their
    pixels v that are black in no channel. The rows of sqrt(3) times the square root of a matrix are
    three pixels with that mean: so every frame is handed over as a picture of 1 x 3 pixels, exactly
    but for the rounding of pyVHR's float32. Skin pixels of value 0 in a channel, which pyVHR leaves
    out, are in these moments. NoPulseError as in `run_on_traces`.
    """
    values, vectors = np.linalg.eigh(np.asarray(moments.samples, np.float64))
    root = (vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    pixels = np.sqrt(3.0) * root
    pictures = np.where(pixels == 0, np.finfo(np.float32).tiny, pixels)[:, None]
    return _pulse("cpu_SSR", pictures, moments, fps=moments.fs)


def _pulse(function: str, given: Array, clock: Waveform, **options: Any) -> Waveform:
    call = _methods()[function]
    try:
        with (
            np.errstate(all="ignore"),
            warnings.catch_warnings(action="ignore"),  # its JADE works on np.matrix
            contextlib.redirect_stdout(io.StringIO()),
        ):
            pulse = np.asarray(call(given, **options))[0].real
    except (ArithmeticError, IndexError, np.linalg.LinAlgError) as error:
        raise NoPulseError(f"pyVHR's {function} breaks down: {error}") from error
    if not np.isfinite(pulse).all():
        raise NoPulseError(f"pyVHR's {function} gives values that are not numbers here")
    return Waveform(np.array(pulse, np.float64), clock.fs, clock.start_s)


@cache
def _methods() -> dict[str, Callable[..., Any]]:
    """Every function of pyVHR's module of methods, loaded without the rest of the package."""
    importlib.import_module("sklearn.decomposition")  # it looks for PyTorch: before the stand-ins
    with _stand_ins():
        module = importlib.import_module(MODULE)
    functions = {name: value for name, value in vars(module).items() if callable(value)}
    functions["cpu_PBV"] = _with_numpy_1_s_solve(functions["cpu_PBV"])
    return functions


@contextlib.contextmanager
def _stand_ins() -> Iterator[None]:
    """Bare parents and empty optional modules, there while pyVHR is loaded and gone afterwards."""
    installed()
    names = [PACKAGE, MODULE.rpartition(".")[0], *STAND_INS]
    before = {name: sys.modules.get(name) for name in names}
    spec = importlib.util.find_spec(PACKAGE)
    folders = list((spec.submodule_search_locations if spec else None) or [])
    for name in names:
        stand_in = ModuleType(name)
        if name not in STAND_INS:
            inner = name.split(".")[1:]
            stand_in.__path__ = ["/".join([folder, *inner]) for folder in folders]
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        for name in STAND_INS:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if module})


def _with_numpy_1_s_solve(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, in whose eyes `np.linalg.solve(a, b)` takes b (n, 3) for n vectors."""

    def solve(a: Array, b: Array) -> Array:
        return cast(Array, np.linalg.solve(a, b[..., None])[..., 0])

    class Linalg:
        def __getattr__(self, name: str) -> Any:
            return solve if name == "solve" else getattr(np.linalg, name)

    class Numpy:
        linalg = Linalg()

        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

    from types import FunctionType

    original = cast(FunctionType, function)
    return FunctionType(
        original.__code__, {**original.__globals__, "np": Numpy()}, original.__name__
    )
