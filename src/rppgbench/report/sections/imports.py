"""Where imported predictions come from."""

from collections.abc import Mapping
from typing import Any

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Section, table_section
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table

COLUMNS = (
    Column("method", "Method", text=True),
    Column("source", "Source", text=True),
    Column("sha256", "SHA-256 of the source", text=True),
    Column("format", "Format", text=True),
    Column("assumptions", "Assumed", text=True),
    Column("references", "References", text=True),
    Column("names", "Names matched", text=True),
    Column("trained_on", "Trained on", text=True),
    Column("cite", "Cite", text=True),
)
NOTHING = {"assumptions": "nothing", "trained_on": "not said", "cite": "not said"}
"""What the table says of an empty fact."""


def import_sections(
    imports: Mapping[str, Mapping[str, Any]], *, marks: DataMarks = UNMARKED
) -> tuple[Section, ...]:
    """Source, digest, format and all assumptions of each imported method.

    Args:
        imports: Those of a manifest: method -> source, sha256, format, assumptions and others.
        marks: What is simulated or imported.

    Returns:
        One section, or none where nothing was imported.
    """
    rows = []
    for name, record in imports.items():
        texts = [name]
        for column in COLUMNS[1:]:
            value = record[column.key]
            text = "; ".join(value) if isinstance(value, list | tuple) else str(value)
            texts.append(text or NOTHING.get(column.key, ""))
        rows.append(Row(tuple(Cell(text, text) for text in texts)))
    return table_section(
        "Imported predictions",
        "These methods were not run here. Their predictions were read from files, and nothing here "
        "shows how they were made. The scores are this suite's own, by the same rules as for "
        "methods that it runs. They do not reproduce a paper's value.",
        Table(
            key="imports",
            caption="Sources of imported predictions",
            columns=COLUMNS,
            rows=tuple(rows),
            marks=marks,
        ),
    )
