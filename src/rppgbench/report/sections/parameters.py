"""Error against the values of a parameter, where a run has variants of a method."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rppgbench.core.method_variants import Value, split_variant, variant_name
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.compression import Curve, compression_figure
from rppgbench.report.inputs import Scores, Section
from rppgbench.report.tables.summary_rows import records, row_name

Swept = tuple[str, str]
"""A method and the parameter that has several values."""


def parameter_sections(
    scores: Scores, *, baselines: Collection[str] = (), marks: DataMarks = UNMARKED
) -> tuple[Section, ...]:
    """A figure for each parameter of which the table has several values.

    A curve is a row of the table without the value of the parameter: where other parameters have
    several values as well, each combination of these is a curve.

    Args:
        scores: The scores of one evaluator.
        baselines: The methods that are baselines; they are not drawn.
        marks: What is simulated or imported.

    Returns:
        One section, or none where no parameter has several values.
    """
    points: dict[Swept, dict[str, dict[Value, Mapping[str, Any]]]] = {}
    for record in records(scores.summary):
        if record["method"] in baselines:
            continue
        for swept, curve, value in _places(record, scores.by):
            points.setdefault(swept, {}).setdefault(curve, {})[value] = record
    drawings = []
    for (method, parameter), by_curve in points.items():
        values = sorted({v for curve in by_curve.values() for v in curve}, key=_order)
        if len(values) < 2:
            continue
        drawing = compression_figure(
            [_curve(name, curve, values) for name, curve in by_curve.items()],
            [str(value) for value in values],
            "RMSE (bpm)",
            key=f"parameter-{method}-{parameter}",
            title=f"Error of {method} over {parameter}",
            marks=marks,
        )
        drawings += [drawing] if drawing else []
    if not drawings:
        return ()
    return (
        Section(
            key="parameters",
            title="The values of parameters",
            paragraphs=(
                "Each value is a row of the table: the same method with one parameter changed. A "
                "value that is chosen by these errors is chosen on the test data.",
            ),
            drawings=tuple(drawings),
        ),
    )


def _places(record: Mapping[str, Any], by: tuple[str, ...]) -> Iterator[tuple[Swept, str, Value]]:
    """Of each parameter of a variant: the parameter, the curve, and the value."""
    method, values = split_variant(str(record["method"]))
    for parameter, value in values.items():
        further_values = {name: other for name, other in values.items() if name != parameter}
        curve = row_name({**record, "method": variant_name(method, further_values)}, by)
        yield (method, parameter), curve, value


def _order(value: Value) -> tuple[bool, float, str]:
    """Numbers by size, then texts."""
    return isinstance(value, str), 0.0 if isinstance(value, str) else float(value), str(value)


def _curve(name: str, of_values: Mapping[Value, Mapping[str, Any]], values: list[Value]) -> Curve:
    def column(measure: str) -> tuple[float, ...]:
        return tuple(
            float(of_values[value][measure]) if value in of_values else math.nan for value in values
        )

    return Curve(
        name=name,
        measured=column("rmse"),
        low=column("rmse_low"),
        high=column("rmse_high"),
        printed=(math.nan,) * len(values),
    )
