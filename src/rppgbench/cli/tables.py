"""bench table: a paper's table beside what we measure."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.arguments import folder_for_output
from rppgbench.cli.running import find_roots, with_preset
from rppgbench.content import find_toml, load_methods, toml_files
from rppgbench.errors import BenchError
from rppgbench.paper_table import Line, NotRun, PaperTable, read_table
from rppgbench.protocol import Protocol, read_protocol

if TYPE_CHECKING:
    from rppgbench.paper_measures import Held
    from rppgbench.report.inputs import Scores
    from rppgbench.report.paper_page import PaperPage
    from rppgbench.report.paper_tables import Fill, Place

SUFFIXES = {"html": "html", "latex": "tex", "markdown": "md", "csv": "csv"}
RESULTS = Path("results")
SMOKE = "smoke"


@dataclass
class Filled:
    """What fills the lines of one table, with the scores behind it, from one kind of data."""

    fills: dict[Place, Fill] = field(default_factory=dict)
    behind: dict[Place, tuple[Held, Scores]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def make_tables(args: argparse.Namespace) -> int:
    """Fill one table, or all, from stored results and from runs of what is missing."""
    if bool(args.name) == args.all:
        raise BenchError("bench table: give the NAME of a table (bench list reports), or --all")
    if args.evaluator:
        find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    names = list(toml_files("reports")) if args.all else [args.name]
    files = {name: find_toml("reports", "table", name, "bench table") for name in names}
    given = _given(args.results)
    pages: list[PaperPage] = []
    failed: list[str] = []
    for name, file in files.items():
        page, why = _page(name, file, given, args)
        pages.append(page)
        failed += why
    for line in dict.fromkeys(failed):
        print(f"failed: {line}", file=sys.stderr)
    _write(pages, args)
    return SOME_FAILED if failed else DONE


def _page(
    name: str, file: Path, given: Mapping[str, Held], args: argparse.Namespace
) -> tuple[PaperPage, list[str]]:
    from rppgbench.paper_figures import figures
    from rppgbench.report.paper_page import PaperPage

    table, lines = read_table(file)
    real = _filled(table, lines, given, args, simulate=False)
    made = _filled(table, lines, given, args, simulate=True) if args.simulate else None
    drawn = made if made is not None and not real.behind else real
    page = PaperPage(
        name,
        table,
        tuple(lines),
        real.fills,
        None if made is None else made.fills,
        tuple(figures(table, lines, drawn.fills, drawn.behind)),
        args.command_line,
    )
    return page, [*real.failed, *(made.failed if made else ())]


def _given(folders: Sequence[Path]) -> dict[str, Held]:
    """The results folders of the command line by their path, all read before anything is made."""
    from rppgbench.paper_measures import hold
    from rppgbench.store import Store

    return {str(folder): hold(Store(folder)) for folder in folders}


def _filled(
    table: PaperTable,
    lines: Sequence[Line],
    given: Mapping[str, Held],
    args: argparse.Namespace,
    *,
    simulate: bool,
) -> Filled:
    """Fill what can be filled from genuine, or from simulated recordings."""
    from rppgbench.paper_measures import measure

    filled = Filled()
    for protocol, name, members, reason in _experiments(table, lines, simulate=simulate):
        if protocol is None:
            for line in members:
                filled.fills[_place(line)] = NotRun(reason)
            continue
        stores, why = _stored(protocol, name, members, given, args, simulate=simulate)
        if why.startswith("run: "):
            filled.failed.append(f"{name}: {why.removeprefix('run: ')}")
        for line in members:
            for held in stores:
                found = measure(
                    held,
                    line,
                    protocol,
                    list(table.measures.values()),
                    evaluator=args.evaluator or "",
                )
                if found is not None:
                    filled.fills[_place(line)] = found[0]
                    filled.behind[_place(line)] = (held, found[1])
                    break
            else:
                text = why.removeprefix("run: ") or "nothing of this row is stored"
                filled.fills[_place(line)] = NotRun(text, _hours(line, protocol))
    return filled


def _place(line: Line) -> Place:
    return line.setting.label, line.method.printed


def _hours(line: Line, protocol: Protocol) -> float:
    from rppgbench.report.paper_tables import estimated_hours

    known = load_methods().found
    own = known.get(line.method.method)
    members = own.combines or (own.name,) if own else ()
    learns = any(known[m].fit is not None and not known[m].floor for m in members if m in known)
    return estimated_hours(line, learns=learns, seeds=len(protocol.seeds))


def _experiments(
    table: PaperTable, lines: Sequence[Line], *, simulate: bool
) -> Iterator[tuple[Protocol | None, str, list[Line], str]]:
    """Protocol, folder name and lines of each run that a table comes to, or why there is none.

    Lines of one protocol whose parameters do not clash are one run, so that a video is decoded
    once for all of them; each further set of parameters of a method is a run of its own.
    """
    shipped = toml_files("protocols")
    runs: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        method, setting = line.method.method, line.setting
        if not method:
            continue
        if setting.protocol not in shipped:
            why = (
                f"protocol {setting.protocol!r} is not shipped yet"
                if setting.protocol
                else "there is no protocol for it"
            )
            yield None, "", [line], f"{why}{': ' if setting.about else ''}{setting.about}"
            continue
        runs[setting.protocol, _tag(line)].append(line)
    for (name, tag), members in runs.items():
        protocol = read_protocol(shipped[name])
        first = members[0]
        where = f"protocols/{name}.toml"
        methods = list(dict.fromkeys(line.method.method for line in members))
        params = {m: dict(p) for m, p in protocol.params.items()}
        extra = {**first.setting.params, **first.method.params}
        if extra:
            params[first.method.method] = {**params.get(first.method.method, {}), **extra}
        protocol = protocol.model_copy(
            update={"params": params, "pretrain": first.setting.pretrain or protocol.pretrain}
        )
        absent = [c for c in {line.setting.condition for line in members} if not _has(protocol, c)]
        if absent:
            text = f"protocol {name!r} has no condition {', '.join(sorted(absent))}"
            yield None, "", members, text
            continue
        folder = f"{name}{tag}"
        try:
            for method in methods:
                load_methods().get("method", method, where)
            if simulate:
                small = [m for m in methods if _has_smoke(m)]
                changed = with_preset(protocol, small, SMOKE, where)
                folder += f"-{SMOKE}-simulated" if changed != protocol else "-simulated"
                protocol = changed
        except BenchError as error:
            yield None, "", members, str(error)
            continue
        yield protocol, folder, members, ""


def _has_smoke(name: str) -> bool:
    known = load_methods().found
    return any(SMOKE in known[m].presets for m in (name, *known[name].combines) if m in known)


def _has(protocol: Protocol, condition: str) -> bool:
    names = [c.name for c in protocol.conditions] or ["none"]
    return condition in names


def _tag(line: Line) -> str:
    """What tells a run from others of its protocol, as part of a folder's name."""
    params = {**line.setting.params, **line.method.params}
    words = [f"{line.method.method}.{k}={v}" for k, v in sorted(params.items())]
    words += [f"pretrain={'+'.join(line.setting.pretrain)}"] if line.setting.pretrain else []
    return "".join(f"-{word}" for word in words)


