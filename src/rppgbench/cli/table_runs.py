"""The runs that a paper's table comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rppgbench.cli.table_scale import Smoke
from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import load_methods, toml_files
from rppgbench.papers.declaration import Line
from rppgbench.system.errors import BenchError


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


def _has(protocol: Protocol, condition: str) -> bool:
    names = [c.name for c in protocol.conditions] or ["none"]
    return condition in names


def _tag(line: Line) -> str:
    """What tells a run from others of its protocol, as part of a folder's name."""
    params = {**line.setting.params, **line.method.params}
    words = [f"{line.method.method}.{k}={v}" for k, v in sorted(params.items())]
    words += [f"pretrain={'+'.join(line.setting.pretrain)}"] if line.setting.pretrain else []
    return "".join(f"-{word}" for word in words)
