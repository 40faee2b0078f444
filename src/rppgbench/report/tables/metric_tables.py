"""The score table cut down to some metrics, as a paper prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rppgbench.report.inputs import ReportInputs
from rppgbench.report.method_titles import titled_inputs
from rppgbench.report.tables.columns import BAND_EDGE, COVERAGE, METRICS, metric
from rppgbench.report.tables.scores import method_table
from rppgbench.report.tables.table import Table
from rppgbench.system.errors import unknown_name

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_METRICS = ("mae", "rmse", "r")


def check_metrics(metrics: Sequence[str]) -> None:
    """Refuse the name of a metric that there is not.

    Args:
        metrics: Names of metrics.

    Raises:
        BenchError: A name is not known.
    """
    known = [column.key for column in METRICS]
    for name in metrics:
        if name not in known:
            raise unknown_name("metric", name, known, "--metrics")


def metric_tables(
    inputs: ReportInputs, metrics: Sequence[str] = (), evaluators: Sequence[str] = ()
) -> list[Table]:
    """For each evaluator a table of some metrics: names, n, coverage where it lacks, metrics.

    Args:
        inputs: The inputs of a report.
        metrics: Names of metrics, in the order of the columns; by default MAE, RMSE and r.
        evaluators: Names of evaluators; by default the first of the inputs.

    Returns:
        The tables, methods by their titles.
    """
    page = titled_inputs(inputs)
    chosen = tuple(evaluators) or tuple(scores.name for scores in page.scores[:1])
    by_name = {scores.name: scores for scores in page.scores}
    measures = [metric(key) for key in metrics or DEFAULT_METRICS]
    return [
        _without_counts(
            method_table(
                by_name[name],
                measures=measures,
                baselines=page.baselines,
                expected=page.protocol.expected,
                marks=page.marks,
            )
        )
        for name in chosen
    ]


def _without_counts(table: Table) -> Table:
    """The table without the column of band edges, and without coverage where it is complete."""
    coverage = [column.key for column in table.columns].index(COVERAGE.key)
    complete = all(row.cells[coverage].value == 1.0 for row in table.rows)
    dropped = {BAND_EDGE.key, *([COVERAGE.key] if complete else [])}
    return table.without_columns(dropped)


def metric_rows(table: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The rows of table.csv with the columns of some metrics alone.

    Args:
        table: The rows.
        metrics: Names of metrics; none for all.

    Returns:
        The rows; what is no metric stays.
    """
    if not metrics:
        return table
    ends = ("", "_low", "_high", "_seed_std", "_covered")
    dropped = {f"{column.key}{end}" for column in METRICS for end in ends}
    dropped -= {f"{name}{end}" for name in metrics for end in ends}
    return table[[column for column in table.columns if column not in dropped]]