def _stored(
    protocol: Protocol,
    name: str,
    lines: Sequence[Line],
    given: Mapping[str, Held],
    args: argparse.Namespace,
    *,
    simulate: bool,
) -> tuple[list[Held], str]:
    """The results that may fill these lines, nearest first, and why there are not more."""
    from rppgbench.paper_measures import hold
    from rppgbench.store import Store

    place = RESULTS / name
    fit = [h for h in given.values() if h.simulated == simulate and _near(h, protocol)]
    exact = [h for h in fit if h.manifest["protocol"]["digest"] == protocol.digest]
    if exact:
        place = exact[0].store.folder
    stored = hold(Store(place)) if (place / "manifest.json").is_file() else None
    why = _run(protocol, place, lines, stored, args, simulate=simulate)
    if not why:
        stored = hold(Store(place))
    stores = [stored] if stored is not None and stored.simulated == simulate else []
    return [*stores, *(h for h in fit if h.store.folder != place)], why


def _near(held: Held, protocol: Protocol) -> bool:
    """Whether results are of the same data: those of another split then say so in the table."""
    return bool(held.manifest["protocol"].get("test") == protocol.test)


def _run(
    protocol: Protocol,
    place: Path,
    lines: Sequence[Line],
    stored: Held | None,
    args: argparse.Namespace,
    *,
    simulate: bool,
) -> str:
    """Do what is missing of these lines; empty, or why nothing was done.

    A reason that begins with "run: " is a run that failed. What else is in the results folder
    stays in its plan.
    """
    if args.stored:
        return "nothing of this row is stored, and --stored runs nothing"
    blocked = _in_the_way(protocol, stored, simulate=simulate)
    if blocked:
        return blocked
    from rppgbench.plan import make_plan
    from rppgbench.roots import cache_folder
    from rppgbench.runner import Means, run
    from rppgbench.store import Store

    name = lines[0].setting.protocol
    where = f"protocols/{name}.toml"
    held = [m for m in stored.manifest["methods"] if m in load_methods().found] if stored else []
    methods = list(dict.fromkeys([*(line.method.method for line in lines), *held]))
    try:
        roots = find_roots(protocol, args.data, args.cache, where, simulate=simulate)
    except BenchError as error:
        return str(error)
    try:
        plan = make_plan(protocol, name, roots, methods=methods, seeds=protocol.seeds, where=where)
        if any(recording.simulated != simulate for recording in plan.recordings.values()):
            return f"the data in {', '.join(map(str, roots.values()))} is simulated; use --simulate"
        store = Store(folder_for_output(place))
        if stored is None or store.planned() != {j.digest for j in plan.jobs} or store.missing():
            print(f"running {name} into {place}: {', '.join(methods)}", file=sys.stderr)
            run(
                plan,
                store,
                Means(cache_folder(args.cache), args.jobs, args.device, args.command_line),
            )
    except BenchError as error:
        return f"run: {error}"
    return ""


