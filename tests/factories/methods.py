"""Methods by name, their estimates, and the modules of their folders."""

import importlib
from typing import Any

from rppgbench.core.method import Method
from rppgbench.core.registry import PACKAGE, load_methods
from rppgbench.core.waveform import Waveform


def method_named(name: str) -> Method:
    """The method of that name in `methods/`."""
    return load_methods().get("method", name, "test")


def estimate(name: str, signal: Waveform, **params: Any) -> Waveform:
    """What a method makes of a signal, with the values of its other parameters by default."""
    method = method_named(name)
    return method.estimate(signal, **method.parameters(params))


def part(name: str) -> Any:
    """The module `NAME` ("sinc.network") of the folder of methods."""
    load_methods()  # puts the package of the content in place
    return importlib.import_module(f"{PACKAGE}.methods.{name}")
