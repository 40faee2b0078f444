"""The preparation of a run: from the name of a protocol and run options to a plan."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.roots import check_roots, data_root, simulated_root
from rppgbench.execution.executors import load_executor
from rppgbench.execution.job_dependencies import uses_networks
from rppgbench.execution.method_parameters import with_members
from rppgbench.execution.plan_contamination import compare_sides, frame_warnings
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.planner import make_plan
from rppgbench.execution.run_choice import choose_run, declared_protocol
from rppgbench.execution.run_options import RunOptions, refuse_unused
from rppgbench.extraction.conditions import keeps_video
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError
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
