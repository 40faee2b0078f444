"""Methods that run on other people's code or weights."""

from collections.abc import Mapping
from typing import Any

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Section, table_section
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table


def origin_sections(
    origins: Mapping[str, Mapping[str, Any]], *, marks: DataMarks = UNMARKED
) -> tuple[Section, ...]:
    """Which packages, licences and training data stand behind the methods that are not our own.

    `origins` are those of a run's manifest: method -> trained_on, licence, versions. Empty where
    all methods are this project's.

    Args:
        origins: What stands behind each method: `trained_on`, `licence`, `versions`.
        marks: What is simulated or imported.

    Returns:
        One section or none.
    """
    rows = []
    for name, origin in origins.items():
        if origin["licence"] or origin["versions"] or origin["trained_on"]:
            trained_on = ", ".join(origin["trained_on"]) or "not learned"
            packages = ", ".join(f"{p} {v}" for p, v in origin["versions"].items()) or "none"
            texts = (name, trained_on, packages, origin["licence"] or "not said")
            rows.append(Row(tuple(Cell(text, text) for text in texts)))
    columns = (
        Column("method", "Method", text=True),
        Column("trained_on", "Weights learned on", text=True),
        Column("versions", "Runs on", text=True),
        Column("licence", "Licence", text=True),
    )
    return table_section(
        "Methods of other projects",
        "These methods are code of other projects, run as installed. Where weights were trained "
        "on a data set that is tested here, the row is marked as leaked and is not ranked.",
        Table(
            key="origins",
            caption="Code and weights of others",
            columns=columns,
            rows=tuple(rows),
            marks=marks,
        ),
    )