def _in_the_way(protocol: Protocol, stored: Held | None, *, simulate: bool) -> str:
    """Why a results folder cannot take the run's results; empty where it can."""
    if stored is None:
        return ""
    place = stored.store.folder
    if stored.manifest["protocol"]["digest"] != protocol.digest:
        return f"{place} holds results of another version of the protocol; move it away"
    if stored.simulated != simulate:
        return f"{place} holds {'genuine' if simulate else 'simulated'} results; move it away"
    return ""


def _write(pages: Sequence[PaperPage], args: argparse.Namespace) -> None:
    """Everything is made in memory before the first file is written."""
    from rppgbench.report.paper_page import index_html, write_text

    if not args.all:
        (page,) = pages
        kind = args.format or "html"
        text = page.text(kind)
        if args.out is None and kind != "html":
            print(text, end="")
            return
        out = args.out or RESULTS / "tables" / _file(page, kind)
        folder_for_output(out.parent)
        print(write_text(out, text))
        return
    kinds = [args.format] if args.format else list(SUFFIXES)
    folder = args.out or RESULTS / "tables"
    texts = {_file(page, kind): page.text(kind) for page in pages for kind in kinds}
    links = [(page, {kind: _file(page, kind) for kind in kinds}) for page in pages]
    texts["index.html"] = index_html(links, args.command_line)
    folder_for_output(folder)
    for name, text in texts.items():
        write_text(folder / name, text)
    print(folder / "index.html")


def _file(page: PaperPage, kind: str) -> str:
    prefix = "SIMULATED_" if page.simulated is not None else ""
    return f"{prefix}{page.name}.{SUFFIXES[kind]}"
