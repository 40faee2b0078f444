"""The runs that a paper's table comes to, and their doing."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rppgbench.cli.options import folder_for_output, means_of
from rppgbench.cli.running import find_roots, with_preset
from rppgbench.content import load_methods, toml_files
from rppgbench.errors import BenchError
from rppgbench.papers.table import Line
from rppgbench.protocol import Protocol, read_protocol

if TYPE_CHECKING:
    from rppgbench.papers.measures import Held
    from rppgbench.running.store import Store

RESULTS = Path("results")
PRESET = "smoke"
EPOCHS = 1
SEEDS = 1
SUBJECTS = 4
"""As few as leave somebody to learn from and somebody to test in every split of the tables."""

SECONDS = 12.0
"""As short as leaves every method of the tables something to learn from: RhythmNet takes 11 s."""

FAILED = "run: "


@dataclass(frozen=True)
class Smoke:
    """How small simulated runs of tables are, so that all of them end within half an hour.

    A method that learns has its preset `smoke`, of whose epochs (of every parameter of it whose
    name ends in `epochs`) at most `epochs` are done, with the protocol's first seeds alone. People
    and recordings are as many and as long in every protocol, so that those that share a data set
    share its films and features. Everything is run as it would be at full size; nothing is
    learned to the end.
    """

    epochs: int = EPOCHS
    seeds: int = SEEDS
    subjects: int = SUBJECTS
    seconds: float = SECONDS

    def words(self) -> str:
        """The limits in words, as pages say them."""
        seeds = "one seed" if self.seeds == 1 else f"{self.seeds} seeds"
        epochs = f"at most {self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}"
        return (
            f"{self.subjects} people a data set, recordings of {self.seconds:g} s; methods that "
            f"learn: preset {PRESET}, {epochs}, {seeds}"
        )

    def of(self, protocol: Protocol, methods: Sequence[str], where: str) -> Protocol:
        """The protocol at this scale."""
        known = load_methods().found
        learn = list(dict.fromkeys(m for name in methods for m in _learning(name)))
        small = with_preset(
            protocol, [m for m in learn if PRESET in known[m].presets], PRESET, where
        )
        params = {name: dict(p) for name, p in small.params.items()}
        for name in learn:
            given = params.get(name, {})
            cut = {
                key: self.epochs
                for key, value in known[name].parameters(given, where).items()
                if key.endswith("epochs") and isinstance(value, int) and value > self.epochs
            }
            if cut:
                params[name] = {**given, **cut}
        size = {"subjects": self.subjects, "seconds": self.seconds}
        return small.model_copy(
            update={
                "params": params,
                "seeds": small.seeds[: self.seeds] if learn else small.seeds,
                "simulation": small.simulation.model_copy(update=size),
            }
        )

    @property
    def tag(self) -> str:
        """What tells results at this scale from others, as part of a folder's name."""
        words = [f"epochs={self.epochs}"] if self.epochs != EPOCHS else []
        words += [f"seeds={self.seeds}"] if self.seeds != SEEDS else []
        words += [f"subjects={self.subjects}"] if self.subjects != SUBJECTS else []
        words += [f"seconds={self.seconds:g}"] if self.seconds != SECONDS else []
        return "".join(f"-{word}" for word in words) + f"-{PRESET}-simulated"


def smoke_of(args: argparse.Namespace) -> Smoke | None:
    """The scale of simulated runs by the command line; None without `--simulate`."""
    if not args.simulate:
        for key in ("epochs", "subjects", "seconds"):
            if getattr(args, key) is not None:
                raise BenchError(f"bench table: --{key} goes with --simulate")
        return None
    return Smoke(args.epochs or EPOCHS, SEEDS, args.subjects or SUBJECTS, args.seconds or SECONDS)


@dataclass(frozen=True)
class Experiment:
    """One run that a table comes to: the protocol as it is run, its results folder, its lines.

    Without a `protocol` there is none, and `reason` says why.
    """

    protocol: Protocol | None
    folder: str
    lines: list[Line]
    reason: str = ""


