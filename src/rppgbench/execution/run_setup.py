"""The preparation of a run: from the name of a protocol and run options to a plan."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rppgbench.core.controls import CONTROLS
from rppgbench.core.features import REGIONS
from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import find_toml, load_datasets, load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.roots import data_root, simulated_root
from rppgbench.execution.executors import load_executor
from rppgbench.execution.fold_layout import check_folds, check_split
from rppgbench.execution.input_checks import check_inputs
from rppgbench.execution.job_dependencies import WITHOUT_REGION, uses_networks
from rppgbench.execution.method_groups import METHOD_GROUPS, expand_groups
from rppgbench.execution.method_parameters import (
    with_epochs,
    with_members,
    with_preset,
    with_sweeps,
)
from rppgbench.execution.plan_contamination import compare_sides, frame_warnings
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.run_options import RunOptions, refuse_unused
from rppgbench.extraction.conditions import keeps_video
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.system.folders import require_writable

Log = Callable[[str], None]
RESULTS = Path("results")
"""The folder of results folders, in the current folder."""

SIMULATED = "-simulated"
"""The end of the name of a results folder of simulated recordings."""


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """The plan, the results folder and the options of a run; no output is written yet."""

    plan: Plan
    store: Store
    options: RunOptions


def prepare_run(name: str, options: RunOptions, out: Path | None, log: Log) -> PreparedRun:
    """Check the options of a run against its protocol, find the data, and plan the run.

    Args:
        name: the protocol, as `bench list protocols` shows it.
        options: the options of the run.
        out: the results folder; None for `results/NAME`, or `results/NAME-simulated`.
        log: takes lines that begin with "note: " or "warning: ".

    Raises:
        BenchError: a name is unknown, an option has no effect or is refused, data is missing.
    """
    protocol = declared_protocol(name, options)
    check_options(protocol, name, options)
    folder = _expected_folder(name, options, out)
    if folder is not None:
        Store(folder).require_joinable(protocol.model_dump(mode="json"))
    load_executor(options.executor).check_options(options)
    require_writable(out or RESULTS, "--out")
    if options.keep_videos is not None:
        require_writable(options.keep_videos, "--keep-videos")
    plan = plan_run(protocol, name, options, log)
    simulated = any(recording.simulated for recording in plan.recordings.values())
    folder = out or RESULTS / f"{name}{SIMULATED if simulated else ''}"
    if options.keep_videos is not None:
        options = replace(options, keep_videos=options.keep_videos.resolve())
    for note in plan.notes:
        log(f"note: {note}")
    return PreparedRun(plan=plan, store=Store(folder), options=options)


def _expected_folder(name: str, options: RunOptions, out: Path | None) -> Path | None:
    """The results folder, where it is known before any data is found or simulated."""
    if out is not None:
        return out
    return RESULTS / f"{name}{SIMULATED}" if options.simulate else None


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


def check_options(protocol: Protocol, name: str, options: RunOptions) -> None:
    """Refuse options that have no effect under a protocol.

    Args:
        protocol: the protocol as it is run.
        name: its name.
        options: the options of the run.

    Raises:
        BenchError: an option has no effect.
    """
    check_roots(options.data, protocol.datasets, f"protocol {name}")
    if options.simulate:
        refuse_unused(options, ["data"], "beside --simulate, which makes the data")
    available = load_datasets().available
    simulated = [
        name for name in protocol.datasets if name in available and available[name].only_simulated
    ]
    if options.keep_videos and not any(keeps_video(c) for c in protocol.conditions):
        raise BenchError(
            f"--keep-videos: protocols/{name}.toml recompresses no video, so there is none to keep"
        )
    if not options.simulate and not set(simulated) - options.data.keys():
        refuse_unused(options, ["subjects", "seconds", "difficulty"], "without --simulate")


def check_roots(roots: Mapping[str, Path], datasets: Iterable[str], user: str) -> None:
    """Refuse roots of data sets that are not used.

    Args:
        roots: root of each data set.
        datasets: names of the data sets that are used.
        user: what uses them, for the message.

    Raises:
        BenchError: a data set is unknown, or not used.
    """
    names = list(dict.fromkeys(datasets))
    for name in roots:
        load_datasets().get("data set", name, "--data")
        if name not in names:
            raise BenchError(f"--data: {name} has no effect: {user} uses {', '.join(names)}")


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


def plan_run(protocol: Protocol, name: str, options: RunOptions, log: Log) -> Plan:
    """Choose the methods and find the data of a run, and plan it.

    Args:
        protocol: the protocol, with what `declared_protocol` replaces.
        name: its name.
        options: the options of the run.
        log: takes lines that begin with "note: " or "warning: ".

    Raises:
        BenchError: a name is unknown, an option has no effect, data is missing.
    """
    choice = choose_run(protocol, name, options)
    protocol, methods = choice.protocol, choice.methods
    device = network_device(options, methods)
    roots = find_roots(protocol, methods, options, f"protocols/{name}.toml", log)
    if device and options.device == "auto":
        log(f"note: networks compute on {device} (--device auto)")
    listing = Catalog(options.cache, lambda line: log(f"note: {line}"))
    plan = make_plan(
        protocol,
        name,
        roots,
        methods=methods,
        seeds=protocol.seeds,
        location=choice.origin,
        listing=listing,
        device=device or "cpu",
        chosen_folds=options.folds,
    )
    comparison = compare_sides(plan, listing, options.cache)
    for line in frame_warnings(plan, options.cache):
        log(f"warning: {line}")
    contamination, notes = (
        ({}, []) if comparison is None else (comparison.to_dict(), comparison.notes)
    )
    return replace(plan, contamination=contamination, notes=(*plan.notes, *notes, *choice.left_out))


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


def network_device(options: RunOptions, methods: Sequence[str]) -> str:
    """Return the kind of device of the networks among these methods; "" where there is none.

    PyTorch is imported only where there are networks.

    Args:
        options: the executor and the device.
        methods: names of methods.

    Raises:
        BenchError: the device is missing.
    """
    if not uses_networks(with_members(methods)):
        if options.device in {"cuda", "mps"}:
            raise BenchError(
                f"--device {options.device}: has no effect: none of {', '.join(methods)} computes "
                "with a network; leave it out"
            )
        return ""
    return load_executor(options.executor).network_device(options)


def find_roots(
    protocol: Protocol,
    methods: Iterable[str],
    options: RunOptions,
    origin: str,
    log: Log,
    *,
    simulate: bool | None = None,
) -> dict[str, Path]:
    """Find the root of each data set that methods need; simulate those that are to be simulated.

    Args:
        protocol: the protocol.
        methods: the methods that are run; pre-training sets of other methods are not looked for.
        options: roots that are stated, and the cache, in which simulated data sets lie.
        origin: where the names come from, for messages.
        log: takes lines that begin with "note: " or "warning: ".
        simulate: simulate all data sets; None takes `options.simulate`.

    Returns:
        The root of each data set by name.

    Raises:
        BenchError: a data set is unknown, or its data is missing.
    """
    everything = options.simulate if simulate is None else simulate
    roots = {}
    for name in protocol.datasets_of(method.name for method in with_members(methods)):
        dataset = load_datasets().get("data set", name, origin)
        if everything or (dataset.only_simulated and name not in options.data):
            from rppgbench.simulation import SimulationPlan

            s = protocol.simulation
            plan = SimulationPlan(
                subjects=s.subjects, seconds=s.seconds, seed=s.seed, difficulty=s.difficulty
            )
            roots[name] = simulated_root(
                dataset, plan, options.cache, tell=log, quiet=options.quiet
            )
        else:
            roots[name] = data_root(dataset, options.data, tell=log)
    return roots
