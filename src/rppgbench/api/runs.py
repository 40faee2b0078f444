"""A run of a protocol from Python, as `bench run` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from rppgbench.analysis.build_report import build_report
from rppgbench.api.results import Results, load_results
from rppgbench.datasets.roots import cache_folder
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.run_setup import prepare_run
from rppgbench.execution.runner import run as run_plan
from rppgbench.system.errors import unknown_name


def run(
    protocol: str,
    *,
    methods: Sequence[str] = (),
    data: Mapping[str, str | Path] | None = None,
    simulate: bool = False,
    jobs: int | None = None,
    out: str | Path | None = None,
    cache: str | Path | None = None,
    quiet: bool = True,
    **options: Any,
) -> Results:
    """Do what is missing of a protocol, score everything and write the page.

    Estimates that are stored in the results folder already are not made again.

    Args:
        protocol: the protocol, as `list_protocols` names it.
        methods: names of methods; empty for those of the protocol.
        data: the root of each data set by name; others come from the environment or `bench.toml`.
        simulate: run on simulated recordings in the native layout of each data set.
        jobs: processes of this machine; None is one process.
        out: the results folder; None for `results/PROTOCOL`.
        cache: folder of features and simulated data; None for that of the command line.
        quiet: show no progress.
        **options: further fields of `rppgbench.execution.run_options.RunOptions`, such as
            `subjects=3`, `seconds=11.0`, `seeds=(0,)` or `preset="smoke"`.

    Returns:
        The results. Recordings that failed have a reason in `.recordings` and `.estimates`.

    Raises:
        BenchError: a name is unknown, an option is unknown or has no effect, data is missing.
        MachineError: the machine prevented an estimate; the next run makes it.
    """
    option_names = [field.name for field in fields(RunOptions)]
    for name in options:
        if name not in option_names:
            raise unknown_name("option", name, option_names, "run")
    prepared = prepare_run(
        protocol,
        RunOptions(
            methods=tuple(methods),
            data={name: Path(root).expanduser() for name, root in (data or {}).items()},
            simulate=simulate,
            jobs=jobs,
            cache=cache_folder(None if cache is None else Path(cache)),
            quiet=quiet,
            **{"command": f"rppgbench.run({protocol!r})", **options},
        ),
        None if out is None else Path(out).expanduser(),
        lambda line: None,
    )
    run_plan(prepared.plan, prepared.store, prepared.options)
    folder = prepared.store.folder
    build_report(prepared.store, folder / "report.html")
    return load_results(folder)
