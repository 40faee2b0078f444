"""The code behind features, readers, methods, simulated trees."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from rppgbench.core.method import Method
from rppgbench.core.recording import Dataset
from rppgbench.core.registry import PACKAGE
from rppgbench.digests.code_digest import Closure, Part, Sources

EXTRACTOR = "rppgbench.extraction.extractor"
CONDITIONS = "rppgbench.extraction.conditions"
ESTIMATING = "rppgbench.execution.pulse_estimation"
LEARNING = "rppgbench.execution.training_examples"


def extractor_code(sources: Sources) -> Closure:
    """From a video's bytes to features: decoding, face, regions, crops, and the face's networks."""
    return sources.closure(EXTRACTOR)


def condition_code(sources: Sources) -> Closure:
    """What changes frames on their way in."""
    return sources.closure(CONDITIONS)


def method_code(method: Method, sources: Sources) -> Closure:
    """From features to a method's pulse; of one that learns, from examples to its model too."""
    learning = [LEARNING] if method.fit is not None else []
    functions = [f for f in (method.estimate, method.fit, method.versions) if f is not None]
    modules = dict.fromkeys(_home(function) for function in functions)
    return sources.closure(ESTIMATING, *learning, *filter(None, modules))


def reader_code(dataset: Dataset, sources: Sources) -> Closure:
    """From a data set's files to recordings with labels; the writer of its simulation is not in."""
    parts = [_part(dataset, f) for f in (dataset.recordings, dataset.folds) if f is not None]
    homes = dict.fromkeys(part.module for part in parts)
    return sources.closure(*(_joined([p for p in parts if p.module == home]) for home in homes))


def simulation_code(dataset: Dataset, sources: Sources) -> Closure:
    """From a simulation's settings to the files of its tree."""
    assert dataset.simulate is not None
    return sources.closure(_part(dataset, dataset.simulate))


def _part(dataset: Dataset, function: Callable[..., Any]) -> Part:
    """A function of a data set's file, with what it uses there; the declaration is not in."""
    home, name = _home(function), getattr(function, "__qualname__", "")
    names = (name,) if name.isidentifier() else ()
    return Part(home or f"{PACKAGE}.benchmarks.{dataset.name}", names, (dataset.name,))


def _joined(parts: list[Part]) -> Part:
    """Several definitions of one module; the whole module, where one of them cannot be named."""
    names = tuple(name for part in parts for name in part.names)
    return replace(parts[0], names=names if all(part.names for part in parts) else ())


def _home(function: Callable[..., Any]) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__module__", None) or type(function).__module__)
