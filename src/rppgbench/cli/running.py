"""bench run and bench report."""

import argparse
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rppgbench.analysis.build_report import build_report
from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.options import (
    device_of,
    folder_for_output,
    given_roots,
    means_of,
    without_effect,
)
from rppgbench.cli.terminal import answer, tell
from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import find_toml, load_datasets, load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.roots import cache_folder, data_root, simulated_root
from rppgbench.execution.planner import Plan, make_plan
from rppgbench.execution.runner import RunSummary, run
from rppgbench.extraction.conditions import keeps_video
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError, one_line, unknown_name
from rppgbench.system.process_state import tell_of_a_crash
from rppgbench.system.progress import format_duration


def run_protocol(args: argparse.Namespace) -> int:
    """Do what is missing of a protocol, then score and render all of it."""
    protocol = _protocol(args)
    _check_options(protocol, args)
    means = means_of(args, cache_folder(args.cache))
    plan = _plan(protocol, args)
    simulated = any(recording.simulated for recording in plan.recordings.values())
    out = args.out or Path("results") / f"{args.protocol}{'-simulated' if simulated else ''}"
    store = Store(folder_for_output(out))
    videos = _folder_for_videos(args.keep_videos)
    means = replace(
        means, every_epoch=args.every_epoch, videos=videos, retry_failed=args.retry_failed
    )
    for note in plan.notes:
        _note(note)
    tell_of_a_crash()
    tally = run(plan, store, means, _note)
    n: list[str] = []
    warnings: list[str] = []
    page = build_report(store, out / "report.html", tell=n.append, warn=warnings.append)
    _tell(tally, plan, page, n, warnings)
    return SOME_FAILED if tally.failed else DONE


def _check_options(protocol: Protocol, args: argparse.Namespace) -> None:
    """BenchError for options that go together with others, and here have no effect."""
    used = [*protocol.pretrain, *protocol.train, *protocol.test]
    roots = given_roots(args.data, used, f"protocol {args.protocol}")
    if args.simulate:
        without_effect(args, ["data"], "beside --simulate, which makes the data")
    known = load_datasets().found
    made = [name for name in used if name in known and known[name].only_simulated]
    if args.keep_videos and not any(keeps_video(one) for one in protocol.conditions):
        raise BenchError(
            f"--keep-videos: protocols/{args.protocol}.toml recompresses no video, so there is "
            "none to keep"
        )
    if not args.simulate and not set(made) - roots.keys():
        without_effect(args, ["subjects", "seconds", "difficulty"], "without --simulate")


def _check_methods(methods: Iterable[str], args: argparse.Namespace) -> None:
    """BenchError for options of learning where no method learns."""
    found = load_methods().found
    members = [found[m] for name in methods for m in (name, *found[name].members) if m in found]
    told = "where no method learns"
    if not any(method.fit is not None and not method.baseline for method in members):
        without_effect(args, ["every-epoch"], told)
        if args.devices > 1:
            without_effect(args, ["devices"], told)
    if not any(method.presets for method in members):
        without_effect(args, ["preset"], "on methods without presets")


def _note(line: str) -> None:
    tell(f"note: {one_line(line)}")


def _folder_for_videos(folder: Path | None) -> Path | None:
    """Where recompressed videos are kept, if anywhere."""
    return None if folder is None else folder_for_output(folder).resolve()


def write_report_again(args: argparse.Namespace) -> int:
    """Score the stored estimates and write the page."""
    page = args.out or args.results / "report.html"
    store = Store(args.results)
    written = build_report(
        store,
        page,
        evaluator=args.evaluator,
        partial=args.partial,
        command=args.command_line,
        tell=lambda line: answer(one_line(line)),
    )
    answer(one_line(os.fspath(written)))
    return DONE


def _protocol(args: argparse.Namespace) -> Protocol:
    file = find_toml("protocols", "protocol", args.protocol, "--protocol")
    protocol = read_protocol(file)
    change: dict[str, Any] = {}
    for side in ("train", "test"):
        if getattr(args, side):
            load_datasets().get("data set", getattr(args, side), f"--{side}")
            change[side] = [getattr(args, side)]
    if args.seed is not None:
        change["seeds"] = [args.seed]
    simulation = {
        key: getattr(args, key)
        for key in ("subjects", "seconds", "difficulty")
        if getattr(args, key) is not None
    }
    if simulation:
        change["simulation"] = protocol.simulation.model_copy(update=simulation)
    if change.keys() & {"train", "test"} and protocol.split != "whole":
        raise BenchError(
            f"{file}: its split {protocol.split!r} is of its own data sets; "
            "--train and --test go with a protocol whose split is 'whole', such as cross"
        )
    return protocol.model_copy(update=change)


