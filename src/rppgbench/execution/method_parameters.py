"""The parameters of the methods of a run: presets, epochs and sweeps of the options."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from rppgbench.core.method import Method
from rppgbench.core.method_variants import split_variant, variants_of
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_methods
from rppgbench.execution.run_options import RunOptions
from rppgbench.system.errors import BenchError, unknown_name


def with_members(methods: Iterable[str]) -> list[Method]:
    """Return the known methods among these names and their members.

    Args:
        methods: names of methods.
    """
    available = load_methods().available
    names = [m for name in methods if name in available for m in (name, *available[name].members)]
    return [available[name] for name in sorted(set(names)) if name in available]


def with_sweeps(methods: Iterable[str], options: RunOptions) -> list[str]:
    """Replace each method of which a parameter has several values by its variants.

    Args:
        methods: names of methods.
        options: `sweeps` is used.

    Returns:
        The names, in their order.

    Raises:
        BenchError: a method of the sweep is not run, or has no such parameter.
    """
    names: list[str] = []
    chosen = list(methods)
    for name in options.sweeps:
        load_methods().get("method", name, "--param")
        if name not in chosen:
            raise BenchError(
                f"--param: several values of {name} make rows of their own, and {name} is not "
                "among the methods of this run; add it with --methods"
            )
    for name in chosen:
        sweep = options.sweeps.get(name)
        variants = [name] if sweep is None else list(variants_of(name, sweep))
        for variant in variants:
            method, values = split_variant(variant)
            load_methods().get("method", method, "--param").parameters(values, "--param")
        names += variants
    return names


def declared_parameters(protocol: Protocol, method: str) -> dict[str, Any]:
    """The values that a protocol and the name of a variant give to parameters of a method.

    Args:
        protocol: the protocol as it is run.
        method: name of a method, or of a variant, which has the values of its method too.
    """
    name, values = split_variant(method)
    return {**protocol.params.get(name, {}), **protocol.params.get(method, {}), **values}


def with_preset(
    protocol: Protocol,
    methods: Iterable[str],
    preset: str,
    origin: str,
    kept: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Protocol:
    """Set a preset for those of the methods, and of their members, that have it.

    A value of the protocol gives way to that of the preset.

    Args:
        protocol: the protocol.
        methods: names of methods.
        preset: name of the preset.
        origin: where the names come from, for messages.
        kept: parameters, by method, that keep their values: those of the command line.

    Raises:
        BenchError: a method is unknown, or some methods have presets and none has this one.
    """
    params = {name: dict(values) for name, values in protocol.params.items()}
    all_presets: set[str] = set()
    for name in methods:
        method = load_methods().get("method", name, origin)
        for member in (name, *method.members):
            declared_name = load_methods().get("method", member, origin).declared_name
            presets = load_methods().get("method", declared_name, origin).presets
            all_presets.update({"paper", *presets} if presets else ())
            if presets and (preset == "paper" or preset in presets):
                for key in (declared_name, member):  # a variant has the values of its method too
                    replaced = presets.get(preset, {}).keys() - kept.get(key, {}).keys()
                    declared = params.get(key, {}).items()
                    values = {param: value for param, value in declared if param not in replaced}
                    params[key] = {**values, "preset": preset}
    if all_presets and preset not in all_presets:
        raise unknown_name("preset", preset, all_presets, origin)
    return protocol.model_copy(update={"params": params})


def with_epochs(protocol: Protocol, methods: Iterable[str], epochs: int) -> Protocol:
    """Set the number of epochs of every training and pre-training; a stage left out stays so.

    Args:
        protocol: the protocol.
        methods: names of methods.
        epochs: the number.
    """
    params = {name: dict(values) for name, values in protocol.params.items()}
    for method in with_members(methods):
        values = method.parameters(declared_parameters(protocol, method.name), "--epochs")
        counts = [name for name, value in values.items() if name.endswith("epochs") and value]
        if counts:
            params[method.name] = params.get(method.name, {}) | dict.fromkeys(counts, epochs)
    return protocol.model_copy(update={"params": params})
