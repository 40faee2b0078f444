"""The runs behind the lines of a paper's table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import load_methods, toml_files
from rppgbench.execution.run_choice import selection_changes
from rppgbench.execution.run_options import RunOptions
from rppgbench.papers.declaration import Line
from rppgbench.papers.method_members import ensemble_members
from rppgbench.papers.smoke_scale import SmokeScale
from rppgbench.system.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run behind lines of a table.

    Attributes:
        protocol: the protocol as it is run; None where there is none.
        folder: the name of its results folder.
        lines: the lines that it fills.
        reason: why there is no protocol, or "".
        every_epoch: whether the models of all epochs are tested.
        declared: the protocol without what the options change in it.
    """

    protocol: Protocol | None
    folder: str
    lines: list[Line]
    reason: str = ""
    every_epoch: bool = False
    declared: Protocol | None = None


def methods_by_run(lines: Iterable[Line]) -> dict[str, list[str]]:
    """Return the methods of each run behind these lines, by its folder's name at full size."""
    methods: dict[str, dict[str, None]] = defaultdict(dict)
    for line in lines:
        if line.method.method:
            methods[f"{line.setting.protocol}{_tag(line)}"][line.method.method] = None
    return {folder: list(names) for folder, names in methods.items()}


def experiments(
    lines: Sequence[Line],
    options: RunOptions,
    scale: SmokeScale | None = None,
    learned: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Experiment]:
    """Yield each run behind the lines of a table.

    Lines of one protocol whose parameters do not clash are one run, so that a video is decoded
    once for all of them. Each further set of parameters of a method is a run of its own.

    Args:
        lines: the lines of the table.
        options: `seeds` and `params` are used, which make other runs of the protocols.
        scale: the small scale of simulated runs; None for full size.
        learned: the methods of all tables that share a run, from `methods_by_run`. A small scale
            changes their parameters too, so that every table asks for the same protocol.
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
        reason = (
            f"protocol {setting.protocol!r} is not shipped yet"
            if setting.protocol
            else "there is no protocol for it"
        )
        reason += f": {setting.about}" if setting.about else ""
        yield Experiment(protocol=None, folder="", lines=[line], reason=reason)
    for (name, tag), members in runs.items():
        try:
            protocol = _experiment_protocol(read_protocol(shipped[name]), members)
            folder = f"{name}{tag}"
            if scale is not None:
                methods = {line.method.method for line in members}
                declared = load_methods().available
                methods |= {method for method in learned.get(folder, ()) if method in declared}
                protocol = scale.scale(protocol, sorted(methods), f"protocols/{name}.toml")
                folder += scale.tag
            used = {line.method.method for line in members}
            changes = selection_changes(protocol, _options_of(used, options))
            yield Experiment(
                protocol=protocol.model_copy(update=changes),
                folder=folder + _selection_tag(used, options),
                declared=protocol,
                lines=members,
                every_epoch=members[0].method.epoch == "best",
            )
        except BenchError as error:
            yield Experiment(protocol=None, folder="", lines=members, reason=str(error))


def _experiment_protocol(protocol: Protocol, lines: Sequence[Line]) -> Protocol:
    """Return a protocol with the parameters of a run, which all its lines share.

    Raises:
        BenchError: a method is unknown, or the protocol lacks a condition of a line.
    """
    first = lines[0]
    origin = f"protocols/{first.setting.protocol}.toml"
    params = {method: dict(values) for method, values in protocol.params.items()}
    more = {**first.setting.params, **first.method.params}
    if more:
        params[first.method.method] = {**params.get(first.method.method, {}), **more}
    protocol = protocol.model_copy(
        update={"params": params, "pretrain": first.setting.pretrain or protocol.pretrain}
    )
    conditions = [c.name for c in protocol.conditions] or ["none"]
    absent = sorted({line.setting.condition for line in lines} - set(conditions))
    if absent:
        raise BenchError(
            f"protocol {first.setting.protocol!r} has no condition {', '.join(absent)}"
        )
    for line in lines:
        load_methods().get("method", line.method.method, origin)
    return protocol


def _tag(line: Line) -> str:
    """Return the part of a folder's name that tells a run from others of its protocol."""
    params = {**line.setting.params, **line.method.params}
    parts = [f"{line.method.method}.{k}={v}" for k, v in sorted(params.items())]
    pretrain = line.setting.pretrain
    parts += [f"pretrain={'+'.join(pretrain)}"] if pretrain else []
    parts += ["every_epoch"] if line.method.epoch == "best" else []
    return "".join(f"-{part}" for part in parts)


def _options_of(methods: set[str], options: RunOptions) -> RunOptions:
    """The options with the parameters of these methods, and of their members, alone."""
    every = methods | {member for name in methods for member in ensemble_members(name)}
    return replace(options, params={m: v for m, v in options.params.items() if m in every})


def _selection_tag(methods: set[str], options: RunOptions) -> str:
    """The part of a folder's name that tells runs with other seeds or parameters apart."""
    chosen = _options_of(methods, options)
    parts = [f"seeds={'+'.join(map(str, chosen.seeds))}"] if chosen.seeds else []
    parts += [f"{m}.{k}={v}" for m, values in chosen.params.items() for k, v in values.items()]
    return "".join(f"-{part}" for part in parts)
