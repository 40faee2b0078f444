"""Find the code behind features, readers, methods, imports and simulated trees."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

from rppgbench.core.method import Method
from rppgbench.core.recording import Dataset
from rppgbench.core.registry import PACKAGE
from rppgbench.digests.code_digest import Closure, Part, Sources
from rppgbench.digests.module_places import OWN

EXTRACTOR = "rppgbench.extraction.extractor"
CONDITIONS = "rppgbench.extraction.conditions"
CONTROLS = "rppgbench.extraction.control_inputs"
ESTIMATING = "rppgbench.execution.pulse_estimation"
LEARNING = "rppgbench.execution.training_examples"
LABELS = "rppgbench.datasets.checked_labels"
IMPORTING = (
    "rppgbench.predictions.opening",
    "rppgbench.importing.signals",
    "rppgbench.importing.references",
)
FORMATS = "rppgbench.predictions.formats"
SCORING = (
    "rppgbench.evaluation.scores",
    "rppgbench.evaluation.ensembles",
    "rppgbench.evaluation.leakage",
    "rppgbench.evaluation.summary",
    "rppgbench.evaluation.paired_differences",
    "rppgbench.evaluation.controls",
    "rppgbench.evaluation.skill",
    "rppgbench.evaluation.hypotheses",
)


def extractor_code(sources: Sources) -> Closure:
    """From a video's bytes to features: decoding, face, regions, crops, and the face's networks."""
    return sources.closure(EXTRACTOR)


def condition_code(sources: Sources) -> Closure:
    """What changes frames on their way in."""
    return sources.closure(CONDITIONS)


def scoring_code(sources: Sources) -> Closure:
    """From waveforms to heart rates, errors, their summary, and what became of hypotheses."""
    return sources.closure(*SCORING)


def control_code(sources: Sources) -> Closure:
    """What takes the pulse out of the features of a recording."""
    return sources.closure(CONTROLS)


def method_code(method: Method, sources: Sources) -> Closure:
    """Find the code of a method.

    The code leads from features to a pulse; of a method that learns, also from examples to a model.

    Args:
        method: the method.
        sources: reads the modules.

    Returns:
        All parts of the code.
    """
    learning = [LEARNING] if method.fit is not None else []
    functions = [f for f in (method.estimate, method.fit, method.versions) if f is not None]
    homes = filter(None, [_module_name(function) for function in functions])
    starts = [
        _method_part(method, module)
        for module in dict.fromkeys([*_find_declaring_module(method, sources), *homes])
    ]
    return sources.closure(ESTIMATING, *learning, *starts)


def _find_declaring_module(method: Method, sources: Sources) -> list[str]:
    """The module that declares a method: of its name, or of the beginning of it."""
    parts = method.declared_name.split("_")
    names = ("_".join(parts[:end]) for end in range(len(parts), 0, -1))
    modules = (f"{PACKAGE}.methods.{name}" for name in names)
    return [module for module in modules if sources.declares(module)][:1]


def _method_part(method: Method, module: str) -> Part:
    """The whole module or, of a file that declares several methods, what this method uses there."""
    folder, _, stem = module.rpartition(".")
    if folder != f"{PACKAGE}.methods" or stem == method.declared_name:
        return Part(module)
    declared = vars(sys.modules[module]) if module in sys.modules else {}
    methods = (name for name, value in declared.items() if isinstance(value, Method))
    declared_name = method.declared_name
    return Part(module, (declared_name,), tuple(name for name in methods if name != declared_name))


def reader_code(dataset: Dataset, sources: Sources) -> Closure:
    """Find the code that reads a data set, from its files to recordings with references.

    The check of labels and their comparison with the frames are part of it, whoever wrote the
    reader. The writer of its simulation is not.

    Args:
        dataset: the data set.
        sources: reads the modules.

    Returns:
        All parts of the code.
    """
    return _functions_code(dataset, sources, dataset.recordings, dataset.folds, also=(LABELS,))


def import_code(formats: Sequence[str], sources: Sources) -> Closure:
    """Find the code that reads predictions and sets them beside references.

    Args:
        formats: names of the formats of predictions that are read.
        sources: reads the modules.

    Returns:
        All parts of the code.
    """
    return sources.closure(*IMPORTING, *(f"{FORMATS}.{name}" for name in formats))


def simulation_code(dataset: Dataset, sources: Sources) -> Closure:
    """Find the code that simulates a data set, from the settings to the files of the tree.

    Args:
        dataset: the data set; it has a `simulate`.
        sources: reads the modules.

    Returns:
        All parts of the code.
    """
    assert dataset.simulate is not None
    return _functions_code(dataset, sources, dataset.simulate, also=())


def _functions_code(
    dataset: Dataset,
    sources: Sources,
    *functions: Callable[..., Any] | None,
    also: Sequence[str],
) -> Closure:
    """Functions of a data set's file, with what they use there, and the modules of `also`.

    The declaration is not in.

    Where one of them is not simply a function of that file (one that a factory makes, a `partial`,
    a lambda), the declaration says what it is, and so counts with the code that it uses. Of a
    callable record of the library (`FolderListing`, `SimulatedWriter`) the functions in its fields
    count.
    """
    declaring = f"{PACKAGE}.benchmarks.{dataset.name}"
    callables = [function for function in functions if function is not None]
    records = [function for function in callables if _is_record(function)]
    callables += [value for record in records for value in _fields(record) if callable(value)]
    elsewhere = [Part(home) for f in callables if (home := _module_name(f)) and home != declaring]
    if not sources.declares(declaring):
        return sources.closure(
            *_joined_parts([Part(_module_name(f), _names(f)) for f in callables]), *also
        )
    names = [name for f in callables if _module_name(f) == declaring for name in _names(f)]
    if len(names) + len(records) == len(callables):
        return sources.closure(
            Part(declaring, tuple(names), (dataset.name,)),
            *(Part(_module_name(r)) for r in records),
            *also,
        )
    return sources.closure(Part(declaring, (dataset.name,)), *elsewhere, *also)


def _is_record(function: Callable[..., Any]) -> bool:
    is_own = type(function).__module__.startswith(f"{OWN}.")
    return is_own and is_dataclass(function)


def _fields(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in fields(record)]


def _joined_parts(parts: list[Part]) -> list[Part]:
    """Parts of the same module as one: the whole module, where one of them has no name there."""
    out = []
    for home in dict.fromkeys(part.module for part in parts if part.module):
        same = [part for part in parts if part.module == home]
        names = tuple(name for part in same for name in part.names)
        out.append(replace(same[0], names=names if all(part.names for part in same) else ()))
    return out


def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The name by which a module holds a function; empty where it holds none, or another."""
    name = getattr(function, "__qualname__", "")
    module = sys.modules.get(_module_name(function))
    is_there = name.isidentifier() and getattr(module, name, None) is function
    return (name,) if is_there else ()


def _module_name(function: Callable[..., Any]) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__module__", None) or type(function).__module__)