def methods_by_run(lines: Iterable[Line]) -> dict[str, list[str]]:
    """The methods of each run that lines come to, by the name of its folder at full size."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for line in lines:
        if line.method.method:
            found[f"{line.setting.protocol}{_tag(line)}"][line.method.method] = None
    return {folder: list(methods) for folder, methods in found.items()}


def experiments(
    lines: Sequence[Line],
    smoke: Smoke | None = None,
    learned: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Experiment]:
    """Each run that a table comes to; at the scale of `smoke` where that is given.

    Lines of one protocol whose parameters do not clash are one run, so that a video is decoded
    once for all of them; each further set of parameters of a method is a run of its own.
    `learned` gives, as `methods_by_run` does, the methods of all tables that share a run: a small
    scale is theirs too, so that every table asks for the same protocol.
    """
    shipped = toml_files("protocols")
    runs: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        setting = line.setting
        if not line.method.method:
            continue
        if setting.protocol in shipped:
            runs[setting.protocol, _tag(line)].append(line)
            continue
        why = (
            f"protocol {setting.protocol!r} is not shipped yet"
            if setting.protocol
            else "there is no protocol for it"
        )
        yield Experiment(None, "", [line], f"{why}{': ' if setting.about else ''}{setting.about}")
    for (name, tag), members in runs.items():
        try:
            more = learned.get(f"{name}{tag}", ())
            yield _experiment(read_protocol(shipped[name]), f"{name}{tag}", members, smoke, more)
        except BenchError as error:
            yield Experiment(None, "", members, str(error))


def _experiment(
    protocol: Protocol, folder: str, lines: list[Line], smoke: Smoke | None, more: Sequence[str]
) -> Experiment:
    first = lines[0]
    where = f"protocols/{first.setting.protocol}.toml"
    methods = list(dict.fromkeys(line.method.method for line in lines))
    params = {m: dict(p) for m, p in protocol.params.items()}
    extra = {**first.setting.params, **first.method.params}
    if extra:
        params[first.method.method] = {**params.get(first.method.method, {}), **extra}
    protocol = protocol.model_copy(
        update={"params": params, "pretrain": first.setting.pretrain or protocol.pretrain}
    )
    absent = sorted({c for line in lines if not _has(protocol, c := line.setting.condition)})
    if absent:
        text = f"protocol {first.setting.protocol!r} has no condition {', '.join(absent)}"
        raise BenchError(text)
    for method in methods:
        load_methods().get("method", method, where)
    if smoke is None:
        return Experiment(protocol, folder, lines)
    known = [name for name in more if name in load_methods().found]
    small = smoke.of(protocol, sorted({*methods, *known}), where)
    return Experiment(small, f"{folder}{smoke.tag}", lines)


def _learning(name: str) -> Iterator[str]:
    """Of a method and its members those that learn; the floor learns a mean, and has no epochs."""
    known = load_methods().found
    for member in (name, *known[name].combines):
        if member in known and known[member].fit is not None and not known[member].floor:
            yield member


def _has(protocol: Protocol, condition: str) -> bool:
    names = [c.name for c in protocol.conditions] or ["none"]
    return condition in names


def _tag(line: Line) -> str:
    """What tells a run from others of its protocol, as part of a folder's name."""
    params = {**line.setting.params, **line.method.params}
    words = [f"{line.method.method}.{k}={v}" for k, v in sorted(params.items())]
    words += [f"pretrain={'+'.join(line.setting.pretrain)}"] if line.setting.pretrain else []
    return "".join(f"-{word}" for word in words)


def stored_results(
    one: Experiment,
    methods: Sequence[str],
    given: Mapping[str, Held],
    args: argparse.Namespace,
    *,
    simulate: bool,
) -> tuple[list[Held], str]:
    """The results that may fill an experiment's lines, nearest first, and why there are not more.

    What is missing of `methods` is run first, where that can be. A reason that begins with
    `FAILED` is of a run that failed. BenchError where what is stored is not whole.
    """
    from rppgbench.papers.measures import hold
    from rppgbench.running.store import Store

    if one.protocol is None:
        return [], one.reason
    protocol, place = one.protocol, RESULTS / one.folder
    fit = [h for h in given.values() if h.simulated == simulate and _near(h, protocol)]
    exact = [h for h in fit if h.manifest["protocol"]["digest"] == protocol.digest]
    if exact:
        place = exact[0].store.folder
    store = Store(place)
    why = _run(one, protocol, store, methods, args, simulate=simulate)
    if why.startswith(FAILED) or not _is_there(store):
        stores = []
    else:
        stores = [held for held in [hold(store)] if held.simulated == simulate]
    return [*stores, *(h for h in fit if h.store.folder != place)], why


def _near(held: Held, protocol: Protocol) -> bool:
    """Whether results are of the same data: those of another split then say so in the table."""
    return bool(held.manifest["protocol"].get("test") == protocol.test)


def _run(
    one: Experiment,
    protocol: Protocol,
    store: Store,
    methods: Sequence[str],
    args: argparse.Namespace,
    *,
    simulate: bool,
) -> str:
    """Do what is missing of these methods; empty, or why nothing was done.

    What else is in the results folder stays in its plan.
    """
    if args.stored:
        return "nothing of this row is stored, and --stored runs nothing"
    manifest = store.manifest if _is_there(store) else {}
    if manifest:
        blocked = _in_the_way(protocol, store, manifest, simulate=simulate)
        if blocked:
            return blocked
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.running.plan import make_plan
    from rppgbench.running.runner import run

    name = one.lines[0].setting.protocol
    where = f"protocols/{name}.toml"
    held = [m for m in manifest.get("methods", ()) if m in load_methods().found]
    names = list(dict.fromkeys([*methods, *held]))
    try:
        roots = find_roots(protocol, args.data, args.cache, where, simulate=simulate)
    except BenchError as error:
        return str(error)
    try:
        plan = make_plan(protocol, name, roots, methods=names, seeds=protocol.seeds, where=where)
        if any(recording.simulated != simulate for recording in plan.recordings.values()):
            return f"the data in {', '.join(map(str, roots.values()))} is simulated; use --simulate"
        folder_for_output(store.folder)
        if not manifest or store.planned() != {j.digest for j in plan.jobs} or store.missing():
            print(f"running {name} into {store.folder}: {', '.join(names)}", file=sys.stderr)
            cache = cache_folder(args.cache)
            run(plan, store, means_of(args, cache))
    except BenchError as error:
        return f"{FAILED}{error}"
    return ""


def _is_there(store: Store) -> bool:
    return (store.folder / "manifest.json").is_file()


def _in_the_way(
    protocol: Protocol, store: Store, manifest: Mapping[str, Any], *, simulate: bool
) -> str:
    """Why a results folder cannot take the run's results; empty where it can."""
    if manifest["protocol"]["digest"] != protocol.digest:
        return f"{store.folder} holds results of another version of the protocol; move it away"
    if any(seen.simulated != simulate for seen in store.observed().values()):
        kind = "genuine" if simulate else "simulated"
        return f"{store.folder} holds {kind} results; move it away"
    return ""
