"""Methods that run on other people's code or weights."""

from collections.abc import Mapping
from typing import Any

from rppgbench.report.inputs import Section
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table


def origin_sections(
    origins: Mapping[str, Mapping[str, Any]], *, simulated: bool = False
) -> tuple[Section, ...]:
    """Which packages, licences and training data stand behind the methods that are not our own.

    `origins` are those of a run's manifest: method -> trained_on, licence, versions. Empty where
    all methods are this project's.

    Args:
        origins: What stands behind each method: `trained_on`, `licence`, `versions`.
        simulated: Whether the data are simulated.

    Returns:
        One section or none.
    """
    rows = []
    for name, facts in origins.items():
        if facts["licence"] or facts["versions"] or facts["trained_on"]:
            seen = ", ".join(facts["trained_on"]) or "not learned"
            packages = ", ".join(f"{p} {v}" for p, v in facts["versions"].items()) or "none"
            texts = (name, seen, packages, facts["licence"] or "not said")
            rows.append(Row(tuple(Cell(text, text) for text in texts)))
    if not rows:
        return ()
    columns = (
        Column("method", "Method", text=True),
        Column("trained_on", "Weights learned on", text=True),
        Column("versions", "Runs on", text=True),
        Column("licence", "Licence", text=True),
    )
    table = Table(
        key="origins",
        caption="Code and weights of others",
        columns=columns,
        rows=tuple(rows),
        headers=1,
        notes=(),
        simulated=simulated,
    )
    text = (
        "These methods are code of other projects, run as installed. Where weights were trained "
        "on a data set that is tested here, the row is marked as leaked and is not ranked."
    )
    return (
        Section(
            key="origins", title="Methods of other projects", paragraphs=(text,), tables=(table,)
        ),
    )
