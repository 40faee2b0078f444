"""What is run, chosen from a protocol and the options before any data is looked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rppgbench.core.controls import CONTROLS
from rppgbench.core.features import REGIONS
from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import find_toml, load_datasets, load_methods
from rppgbench.execution.fold_layout import check_folds, check_split
from rppgbench.execution.input_checks import check_inputs
from rppgbench.execution.job_dependencies import WITHOUT_REGION
from rppgbench.execution.method_groups import METHOD_GROUPS, expand_groups
from rppgbench.execution.method_parameters import (
    with_epochs,
    with_members,
    with_preset,
    with_sweeps,
)
from rppgbench.execution.run_options import RunOptions, refuse_unused
from rppgbench.system.errors import BenchError, unknown_name


def declared_protocol(name: str, options: RunOptions) -> Protocol:
    """Read a protocol and replace in it what the options state.

    Args:
        name: the protocol.
        options: `train`, `test`, `regions`, `controls`, `seeds`, `params` and the size of the
            simulation are used.

    Raises:
        BenchError: the protocol or a data set is unknown, or the split is of other data sets.
    """
    file = find_toml("protocols", "protocol", name, "--protocol")
    protocol = read_protocol(file)
    changes: dict[str, Any] = {}
    for part, dataset in (("train", options.train), ("test", options.test)):
        if dataset:
            load_datasets().get("data set", dataset, f"--{part}")
            changes[part] = [dataset]
    changes |= selection_changes(protocol, options)
    for region in options.regions:
        if region not in REGIONS:
            raise unknown_name("region", region, REGIONS, "--region")
    if options.regions:
        changes["regions"] = list(options.regions)
    for control in options.controls:
        if control not in CONTROLS:
            raise unknown_name("control", control, CONTROLS, "--controls")
    if options.controls:
        changes["controls"] = list(dict.fromkeys(options.controls))
    size = {
        "subjects": options.subjects,
        "seconds": options.seconds,
        "difficulty": options.difficulty,
    }
    size = {key: value for key, value in size.items() if value is not None}
    if size:
        changes["simulation"] = protocol.simulation.model_copy(update=size)
    if changes.keys() & {"train", "test"} and protocol.split != "whole":
        raise BenchError(
            f"{file}: its split {protocol.split!r} is of its own data sets; "
            "--train and --test go with a protocol whose split is 'whole', such as cross"
        )
    return protocol.model_copy(update=changes)


def selection_changes(protocol: Protocol, options: RunOptions) -> dict[str, Any]:
    """Return what the options change of seeds and parameters in a protocol.

    Args:
        protocol: the protocol.
        options: `seeds` and `params` are used.

    Raises:
        BenchError: a method or a parameter is unknown, or a value is of another kind.
    """
    changes: dict[str, Any] = {}
    if options.seeds:
        changes["seeds"] = list(options.seeds)
    if options.params:
        params = {name: dict(values) for name, values in protocol.params.items()}
        for name, values in options.params.items():
            params[name] = {**params.get(name, {}), **values}
            load_methods().get("method", name, "--param").parameters(params[name], "--param")
        changes["params"] = params
    return changes


@dataclass(frozen=True, kw_only=True)
class RunChoice:
    """What is chosen of a run before any data is looked for.

    Attributes:
        protocol: the protocol with all options.
        methods: names of the methods.
        left_out: a line on each method that is left out.
        origin: where the names of the methods come from, for messages.
    """

    protocol: Protocol
    methods: list[str]
    left_out: list[str]
    origin: str


def choose_run(protocol: Protocol, name: str, options: RunOptions) -> RunChoice:
    """Choose the methods and parameters of a run; no data is looked for.

    Args:
        protocol: the protocol, with what `declared_protocol` replaces.
        name: its name.
        options: the options of the run.

    Raises:
        BenchError: a name is unknown, or an option has no effect.
    """
    file = f"protocols/{name}.toml"
    origin = "--methods" if options.methods else file
    methods, left_out = choose_methods(protocol, options, origin)
    check_inputs(protocol, [method.name for method in with_members(methods)], origin)
    check_learning_options(methods, options)
    if options.regions and all(m.input in WITHOUT_REGION for m in with_members(methods)):
        raise BenchError(
            f"--region: has no effect: none of {', '.join(methods)} averages a region of skin; "
            "leave it out"
        )
    if options.preset:
        protocol = with_preset(protocol, methods, options.preset, "--preset", options.params)
    if options.epochs is not None:
        protocol = with_epochs(protocol, methods, options.epochs)
    for evaluator in protocol.evaluators:
        find_toml("protocols/evaluators", "evaluator", evaluator, file)
    check_split(protocol, file)
    check_folds(protocol, options.folds, "--folds")
    return RunChoice(protocol=protocol, methods=methods, left_out=left_out, origin=origin)


def choose_methods(
    protocol: Protocol, options: RunOptions, origin: str
) -> tuple[list[str], list[str]]:
    """Choose the methods of a run before any data is read or simulated.

    A protocol and a group of methods (`METHOD_GROUPS`) run with the methods that are available. The
    methods of a group that need another input than the protocol has are left out too. Methods that
    `--methods` names have to be there.

    Args:
        protocol: the protocol as it is run.
        options: `methods` and `sweeps` are used.
        origin: where the names come from, for messages.

    Returns:
        The names of the methods, and a line on those that are left out, for each reason.

    Raises:
        BenchError: a method is unknown, or a package that it needs is missing.
    """
    named = list(options.methods or protocol.methods)
    registry = load_methods()
    known = [*registry.available, *registry.unavailable, *METHOD_GROUPS]
    for name in named:
        if name not in known:
            raise unknown_name("method", name, known, origin)
    methods = expand_groups(named)
    if not methods:
        raise BenchError(
            f"{origin}: no method of {', '.join(named)} is available; see `bench list methods`"
        )
    missing = {
        name: unavailable.reason
        for name, unavailable in load_methods().unavailable.items()
        if not (options.methods and name in named)
    }
    in_group = [name for name in methods if name not in named and name not in missing]
    missing |= _unfitting(protocol, in_group, origin)
    left_out = [name for name in methods if name in missing]
    if len(left_out) < len(methods):
        methods = [name for name in methods if name not in left_out]
    for name in methods:
        method = load_methods().get("method", name, origin)
        if method.versions is not None:
            method.versions()  # raises where a package of other people is missing
    names_of_reason: dict[str, list[str]] = {}
    for name in left_out:
        names_of_reason.setdefault(missing[name], []).append(name)
    lines = [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} left out: {reason}"
        for reason, names in names_of_reason.items()
    ]
    return with_sweeps(methods, options), lines


def _unfitting(protocol: Protocol, methods: Iterable[str], origin: str) -> dict[str, str]:
    """Why methods cannot get their input under a protocol, by method."""
    reasons = {}
    for name in methods:
        try:
            check_inputs(protocol, [member.name for member in with_members([name])], origin)
        except BenchError as fault:
            reasons[name] = str(fault)
    return reasons


def check_learning_options(methods: Iterable[str], options: RunOptions) -> None:
    """Refuse options of trainings where no method learns.

    Args:
        methods: the methods of the run.
        options: the options of the run.

    Raises:
        BenchError: an option has no effect.
    """
    members = with_members(methods)
    if not any(method.fit is not None and not method.baseline for method in members):
        refuse_unused(options, ["every_epoch", "devices", "epochs"], "where no method learns")
    if not any(method.presets for method in members):
        refuse_unused(options, ["preset"], "on methods without presets")
