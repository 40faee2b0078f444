"""The parts of a method's folder, for tests of their numbers."""

import importlib
from typing import Any

from rppgbench.core.registry import PACKAGE, load_methods


def part(name: str) -> Any:
    """The module `NAME` ("sinc.network") of the folder of methods."""
    load_methods()  # puts the package of the content in place
    return importlib.import_module(f"{PACKAGE}.methods.{name}")
