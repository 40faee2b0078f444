"""Papers' tables filled from stored results and from runs of what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import find_toml, load_methods, toml_files
from rppgbench.datasets.roots import check_roots
from rppgbench.execution.method_groups import METHOD_GROUPS, expand_groups
from rppgbench.execution.run_options import RunOptions, refuse_unused
from rppgbench.papers.declaration import Line, Measured, NotRun, PaperTable, read_table
from rppgbench.papers.experiments import Experiment, experiments, methods_by_run
from rppgbench.papers.figures import draw_figures
from rppgbench.papers.measures import measure_line, why_not_whole
from rppgbench.papers.method_members import ensemble_members
from rppgbench.papers.page import PaperPage
from rppgbench.papers.row_hours import row_hours
from rppgbench.papers.rows import CellContent, LineKey, line_key
from rppgbench.papers.smoke_scale import SmokeScale, smoke_scale
from rppgbench.papers.stored_runs import Log, StoredRuns
from rppgbench.report.inputs import Scores
from rppgbench.system.errors import BenchError, unknown_name


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """The options of `bench table` besides those of the runs.

    Attributes:
        folders: further results folders that may fill lines.
        stored: run nothing.
        evaluator: the evaluator in place of those of the table, or "".
        epochs: limit of epochs on simulated data; None for the default.
        dry_run: plan, and run nothing.
    """

    folders: Sequence[Path] = ()
    stored: bool = False
    evaluator: str = ""
    epochs: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class TableRuns:
    """One table with the runs behind its lines, on genuine and on simulated data."""

    name: str
    table: PaperTable
    lines: list[Line]
    genuine: list[Experiment]
    simulated: list[Experiment] | None


@dataclass
class FilledLines:
    """What fills the lines of one table from one kind of data, and the results behind it."""

    fills: dict[LineKey, CellContent] = field(default_factory=dict)
    behind: dict[LineKey, tuple[StoredResults, Scores]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FilledTables:
    """The pages of tables, the runs that failed, and the folders that filled no line.

    `costs` say what each run takes, a line for each part.
    """

    pages: list[PaperPage]
    failed: list[str]
    unused: list[Path]
    costs: list[str]


def fill_tables(
    names: Sequence[str], options: RunOptions, table_options: TableOptions, log: Log
) -> FilledTables:
    """Fill tables from stored results and from runs of what is missing.

    Args:
        names: names of tables, as `bench list reports` shows them.
        options: the options of the runs; with `simulate` there are simulated columns too.
        table_options: the other options.
        log: takes lines on the runs.

    Raises:
        BenchError: a name is unknown, an option has no effect, stored results are damaged.
    """
    if table_options.evaluator:
        find_toml("protocols/evaluators", "evaluator", table_options.evaluator, "--evaluator")
    if table_options.stored:
        refuse_unused(
            options,
            ["data", "jobs", "scheduler", "methods", "folds", "every_epoch"],
            "beside --stored, which runs nothing",
        )
    scale = smoke_scale(options, table_options.epochs)
    learned = methods_by_run(_all_lines()) if scale else {}
    options = _with_methods_of_tables(names, options)
    tables = [_table_runs(name, scale, learned, options) for name in names]
    protocols = [run.protocol for table in tables for run in table.genuine if run.protocol]
    dataset_names = [name for p in protocols for name in p.datasets]
    check_roots(options.data, dataset_names, "the table")
    stored = StoredRuns(
        _methods_of_folders(tables),
        options,
        folders=table_options.folders,
        run_missing=not table_options.stored,
        dry_run=table_options.dry_run,
        log=log,
    )
    scale_text = scale.describe() if scale else ""
    pages: list[PaperPage] = []
    failed: list[str] = []
    for table in tables:
        page, failures = _fill_page(table, stored, scale_text, options, table_options.evaluator)
        pages.append(page)
        failed += failures
    return FilledTables(
        pages=pages, failed=list(dict.fromkeys(failed)), unused=stored.unused(), costs=stored.costs
    )


def _with_methods_of_tables(names: Sequence[str], options: RunOptions) -> RunOptions:
    """The options with those methods of each group that a table has.

    A row of a table has one value of each parameter.

    Args:
        names: the tables.
        options: the options of the runs.

    Raises:
        BenchError: no table has a method of the options, or no method has a parameter of them.
    """
    for name, several in options.sweeps.items():
        parameter = next(iter(several))
        texts = ",".join(map(str, several[parameter]))
        raise BenchError(
            f"--param: {name}.{parameter}={texts}: a row of a table has one value; give one, or "
            "make rows of several with bench run"
        )
    lines = (
        line
        for name in names
        for line in read_table(find_toml("reports", "table", name, "bench table"))[1]
    )
    known = dict.fromkeys(line.method.method for line in lines if line.method.method)
    named = [name for name in options.methods if name not in METHOD_GROUPS]
    for option, chosen in (("--methods", named), ("--param", options.params)):
        members = [m for name in known for m in ensemble_members(name)]
        allowed = [*known, *(members if option == "--param" else ())]
        for name in chosen:
            if name not in allowed:
                raise unknown_name("row with the method", name, allowed, option)
    for name, values in options.params.items():
        load_methods().get("method", name, "--param").parameters(values, "--param")
    methods = tuple(name for name in expand_groups(options.methods) if name in known)
    if options.methods and not methods:
        raise BenchError(
            f"--methods: no row with a method of {', '.join(options.methods)}; rows have "
            f"{', '.join(sorted(known)) or 'no methods'}"
        )
    return replace(options, methods=methods)


def _table_runs(
    name: str,
    scale: SmokeScale | None,
    learned: Mapping[str, Sequence[str]],
    options: RunOptions,
) -> TableRuns:
    table, lines = read_table(find_toml("reports", "table", name, "bench table"))
    simulated = None if scale is None else list(experiments(lines, options, scale, learned))
    return TableRuns(
        name=name,
        table=table,
        lines=lines,
        genuine=list(experiments(lines, options)),
        simulated=simulated,
    )


def _all_lines() -> Iterator[Line]:
    """Yield the lines of all tables that there are."""
    for file in toml_files("reports").values():
        yield from read_table(file)[1]


def _methods_of_folders(tables: Sequence[TableRuns]) -> dict[str, list[str]]:
    """Return the methods of each results folder over all tables."""
    methods: dict[str, dict[str, None]] = defaultdict(dict)
    for table in tables:
        for run in [*table.genuine, *(table.simulated or ())]:
            methods[run.folder].update((line.method.method, None) for line in run.lines)
    return {folder: list(names) for folder, names in methods.items()}


def _fill_page(
    runs: TableRuns, stored: StoredRuns, scale: str, options: RunOptions, evaluator: str
) -> tuple[PaperPage, list[str]]:
    table, lines = runs.table, runs.lines
    genuine = _fill_lines(runs.genuine, table, stored, evaluator, simulate=False)
    simulated = None
    if runs.simulated is not None:
        simulated = _fill_lines(runs.simulated, table, stored, evaluator, simulate=True)
    figure_source = simulated if simulated is not None and not genuine.behind else genuine
    page = PaperPage(
        name=runs.name,
        table=table,
        lines=tuple(lines),
        fills=genuine.fills,
        simulated=None if simulated is None else simulated.fills,
        drawings=tuple(draw_figures(table, lines, figure_source.fills, figure_source.behind)),
        command=options.command,
        scale=scale,
    )
    return page, [*genuine.failed, *(simulated.failed if simulated else ())]


def _fill_lines(
    runs: Sequence[Experiment],
    table: PaperTable,
    stored: StoredRuns,
    evaluator: str,
    *,
    simulate: bool,
) -> FilledLines:
    filled = FilledLines()
    measures = list(table.measures.values())
    for run in runs:
        run_results = stored.find(run, simulate=simulate)
        if run_results.failed:
            filled.failed.append(f"{run.folder}: {run_results.reason}")
        filled.failed += [f"{run.folder}: {m}: {text}" for m, text in run_results.failures.items()]
        for line in run.lines:
            measured = _measure(line, run.declared, run_results.results, measures, evaluator)
            if isinstance(measured, tuple):
                filled.fills[line_key(line)] = measured[1]
                filled.behind[line_key(line)] = (measured[0], measured[2])
                continue
            method = line.method.method
            hours = row_hours(line, run.declared) if run.declared else None
            text = run_results.failures.get(method) or measured or run_results.why_missing(method)
            failed = run_results.has_failed(method) or bool(measured)
            filled.fills[line_key(line)] = NotRun(text, hours, failed=failed)
    return filled


def _measure(
    line: Line,
    protocol: Protocol | None,
    stores: Sequence[StoredResults],
    measures: Sequence[str],
    evaluator: str,
) -> tuple[StoredResults, Measured, Scores] | str:
    """Measure a line in the first of the results that hold it whole; else say why not, or ""."""
    reasons = []
    for results in stores if protocol is not None else ():
        assert protocol is not None
        if reason := why_not_whole(results, line):
            reasons.append(reason)
            continue
        measured = measure_line(results, line, protocol, measures, evaluator=evaluator)
        if measured is not None:
            return results, *measured
    return next(iter(reasons), "")