def _plan(protocol: Protocol, args: argparse.Namespace) -> Plan:
    where = f"protocols/{args.protocol}.toml"
    methods = args.methods.split(",") if args.methods else protocol.methods
    of_methods = "--methods" if args.methods else where
    missing = {} if args.methods else load_methods().missing
    left_out = [name for name in methods if name in missing]
    if len(left_out) < len(methods):  # a protocol runs with what there is, and says what is not
        methods = [name for name in methods if name not in left_out]
    for name in methods:  # before any data is looked for, or simulated
        found = load_methods().get("method", name, of_methods)
        if found.versions is not None:
            found.versions()  # other people's packages say whether they are there
    _check_methods(methods, args)
    if args.preset:
        protocol = with_preset(protocol, methods, args.preset, of_methods)
    for name in protocol.evaluators:
        find_toml("protocols/evaluators", "evaluator", name, where)
    device = device_of(args, methods)
    roots = find_roots(protocol, args.data, args.cache, where, simulate=args.simulate)
    if device and args.device == "auto":
        _note(f"networks compute on {device} (--device auto)")
    plan = make_plan(
        protocol,
        args.protocol,
        roots,
        methods=methods,
        seeds=protocol.seeds,
        where=of_methods,
        listing=Catalog(cache_folder(args.cache), _note),
        device=device or "cpu",
    )
    notes = [f"{name} is left out: {missing[name].reason}" for name in left_out]
    return replace(plan, notes=(*plan.notes, *notes))


def find_roots(
    protocol: Protocol,
    data: Iterable[tuple[str, Path]],
    cache: Path | None,
    where: str,
    *,
    simulate: bool,
) -> dict[str, Path]:
    """Where each data set of a protocol lies, or its simulation, made if it is not there."""
    given = dict(data)
    folder = cache_folder(cache)
    roots = {}
    for name in dict.fromkeys([*protocol.pretrain, *protocol.train, *protocol.test]):
        dataset = load_datasets().get("data set", name, where)
        if simulate or (dataset.only_simulated and name not in given):
            from rppgbench.simulation import SimulationPlan

            s = protocol.simulation
            plan = SimulationPlan(
                subjects=s.subjects, seconds=s.seconds, seed=s.seed, difficulty=s.difficulty
            )
            roots[name] = simulated_root(dataset, plan, folder)
        else:
            roots[name] = data_root(dataset, given, tell=tell)
    return roots


def with_preset(protocol: Protocol, methods: Iterable[str], preset: str, where: str) -> Protocol:
    """The protocol with a preset for those of the methods, and of their members, that have it.

    Where some have presets and none has this one, that is a fault.
    """
    params = {name: dict(p) for name, p in protocol.params.items()}
    known: set[str] = set()
    for name in methods:
        method = load_methods().get("method", name, where)
        for member in (name, *method.members):
            presets = load_methods().get("method", member, where).presets
            known.update({"paper", *presets} if presets else ())
            if presets and (preset == "paper" or preset in presets):
                params[member] = {**params.get(member, {}), "preset": preset}
    if known and preset not in known:
        raise unknown_name("preset", preset, known, where)
    return protocol.model_copy(update={"params": params})


MOST_LINES = 20
"""Of failures, and of warnings, so many are told in the terminal; the page has them all."""


def _tell(
    tally: RunSummary, plan: Plan, page: Path, n: Iterable[str], warnings: Sequence[str]
) -> None:
    """What was done, in a few lines: the page last, so that it is at hand."""
    answer(
        f"{tally.done} estimates made, {tally.found} were stored already, "
        f"over {plan.expected} recordings in {format_duration(tally.seconds)}"
    )
    failed = [f"{name}: {reason}" for name, reason in tally.failed.items()]
    for kind, lines in (("warning", warnings), ("failed", failed)):
        for line in lines[:MOST_LINES]:
            tell(f"{kind}: {one_line(line)}")
        if len(lines) > MOST_LINES:
            tell(f"{kind}: {len(lines) - MOST_LINES} more; the report names them all")
    for line in n:
        answer(one_line(line))
    answer(one_line(os.fspath(page)))
